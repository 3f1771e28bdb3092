//! The client: an app's name, how it finds Inngest, and the events that it sends.

use std::future::Future;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::config::{Config, Mode};
use crate::event::Event;
use crate::send::{SendError, SendEvents};
use crate::signature::SigningKey;

/// What this SDK is called: a name, one colon, a version.
pub(crate) const SDK: &str = concat!("rust-axum:v", env!("CARGO_PKG_VERSION"));
/// The version of the protocol: one more call when all steps of a group are done, not one after each.
pub(crate) const REQUEST_VERSION: &str = "2";
/// What the dev server takes for an event key.
const NO_EVENT_KEY: &str = "NO_EVENT_KEY_SET";

pub(crate) const SDK_HEADER: HeaderName = HeaderName::from_static("x-inngest-sdk");
pub(crate) const REQUEST_VERSION_HEADER: HeaderName = HeaderName::from_static("x-inngest-req-version");
pub(crate) const ENV_HEADER: HeaderName = HeaderName::from_static("x-inngest-env");
const SEED_HEADER: HeaderName = HeaderName::from_static("x-inngest-event-id-seed");

const SEND_ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// For one attempt to send events.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// For one question to the API. The state of a run has up to 32 MB.
const API_TIMEOUT: Duration = Duration::from_secs(60);

const MAX_EVENTS: usize = 5000;
const MAX_NAME: usize = 512;
/// From 1980 to 2100, in milliseconds.
const TIMES: std::ops::RangeInclusive<i64> = 315_532_800_000..=4_102_444_800_000;

/// An app: its name, and how it finds Inngest.
#[derive(Clone, Debug)]
pub struct Inngest {
    app_id: String,
    app_version: Option<String>,
    config: Config,
    http: reqwest::Client,
}

impl Inngest {
    /// The app `app_id`, which sends its requests with `http`. Two apps of one account must not have the same id: each
    /// would take the functions of the other away.
    pub fn new(app_id: impl Into<String>, config: Config, http: reqwest::Client) -> Self {
        Self { app_id: app_id.into(), app_version: None, config, http }
    }

    /// The same app with a version, which Inngest shows.
    #[must_use]
    pub fn with_app_version(mut self, version: impl Into<String>) -> Self {
        self.app_version = Some(version.into());
        self
    }

    /// Its id.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// How Inngest knows a function of this app: what `step.invoke` takes.
    #[must_use]
    pub fn function_id(&self, function: &str) -> String {
        format!("{}-{function}", self.app_id)
    }

    /// How it finds Inngest.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn app_version(&self) -> Option<&str> {
        self.app_version.as_deref()
    }

    /// Sends events, and gives the ids that they got. Tries again, without sending anything twice, when Inngest cannot
    /// be reached or has trouble.
    ///
    /// # Errors
    ///
    /// When an event is not one, of which none is sent then; when Inngest refuses them; when five attempts failed.
    pub async fn send(&self, events: Vec<Event>) -> Result<Vec<String>, SendError> {
        self.send_traced(events, &HeaderMap::new()).await
    }

    /// The same as a part of what these headers are about.
    pub(crate) async fn send_traced(&self, events: Vec<Event>, trace: &HeaderMap) -> Result<Vec<String>, SendError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        if events.len() > MAX_EVENTS {
            return Err(SendError(format!("at most {MAX_EVENTS} can be sent at once")));
        }
        let now = Utc::now().timestamp_millis();
        let events = events.into_iter().map(|event| complete(event, now)).collect::<Result<Vec<_>, _>>()?;
        let body = serde_json::to_vec(&events).map_err(|error| SendError(error.to_string()))?;
        let url = self.event_url()?;
        // The same for every attempt: by it Inngest knows the events again that it has already.
        let seed = format!("{now},{}", STANDARD.encode(random()?));
        let request = || {
            let request = self.request(Method::POST, url.clone()).timeout(SEND_TIMEOUT).headers(trace.clone());
            request.header(SEED_HEADER, &seed).body(body.clone())
        };
        let mut attempt = 0;
        loop {
            match send(request()).await {
                Err(Failure::Passing(problem)) if attempt + 1 < SEND_ATTEMPTS => {
                    tracing::debug!(%problem, attempt, "events are sent again");
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                sent => {
                    return sent.map_err(|(Failure::Passing(problem) | Failure::Final(problem))| SendError(problem));
                }
            }
        }
    }

    fn event_url(&self) -> Result<Url, SendError> {
        let key = match &self.config.event_key {
            Some(key) => key.expose_secret(),
            None if self.config.mode == Mode::Dev => NO_EVENT_KEY,
            None => return Err(SendError("there is no event key: set INNGEST_EVENT_KEY".to_owned())),
        };
        Ok(under(&self.config.event_origin, &["e", key]))
    }

    /// Asks Inngest's API; when it does not know the one key, with the other.
    pub(crate) async fn ask(&self, request: impl Fn() -> RequestBuilder) -> reqwest::Result<Response> {
        let send = |key: Option<&SigningKey>| {
            let request = request().timeout(API_TIMEOUT);
            match key {
                Some(key) => request.bearer_auth(key.bearer().expose_secret()).send(),
                None => request.send(),
            }
        };
        let mut keys = self.config.signing_keys();
        let answer = send(keys.next()).await?;
        match keys.next() {
            Some(fallback) if matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                send(Some(fallback)).await
            }
            _ => Ok(answer),
        }
    }

    /// What Inngest's API has there.
    pub(crate) async fn get<T: serde::de::DeserializeOwned>(&self, path: &[&str]) -> Result<T, String> {
        let url = under(&self.config.api_origin, path);
        let problem = |error: reqwest::Error| error.without_url().to_string();
        let answer = self.ask(|| self.request(Method::GET, url.clone())).await.map_err(problem)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(problem)?;
        if status != StatusCode::OK {
            return Err(format!("{status}: {}", said(&body)));
        }
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    }

    /// A request with what every one to Inngest has.
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let mut headers = HeaderMap::new();
        headers.insert(SDK_HEADER, HeaderValue::from_static(SDK));
        headers.insert(REQUEST_VERSION_HEADER, HeaderValue::from_static(REQUEST_VERSION));
        headers.insert(reqwest::header::USER_AGENT, HeaderValue::from_static(SDK));
        headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(env) = self.config.env.as_deref().and_then(|env| HeaderValue::from_str(env).ok()) {
            headers.insert(ENV_HEADER, env);
        }
        self.http.request(method, url).headers(headers)
    }
}

impl SendEvents for Inngest {
    fn send_events(&self, events: Vec<Event>) -> BoxFuture<'_, Result<Vec<String>, SendError>> {
        self.send(events).boxed()
    }
}

/// Sends events as a part of the run that a call is about.
pub(crate) struct Traced {
    pub(crate) client: Inngest,
    pub(crate) trace: HeaderMap,
}

impl SendEvents for Traced {
    fn send_events(&self, events: Vec<Event>) -> BoxFuture<'_, Result<Vec<String>, SendError>> {
        self.client.send_traced(events, &self.trace).boxed()
    }
}

/// An address below an origin. Its parts may have any characters.
pub(crate) fn under(origin: &Url, path: &[&str]) -> Url {
    let mut url = origin.clone();
    // Those that cannot be a base are no origins.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// What an answer says about its failure.
pub(crate) fn said(body: &[u8]) -> String {
    const MAX_CHARS: usize = 500;
    let json: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    let field = |name: &str| Some(json.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty())?.to_owned());
    let text = field("error").or_else(|| field("message"));
    text.unwrap_or_else(|| String::from_utf8_lossy(body).trim().chars().take(MAX_CHARS).collect())
}

enum Failure {
    /// It may work the next time.
    Passing(String),
    Final(String),
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    ids: Vec<String>,
    status: u16,
    #[serde(default)]
    error: Option<String>,
}

impl Sent {
    fn is_ok(&self) -> bool {
        self.status == 200 && self.error.as_deref().unwrap_or_default().is_empty()
    }
}

fn send(request: RequestBuilder) -> impl Future<Output = Result<Vec<String>, Failure>> {
    // The address has the event key in it.
    let passing = |error: reqwest::Error| Failure::Passing(error.without_url().to_string());
    async move {
        let answer = request.send().await.map_err(passing)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(passing)?;
        if status.is_server_error() {
            return Err(Failure::Passing(format!("{status}: {}", said(&body))));
        }
        match serde_json::from_slice::<Sent>(&body) {
            Ok(sent) if status == StatusCode::OK && sent.is_ok() => Ok(sent.ids),
            _ => Err(Failure::Final(format!("{status}: {}", said(&body)))),
        }
    }
}

/// The event as it is sent. Inngest takes an array until the first bad one, so all are looked at before.
fn complete(mut event: Event, now: i64) -> Result<Event, SendError> {
    let refuse = |problem: &str| Err(SendError(format!("event `{}`: {problem}", event.name)));
    if event.name.is_empty() || event.name.len() > MAX_NAME {
        return refuse("its name must have 1 to 512 bytes");
    }
    if event.name.starts_with("inngest/") {
        return refuse("names that begin with `inngest/` are Inngest's own");
    }
    if !event.data.is_object() && !event.data.is_null() {
        return refuse("its data must be a JSON object");
    }
    let ts = event.ts.unwrap_or(now);
    if !TIMES.contains(&ts) {
        return refuse("its ts must be in milliseconds, of a year from 1980 to 2100");
    }
    event.ts = Some(ts);
    if event.data.is_null() {
        event.data = Value::Object(Map::new());
    }
    Ok(event)
}

fn random() -> Result<[u8; 10], SendError> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).map_err(|error| SendError(error.to_string()))?;
    Ok(bytes)
}

/// Twice as long each time, and up to as much again, so that not all come back at once.
fn pause(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(1 << attempt);
    let share = getrandom::u32().unwrap_or_default();
    pause + pause.mul_f64(f64::from(share) / f64::from(u32::MAX))
}
