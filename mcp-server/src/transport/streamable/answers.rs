//! rmcp's answers as ours: its plain-text errors in the shape of all other errors, everything else as it is.

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Collected};

use crate::transport::refusal::Refusal;
use crate::transport::{intake, oversized};

/// rmcp's sentences are short.
const MAX_TEXT: usize = 1024;

const NOT_ACCEPTABLE: &str = "A POST must accept both application/json and text/event-stream, a GET text/event-stream";

/// Looks before the body is read, which rmcp would do after.
pub(super) fn require_acceptable(headers: &HeaderMap) -> Result<(), Refusal> {
    // rmcp weighs the types that are there; here only a header that names nothing of it is refused early.
    if headers.contains_key(ACCEPT) { Ok(()) } else { Err(not_acceptable()) }
}

fn not_acceptable() -> Refusal {
    Refusal::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", NOT_ACCEPTABLE)
}

/// The answer as it leaves. What it streams is not looked at.
pub(super) async fn in_our_shape(response: Response, method: &Method, max_result_bytes: usize) -> Response {
    let status = response.status();
    // Python's client logs a failure for a DELETE that is not answered 200 or 204.
    if *method == Method::DELETE && status == StatusCode::ACCEPTED {
        return StatusCode::OK.into_response();
    }
    let is_error = status.is_client_error() || status.is_server_error();
    if is_json(&response) {
        return capped(response, max_result_bytes).await;
    }
    if !is_error {
        return response;
    }
    let allow = response.headers().get(ALLOW).cloned();
    let text = text_of(response.into_body()).await;
    let refusal = refusal_for(status, &text);
    match allow {
        Some(allow) => refusal.with_header(ALLOW, allow),
        None => refusal,
    }
    .into_response()
}

fn is_json(response: &Response) -> bool {
    let json = HeaderValue::from_static("application/json");
    response.headers().get(CONTENT_TYPE) == Some(&json)
}

/// The answer of a call without a session; those of sessions are capped on their streams.
async fn capped(response: Response, max: usize) -> Response {
    let size = response.body().size_hint().exact();
    if size.is_some_and(|bytes| usize::try_from(bytes).is_ok_and(|bytes| bytes <= max)) {
        return response;
    }
    let (parts, body) = response.into_parts();
    match body.collect().await.map(Collected::to_bytes) {
        Ok(json) => Response::from_parts(parts, Body::from(oversized::instead_of(&json, max).unwrap_or(json))),
        Err(_) => Refusal::internal().into_response(),
    }
}

async fn text_of(body: Body) -> String {
    let bytes: Bytes = axum::body::to_bytes(body, MAX_TEXT).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Our words for an error of rmcp's. Its own are passed on only where they name a version or header of the client's.
fn refusal_for(status: StatusCode, text: &str) -> Refusal {
    match status {
        StatusCode::BAD_REQUEST if text.contains("Session ID is required") => Refusal::new(
            status,
            "session_required",
            "Send initialize first, and its Mcp-Session-Id with every request after that",
        ),
        StatusCode::BAD_REQUEST => Refusal::new(status, "bad_request", text.trim_start_matches("Bad Request: ")),
        StatusCode::NOT_FOUND => Refusal::no_http_session(),
        StatusCode::METHOD_NOT_ALLOWED => {
            Refusal::new(status, "method_not_allowed", "This protocol version has no such request; use POST")
        }
        StatusCode::NOT_ACCEPTABLE => not_acceptable(),
        // rmcp says 415 for JSON that is no message; the type was checked before.
        StatusCode::UNSUPPORTED_MEDIA_TYPE => intake::bad_json("The body is not a JSON-RPC message that MCP knows"),
        StatusCode::FORBIDDEN => Refusal::new(status, "forbidden", "This host or origin may not call this server"),
        _ => Refusal::internal(),
    }
}
