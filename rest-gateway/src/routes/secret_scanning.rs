//! What code hosts tell of keys that they found.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use web::ApiError;
use web::error::ErrorOut;

use super::NO_STORE;
use crate::secret_scanning::{SecretScanning, Signed, Verdict};

/// Takes a report of keys that are public, revokes those that are ours, and says which.
#[utoipa::path(
    post,
    path = "/api/secret-scanning/github",
    tag = "Operators",
    operation_id = "reportLeakedKeys",
    params(
        ("Github-Public-Key-Identifier" = String, Header, description = "Which of the published keys signed it"),
        ("Github-Public-Key-Signature" = String, Header, description = "ECDSA P-256 SHA-256 over the body, in base64"),
    ),
    request_body = Object,
    responses((status = 200, body = Vec<Verdict>), (status = BAD_REQUEST, body = ErrorOut, description = "`invalid_signature`, `invalid_report`"), (status = BAD_GATEWAY, body = ErrorOut, description = "`keys_unavailable`: to be sent again")),
)]
pub async fn report(
    State(scanning): State<SecretScanning>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed =
        Signed { identifier: text("github-public-key-identifier"), signature: text("github-public-key-signature") };
    Ok((NO_STORE, Json(scanning.receive(signed, &body).await?)))
}
