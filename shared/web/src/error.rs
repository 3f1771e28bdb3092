//! The one shape of every error: `{"error", "code", "requestId", "fields"?}`.
//!
//! A handler returns an [`ApiError`]; [`crate::layers`] knows the request's id and writes the body. What went wrong
//! inside stays in the log.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entity::keys::Refused;
use entity::scopes::Scope;
use serde::Serialize;
use utoipa::ToSchema;

/// What passes by itself, and has changed nothing: the same call may be made again.
const MAY_BE_REPEATED: [&str; 2] = ["database_unavailable", "unavailable"];
const RETRY_AFTER_SECONDS: u16 = 2;

/// An answer that is not what the caller wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// For programs, in snake case.
    pub code: &'static str,
    /// For people: a sentence that says what to do.
    pub message: String,
    /// For each invalid field, what is wrong with it.
    pub fields: BTreeMap<String, String>,
}

/// The body as written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorOut {
    /// For people: a sentence that says what to do.
    error: String,
    /// For programs, in snake case.
    code: String,
    /// Under which it is in our log; also in the header `x-request-id`.
    request_id: String,
    /// For each invalid field, what is wrong with it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    fields: BTreeMap<String, String>,
}

impl ApiError {
    /// An error with a sentence of its own.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: BTreeMap::new() }
    }

    /// What a status says when nothing more is known.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::BAD_REQUEST => ("bad_request", "The request is malformed."),
            StatusCode::UNAUTHORIZED => ("unauthorized", "A valid API key is needed."),
            StatusCode::FORBIDDEN => ("forbidden", "This is not allowed."),
            StatusCode::NOT_FOUND => ("not_found", "There is nothing here."),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", "This address does not take this method; the Allow header lists those it takes.")
            }
            StatusCode::REQUEST_TIMEOUT => ("timeout", "The request took too long and was given up. Try again."),
            StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "The request body is too large."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("unsupported_media_type", "Send JSON, with the header Content-Type: application/json.")
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                ("unavailable", "The service cannot answer just now. Try again in a moment.")
            }
            status if status.is_server_error() => {
                ("internal", "Something went wrong on our side. It has been logged under the request id.")
            }
            _ => ("bad_request", "The request was refused."),
        };
        Self::new(status, code, message)
    }

    /// 400 for one field; `problem` says what the field must be, as in "must not be empty".
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        entity::Error::invalid(field, problem).into()
    }

    /// 404 that does not say whether there is such a thing for somebody else.
    #[must_use]
    pub fn not_found() -> Self {
        Self::of_status(StatusCode::NOT_FOUND)
    }

    /// 403 for whoever is known, but may not do this.
    #[must_use]
    pub fn insufficient_scope(needed: Scope) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            format!("This needs the permission `{needed}`, which this key does not have. Use a key that has it."),
        )
    }

    pub(crate) fn body(&self, request_id: &str) -> ErrorOut {
        ErrorOut {
            error: self.message.clone(),
            code: self.code.to_owned(),
            request_id: request_id.to_owned(),
            fields: self.fields.clone(),
        }
    }
}

impl From<entity::Error> for ApiError {
    fn from(error: entity::Error) -> Self {
        let message = error.to_string();
        match error {
            entity::Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            entity::Error::Invalid(fields) => {
                Self { fields, ..Self::new(StatusCode::BAD_REQUEST, "invalid_input", message) }
            }
            entity::Error::Conflict { code, .. } => Self::new(StatusCode::CONFLICT, code, message),
            entity::Error::Unavailable(cause) => {
                tracing::warn!(error = %cause, "the database cannot be reached");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", message)
            }
            entity::Error::Unclear(cause) => {
                tracing::warn!(error = %cause, "the database was lost while it saved");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", message)
            }
            entity::Error::Full(cause) => {
                tracing::error!(error = %cause, "the database cannot write");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_full", message)
            }
            entity::Error::Database(cause) => {
                tracing::error!(error = %cause, "a query failed");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::UnknownKey | Refused::ExpiredToken => {
                Self::new(StatusCode::UNAUTHORIZED, "invalid_key", "This API key is unknown, revoked or expired.")
            }
            Refused::Inactive(status) => Self::new(
                StatusCode::FORBIDDEN,
                "account_inactive",
                format!("The account is {status}. Its keys work again once it is active."),
            ),
            Refused::Failed(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if MAY_BE_REPEATED.contains(&self.code) {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}
