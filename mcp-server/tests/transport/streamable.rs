//! Streamable HTTP as clients know it.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode};
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, ClientConfig};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};

use crate::fixture::Calls;
use crate::server::Server;
use crate::sse::{Events, call, initialize, notification, text};

const BOTH: &str = "application/json, text/event-stream";

/// A session by hand.
pub struct Session {
    pub http: reqwest::Client,
    pub url: String,
    pub id: String,
    pub name: &'static str,
}

impl Session {
    pub async fn open(server: &Server, name: &'static str) -> Self {
        let http = web::http_client().build().unwrap();
        let url = server.url("/mcp");
        let request = http.post(&url).bearer_auth(name).header("accept", BOTH).json(&initialize(0));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{}", response.text().await.unwrap());
        let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        assert!(Events::of(response).message().await["result"].is_object());
        let session = Self { http, url, id, name };
        let told = session.post(&notification("notifications/initialized", json!({}))).send().await.unwrap();
        assert_eq!(told.status(), StatusCode::ACCEPTED);
        session
    }

    pub fn post(&self, message: &Value) -> RequestBuilder {
        let request = self.http.post(&self.url).bearer_auth(self.name).header("accept", BOTH);
        request.header("mcp-session-id", &self.id).json(message)
    }

    pub async fn start(&self, message: &Value) -> Events {
        self.start_as(self.name, message).await
    }

    /// With another key of the same customer.
    pub async fn start_as(&self, name: &'static str, message: &Value) -> Events {
        let request = self.http.post(&self.url).bearer_auth(name).header("accept", BOTH);
        let response = request.header("mcp-session-id", &self.id).json(message).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{}", response.text().await.unwrap());
        Events::of(response)
    }

    pub async fn call(&self, id: u64, tool: &str, arguments: Value) -> Value {
        let answer = self.start(&call(id, tool, arguments)).await.message().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    pub async fn listen(&self) -> Events {
        self.listen_as(self.name).await
    }

    pub async fn listen_as(&self, name: &str) -> Events {
        let request = self.http.get(&self.url).bearer_auth(name).header("accept", "text/event-stream");
        let response = request.header("mcp-session-id", &self.id).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Events::of(response)
    }
}

/// A request of the newest protocol, which has no sessions.
pub fn stateless(server: &Server, name: &str, method: &str, mut params: Value) -> RequestBuilder {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let mut request =
        web::http_client().build().unwrap().post(server.url("/mcp")).bearer_auth(name).header("accept", BOTH);
    if let Some(tool) = params["name"].as_str() {
        request = request.header("mcp-name", tool);
    }
    request
        .header("mcp-method", method)
        .header("mcp-protocol-version", "2026-07-28")
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
}

async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/json", "{status}");
    let body: Value = response.json().await.unwrap();
    assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
    (status, body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn rmcps_own_client_connects_calls_and_leaves() {
    let server = Server::start().await;
    let mut config = StreamableHttpClientTransportConfig::with_uri(server.url("/mcp"));
    config.custom_headers =
        HashMap::from([(HeaderName::from_static("authorization"), HeaderValue::from_static("Bearer alice"))]);
    let client = ClientConfig::default().serve(StreamableHttpClientTransport::from_config(config)).await.unwrap();
    assert_eq!(client.list_all_tools().await.unwrap()[0].name, "echo");
    let arguments = json!({"text": "hello"}).as_object().cloned().unwrap();
    let result = client.call_tool(CallToolRequestParams::new("echo").with_arguments(arguments)).await.unwrap();
    assert!(serde_json::to_string(&result).unwrap().contains("hello"));
    client.cancel().await.unwrap();
    server.empties().await;
}

#[tokio::test]
async fn a_session_answers_calls_without_priming_events() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    let mut events = session.start(&call(1, "echo", json!({"text": "hi"}))).await;
    let block = events.block().await.unwrap();
    assert!(block.contains("data: {") && !block.contains("retry:"), "{block}");
    events.ended().await;
}

#[tokio::test]
async fn the_newest_protocol_needs_no_session() {
    let server = Server::start().await;
    let discovered = stateless(&server, "alice", "server/discover", json!({})).send().await.unwrap();
    assert_eq!(discovered.status(), StatusCode::OK);
    assert!(discovered.text().await.unwrap().contains("2026-07-28"));
    let called = stateless(&server, "alice", "tools/call", json!({"name": "echo", "arguments": {"text": "hi"}}));
    let answer: Value = called.send().await.unwrap().json().await.unwrap();
    assert_eq!(text(&answer), "hi");
    let unknown = stateless(&server, "alice", "no/such", json!({})).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.json::<Value>().await.unwrap()["error"]["code"], -32601);
    assert_eq!(server.sessions.count(), 0);
}

#[tokio::test]
async fn the_handler_sees_the_caller_and_no_credentials() {
    let server = Server::start().await;
    let mut session = Session::open(&server, "alice").await;
    session.url.push_str("?token=alice");
    let answer = session.call(1, "seen", json!({})).await;
    let seen: Value = serde_json::from_str(text(&answer)).unwrap();
    assert_eq!(seen["customer"], server.caller("alice").customer_id.as_str());
    assert_eq!(seen["uri"], "/mcp");
    assert!(!seen["headers"].as_str().unwrap().contains("alice"), "{seen}");
}

#[tokio::test]
async fn a_session_id_is_its_customers_alone() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    let (inner, _) = session.id.split_once('.').expect("a bound id");
    let not_found = (404, "session_not_found".to_owned());
    let ids = [session.id.clone(), inner.to_owned(), format!("{inner}.AAAA"), "x".to_owned(), String::new()];
    for (name, id) in [("bob", &ids[0]), ("alice", &ids[1]), ("alice", &ids[2]), ("alice", &ids[3]), ("alice", &ids[4])]
    {
        for request in
            [session.http.post(&session.url), session.http.get(&session.url), session.http.delete(&session.url)]
        {
            let request = request.bearer_auth(name).header("accept", BOTH).header("mcp-session-id", id);
            let response = request.json(&call(1, "echo", json!({}))).send().await.unwrap();
            assert_eq!(refused(response).await, not_found, "{name} {id}");
        }
    }
    let twice = session.post(&call(1, "echo", json!({}))).header("mcp-session-id", &session.id);
    assert_eq!(refused(twice.send().await.unwrap()).await, not_found);
    // Another key of the same customer is welcome.
    let own = Session { name: "alice2", ..session };
    assert_eq!(text(&own.call(1, "echo", json!({"text": "mine"})).await), "mine");
}

#[tokio::test]
async fn a_restart_goes_unnoticed() {
    let before = Server::start().await;
    let mut session = Session::open(&before, "alice").await;
    before.shutdown.cancel();
    before.served.await.unwrap().unwrap();

    let after = Server::on(before.world.clone(), |_| ()).await;
    session.url = after.url("/mcp");
    let answer = session.call(5, "seen", json!({})).await;
    let seen: Value = serde_json::from_str(text(&answer)).unwrap();
    assert_eq!((&seen["client"], &seen["version"]), (&json!("test"), &json!("2025-06-18")));
    assert_eq!(after.sessions.count(), 1);
    let foreign = Session { name: "bob", ..session };
    let response = foreign.post(&call(6, "echo", json!({}))).send().await.unwrap();
    assert_eq!(refused(response).await, (404, "session_not_found".to_owned()));
}

#[tokio::test]
async fn another_binding_key_makes_ids_unknown() {
    let before = Server::start().await;
    let mut session = Session::open(&before, "alice").await;
    let after = Server::on(before.world.clone(), |config| config.binding_key = [8; 32].into()).await;
    session.url = after.url("/mcp");
    let response = session.post(&call(1, "echo", json!({}))).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn leaving_is_answered_ok_and_final() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    assert_eq!(server.world.store.0.lock().unwrap().len(), 1);
    let leave = || session.http.delete(&session.url).bearer_auth("alice").header("mcp-session-id", &session.id);
    assert_eq!(leave().send().await.unwrap().status(), StatusCode::OK);
    server.empties().await;
    assert!(server.world.store.0.lock().unwrap().is_empty());
    let response = session.post(&call(1, "echo", json!({}))).send().await.unwrap();
    assert_eq!(refused(response).await, (404, "session_not_found".to_owned()));
}

#[tokio::test]
async fn too_many_requests_and_used_ids_are_errors_in_the_answer() {
    let server = Server::with(|config| config.limits.max_in_flight_per_session = 2).await;
    let session = Session::open(&server, "alice").await;
    let mut first = session.start(&call(1, "wait", json!({}))).await;
    let mut second = session.start(&call(2, "wait", json!({}))).await;
    Calls::reached(&server.calls.started, 2).await;
    assert_eq!(session.call(1, "echo", json!({})).await["error"]["code"], -32000);
    assert_eq!(session.call(3, "echo", json!({})).await["error"]["code"], -32000);
    let cancel = notification("notifications/cancelled", json!({"requestId": 2}));
    session.post(&cancel).send().await.unwrap();
    Calls::reached(&server.calls.stopped, 1).await;
    assert!(second.next().await.is_none(), "what was taken back has no answer");
    assert_eq!(text(&session.call(4, "echo", json!({"text": "room"})).await), "room");
    server.calls.release.notify_waiters();
    assert_eq!(text(&first.message().await), "released");
}

#[tokio::test]
async fn sessions_and_exchanges_are_capped() {
    let server = Server::with(|config| {
        config.limits.max_sessions_per_customer = 1;
        config.limits.max_exchanges_per_customer = 2;
    })
    .await;
    let session = Session::open(&server, "alice").await;
    let again = || session.http.post(&session.url).bearer_auth("alice").header("accept", BOTH).json(&initialize(0));
    assert_eq!(refused(again().send().await.unwrap()).await, (429, "too_many_sessions".to_owned()));
    let _first = session.start(&call(1, "wait", json!({}))).await;
    let second = session.start(&call(2, "wait", json!({}))).await;
    let response = session.post(&call(3, "echo", json!({}))).send().await.unwrap();
    assert_eq!(refused(response).await, (429, "too_many_requests_at_once".to_owned()));
    assert_eq!(text(&Session::open(&server, "bob").await.call(1, "echo", json!({"text": "me"})).await), "me");
    drop(second);
    let freed =
        async { while session.post(&call(4, "echo", json!({}))).send().await.unwrap().status() != StatusCode::OK {} };
    tokio::time::timeout(crate::server::PATIENCE, freed).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_no_client_takes_becomes_an_error() {
    let server = Server::with(|config| config.limits.max_result_bytes = 5_000).await;
    let session = Session::open(&server, "alice").await;
    assert_too_large(&session.call(1, "big", json!({"bytes": 6_000})).await);
    assert_eq!(text(&session.call(1, "big", json!({"bytes": 4_000})).await).len(), 4_000);
}

#[track_caller]
fn assert_too_large(answer: &Value) {
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32603)));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("more than the 5000 that fit"), "{message}");
}

#[tokio::test]
async fn an_answer_without_a_session_is_capped_as_one_within() {
    let server = Server::with(|config| config.limits.max_result_bytes = 5_000).await;
    let called = async |tool: &str, arguments: Value| {
        let params = json!({"name": tool, "arguments": arguments});
        let response = stateless(&server, "alice", "tools/call", params).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    };
    let answer: Value = called("big", json!({"bytes": 6_000})).await.json().await.unwrap();
    assert_too_large(&answer);
    let answer: Value = called("big", json!({"bytes": 4_000})).await.json().await.unwrap();
    assert_eq!(text(&answer).len(), 4_000);
    server.empties().await;
}

#[tokio::test]
async fn an_answer_at_the_end_of_a_stream_is_capped() {
    let server = Server::with(|config| config.limits.max_result_bytes = 5_000).await;
    for (bytes, is_too_large) in [(6_000, true), (4_000, false)] {
        let arguments = json!({"steps": 2, "bytes": bytes});
        let params = json!({"name": "progress", "arguments": arguments, "_meta": {"progressToken": "t"}});
        let response = stateless(&server, "alice", "tools/call", params).send().await.unwrap();
        let mut events = Events::of(response);
        for step in 1..=2 {
            assert_eq!(events.message().await["params"]["progress"].as_f64(), Some(f64::from(step)));
        }
        let answer = events.message().await;
        if is_too_large {
            assert_too_large(&answer);
        } else {
            assert_eq!(text(&answer).len(), "done".len() + bytes);
        }
        events.ended().await;
    }
    server.empties().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_session() {
    let server = Server::with(|config| {
        config.limits.send_timeout = std::time::Duration::from_millis(200);
        config.limits.max_result_bytes = 10_000_000;
    })
    .await;
    let session = Session::open(&server, "alice").await;
    // Notifications that belong to no call go to the standalone stream, which nobody reads here.
    let mut request = call(1, "progress", json!({"steps": 1_000_000}));
    request["params"]["_meta"] = json!({"progressToken": "t".repeat(100_000)});
    let _unread = session.start(&request).await;
    server.settles_at(0).await;
    let other = Session::open(&server, "bob").await;
    assert_eq!(text(&other.call(1, "echo", json!({"text": "fine"})).await), "fine");
}

#[tokio::test]
async fn what_is_malformed_is_refused_in_our_shape() {
    let server = Server::with(|config| config.limits.max_body_bytes = 10_000).await;
    let session = Session::open(&server, "alice").await;
    let post = |body: &str, kind: &str, accept: &str| {
        let request = session.http.post(&session.url).bearer_auth("alice").header("content-type", kind);
        request.header("accept", accept).header("mcp-session-id", &session.id).body(body.to_owned()).send()
    };
    let json = "application/json";
    let long = " ".repeat(10_001);
    let cases = [
        ("{", json, BOTH, 400, "invalid_message"),
        ("[]", json, BOTH, 400, "invalid_message"),
        ("{\"hello\":1}", json, BOTH, 400, "invalid_message"),
        ("", json, BOTH, 400, "invalid_message"),
        ("{}", "text/plain", BOTH, 415, "unsupported_media_type"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", json, json, 406, "not_acceptable"),
        (long.as_str(), json, BOTH, 413, "body_too_large"),
    ];
    for (body, kind, accept, status, code) in cases {
        let shown = &body[..body.len().min(30)];
        assert_eq!(refused(post(body, kind, accept).await.unwrap()).await, (status, code.to_owned()), "{shown}");
    }
    let no_session = session.http.post(&session.url).bearer_auth("alice").header("accept", BOTH);
    let response = no_session.json(&call(1, "echo", json!({}))).send().await.unwrap();
    assert_eq!(refused(response).await, (400, "session_required".to_owned()));
    let old = session.post(&call(1, "echo", json!({}))).header("mcp-protocol-version", "1999-01-01");
    assert_eq!(refused(old.send().await.unwrap()).await, (400, "bad_request".to_owned()));
}

#[tokio::test]
async fn a_session_that_left_memory_comes_back_when_it_is_used() {
    let server = Server::with(|config| {
        config.limits.keep_alive = std::time::Duration::from_millis(200);
        config.limits.max_sessions_per_customer = 1;
    })
    .await;
    let session = Session::open(&server, "alice").await;
    server.empties().await;
    assert_eq!(text(&session.call(1, "echo", json!({"text": "back"})).await), "back");
    server.empties().await;
    // Coming back takes a place like any other session.
    let _in_the_way = crate::sse::Legacy::open(&server, "alice").await;
    let response = session.post(&call(2, "echo", json!({}))).send().await.unwrap();
    assert_eq!(refused(response).await, (429, "too_many_sessions".to_owned()));
}
