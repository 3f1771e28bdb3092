//! An API key for a session, and the end of it.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use entity::db::Db;
use entity::ids::CustomerId;
use entity::keys;
use minijinja::context;
use serde::Deserialize;
use web::ApiError;
use web::auth::authenticate;
use web::session::{SameOrigin, Visitor, local_path, see_other};

use super::Site;
use super::account::home;

#[derive(Debug, Deserialize)]
pub struct LoginQuery {
    next: Option<String>,
}

/// Not `Debug`: it holds a key.
#[derive(Deserialize)]
pub struct LoginForm {
    #[serde(default)]
    key: String,
    next: Option<String>,
}

/// The form; who is in already goes on.
pub async fn show(
    State(site): State<Site>,
    State(db): State<Db>,
    Query(query): Query<LoginQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match site.sessions().current(&db, &headers).await? {
        Some(accepted) => Ok(see_other(&destination(query.next.as_deref(), &accepted.customer.id))),
        None => page(&site, query.next.as_deref(), None),
    }
}

/// Begins a session. What was typed is never shown again.
pub async fn log_in(
    _: SameOrigin,
    State(site): State<Site>,
    State(db): State<Db>,
    Form(form): Form<LoginForm>,
) -> Result<Response, ApiError> {
    let holder = match authenticate(&db, Some(form.key.trim())).await {
        Ok(holder) => holder,
        Err(error) if error.status.is_client_error() => {
            let problem = match error.status {
                StatusCode::UNAUTHORIZED if form.key.trim().is_empty() => "Enter your API key.",
                StatusCode::UNAUTHORIZED => {
                    "This key is unknown, revoked or expired. Check that all of it was copied: it begins with hcmo_live_ and has 74 characters."
                }
                _ => &error.message,
            };
            return Ok((error.status, page(&site, form.next.as_deref(), Some(problem))?).into_response());
        }
        Err(error) => return Err(error),
    };
    let cookie = site.sessions().begin(&db, &holder.key).await?;
    Ok(with_cookie(cookie, &destination(form.next.as_deref(), &holder.customer.id)))
}

/// Ends the session, and what is open of it, wherever that is served.
pub async fn log_out(
    _: SameOrigin,
    State(site): State<Site>,
    State(db): State<Db>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(Visitor { customer, session_id: Some(session_id), .. }) = site.sessions().current(&db, &headers).await?
    {
        keys::end_session(&db, &customer.id, &session_id).await?;
    }
    Ok(with_cookie(site.sessions().end(), "/"))
}

fn with_cookie(cookie: HeaderValue, location: &str) -> Response {
    let headers = [(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (AppendHeaders(headers), see_other(location)).into_response()
}

/// Where the person wanted to go, unless that is elsewhere or somebody else's dashboard; then their own.
fn destination(next: Option<&str>, customer_id: &CustomerId) -> String {
    let own = home(customer_id);
    let is_of_others = |path: &String| path.starts_with("/api/dashboard/") && !path.starts_with(&own);
    next.and_then(local_path).filter(|path| !is_of_others(path)).unwrap_or(own)
}

fn page(site: &Site, next: Option<&str>, problem: Option<&str>) -> Result<Response, ApiError> {
    let next = next.and_then(local_path);
    site.page("login.html", context! { next, problem })
}
