//! Calls to Stripe: typed requests of async-stripe, sent by our own client, read into small tolerant types.
//!
//! async-stripe's own client hides the status and the request id of errors and refuses answers of any other API
//! version than its own.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use stripe_client_core::{RequestBuilder, StripeMethod};
use url::Url;
use web::metrics::{self, Outcome, Upstream};

/// The one API version that we speak: what async-stripe's requests are made for.
pub const API_VERSION: &str = "2026-09-30.endive";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(6);
/// For a call with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(14);
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// An answer of Stripe's is some kilobytes; whatever is longer is none.
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;

/// A client of Stripe's API.
#[derive(Debug)]
pub struct Stripe {
    http: Client,
    base: Url,
    key: SecretString,
}

/// Why a call to Stripe failed. Says nothing that a customer should read.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// No answer.
    #[error("Stripe cannot be reached: {0}")]
    Unreachable(String),
    /// An answer that is an error.
    #[error("Stripe answered {status}{}{}: {message}", said(" ", code), said(" to request ", request_id))]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// Stripe's name for the error.
        code: Option<String>,
        /// Stripe's `Request-Id`, by which their support finds the call.
        request_id: Option<String>,
        /// Stripe's sentence.
        message: String,
    },
    /// An answer that is not what was asked for.
    #[error("Stripe's answer{} cannot be read: {problem}", said(" to request ", request_id))]
    Unreadable {
        /// Stripe's `Request-Id`.
        request_id: Option<String>,
        /// What is wrong.
        problem: String,
    },
}

fn said(before: &str, text: &Option<String>) -> String {
    text.as_ref().map(|text| format!("{before}{text}")).unwrap_or_default()
}

impl StripeError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Refused { .. } => Outcome::Refused,
            Self::Unreachable(_) | Self::Unreadable { .. } => Outcome::Failed,
        }
    }

    /// Whether Stripe has no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::NOT_FOUND, .. })
    }
}

/// Whether to try again after a failure.
enum Failed {
    ForNow(StripeError),
    ForGood(StripeError),
}

impl Stripe {
    /// A client for the account with this key.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(key: SecretString, base: Url) -> Result<Self, String> {
        let http = web::http_client()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ATTEMPT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("cannot make a client for Stripe: {error}"))?;
        Ok(Self { http, base, key })
    }

    /// Sends a request that changes nothing.
    ///
    /// # Errors
    ///
    /// When Stripe fails or refuses, after some attempts.
    pub async fn get<T: DeserializeOwned>(&self, request: &RequestBuilder) -> Result<T, StripeError> {
        self.call(request, None).await
    }

    /// Sends a request that may be sent again under the same key, without doing it twice.
    ///
    /// # Errors
    ///
    /// When Stripe fails or refuses, after some attempts.
    pub async fn post<T: DeserializeOwned>(
        &self,
        request: &RequestBuilder,
        idempotency_key: &str,
    ) -> Result<T, StripeError> {
        self.call(request, Some(idempotency_key)).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: &RequestBuilder,
        idempotency_key: Option<&str>,
    ) -> Result<T, StripeError> {
        let answer = async {
            let attempts = tokio::time::timeout(CALL_TIMEOUT, self.attempts(request, idempotency_key));
            attempts.await.unwrap_or_else(|_| Err(StripeError::Unreachable("no answer in time".to_owned())))
        };
        let (answer, request_id) = metrics::upstream(Upstream::Stripe, StripeError::outcome, answer)
            .await
            .inspect_err(|error| tracing::warn!(%error, path = request.path, "a call to Stripe failed"))?;
        serde_json::from_value(answer)
            .map_err(|error| StripeError::Unreadable { request_id, problem: error.to_string() })
    }

    async fn attempts(
        &self,
        request: &RequestBuilder,
        idempotency_key: Option<&str>,
    ) -> Result<(Value, Option<String>), StripeError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(request, idempotency_key).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::ForGood(error)) => return Err(error),
                Err(Failed::ForNow(error)) => tracing::debug!(%error, "trying again"),
            }
            // Callers that failed together should not come back together.
            tokio::time::sleep(pause.mul_f64(jitter())).await;
            pause *= 3;
        }
        self.attempt(request, idempotency_key).await.map_err(|failed| match failed {
            Failed::ForNow(error) | Failed::ForGood(error) => error,
        })
    }

    async fn attempt(
        &self,
        request: &RequestBuilder,
        idempotency_key: Option<&str>,
    ) -> Result<(Value, Option<String>), Failed> {
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut url = self.base.clone();
        url.set_path(&format!("{}/v1{}", self.base.path().trim_end_matches('/'), request.path));
        url.set_query(request.query.as_deref().filter(|query| !query.is_empty()));
        let mut sending =
            self.http.request(method, url).bearer_auth(self.key.expose_secret()).header("stripe-version", API_VERSION);
        if let Some(key) = idempotency_key {
            sending = sending.header("idempotency-key", key);
        }
        if let Some(body) = &request.body {
            sending = sending.header("content-type", "application/x-www-form-urlencoded").body(body.clone());
        }
        let unreachable =
            |error: reqwest::Error| Failed::ForNow(StripeError::Unreachable(error.without_url().to_string()));
        let mut response = sending.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let request_id = header(&headers, "request-id");
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_BYTES {
                let problem = format!("it is longer than {MAX_ANSWER_BYTES} bytes");
                return Err(Failed::ForGood(StripeError::Unreadable { request_id, problem }));
            }
        }
        tracing::debug!(%status, request_id, path = request.path, "Stripe answered");
        let json = serde_json::from_slice::<Value>(&body);
        if !status.is_success() {
            return Err(refusal(status, &headers, request_id, &json.unwrap_or_default()));
        }
        match json {
            Ok(answer) => Ok((answer, request_id)),
            // A proxy's page with status 200 may be gone the next time.
            Err(error) => Err(Failed::ForNow(StripeError::Unreadable { request_id, problem: error.to_string() })),
        }
    }
}

/// Between a half and one and a half.
fn jitter() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX) + 0.5
}

fn refusal(status: StatusCode, headers: &HeaderMap, request_id: Option<String>, body: &Value) -> Failed {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let error = StripeError::Refused {
        status,
        code: text("/error/code").or_else(|| text("/error/type")),
        request_id,
        message: text("/error/message").unwrap_or_else(|| "no reason that we understand".to_owned()),
    };
    let again = match header(headers, "stripe-should-retry").as_deref() {
        Some("true") => true,
        Some("false") => false,
        _ => matches!(status.as_u16(), 409 | 424 | 429 | 500..),
    };
    if again { Failed::ForNow(error) } else { Failed::ForGood(error) }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
