//! Answers, with the headers that Inngest knows an SDK by.

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;

use super::App;
use super::caller::SIGNATURE;
use crate::client::{ENV_HEADER, REQUEST_VERSION, REQUEST_VERSION_HEADER, SDK, SDK_HEADER};
use crate::error::Retry;
use crate::signature::SigningKey;

pub(super) const FRAMEWORK: &str = "axum";
const FRAMEWORK_HEADER: HeaderName = HeaderName::from_static("x-inngest-framework");
const NO_RETRY: HeaderName = HeaderName::from_static("x-inngest-no-retry");

/// An answer before it is signed.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Strangers are not told what answers them.
    is_anonymous: bool,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self { status, headers: HeaderMap::new(), body, is_anonymous: false },
            Err(error) => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                headers: HeaderMap::new(),
                body: json!({"name": "Error", "message": error.to_string()}).to_string().into_bytes(),
                is_anonymous: false,
            },
        }
    }

    pub(super) fn unauthorized() -> Self {
        Self { is_anonymous: true, ..Self::json(StatusCode::UNAUTHORIZED, &json!({"message": "Unauthorized"})) }
    }

    /// Without a signing key nobody can be believed.
    pub(super) fn unconfigured() -> Self {
        let body = json!({"code": "internal_server_error"});
        Self { is_anonymous: true, ..Self::json(StatusCode::INTERNAL_SERVER_ERROR, &body) }
    }

    /// To a request whose body was not read, so that nothing is known of who sent it.
    pub(super) fn unread(rejection: &BytesRejection) -> Self {
        let body = json!({"message": rejection.body_text()});
        Self { is_anonymous: true, ..Self::json(rejection.status(), &body) }
    }

    /// A failure of the call itself, which may pass.
    pub(super) fn failure(message: &str) -> Self {
        let body = json!({"name": "Error", "message": message});
        Self::json(StatusCode::INTERNAL_SERVER_ERROR, &body).retry(Retry::Later)
    }

    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// Says whether and when to try again. Without the header Inngest would in any case.
    pub(super) fn retry(mut self, retry: Retry) -> Self {
        let never = if retry == Retry::Never { "true" } else { "false" };
        self.headers.insert(NO_RETRY, HeaderValue::from_static(never));
        if let Retry::At(time) = retry {
            // Not before, although parts of a second are lost.
            let time = time.checked_add_signed(chrono::Duration::milliseconds(999)).unwrap_or(time);
            if let Ok(time) = HeaderValue::from_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true)) {
                self.headers.insert(header::RETRY_AFTER, time);
            }
        }
        self
    }

    /// With the headers of the app, and signed when there is a key to sign with.
    pub(super) fn finish(mut self, app: &App, key: Option<&SigningKey>) -> Response {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if !self.is_anonymous {
            self.headers.insert(SDK_HEADER, HeaderValue::from_static(SDK));
            self.headers.insert(REQUEST_VERSION_HEADER, HeaderValue::from_static(REQUEST_VERSION));
            self.headers.insert(FRAMEWORK_HEADER, HeaderValue::from_static(FRAMEWORK));
            let env = app.client.config().env.as_deref().and_then(|env| HeaderValue::from_str(env).ok());
            env.map(|env| self.headers.insert(ENV_HEADER, env));
        }
        let signature = key.map(|key| key.sign(&self.body, Utc::now().timestamp()));
        if let Some(signature) = signature.and_then(|signature| HeaderValue::from_str(&signature).ok()) {
            self.headers.insert(HeaderName::from_static(SIGNATURE), signature);
        }
        (self.status, self.headers, self.body).into_response()
    }
}
