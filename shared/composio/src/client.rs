use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;
use url::Url;

use crate::error::clean;
use crate::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For one attempt at a call that Composio answers by itself.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(6);
/// For such a call with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(12);
/// For a call that goes through to a platform.
const TOOL_TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(300);
/// Whoever asks for a longer pause is not asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// A client of Composio's API, for one project.
#[derive(Debug)]
pub struct Composio {
    http: Client,
    base: Url,
    key: SecretString,
    health: Mutex<Health>,
    observe: Observe,
}

/// Hears of every call: how long it took with all its attempts, and how it failed, if it did.
pub type Observe = fn(Duration, Option<&Error>);

/// How calls went lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When Composio last answered as it should.
    pub answered_at: Option<DateTime<Utc>>,
    /// Since when it has not, and how.
    pub failing: Option<Failing>,
}

/// A failure that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// When it began.
    pub since: DateTime<Utc>,
    /// The last error.
    pub error: String,
}

/// How a call may be made.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    attempts: u32,
    attempt: Duration,
    call: Duration,
}

impl Patience {
    /// Changes nothing, or the same when done again.
    pub(crate) const REPEATABLE: Self = Self { attempts: ATTEMPTS, attempt: ATTEMPT_TIMEOUT, call: CALL_TIMEOUT };
    /// Makes something of which there should be one.
    pub(crate) const ONCE: Self = Self { attempts: 1, attempt: CALL_TIMEOUT, call: CALL_TIMEOUT };
    /// Reads from a platform.
    pub(crate) const READ_TOOL: Self = Self { attempts: 2, attempt: TOOL_TIMEOUT, call: TOOL_TIMEOUT };
    /// Acts on a platform.
    pub(crate) const ACT_TOOL: Self = Self { attempts: 1, attempt: TOOL_TIMEOUT, call: TOOL_TIMEOUT };
}

impl Composio {
    /// A client for the project of this key. `base` ends with the version of the API, as in `/api/v3.1`.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(http: ClientBuilder, base: Url, key: SecretString) -> std::result::Result<Self, reqwest::Error> {
        let http = http.connect_timeout(CONNECT_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, base, key, health: Mutex::default(), observe: |_, _| {} })
    }

    /// The same client, which tells of its calls.
    #[must_use]
    pub fn observed(mut self, observe: Observe) -> Self {
        self.observe = observe;
        self
    }

    /// How calls went lately. Costs no call.
    pub fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T> {
        self.call(Method::GET, path, query, None::<&()>, Patience::REPEATABLE).await
    }

    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&(impl Serialize + Sync)>,
        patience: Patience,
    ) -> Result<T> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http.request(method, url).header("x-api-key", self.key.expose_secret());
        if let Some(body) = body {
            request = request.json(body);
        }
        let began = Instant::now();
        let span = tracing::info_span!("upstream", service = "composio");
        let attempts = self.attempts(request.timeout(patience.attempt), patience.attempts).instrument(span);
        let answer = match tokio::time::timeout(patience.call, attempts).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Error::NoAnswer("no answer in time".to_owned())),
        };
        (self.observe)(began.elapsed(), answer.as_ref().err());
        self.note(path, answer.as_ref().err());
        let (answer, request_id) = answer?;
        serde_json::from_value(answer).map_err(|error| Error::Unreadable { problem: error.to_string(), request_id })
    }

    /// Tells the log when an outage begins, goes on and ends.
    fn note(&self, path: &str, error: Option<&Error>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match error.filter(|error| error.is_outage()) {
            Some(error) => {
                tracing::warn!(%error, path, "a call to Composio failed");
                let since = health.failing.as_ref().map_or_else(Utc::now, |failing| failing.since);
                health.failing = Some(Failing { since, error: error.to_string() });
            }
            None => {
                if let Some(failing) = health.failing.take() {
                    tracing::info!(since = %failing.since, "Composio answers again");
                }
                health.answered_at = Some(Utc::now());
            }
        }
    }

    async fn attempts(&self, request: RequestBuilder, attempts: u32) -> Result<(Value, Option<String>)> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..attempts {
            // Bodies are in memory, so every request can be cloned.
            let Some(attempt) = request.try_clone() else { break };
            let (error, wait) = match self.attempt(attempt).await {
                Ok(answer) => return Ok(answer),
                Err((error, again)) => match again {
                    Again::After(wait) => (error, wait.unwrap_or_else(|| pause.mul_f64(jitter()))),
                    Again::Never => return Err(error),
                },
            };
            if wait > LONGEST_PAUSE {
                return Err(error);
            }
            tracing::debug!(%error, "trying again");
            tokio::time::sleep(wait).await;
            pause *= 3;
        }
        self.attempt(request).await.map_err(|(error, _)| error)
    }

    async fn attempt(&self, request: RequestBuilder) -> std::result::Result<(Value, Option<String>), (Error, Again)> {
        let unanswered = |error: reqwest::Error| {
            let is_unsent = error.is_connect() || error.is_builder();
            let text = with_causes(&error.without_url());
            (if is_unsent { Error::NotSent(text) } else { Error::NoAnswer(text) }, Again::After(None))
        };
        let response = request.send().await.map_err(unanswered)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let request_id = text(&headers, "x-request-id");
        let body = match read(response).await {
            Ok(body) => body,
            Err(Unread::Broken(error)) => return Err(unanswered(error)),
            Err(Unread::TooLong) => {
                let problem = format!("it is longer than {MAX_ANSWER_BYTES} bytes");
                return Err((Error::Unreadable { problem, request_id }, Again::Never));
            }
        };
        tracing::debug!(%status, request_id, "Composio answered");
        let json = serde_json::from_slice::<Value>(&body);
        if !status.is_success() {
            let body = json.unwrap_or_default();
            let said = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            let message = said("/error/message").or_else(|| said("/message")).or_else(|| said("/error"));
            let error = Error::Refused {
                status,
                message: clean(message.as_deref().unwrap_or("no reason that we understand")),
                request_id: said("/error/request_id").or(request_id),
                retry_after: retry_after(&headers),
            };
            return Err((error, again(status.as_u16(), &headers)));
        }
        // A proxy's page with status 200 may be gone the next time.
        let unreadable = |error: serde_json::Error| {
            let error = Error::Unreadable { problem: clean(&error.to_string()), request_id: request_id.clone() };
            (error, Again::After(None))
        };
        json.map(|answer| (answer, request_id.clone())).map_err(unreadable)
    }
}

enum Again {
    Never,
    After(Option<Duration>),
}

fn again(status: u16, headers: &HeaderMap) -> Again {
    match text(headers, "x-should-retry").as_deref() {
        Some("true") => return Again::After(retry_after(headers)),
        Some("false") => return Again::Never,
        _ => {}
    }
    if matches!(status, 408 | 409 | 429 | 500..) { Again::After(retry_after(headers)) } else { Again::Never }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let millis = text(headers, "retry-after-ms").and_then(|text| text.parse::<f64>().ok()).map(|ms| ms / 1000.0);
    let seconds = millis.or_else(|| text(headers, "retry-after").and_then(|text| text.parse::<f64>().ok()))?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// reqwest's own words say only that it failed.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

enum Unread {
    Broken(reqwest::Error),
    TooLong,
}

async fn read(mut response: Response) -> std::result::Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(Unread::TooLong);
        }
    }
    Ok(body)
}

/// Between a half and one and a half: callers that failed together should not come back together.
fn jitter() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX) + 0.5
}
