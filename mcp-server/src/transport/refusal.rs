//! The one place where this module's HTTP errors get their shape.

use axum::Json;
use axum::response::{IntoResponse, Response};
use entity::scopes::{Scope, Scopes};
use http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use web::ApiError;

use crate::permission;

/// How soon a client may try again when the server is full or going down.
const RETRY_AFTER_SECONDS: u32 = 10;

#[derive(Serialize)]
struct Body {
    error: String,
    code: &'static str,
}

/// Why a request is not served: a status, a code for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// The request ran into a limit that passes by itself.
    pub(super) fn for_now(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(status, code, message).with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into())
    }

    /// The check of the credential is mounted outside this module, so only a wiring mistake leads here.
    pub(super) fn no_caller() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "An API key is required")
            .with_header(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// The caller is known, but may not do this.
    pub(super) fn insufficient_scope(needed: Scope, granted: Scopes) -> Self {
        let refusal = Self::new(StatusCode::FORBIDDEN, "insufficient_scope", permission::app_lacks(needed));
        match web::oauth::lacks(needed, granted) {
            Some(challenge) => refusal.with_header(http::header::WWW_AUTHENTICATE, challenge),
            None => refusal,
        }
    }

    /// A session of the older transport that is unknown, over, or somebody else's: told apart by nobody.
    ///
    /// Clients in the field know this text, so it is part of the contract.
    pub(super) fn no_sse_session() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "session_not_found", "Session not found \u{2014} reconnect to /mcp/sse")
    }

    /// A Streamable HTTP session that is unknown, over, or somebody else's.
    pub(super) fn no_http_session() -> Self {
        Self::new(StatusCode::NOT_FOUND, "session_not_found", "Session not found \u{2014} send initialize again")
    }

    pub(super) fn shutting_down() -> Self {
        Self::for_now(
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting_down",
            "The server is restarting; try again in a moment",
        )
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side")
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("This address answers only to {allow}"))
            .with_header(ALLOW, HeaderValue::from_static(allow))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = refusal(self.status, self.code, self.message);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// An error as every route of the server answers it.
fn refusal(status: StatusCode, code: &'static str, message: String) -> Response {
    let error = ApiError::new(status, code, message.clone());
    let mut response = (status, Json(Body { error: message, code })).into_response();
    // What stands around all routes writes the body once more, with the request's id.
    response.extensions_mut().insert(error);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
