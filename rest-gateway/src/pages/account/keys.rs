//! Keys and billing: what opens the account, which apps are let in, what it costs, and how assistants are connected.

use axum::Form;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use entity::customers::{Customer, SubscriptionState};
use entity::db::{Db, now};
use entity::ids::{GrantId, KeyId};
use entity::keys::{self, ApiKey, NewKey, PlainKey};
use entity::oauth::{self, App};
use entity::scopes::{Scope, Scopes};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::{Deserialize, Serialize};
use web::connect::{Connect, KEY_PLACEHOLDER};
use web::rate_limit;
use web::session::{LOGIN_PATH, NoVisitor, SameOrigin, Visitor, see_other};
use web::{ApiError, timestamp};

use super::said::{Said, refusal};
use super::{Frame, Section, home};
use crate::Gateway;
use crate::billing::Billing;
use crate::oauth::redirect;
use crate::pages::{Site, connection_test, words};
use crate::routes::keys::scopes_within;

/// What was just done here.
#[derive(Debug, Deserialize)]
pub struct KeysQuery {
    said: Option<String>,
}

/// The keys, the plan, and how to connect an assistant.
pub async fn show(desk: Desk, Query(query): Query<KeysQuery>) -> Result<Response, ApiError> {
    desk.page(Said::done(query.said.as_deref()), KeyForm::default(), None).await
}

/// What the new key is to be.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct KeyForm {
    #[serde(default)]
    label: String,
    /// Days; none for a key that does not expire.
    #[serde(default)]
    expires: String,
    /// `read`, `write` or everything.
    #[serde(default)]
    may: String,
}

/// Makes a key and shows it, this once.
pub async fn create(_: SameOrigin, desk: Desk, Form(form): Form<KeyForm>) -> Result<Response, ApiError> {
    let expires_at = match form.expires.as_str() {
        "30" | "90" | "365" => form.expires.parse().ok().map(|days| now() + Duration::days(days)),
        _ => None,
    };
    let asked = match form.may.as_str() {
        "read" => Some(Scopes::from_iter([Scope::Read])),
        "write" => Some(Scopes::from_iter([Scope::Read, Scope::Write])),
        _ => None,
    };
    let scopes = match scopes_within(asked, desk.visitor.key.scopes) {
        Ok(scopes) => scopes,
        Err(error) => return desk.refused(error, form).await,
    };
    let new = NewKey {
        made_by: Some(desk.visitor.key.id.clone()),
        label: Some(form.label.clone()),
        expires_at,
        scopes: Some(scopes),
        ..NewKey::default()
    };
    match keys::create(&desk.gateway.db, &desk.visitor.customer.id, new).await {
        Ok(made) => {
            let page = desk.page(Said::default(), KeyForm::default(), Some(made)).await?;
            Ok((StatusCode::CREATED, page).into_response())
        }
        Err(error) => desk.refused(error.into(), form).await,
    }
}

/// Which key.
#[derive(Debug, Deserialize)]
pub struct KeyPath {
    key_id: String,
}

/// Takes a key out of use for good. Whoever came with it is logged out by that.
pub async fn revoke(_: SameOrigin, desk: Desk, Path(path): Path<KeyPath>) -> Result<Response, ApiError> {
    let Visitor { customer, key: own, .. } = &desk.visitor;
    let key_id: KeyId = path.key_id.parse().map_err(|_| ApiError::not_found())?;
    match keys::revoke_unless_last(&desk.gateway.db, &customer.id, &key_id).await {
        Ok(_) if own.id == key_id => Ok(see_other(LOGIN_PATH)),
        Ok(_) => Ok(see_other(&format!("{}/keys?said=revoked", home(&customer.id)))),
        Err(error) => desk.refused(error.into(), KeyForm::default()).await,
    }
}

/// Which app.
#[derive(Debug, Deserialize)]
pub struct AppPath {
    grant_id: String,
}

/// Lets an app in no longer.
pub async fn revoke_app(_: SameOrigin, desk: Desk, Path(path): Path<AppPath>) -> Result<Response, ApiError> {
    let customer_id = &desk.visitor.customer.id;
    let grant_id: GrantId = path.grant_id.parse().map_err(|_| ApiError::not_found())?;
    oauth::revoke(&desk.gateway.db, customer_id, &grant_id).await?;
    Ok(see_other(&format!("{}/keys?said=app_revoked", home(customer_id))))
}

/// Whether a key has been used.
pub async fn connection(
    visitor: Visitor,
    Path(path): Path<KeyPath>,
    State(site): State<Site>,
    State(db): State<Db>,
) -> Result<Response, ApiError> {
    let keys = keys::list(&db, &visitor.customer.id).await?;
    let key = keys.iter().find(|key| key.id.as_str() == path.key_id).ok_or_else(ApiError::not_found)?;
    connection_test(&site, key.last_used_at.is_some())
}

/// Sends the person to the pages at Stripe where they manage their subscription.
pub async fn manage_billing(
    _: SameOrigin,
    visitor: Visitor,
    State(billing): State<Billing>,
) -> Result<Response, ApiError> {
    Ok(see_other(&billing.open_portal(&visitor.customer).await?))
}

/// The account, and what it takes to show it.
pub struct Desk {
    gateway: Gateway,
    visitor: Visitor,
}

impl FromRequestParts<Gateway> for Desk {
    type Rejection = NoVisitor;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, NoVisitor> {
        let visitor = Visitor::from_request_parts(parts, gateway).await?;
        Ok(Self { gateway: gateway.clone(), visitor })
    }
}

impl Desk {
    /// The page, with why it was refused and what was typed.
    async fn refused(&self, error: ApiError, typed: KeyForm) -> Result<Response, ApiError> {
        let problem = refusal(error)?;
        let page = self.page(Said::refused(&problem, &self.visitor.customer.id), typed, None).await?;
        Ok((problem.status, page).into_response())
    }

    /// The page; with a key that was just made, if so.
    async fn page(&self, said: Said, typed: KeyForm, made: Option<(ApiKey, PlainKey)>) -> Result<Response, ApiError> {
        let Visitor { customer, key: own, .. } = &self.visitor;
        let Gateway { db, rate_limiter: limiter, mcp_url, site, .. } = &self.gateway;
        let frame = Frame::read(db, customer, Section::Keys).await?;
        let now = now();
        let keys = keys::list(db, &customer.id).await?;
        // Those from before it was switched off can be looked at and taken back too.
        let apps = oauth::apps(db, &customer.id).await?;
        let connect = Connect::new(mcp_url, made.as_ref().map_or(KEY_PLACEHOLDER, |(_, plain)| plain.expose()));
        let values = context! {
            said => said.values(),
            typed => Value::from(Serde(typed)),
            new_key => made.as_ref().map(|(_, plain)| plain.expose()),
            test => made.as_ref().map(|(key, _)| format!("{}/keys/{}/connection", home(&customer.id), key.id)),
            own_last4 => own.last4.as_str(),
            keys => keys.iter().map(|key| key_values(key, own, now, frame.zone)).collect::<Vec<Value>>(),
            own_may_write => own.scopes.contains(Scope::Write),
            apps => apps.iter().map(|app| app_values(app, now, frame.zone)).collect::<Vec<Value>>(),
            lets_apps_in => self.gateway.oauth.is_some(),
            account => account(customer, now, frame.zone),
            limits => [
                ("Requests to the API", limiter.per_minute(rate_limit::Scope::Api), "for each key"),
                ("Requests to these pages", limiter.per_minute(rate_limit::Scope::Pages), "for each key"),
                ("Requests of your assistants", limiter.per_minute(rate_limit::Scope::Mcp), "for the account"),
            ],
            connect => context! {
                claude_desktop => connect.claude_desktop(),
                claude_code => connect.claude_code(),
                cursor => connect.cursor(),
                url => connect.url(),
                sse_url => connect.sse_url(),
            },
        };
        frame.page(site, "keys.html", values)
    }
}

fn key_values(key: &ApiKey, own: &ApiKey, now: DateTime<Utc>, zone: Tz) -> Value {
    let is_expired = key.expires_at.is_some_and(|at| at <= now);
    let (state, mark) = match key.revoked_at {
        Some(at) => (format!("Revoked {}", words::time(at, zone)), "off"),
        None if is_expired => ("Expired".to_owned(), "off"),
        None => match key.expires_at {
            Some(at) => (format!("Works until {}", words::time(at, zone)), "good"),
            None => ("Works".to_owned(), "good"),
        },
    };
    context! {
        id => key.id.as_str(),
        label => key.label.as_str(),
        last4 => key.last4.as_str(),
        made => words::time(key.created_at, zone),
        made_timestamp => timestamp(key.created_at),
        used => key.last_used_at.map(|at| words::time_or_ago(at, now, zone)),
        used_timestamp => key.last_used_at.map(timestamp),
        may => words::permissions_of(key.scopes),
        is_limited => key.scopes != Scopes::ALL,
        state,
        mark,
        is_usable => key.revoked_at.is_none() && !is_expired,
        is_own => key.id == own.id,
    }
}

fn app_values(app: &App, now: DateTime<Utc>, zone: Tz) -> Value {
    context! {
        id => app.newest.id.as_str(),
        name => app.newest.client_name.as_str(),
        may => words::permissions_of(app.scopes),
        place => redirect::place(&app.newest.redirect_uri).map(|place| place.to_string()),
        times => app.grants,
        since => words::time(app.since, zone),
        since_timestamp => timestamp(app.since),
        used => app.last_used_at.map(|at| words::time_or_ago(at, now, zone)),
        used_timestamp => app.last_used_at.map(timestamp),
    }
}

fn account(customer: &Customer, now: DateTime<Utc>, zone: Tz) -> Value {
    context! {
        id => customer.id.as_str(),
        email => customer.email.as_str(),
        plan => customer.plan.as_str(),
        status => words::status(customer.status(now)),
        since => words::time(customer.created_at, zone),
        is_past_due => customer.subscription == SubscriptionState::PastDue,
        grace_ends => customer.grace_ends_at.map(|at| words::time(at, zone)),
        // For accounts made by an operator there is nothing at Stripe.
        is_billed => customer.stripe_customer_id.is_some(),
    }
}
