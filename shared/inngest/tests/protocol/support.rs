//! What the tests share: keys, an app to ask, and a server that records what it is asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use chrono::Utc;
use http_body_util::BodyExt;
use inngest::{App, Config, Function, Inngest};
use serde_json::{Value, json};
use tower::ServiceExt;

pub use crate::wire::{KEY, assert_signed, bearer, http, listen, sign};

pub const FALLBACK: &str = "signkey-prod-fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
pub const PATH: &str = "/api/inngest";
pub const SDK: &str = concat!("rust-axum:v", env!("CARGO_PKG_VERSION"));

pub fn config(variables: &[(&str, &str)]) -> Config {
    read(variables).unwrap()
}

pub fn read(variables: &[(&str, &str)]) -> Result<Config, inngest::ConfigError> {
    Config::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

pub fn client(variables: &[(&str, &str)]) -> Inngest {
    Inngest::new("my-app", config(variables), http())
}

/// An app without a network.
pub struct Endpoint(Router);

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// Asserts that it tells a stranger nothing.
    pub fn assert_refused(&self) {
        assert_eq!(self.status, 401);
        assert_eq!(self.json(), json!({"message": "Unauthorized"}));
        assert!(self.headers.keys().all(|name| !name.as_str().starts_with("x-inngest")), "{:?}", self.headers);
    }

    /// Asserts that it is an SDK's answer.
    pub fn assert_of_sdk(&self) {
        assert_eq!(self.header("x-inngest-sdk"), Some(SDK));
        assert_eq!(self.header("x-inngest-req-version"), Some("2"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("x-inngest-framework"), Some("axum"));
    }
}

impl Endpoint {
    pub fn new(client: Inngest, functions: impl IntoIterator<Item = Function>) -> Self {
        Self(Router::new().route(PATH, App::new(client, functions).unwrap().routes()))
    }

    /// With its route in a router that is nested in another.
    pub fn nested(client: Inngest, functions: impl IntoIterator<Item = Function>) -> Self {
        let inner = Router::new().route("/inngest", App::new(client, functions).unwrap().routes());
        Self(Router::new().nest("/api", inner))
    }

    pub fn dev(functions: impl IntoIterator<Item = Function>) -> Self {
        Self::new(client(&[("INNGEST_DEV", "1")]), functions)
    }

    pub fn cloud(functions: impl IntoIterator<Item = Function>) -> Self {
        Self::new(client(&[("INNGEST_SIGNING_KEY", KEY), ("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK)]), functions)
    }

    pub async fn ask(&self, method: Method, query: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        let request = Request::builder().method(method).uri(format!("{PATH}{query}")).header("host", "app.test:3000");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = self.0.clone().oneshot(request.body(Body::from(body.into())).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        Answer { status: head.status, headers: head.headers, bytes: body.collect().await.unwrap().to_bytes() }
    }

    pub async fn ask_signed(
        &self,
        key: &str,
        method: Method,
        query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let body = body.into();
        let signature = sign(key, &body, Utc::now().timestamp());
        let headers: Vec<_> = headers.iter().copied().chain([("x-inngest-signature", signature.as_str())]).collect();
        let answer = self.ask(method, query, &headers, body).await;
        if let Some(signature) = answer.header("x-inngest-signature") {
            assert_signed(key, signature, &answer.bytes);
        }
        answer
    }

    /// Calls the function `my-app-test` in dev mode.
    pub async fn call(&self, step: &str, body: &Value) -> Answer {
        self.ask(Method::POST, &format!("?fnId=my-app-test&stepId={step}"), &[], body.to_string()).await
    }
}

/// The body of a first call.
pub fn first_call() -> Value {
    json!({
        "ctx": {"attempt": 0, "max_attempts": 5, "run_id": "01M84QQ1JY1N3BJRAKPXBDSV82", "disable_immediate_execution": false,
            "stack": {"current": 0, "stack": []}, "use_api": false},
        "event": {"name": "a/b", "data": {"x": 1}, "id": "e", "ts": 1_795_455_420_000_i64, "user": {}},
        "events": [{"name": "a/b", "data": {"x": 1}, "id": "e", "ts": 1_795_455_420_000_i64, "user": {}}],
        "steps": {}, "use_api": false, "version": -1,
    })
}

/// A server that answers what it is told to, in order, and then the last of it again.
pub struct Scripted {
    pub origin: String,
    state: Arc<Script>,
}

struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<Asked>>,
}

#[derive(Clone)]
pub struct Asked {
    pub method: Method,
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Scripted {
    pub async fn start(answers: &[(u16, Value)]) -> Self {
        let answers = answers
            .iter()
            .map(|(status, body)| (*status, body.as_str().map_or_else(|| body.to_string(), str::to_owned)));
        let state = Arc::new(Script { answers: Mutex::new(answers.collect()), asked: Mutex::default() });
        let origin = listen(Router::new().fallback(play).with_state(state.clone())).await;
        Self { origin, state }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }
}

async fn play(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    script.asked.lock().unwrap().push(Asked { method, uri: uri.to_string(), headers, body });
    let mut answers = script.answers.lock().unwrap();
    let (status, body) = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
    (StatusCode::from_u16(status).unwrap(), body)
}

/// An origin where nobody is.
pub async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
