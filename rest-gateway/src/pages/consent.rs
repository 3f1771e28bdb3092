//! The page on which a person lets an app in, or does not. It is shown every time: what was once agreed to says nothing of
//! who asks now.
//!
//! Nothing is answered to an app before the person has pressed something: a link to this page must not lead anybody to an
//! address that somebody else registered.

use axum::extract::{RawForm, RawQuery, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use entity::oauth::{self, Consent};
use entity::scopes::{Scope, Scopes};
use minijinja::{Value, context};
use web::auth::require;
use web::oauth::OAuth;
use web::rate_limit::{self, Payer};
use web::session::{SameOrigin, Visitor, login_path, see_other};
use web::{ApiError, timestamp};

use super::finish::FormTarget;
use super::words;
use super::{Notice, Site};
use crate::Gateway;
use crate::oauth::request::{Asker, Terms};
use crate::oauth::{AUTHORIZE_PATH, OAuthError, Parameters, clients, redirect};

/// Asks the person. Who is not logged in does that first, and comes back.
pub async fn show(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = query.unwrap_or_default();
    let visitor = match visitor(&gateway, &extensions, &headers).await? {
        Some(visitor) => visitor,
        None => return Ok(log_in_first(&gateway.site, &query)),
    };
    match read(&gateway, &query).await? {
        Ok(asked) => asked.page(&gateway, &visitor, &query, None),
        Err(refusal) => refusal.page(&gateway.site),
    }
}

/// What the person pressed, with the request as it was shown.
pub async fn decide(
    _: SameOrigin,
    State(gateway): State<Gateway>,
    extensions: Extensions,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Result<Response, ApiError> {
    let form = Form::read(&form);
    let visitor = match visitor(&gateway, &extensions, &headers).await? {
        Some(visitor) => visitor,
        None => return Ok(log_in_first(&gateway.site, &form.request)),
    };
    // The form is the browser's: what it says was asked for is looked at as if for the first time.
    let asked = match read(&gateway, &form.request).await? {
        Ok(asked) => asked,
        Err(refusal) => return refusal.page(&gateway.site),
    };
    if !form.is_allowed {
        let denied = OAuthError::new("access_denied", "The person did not let the app in.");
        return asked.answer(asked.asker.refused(&denied));
    }
    require(visitor.key.scopes, Scope::Write)?;
    let scopes = form.scopes.and(asked.offered(&visitor));
    if scopes.is_empty() {
        return asked.page(&gateway, &visitor, &form.request, Some("Tick what the app may do, or do not let it in."));
    }
    let consent = Consent {
        client_id: asked.asker.client.id.clone(),
        client_name: asked.asker.client.name.clone(),
        redirect_uri: asked.asker.redirect_uri.clone(),
        resource: asked.oauth.resource().to_owned(),
        scopes,
        challenge: asked.terms.challenge.clone(),
    };
    match oauth::allow(&gateway.db, &visitor.key, consent).await {
        Ok((grant, code)) => {
            tracing::info!(grant = %grant.id, client = %grant.client_id, %scopes, "an app was let in");
            asked.answer(asked.asker.accepted(code.expose()))
        }
        Err(error) => {
            let error = ApiError::from(error);
            if error.status != StatusCode::CONFLICT {
                return Err(error);
            }
            asked.page(&gateway, &visitor, &form.request, Some(&error.message))
        }
    }
}

/// What was pressed.
struct Form {
    /// The query of the page.
    request: String,
    is_allowed: bool,
    scopes: Scopes,
}

impl Form {
    fn read(form: &[u8]) -> Self {
        let mut read = Self { request: String::new(), is_allowed: false, scopes: Scopes::NONE };
        let mut ticked = Vec::new();
        for (name, value) in url::form_urlencoded::parse(form) {
            match &*name {
                "request" => read.request = value.into_owned(),
                "decision" => read.is_allowed = value == "allow",
                "scope" => ticked.extend(value.parse::<Scope>()),
                _ => {}
            }
        }
        read.scopes = ticked.into_iter().collect();
        read
    }
}

/// Who is in front of the page; each look at it is charged like one at a page of theirs.
async fn visitor(gateway: &Gateway, extensions: &Extensions, headers: &HeaderMap) -> Result<Option<Visitor>, ApiError> {
    let visitor = gateway.site.sessions().current(&gateway.db, headers).await?;
    if let Some(visitor) = &visitor {
        let payer = Payer::Key(visitor.key.id.clone());
        gateway.rate_limiter.charge(extensions, rate_limit::Scope::Pages, &payer)?;
    }
    Ok(visitor)
}

fn log_in_first(site: &Site, query: &str) -> Response {
    let headers =
        [(header::CACHE_CONTROL, HeaderValue::from_static("no-store")), (header::SET_COOKIE, site.sessions().end())];
    (AppendHeaders(headers), see_other(&login_path(Some(&format!("{AUTHORIZE_PATH}?{query}"))))).into_response()
}

/// An app's request that can be put before a person.
struct Asked {
    asker: Asker,
    terms: Terms,
    oauth: OAuth,
}

/// One that cannot.
struct Refusal {
    /// A sentence.
    problem: String,
    /// Where the app is told, if it is known where that is.
    way_back: Option<(String, String)>,
}

async fn read(gateway: &Gateway, query: &str) -> Result<Result<Asked, Refusal>, ApiError> {
    let oauth = gateway.oauth.clone().ok_or_else(ApiError::not_found)?;
    let here = |problem: String| Refusal { problem, way_back: None };
    let parameters = match Parameters::read(query.as_bytes()) {
        Ok(parameters) => parameters,
        Err(error) => return Ok(Err(here(error.description))),
    };
    let asker = match Asker::read(&parameters, &gateway.db, &gateway.scanner, &oauth).await {
        Ok(asker) => asker,
        Err(problem) => return Ok(Err(here(problem))),
    };
    Ok(match Terms::read(&parameters, &oauth) {
        Ok(terms) => Ok(Asked { asker, terms, oauth }),
        Err(error) => {
            let back = asker.refused(&error).map(|address| (format!("Back to {}", asker.client.name), address));
            Err(Refusal {
                problem: format!("The app asks in a way that is not in order: {}", error.description),
                way_back: back,
            })
        }
    })
}

impl Refusal {
    fn page(&self, site: &Site) -> Result<Response, ApiError> {
        let mut actions = Vec::new();
        if let Some((label, address)) = &self.way_back {
            actions.push((label.as_str(), address.as_str()));
        }
        actions.push(("Go to the start page", "/"));
        site.notice(Notice {
            status: StatusCode::BAD_REQUEST,
            title: "This app cannot be let in",
            text: &[&self.problem, "Nothing was given to it."],
            actions: &actions,
            ..Notice::default()
        })
    }
}

impl Asked {
    /// What the person can give of what is asked for: no more than they may do here themselves, and nothing where they may
    /// not change anything.
    fn offered(&self, visitor: &Visitor) -> Scopes {
        if may_let_in(visitor) { self.terms.scopes.and(visitor.key.scopes) } else { Scopes::NONE }
    }

    /// Sends the person back to the app.
    fn answer(&self, address: Option<String>) -> Result<Response, ApiError> {
        let address = address.ok_or_else(|| ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR))?;
        Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], see_other(&address)).into_response())
    }

    fn page(
        &self,
        gateway: &Gateway,
        visitor: &Visitor,
        query: &str,
        problem: Option<&str>,
    ) -> Result<Response, ApiError> {
        let offered = self.offered(visitor);
        let permissions: Vec<Value> = offered.iter().map(permission).collect();
        let place = redirect::place(&self.asker.redirect_uri);
        let values = context! {
            app => self.asker.client.name.as_str(),
            vouched_by => clients::vouched_by(&self.asker.client.id),
            place => place.as_ref().map(ToString::to_string),
            host => redirect::host(&self.asker.redirect_uri),
            is_local => place == Some(redirect::Place::ThisComputer),
            email => visitor.customer.email.as_str(),
            brand_name => visitor.customer.brand_name.clone(),
            keys_address => format!("{}/keys", super::account::home(&visitor.customer.id)),
            permissions,
            may_let_in => may_let_in(visitor),
            key_ends => visitor.key.expires_at.map(|at| words::time(at, visitor.customer.zone())),
            key_ends_timestamp => visitor.key.expires_at.map(timestamp),
            request => query,
            problem,
        };
        let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let mut page = (status, gateway.site.page("consent.html", values)?).into_response();
        if let Some(target) = redirect::form_target(&self.asker.redirect_uri) {
            page.extensions_mut().insert(FormTarget(target));
        }
        Ok(page)
    }
}

/// Whether the person may let anybody in, which changes who gets at their account.
fn may_let_in(visitor: &Visitor) -> bool {
    visitor.key.scopes.contains(Scope::Write)
}

/// A box to tick. What lets something go out is for the person to add.
fn permission(scope: Scope) -> Value {
    let (title, text) = words::permission(scope);
    context! { scope => scope.as_str(), title, text, is_ticked => scope != Scope::Publish }
}
