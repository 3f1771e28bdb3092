//! The errors of OAuth's own routes, in the shape that RFC 6749 gives them: programs of others read it.

use axum::Json;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use entity::oauth::NotIssued;
use serde_json::json;
use web::ApiError;
use web::rate_limit::Exceeded;

use crate::routes::NO_STORE;

/// Why an app does not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// HTTP status.
    pub status: StatusCode,
    /// One of the words that the RFCs define.
    pub error: &'static str,
    /// For whoever wrote the app.
    pub description: String,
}

impl OAuthError {
    /// 400.
    pub fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    /// 401: nobody knows who this is, so that the app registers again.
    pub fn invalid_client(description: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new("invalid_client", description) }
    }

    /// Something is missing or cannot be read.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }
}

impl From<entity::Error> for OAuthError {
    fn from(error: entity::Error) -> Self {
        let ApiError { status, message, .. } = error.into();
        let error = match status {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request",
        };
        Self { status, error, description: message }
    }
}

/// The headers say when there is room again.
impl From<Exceeded> for OAuthError {
    fn from(exceeded: Exceeded) -> Self {
        let ApiError { status, message, .. } = exceeded.into();
        Self { status, error: "temporarily_unavailable", description: message }
    }
}

impl From<NotIssued> for OAuthError {
    fn from(refused: NotIssued) -> Self {
        match refused {
            NotIssued::UnknownClient => Self::invalid_client(
                "This app is not registered here, or was forgotten because nobody let it in. Register again.",
            ),
            NotIssued::Invalid => Self::new(
                "invalid_grant",
                "This code or refresh token is unknown, was used, has run out, or was given to another app or for another redirect_uri.",
            ),
            NotIssued::Scope => Self::new("invalid_scope", "The customer has not agreed to that much."),
            NotIssued::Inactive(status) => Self {
                status: StatusCode::FORBIDDEN,
                ..Self::new(
                    "access_denied",
                    format!("The account is {status}. The app is let in again once it is active."),
                )
            },
            NotIssued::Failed(error) => error.into(),
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = (self.status, NO_STORE, Json(body)).into_response();
        // Every 401 names a way to show who one is (RFC 9110, 11.6.1), though apps here have nothing to show.
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"HeyCMO\""));
        }
        response
    }
}
