//! MCP by hand, over each transport, so that a test sees what is on the wire.

use std::fmt::Display;
use std::pin::Pin;

use futures::{Stream, StreamExt};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::PATIENCE;

const BOTH: &str = "application/json, text/event-stream";
const SESSION_ID: &str = "mcp-session-id";

/// A server and the key to show it.
#[derive(Clone)]
pub struct Caller {
    http: Client,
    origin: String,
    key: String,
}

impl Caller {
    /// With connections of its own.
    ///
    /// # Panics
    ///
    /// When there can be no HTTP client, which is a fault of the machine.
    #[must_use]
    pub fn new(origin: &str, key: &str) -> Self {
        let http = web::http_client().no_proxy().build().expect("an HTTP client can be made");
        Self::over(http, origin, key)
    }

    /// Over the connections of this client.
    #[must_use]
    pub fn over(http: Client, origin: &str, key: &str) -> Self {
        Self { http, origin: origin.to_owned(), key: key.to_owned() }
    }

    /// The same for another customer, over the same connections.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// A request with the key in its header.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.key)
    }

    /// The JSON at an address, and nothing but a 200.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        json_of(ok(self.request(Method::GET, path)).await?).await
    }

    /// The events at an address.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn follow(&self, path: &str) -> Result<Events, String> {
        Ok(Events::of(ok(self.request(Method::GET, path)).await?))
    }

    /// A session of the older HTTP+SSE transport, not initialized.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn open_sse(&self) -> Result<Sse, String> {
        let mut events = self.follow("/mcp/sse").await?;
        let first = events.next().await?.ok_or("the stream ended at once")?;
        if first.name != "endpoint" {
            return Err(format!("no endpoint but {first:?}"));
        }
        Ok(Sse { caller: self.clone(), endpoint: first.data, events, asked: 0 })
    }

    /// A session of the older transport, ready to be used.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn connect_sse(&self) -> Result<Sse, String> {
        let mut session = self.open_sse().await?;
        session.request("initialize", hello("2025-06-18")).await?;
        session.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await?;
        Ok(session)
    }

    /// A session of Streamable HTTP, ready to be used.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn connect(&self) -> Result<Session, String> {
        self.connect_as(json!({})).await
    }

    /// The same of a client with these capabilities.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn connect_as(&self, capabilities: Value) -> Result<Session, String> {
        let mut params = hello("2025-11-25");
        params["capabilities"] = capabilities;
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let request = self.request(Method::POST, "/mcp").header("accept", BOTH);
        let response = ok(request.json(&hello)).await?;
        let id = response.headers().get(SESSION_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let session = Session { caller: self.clone(), id: id.ok_or("no session id")?, asked: 0 };
        answer(response, 0).await?;
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        ok(session.message().json(&told)).await?;
        Ok(session)
    }

    /// A request of the newest protocol, which has no sessions.
    ///
    /// # Errors
    ///
    /// What came instead of a result.
    pub async fn ask(&self, id: u64, method: &str, mut params: Value) -> Result<Value, String> {
        const VERSION: &str = "2026-07-28";
        params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientCapabilities": {}});
        let mut request = self.request(Method::POST, "/mcp").header("accept", BOTH).header("mcp-method", method);
        if let Some(name) = params["name"].as_str() {
            request = request.header("mcp-name", name);
        }
        let request = request.header("mcp-protocol-version", VERSION).json(&message(id, method, &params));
        answer(ok(request).await?, id).await
    }

    /// A tool call of the newest protocol; its structured result.
    ///
    /// # Errors
    ///
    /// What came instead of a success.
    pub async fn call(&self, id: u64, tool: &str, arguments: Value) -> Result<Value, String> {
        succeeded(self.ask(id, "tools/call", json!({"name": tool, "arguments": arguments})).await?)
    }
}

/// A session of the older HTTP+SSE transport.
pub struct Sse {
    caller: Caller,
    endpoint: String,
    /// What the server says.
    pub events: Events,
    asked: u64,
}

impl Sse {
    /// Sends a message and waits until it is taken, which is not yet an answer.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn post(&mut self, message: &Value) -> Result<(), String> {
        let response = ok(self.caller.request(Method::POST, &self.endpoint).json(message)).await?;
        // To its end, so that the connection can be used again.
        response.bytes().await.map(drop).map_err(in_words)
    }

    /// Sends a request and returns its id.
    ///
    /// # Errors
    ///
    /// When it is not taken.
    pub async fn start(&mut self, method: &str, params: Value) -> Result<u64, String> {
        self.asked += 1;
        self.post(&message(self.asked, method, &params)).await?;
        Ok(self.asked)
    }

    /// The result of a request, skipping what the server says of its own accord.
    ///
    /// # Errors
    ///
    /// What came instead of a result.
    pub async fn result(&mut self, id: u64) -> Result<Value, String> {
        result_in(&mut self.events, id).await
    }

    /// A request and its result.
    ///
    /// # Errors
    ///
    /// What came instead of a result.
    pub async fn request(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let id = self.start(method, params).await?;
        self.result(id).await
    }

    /// A tool call; its structured result.
    ///
    /// # Errors
    ///
    /// What came instead of a success.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        succeeded(self.request("tools/call", json!({"name": tool, "arguments": arguments})).await?)
    }
}

/// A session of Streamable HTTP.
pub struct Session {
    /// Who opened it; on a server that was started anew, who goes on with it.
    pub caller: Caller,
    id: String,
    asked: u64,
}

impl Session {
    fn message(&self) -> RequestBuilder {
        self.caller.request(Method::POST, "/mcp").header("accept", BOTH).header(SESSION_ID, &self.id)
    }

    /// Sends a tool call and waits until it is taken, which is not yet an answer. The events hold the answer.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn start(&mut self, tool: &str, arguments: Value) -> Result<(u64, Response), String> {
        self.asked += 1;
        let params = json!({"name": tool, "arguments": arguments});
        let response = ok(self.message().json(&message(self.asked, "tools/call", &params))).await?;
        Ok((self.asked, response))
    }

    /// Answers what the server has asked under this id.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn answer(&self, id: &Value, result: Value) -> Result<(), String> {
        ok(self.message().json(&json!({"jsonrpc": "2.0", "id": id, "result": result}))).await.map(drop)
    }

    /// A tool call; its structured result.
    ///
    /// # Errors
    ///
    /// What came instead of a success.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let (id, response) = self.start(tool, arguments).await?;
        succeeded(answer(response, id).await?)
    }

    /// The stream of what the server says of its own accord.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn listen(&self) -> Result<Events, String> {
        let request = self.caller.request(Method::GET, "/mcp").header("accept", "text/event-stream");
        Ok(Events::of(ok(request.header(SESSION_ID, &self.id)).await?))
    }

    /// Says goodbye.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn delete(self) -> Result<(), String> {
        ok(self.caller.request(Method::DELETE, "/mcp").header(SESSION_ID, &self.id)).await.map(drop)
    }
}

/// A server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `id:`
    pub id: String,
    /// `event:`
    pub name: String,
    /// `data:`
    pub data: String,
}

/// Server-sent events as they come.
pub struct Events {
    chunks: Pin<Box<dyn Stream<Item = Result<Vec<u8>, reqwest::Error>> + Send>>,
    unread: Vec<u8>,
}

impl Events {
    /// The events in the body of a response.
    pub fn of(response: Response) -> Self {
        let chunks = response.bytes_stream().map(|chunk| chunk.map(Vec::from));
        Self { chunks: Box::pin(chunks), unread: Vec::new() }
    }

    /// The next event with data in it; none when the stream has ended as it should.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    ///
    /// # Panics
    ///
    /// When nothing comes for too long.
    pub async fn next(&mut self) -> Result<Option<Event>, String> {
        loop {
            while let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                let event = event(&String::from_utf8_lossy(&block));
                if !event.data.is_empty() {
                    return Ok(Some(event));
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.chunks.next());
            match chunk.await.unwrap_or_else(|_| panic!("no event within {PATIENCE:?}")) {
                Some(chunk) => self.unread.extend(chunk.map_err(in_words)?),
                None => return Ok(None),
            }
        }
    }

    /// Waits for the end, whatever comes before it.
    ///
    /// # Errors
    ///
    /// When the stream did not end but broke.
    pub async fn end(&mut self) -> Result<(), String> {
        while self.next().await?.is_some() {}
        Ok(())
    }
}

fn event(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => value.clone_into(&mut event.id),
            Some(("event", value)) => value.clone_into(&mut event.name),
            Some(("data", value)) => event.data.push_str(value),
            _ => {}
        }
    }
    event
}

fn hello(version: &str) -> Value {
    json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "harness", "version": "1"}})
}

fn message(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

async fn ok(request: RequestBuilder) -> Result<Response, String> {
    let response = request.send().await.map_err(in_words)?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    Err(format!("{status}: {}", response.text().await.unwrap_or_default()))
}

async fn json_of(response: Response) -> Result<Value, String> {
    response.json().await.map_err(in_words)
}

/// The result in an answer, which is JSON or a stream of events.
async fn answer(response: Response, id: u64) -> Result<Value, String> {
    let is_json = response.headers().get("content-type").is_some_and(|kind| kind == "application/json");
    if is_json {
        return result(json_of(response).await?, id);
    }
    let head = format!("{} {:?}", response.status(), response.headers());
    let mut events = Events::of(response);
    let result = result_in(&mut events, id).await.map_err(|error| format!("{error}, of {head}"))?;
    events.end().await?;
    Ok(result)
}

async fn result_in(events: &mut Events, id: u64) -> Result<Value, String> {
    loop {
        let event = events.next().await?.ok_or("the stream ended before the answer")?;
        let message: Value = serde_json::from_str(&event.data).map_err(in_words)?;
        if message.get("method").is_none() {
            return result(message, id);
        }
    }
}

fn result(mut answer: Value, id: u64) -> Result<Value, String> {
    if answer["id"] == id && answer["result"].is_object() {
        Ok(answer["result"].take())
    } else {
        Err(answer.to_string())
    }
}

fn succeeded(mut result: Value) -> Result<Value, String> {
    let data = result["structuredContent"].take();
    if result["isError"] != true && data.is_object() { Ok(data) } else { Err(result.to_string()) }
}

fn in_words(error: impl Display) -> String {
    error.to_string()
}
