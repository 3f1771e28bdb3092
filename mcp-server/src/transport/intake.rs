//! Taking in a request: what is read of it, within which bounds, and what of it handlers never see.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::config::Limits;
use super::refusal::Refusal;
use crate::caller::Caller;

/// More than that of a refused request is not taken in.
const MAX_UNWANTED_BYTES: usize = 64 * 1024;
/// Nor what comes later than that.
const UNWANTED_TIMEOUT: Duration = Duration::from_secs(1);

/// Headers that carry credentials. With the query gone too, a handler that prints its request prints no secret.
const SECRET_HEADERS: [HeaderName; 4] =
    [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, HeaderName::from_static("x-api-key")];

/// Who calls, as the key check found.
pub(super) fn caller(request: &Request) -> Result<Caller, Refusal> {
    request.extensions().get::<Caller>().cloned().ok_or_else(Refusal::no_caller)
}

/// Takes credentials out of what goes on to the handler.
pub(super) fn redact(parts: &mut Parts) {
    for header in SECRET_HEADERS {
        parts.headers.remove(header);
    }
    if parts.uri.query().is_some() {
        parts.uri = without_query(&parts.uri);
    }
}

fn without_query(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = uri.path().parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

/// Says no to a body that does not claim to be JSON.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let essence = value.split_once(';').map_or(value, |(essence, _)| essence);
        essence.trim().eq_ignore_ascii_case("application/json")
    });
    if is_json {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The body must be JSON, with Content-Type: application/json",
    ))
}

/// Reads a body that holds one JSON object, as far as the first character tells.
pub(super) async fn read_message(body: Body, limits: &Limits) -> Result<Bytes, Refusal> {
    let limited = Limited::new(body, limits.max_body_bytes).collect();
    let bytes = match tokio::time::timeout(limits.body_timeout, limited).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large(limits)),
        Ok(Err(_)) => return Err(bad_json("The body could not be read to its end")),
        Err(_) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The body took too long to arrive")),
    };
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(bytes),
        Some(b'[') => Err(bad_json("JSON-RPC batches are not supported; send one message per request")),
        Some(_) => Err(bad_json("The body must be one JSON-RPC message, a JSON object")),
        None => Err(bad_json("The body is empty; send one JSON-RPC message")),
    }
}

/// Takes in what comes with a request that is refused, as far as it comes soon: a connection with something unread on it
/// is closed after the answer, which may be in the middle of the client's next request.
pub(crate) async fn read_off(request: Request) {
    let rest = Limited::new(request.into_body(), MAX_UNWANTED_BYTES).collect();
    let _ = tokio::time::timeout(UNWANTED_TIMEOUT, rest).await;
}

fn too_large(limits: &Limits) -> Refusal {
    let message = format!("A message may have at most {} bytes", limits.max_body_bytes);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

/// A body that is not one JSON-RPC message.
pub(super) fn bad_json(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "invalid_message", message)
}
