//! Apps that register themselves (RFC 7591). Anybody may, so it is worth nothing until a customer lets one in.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use entity::db::Db;
use entity::{Error, oauth};
use serde_json::json;

use super::OAuthError;
use super::clients::ClientMetadata;
use crate::routes::NO_STORE;

/// Much more than any app has to say of itself, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// Gives an app its id. What it asks for and cannot have, such as a secret, it is answered without.
pub async fn register(State(db): State<Db>, headers: HeaderMap, body: Bytes) -> Result<impl IntoResponse, OAuthError> {
    require_json(&headers)?;
    if body.len() > MAX_BODY {
        return Err(OAuthError::new("invalid_client_metadata", format!("More than {MAX_BODY} bytes.")));
    }
    let metadata = ClientMetadata::of_json(&body)
        .map_err(|problem| OAuthError::new("invalid_client_metadata", format!("Not the JSON of an app: {problem}")))?;
    let client = oauth::register(&db, metadata.read()?).await.map_err(|error| match error {
        Error::Conflict { message, .. } => OAuthError {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..OAuthError::new("temporarily_unavailable", message)
        },
        other => other.into(),
    })?;
    tracing::info!(client = %client.id, name = %client.name, "an app has registered");
    let registered = json!({
        "client_id": client.id,
        "client_id_issued_at": client.created_at.timestamp(),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    Ok((StatusCode::CREATED, NO_STORE, Json(registered)))
}

/// What a page of somebody else's can have a browser send unasked is not JSON.
fn require_json(headers: &HeaderMap) -> Result<(), OAuthError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(OAuthError {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ..OAuthError::new("invalid_client_metadata", "Send JSON: Content-Type: application/json.")
    })
}
