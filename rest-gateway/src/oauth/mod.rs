//! The authorization server: how apps that have no key are let in (OAuth 2.1 as MCP has it).
//!
//! An app finds out about us ([`metadata`]), says who it is ([`register`], or by a document of its own, [`clients`]), sends
//! the person to our consent page (`pages/consent.rs`, of which [`request`] understands what is asked for), and exchanges
//! what the page answers for tokens ([`token`]). Apps have no secret: PKCE shows that who exchanges the code is who asked.

pub mod clients;
mod error;
mod parameters;
mod quote;
pub mod redirect;
mod register;
pub mod request;
mod token;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use entity::scopes::Scopes;
use serde_json::json;
use web::oauth::{OAuth, for_every_page, resource_routes};
use web::rate_limit::{RateLimiter, Scope};

use crate::Gateway;
use crate::pages::consent;

pub use error::OAuthError;
pub use parameters::Parameters;

/// Where apps send people.
pub const AUTHORIZE_PATH: &str = "/oauth/authorize";
/// Where they get their tokens.
pub const TOKEN_PATH: &str = "/oauth/token";
/// Where they learn all this (RFC 8414).
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";
const REGISTER_PATH: &str = "/oauth/register";
const REVOKE_PATH: &str = "/oauth/revoke";

/// The routes; none where no app is let in. Tokens are not limited here: whoever fails pays for it.
pub fn routes(oauth: Option<&OAuth>, limiter: &RateLimiter) -> Router<Gateway> {
    if oauth.is_none() {
        return Router::new();
    }
    let limit = limiter.by_ip_or(Scope::Preauth, |exceeded| OAuthError::from(exceeded).into_response());
    let register = post(register::register).route_layer(limit);
    Router::new()
        .merge(resource_routes(oauth))
        .route(METADATA_PATH, for_every_page(get(metadata)))
        .route(REGISTER_PATH, for_every_page(register))
        .route(TOKEN_PATH, for_every_page(post(token::exchange)))
        .route(REVOKE_PATH, for_every_page(post(token::revoke)))
        .route(AUTHORIZE_PATH, get(consent::show).post(consent::decide))
}

/// What apps have to know of us (RFC 8414).
async fn metadata(State(oauth): State<Option<OAuth>>) -> Result<impl IntoResponse, web::ApiError> {
    let oauth = oauth.ok_or_else(web::ApiError::not_found)?;
    let issuer = oauth.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": at(AUTHORIZE_PATH),
        "token_endpoint": at(TOKEN_PATH),
        "registration_endpoint": at(REGISTER_PATH),
        "revocation_endpoint": at(REVOKE_PATH),
        "scopes_supported": Scopes::ALL,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
        "protected_resources": [oauth.resource()],
    });
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(metadata)))
}
