use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An error as Stripe writes it.
#[derive(Clone, Debug)]
pub struct StripeError {
    pub status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
}

impl StripeError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code: None, message: message.into(), param: None }
    }

    /// 400 for what is asked.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// 400 for one parameter.
    pub fn param(param: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(code), param: Some(param.to_owned()), ..Self::invalid(message) }
    }

    /// 404 for an id in the path; `what` as in "No such customer".
    pub fn missing(what: &str, id: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..Self::missing_in("id", what, id) }
    }

    /// 400 for an id in a parameter.
    pub fn missing_in(param: &str, what: &str, id: &str) -> Self {
        Self::param(param, "resource_missing", format!("No such {what}: '{id}'"))
    }

    pub fn no_such_route(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            format!("Unrecognized request URL ({method}: {path}). The sandbox knows only what HeyCMO needs of Stripe."),
        )
    }

    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
    }

    pub fn other_params(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. \
             Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    pub fn rate_limited() -> Self {
        let message = "Too many requests. (A fault that was asked for.)";
        Self { code: Some("rate_limit"), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", message) }
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", message)
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for StripeError {
    fn into_response(self) -> Response {
        let mut error = Map::new();
        error.insert("type".to_owned(), self.kind.into());
        error.insert("message".to_owned(), self.message.into());
        error.extend(self.code.map(|code| ("code".to_owned(), Value::from(code))));
        error.extend(self.param.map(|param| ("param".to_owned(), Value::from(param))));
        let mut response = (self.status, axum::Json(json!({ "error": error }))).into_response();
        let may_retry = self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error();
        response.headers_mut().insert(
            HeaderName::from_static("stripe-should-retry"),
            HeaderValue::from_static(if may_retry { "true" } else { "false" }),
        );
        response
    }
}
