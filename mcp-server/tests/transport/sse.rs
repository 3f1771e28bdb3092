//! A client of the older transport, written by hand so that every byte can be looked at.

use std::pin::Pin;

use futures::{Stream, StreamExt};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::server::{PATIENCE, Server};

type Chunks = Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>;

/// Events as they come.
pub struct Events {
    chunks: Chunks,
    unread: String,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub data: String,
}

impl Events {
    pub fn of(response: Response) -> Self {
        let chunks = response.bytes_stream().map(|chunk| chunk.map(|bytes| bytes.to_vec()));
        Self { chunks: Box::pin(chunks), unread: String::new() }
    }

    /// The next block, comments included; nothing when the stream is over.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                return Some(block);
            }
            match timeout(PATIENCE, self.chunks.next()).await.expect("an event in time")? {
                Ok(chunk) => self.unread.push_str(&String::from_utf8(chunk).unwrap()),
                Err(_) => return None,
            }
        }
    }

    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
            };
            if block.lines().any(|line| line.starts_with("data:")) {
                return Some(Event { name: field("event"), data: field("data") });
            }
        }
    }

    pub async fn message(&mut self) -> Value {
        let event = self.next().await.expect("a message");
        serde_json::from_str(&event.data).unwrap()
    }

    /// Waits for the stream's end.
    pub async fn ended(mut self) {
        while self.block().await.is_some() {}
    }
}

/// A session of the older transport.
pub struct Legacy {
    pub http: reqwest::Client,
    pub endpoint: String,
    pub name: &'static str,
    pub events: Events,
}

pub fn initialize(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "test", "version": "1"}}})
}

pub fn call(id: u64, tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

pub fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

pub fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

impl Legacy {
    /// Opens a stream with the key in a header and reads where to post.
    pub async fn open(server: &Server, name: &'static str) -> Self {
        let http = web::http_client().build().unwrap();
        let response = http.get(server.url("/mcp/sse")).bearer_auth(name).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{}", response.text().await.unwrap());
        let mut events = Events::of(response);
        let first = events.next().await.unwrap();
        assert_eq!(first.name, "endpoint");
        Self { http, endpoint: server.url(&first.data), name, events }
    }

    /// Opens a stream and shakes hands.
    pub async fn connect(server: &Server, name: &'static str) -> Self {
        let mut session = Self::open(server, name).await;
        session.post(&initialize(0)).await;
        assert_eq!(session.events.message().await["id"], 0);
        session.post(&notification("notifications/initialized", json!({}))).await;
        session
    }

    pub fn request(&self, message: &Value) -> reqwest::RequestBuilder {
        self.http.post(&self.endpoint).bearer_auth(self.name).json(message)
    }

    /// Posts and expects the message to be taken.
    pub async fn post(&self, message: &Value) {
        let response = self.request(message).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert_eq!(response.text().await.unwrap(), "Accepted");
    }

    pub async fn call(&mut self, id: u64, tool: &str, arguments: Value) -> Value {
        self.post(&call(id, tool, arguments)).await;
        let answer = self.events.message().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }
}
