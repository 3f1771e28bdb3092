use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use ulid::Ulid;

/// An error as Composio writes it.
#[derive(Clone, Debug)]
pub struct ComposioError {
    pub status: StatusCode,
    message: String,
}

impl ComposioError {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub fn missing(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} {id} not found"))
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ComposioError {
    fn into_response(self) -> Response {
        let request_id = Ulid::generate().to_string();
        let status = self.status.as_u16();
        let body = json!({ "error": {
            "message": self.message,
            "code": status,
            "status": status,
            "request_id": request_id,
            "suggested_fix": "",
        }});
        let mut response = (self.status, Json(body)).into_response();
        if let Ok(request_id) = HeaderValue::try_from(request_id) {
            response.headers_mut().insert("x-request-id", request_id);
        }
        response
    }
}
