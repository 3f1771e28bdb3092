//! Keys and billing: what opens the account, what it costs, and how assistants are connected.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use entity::customers::{Customer, SubscriptionState};
use entity::db::{Db, now};
use entity::ids::KeyId;
use entity::keys::{self, ApiKey, NewKey, PlainKey};
use minijinja::{Value, context};
use serde::Deserialize;
use web::config::PublicUrl;
use web::connect::{Connect, KEY_PLACEHOLDER};
use web::rate_limit::{RateLimiter, Scope};
use web::session::{LOGIN_PATH, SameOrigin, Visitor, see_other};
use web::{ApiError, timestamp};

use super::{Frame, Section, home, in_words};
use crate::billing::Billing;
use crate::pages::{Site, connection_test, words};

/// The keys, the plan, and how to connect an assistant.
pub async fn show(
    visitor: Visitor,
    State(site): State<Site>,
    State(db): State<Db>,
    State(mcp_url): State<PublicUrl>,
    State(limiter): State<RateLimiter>,
) -> Result<Response, ApiError> {
    Desk { site, db, mcp_url, limiter, visitor }.page(Outcome::default()).await
}

/// What the new key is to be.
#[derive(Debug, Deserialize)]
pub struct KeyForm {
    #[serde(default)]
    label: String,
    /// Days; none for a key that does not expire.
    #[serde(default)]
    expires: String,
}

/// Makes a key and shows it, this once.
pub async fn create(
    _: SameOrigin,
    visitor: Visitor,
    State(site): State<Site>,
    State(db): State<Db>,
    State(mcp_url): State<PublicUrl>,
    State(limiter): State<RateLimiter>,
    Form(form): Form<KeyForm>,
) -> Result<Response, ApiError> {
    let expires_at = match form.expires.as_str() {
        "30" | "90" | "365" => form.expires.parse().ok().map(|days| now() + Duration::days(days)),
        _ => None,
    };
    let new = NewKey { label: Some(form.label), expires_at };
    let made = keys::create(&db, &visitor.customer.id, new).await.map_err(ApiError::from);
    let desk = Desk { site, db, mcp_url, limiter, visitor };
    match made {
        Ok(made) => {
            let page = desk.page(Outcome { made: Some(made), ..Outcome::default() }).await?;
            Ok((StatusCode::CREATED, page).into_response())
        }
        Err(error) => desk.refused(error).await,
    }
}

/// Which key.
#[derive(Debug, Deserialize)]
pub struct KeyPath {
    key_id: String,
}

/// Takes a key out of use for good. Whoever came with it is logged out by that.
pub async fn revoke(
    _: SameOrigin,
    visitor: Visitor,
    Path(path): Path<KeyPath>,
    State(site): State<Site>,
    State(db): State<Db>,
    State(mcp_url): State<PublicUrl>,
    State(limiter): State<RateLimiter>,
) -> Result<Response, ApiError> {
    let key_id: KeyId = path.key_id.parse().map_err(|_| ApiError::not_found())?;
    let is_own = visitor.key.id == key_id;
    let place = format!("{}/keys", home(&visitor.customer.id));
    match keys::revoke_unless_last(&db, &visitor.customer.id, &key_id).await.map_err(ApiError::from) {
        Ok(_) if is_own => Ok(see_other(LOGIN_PATH)),
        Ok(_) => Ok(see_other(&place)),
        Err(error) => Desk { site, db, mcp_url, limiter, visitor }.refused(error).await,
    }
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

/// What was done, or why not.
#[derive(Default)]
struct Outcome<'a> {
    /// A key that was just made.
    made: Option<(ApiKey, PlainKey)>,
    problem: Option<&'a str>,
}

/// The account, and what it takes to show it.
struct Desk {
    site: Site,
    db: Db,
    mcp_url: PublicUrl,
    limiter: RateLimiter,
    visitor: Visitor,
}

impl Desk {
    async fn refused(&self, error: ApiError) -> Result<Response, ApiError> {
        if error.status.is_server_error() || error.status == StatusCode::NOT_FOUND {
            return Err(error);
        }
        let page = self.page(Outcome { problem: Some(&in_words(&error)), ..Outcome::default() }).await?;
        Ok((error.status, page).into_response())
    }

    async fn page(&self, Outcome { made, problem }: Outcome<'_>) -> Result<Response, ApiError> {
        let Visitor { customer, key: own, .. } = &self.visitor;
        let frame = Frame::read(&self.db, customer, Section::Keys).await?;
        let now = now();
        let keys = keys::list(&self.db, &customer.id).await?;
        let connect = Connect::new(&self.mcp_url, made.as_ref().map_or(KEY_PLACEHOLDER, |(_, plain)| plain.expose()));
        let values = context! {
            problem,
            new_key => made.as_ref().map(|(_, plain)| plain.expose()),
            test => made.as_ref().map(|(key, _)| format!("{}/keys/{}/connection", home(&customer.id), key.id)),
            own_last4 => own.last4.as_str(),
            keys => keys.iter().map(|key| key_values(key, own, now, frame.zone)).collect::<Vec<Value>>(),
            account => account(customer, now, frame.zone),
            limits => [
                ("Requests to the API and these pages", self.limiter.per_minute(Scope::Api), "for each key"),
                ("Requests of your assistants", self.limiter.per_minute(Scope::Mcp), "for the account"),
            ],
            connect => context! {
                claude_desktop => connect.claude_desktop(),
                claude_code => connect.claude_code(),
                cursor => connect.cursor(),
                url => connect.url(),
                sse_url => connect.sse_url(),
            },
        };
        frame.page(&self.site, "keys.html", values)
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
        state,
        mark,
        is_usable => key.revoked_at.is_none() && !is_expired,
        is_own => key.id == own.id,
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
