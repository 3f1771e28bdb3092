//! A stand-in for a server of a model.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// A server like OpenAI's, which answers as it is told. Ends with the runtime that it was made on.
#[derive(Clone)]
pub struct ScriptedModel {
    address: String,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    otherwise: Mutex<Option<Answer>>,
    asked: Mutex<Vec<Asked>>,
    let_go: Notify,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its path.
    pub path: String,
    /// What stood in `Authorization`, empty when it was not there.
    pub authorization: String,
    /// Its body.
    pub body: Value,
}

impl Asked {
    /// What the model was told to do.
    pub fn instructions(&self) -> &str {
        self.body["messages"][0]["content"].as_str().expect("the first message holds the instructions")
    }

    /// What it was asked, which is JSON when drafts are asked for.
    pub fn request(&self) -> Value {
        let text = self.body["messages"][1]["content"].as_str().expect("the second message holds the request");
        serde_json::from_str(text).unwrap_or_else(|_| json!(text))
    }
}

/// What is answered to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The model wrote this.
    Text(String),
    /// The model says that it will not.
    Refusal,
    /// A filter stopped the answer.
    Filtered,
    /// The answer was cut off where its limit was.
    CutOff(String),
    /// Anything else: status, headers, body.
    Http(u16, Vec<(&'static str, &'static str)>, String),
    /// A byte now and then, for ever.
    Drip,
    /// The connection ends within the answer.
    Broken,
    /// Nothing, until [`ScriptedModel::let_go`]; then this.
    Held(String),
}

impl Answer {
    /// A draft with this body, as the model is asked to write it.
    #[must_use]
    pub fn draft(body: &str) -> Self {
        Self::Text(json!({ "body": body, "title": "A working title" }).to_string())
    }

    /// An error as OpenAI's server words it.
    #[must_use]
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let error = json!({ "error": { "message": message, "type": "error", "param": null, "code": code } });
        Self::Http(status, vec![("content-type", "application/json")], error.to_string())
    }

    /// A page of a proxy before the server.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::Http(status, vec![("content-type", "text/html")], "<html><h1>Welcome</h1></html>".to_owned())
    }
}

impl ScriptedModel {
    /// A server that answers every request with an error until it is told better.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start() -> Self {
        let script = Arc::new(Script::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address").to_string();
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, script }
    }

    /// What `LLM_BASE_URL` has to be.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What to answer next, one after the other.
    pub fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.answers.lock().unwrap().extend(answers);
    }

    /// What to answer when nothing is left of that.
    pub fn otherwise(&self, answer: Answer) {
        *self.script.otherwise.lock().unwrap() = Some(answer);
    }

    /// Every request so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    /// Lets go of one held answer.
    pub fn let_go(&self) {
        self.script.let_go.notify_one();
    }
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("the request is whole");
    let asked = Asked {
        path: parts.uri.path().to_owned(),
        authorization: header(&parts.headers, "authorization"),
        body: serde_json::from_slice(&body).expect("the request is JSON"),
    };
    script.asked.lock().unwrap().push(asked);
    let told = script.answers.lock().unwrap().pop_front();
    let told = told.or_else(|| script.otherwise.lock().unwrap().clone());
    match told.unwrap_or_else(|| Answer::error(400, "no_answer", "The script has ended.")) {
        Answer::Text(text) => completion(json!({ "role": "assistant", "content": text }), "stop"),
        Answer::Refusal => {
            completion(json!({ "role": "assistant", "content": null, "refusal": "I cannot help with that." }), "stop")
        }
        Answer::Filtered => completion(json!({ "role": "assistant", "content": "I" }), "content_filter"),
        Answer::CutOff(text) => completion(json!({ "role": "assistant", "content": text }), "length"),
        Answer::Http(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).expect("it is a response")
        }
        Answer::Drip => {
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
            });
            Body::from_stream(drops).into_response()
        }
        Answer::Broken => {
            let parts = [Ok(Bytes::from_static(b"{\"choices\": [")), Err(std::io::Error::other("gone"))];
            Body::from_stream(stream::iter(parts)).into_response()
        }
        Answer::Held(text) => {
            script.let_go.notified().await;
            completion(json!({ "role": "assistant", "content": text }), "stop")
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The way OpenAI's server answers.
fn completion(message: Value, finish_reason: &str) -> Response {
    let body = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "scripted",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason, "logprobs": null }],
        "usage": { "prompt_tokens": 812, "completion_tokens": 34, "total_tokens": 846 },
    });
    (StatusCode::OK, [("content-type", "application/json")], body.to_string()).into_response()
}
