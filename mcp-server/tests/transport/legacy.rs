//! The older transport as its clients know it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::fixture::Calls;
use crate::server::Server;
use crate::sse::{Events, Legacy, call, initialize, notification, text};

#[tokio::test]
async fn the_first_event_tells_where_to_post() {
    let server = Server::start().await;
    let http = web::http_client().build().unwrap();

    let by_header = http.get(server.url("/mcp/sse")).bearer_auth("alice").send().await.unwrap();
    assert_eq!(by_header.headers()["content-type"], "text/event-stream");
    assert_eq!(by_header.headers()["x-accel-buffering"], "no");
    assert!(by_header.headers()["cache-control"].to_str().unwrap().contains("no-store"));
    let first = Events::of(by_header).next().await.unwrap();
    assert_eq!(first.name, "endpoint");
    let id = first.data.strip_prefix("/mcp/message?sessionId=").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");

    let by_query = http.get(server.url("/mcp/sse?token=alice")).send().await.unwrap();
    let first = Events::of(by_query).next().await.unwrap();
    assert!(first.data.ends_with("&token=alice"), "{}", first.data);
    assert!(first.data.starts_with("/mcp/message?sessionId="));

    let both = http.get(server.url("/mcp/sse?token=alice")).bearer_auth("alice").send().await.unwrap();
    assert!(!Events::of(both).next().await.unwrap().data.contains("token"));
}

#[tokio::test]
async fn a_session_shakes_hands_and_answers_calls() {
    let server = Server::start().await;
    let mut session = Legacy::open(&server, "alice").await;
    session.post(&json!({"jsonrpc": "2.0", "id": "p", "method": "ping"})).await;
    assert_eq!(session.events.message().await, json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
    session.post(&initialize(1)).await;
    assert_eq!(session.events.message().await["result"]["protocolVersion"], "2025-06-18");
    session.post(&notification("notifications/initialized", json!({}))).await;
    session.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await;
    assert_eq!(session.events.message().await["result"]["tools"][0]["name"], "echo");
    assert_eq!(text(&session.call(3, "echo", json!({"text": "grüezi\n"})).await), "grüezi\n");
}

#[tokio::test]
async fn the_handler_sees_the_caller_and_no_credentials() {
    let server = Server::start().await;
    let mut session = Legacy::connect(&server, "alice").await;
    let secret_endpoint = format!("{}&token=alice", session.endpoint);
    let request = session.http.post(secret_endpoint).bearer_auth("alice").header("x-api-key", "alice");
    request.json(&call(1, "seen", json!({}))).send().await.unwrap();
    let answer = session.events.message().await;
    let seen: Value = serde_json::from_str(text(&answer)).unwrap();
    assert_eq!(seen["customer"], server.caller("alice").customer_id.as_str());
    assert_eq!(seen["client"], "test");
    assert_eq!(seen["uri"], "/mcp/message");
    assert!(!seen["headers"].as_str().unwrap().contains("alice"), "{seen}");
}

#[tokio::test]
async fn the_newest_protocol_is_not_offered_here() {
    let server = Server::start().await;
    let mut session = Legacy::open(&server, "alice").await;
    let newest = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    let discover = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": newest}});
    session.post(&discover).await;
    let refused = session.events.message().await;
    assert_eq!(refused["error"]["code"], -32022, "{refused}");
    assert!(!refused["error"]["data"]["supported"].to_string().contains("2026"));

    let mut opening = initialize(2);
    opening["params"]["protocolVersion"] = json!("2026-07-28");
    session.post(&opening).await;
    assert_eq!(session.events.message().await["result"]["protocolVersion"], "2025-11-25");

    let modern = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": {"_meta": newest}});
    session.post(&modern).await;
    assert_eq!(session.events.message().await["error"]["code"], -32022);
}

#[tokio::test]
async fn questions_to_the_user_go_out_and_come_back() {
    let server = Server::start().await;
    let mut session = Legacy::connect(&server, "alice").await;
    session.post(&call(1, "ask", json!({}))).await;
    let question = session.events.message().await;
    assert_eq!(question["method"], "elicitation/create");
    session.post(&json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}})).await;
    assert_eq!(text(&session.events.message().await), "Decline");
}

#[tokio::test]
async fn progress_comes_before_the_answer() {
    let server = Server::start().await;
    let mut session = Legacy::connect(&server, "alice").await;
    let mut request = call(1, "progress", json!({"steps": 40}));
    request["params"]["_meta"] = json!({"progressToken": "t"});
    session.post(&request).await;
    for step in 1..=40 {
        assert_eq!(session.events.message().await["params"]["progress"], f64::from(step));
    }
    assert_eq!(text(&session.events.message().await), "done");
}

#[tokio::test]
async fn a_caller_that_takes_only_json_gets_the_answer_twice() {
    let server = Server::start().await;
    let mut session = Legacy::connect(&server, "alice").await;
    let request = call(5, "echo", json!({"text": "hello"}));
    let response = session.request(&request).header("accept", "application/json").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(text(&body), "hello");
    assert_eq!(session.events.message().await, body);

    let told = notification("notifications/progress", json!({"progressToken": 1, "progress": 1}));
    let response = session.request(&told).header("accept", "application/json").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);

    let both = "application/json, text/event-stream";
    let response = session.request(&call(6, "echo", json!({}))).header("accept", both).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_cancelled_call_ends_and_whoever_waits_for_it_learns() {
    let server = Server::start().await;
    let session = Legacy::connect(&server, "alice").await;
    let waiting = session.request(&call(1, "wait", json!({}))).header("accept", "application/json").send();
    let waiting = tokio::spawn(waiting);
    Calls::reached(&server.calls.started, 1).await;
    session.post(&notification("notifications/cancelled", json!({"requestId": 1}))).await;
    let body: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(body["error"]["message"], "The request was cancelled");
    Calls::reached(&server.calls.stopped, 1).await;
}

#[tokio::test]
async fn a_panicking_handler_answers_too() {
    let server = Server::start().await;
    let mut session = Legacy::connect(&server, "alice").await;
    assert_eq!(session.call(1, "panic", json!({})).await["error"]["code"], -32603);
    assert_eq!(text(&session.call(2, "echo", json!({"text": "alive"})).await), "alive");
}

#[tokio::test]
async fn a_session_is_its_customers_alone() {
    let server = Server::start().await;
    let session = Legacy::connect(&server, "alice").await;
    let gone = json!({"error": "Session not found — reconnect to /mcp/sse", "code": "session_not_found"});
    let foreign = session.http.post(&session.endpoint).bearer_auth("bob").json(&call(1, "echo", json!({})));
    let unknown = session.http.post(server.url("/mcp/message?sessionId=0")).bearer_auth("alice").json(&json!({}));
    let missing = session.http.post(server.url("/mcp/message")).bearer_auth("alice").json(&json!({}));
    for request in [foreign, unknown, missing] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.json::<Value>().await.unwrap(), gone);
    }
    // Another key of the same customer is welcome.
    let own = session.http.post(&session.endpoint).bearer_auth("alice2").json(&call(1, "echo", json!({})));
    assert_eq!(own.send().await.unwrap().status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_client_that_reconnects_goes_on_without_a_handshake() {
    let before = Server::start().await;
    let session = Legacy::connect(&before, "alice").await;
    before.shutdown.cancel();
    session.events.ended().await;
    before.served.await.unwrap().unwrap();

    let after = Server::on(before.world.clone(), |_| ()).await;
    let mut session = Legacy::open(&after, "alice").await;
    session.post(&json!({"jsonrpc": "2.0", "id": 7, "method": "ping"})).await;
    assert_eq!(session.events.message().await["id"], 7);
    assert_eq!(text(&session.call(8, "echo", json!({"text": "still here"})).await), "still here");
    session.post(&json!({"jsonrpc": "2.0", "id": 9, "method": "tools/list"})).await;
    assert!(session.events.message().await["result"]["tools"].is_array());
}

#[tokio::test]
async fn a_reconnecting_client_may_begin_with_a_notification() {
    let server = Server::start().await;
    let mut session = Legacy::open(&server, "alice").await;
    session.post(&notification("notifications/cancelled", json!({"requestId": 3}))).await;
    assert_eq!(text(&session.call(4, "echo", json!({"text": "fine"})).await), "fine");
}

#[tokio::test]
async fn a_quiet_stream_carries_comments() {
    let server = Server::with(|config| config.limits.ping_interval = std::time::Duration::from_millis(20)).await;
    let mut session = Legacy::open(&server, "alice").await;
    assert_eq!(session.events.block().await.unwrap(), ": ping");
    assert_eq!(session.events.block().await.unwrap(), ": ping");
}
