//! What the older transport refuses, and how a session ends that asks for too much.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::fixture::Calls;
use crate::server::Server;
use crate::sse::{Legacy, call, notification, text};

async fn error_of(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
    (status, body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused_on_the_stream() {
    let server = Server::with(|config| config.limits.max_in_flight_per_session = 2).await;
    let mut session = Legacy::connect(&server, "alice").await;
    session.post(&call(1, "wait", json!({}))).await;
    session.post(&call(2, "wait", json!({}))).await;
    Calls::reached(&server.calls.started, 2).await;
    let refused = session.call(3, "echo", json!({})).await;
    assert_eq!(refused["error"]["code"], -32000);

    let as_json = session.request(&call(4, "echo", json!({}))).header("accept", "application/json");
    let body: Value = as_json.send().await.unwrap().json().await.unwrap();
    assert_eq!(body["error"]["code"], -32000);
    assert_eq!(session.events.message().await, body);

    // Cancelling one makes room, and so does an answer.
    session.post(&notification("notifications/cancelled", json!({"requestId": 1}))).await;
    assert_eq!(text(&session.call(5, "echo", json!({"text": "room"})).await), "room");
    Calls::reached(&server.calls.stopped, 1).await;
    server.calls.release.notify_waiters();
    assert_eq!(session.events.message().await["id"], 2);
    assert_eq!(text(&session.call(6, "echo", json!({"text": "more"})).await), "more");
}

#[tokio::test]
async fn an_id_in_use_is_refused_on_the_stream() {
    let server = Server::start().await;
    let mut session = Legacy::connect(&server, "alice").await;
    session.post(&call(1, "wait", json!({}))).await;
    let refused = session.call(1, "echo", json!({})).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("not answered yet"));
}

#[tokio::test]
async fn a_customer_over_the_rate_limit_is_told_on_the_stream() {
    let server = Server::start().await;
    let mut session = Legacy::connect(&server, "alice").await;
    let response = session.request(&call(1, "echo", json!({}))).header("x-throttled", "1").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.headers()["retry-after"], "7");
    let refused = session.events.message().await;
    assert_eq!((&refused["id"], &refused["error"]["data"]["retryAfter"]), (&json!(1), &json!(7)));
    assert_eq!(text(&session.call(2, "echo", json!({"text": "later"})).await), "later");
}

#[tokio::test]
async fn bodies_that_are_no_message_are_refused_with_a_reason() {
    let server = Server::with(|config| config.limits.max_body_bytes = 10_000).await;
    let mut session = Legacy::connect(&server, "alice").await;
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    let bodies: [(Vec<u8>, u16, &str); 9] = [
        (b"{".to_vec(), 400, "invalid_message"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec(), 400, "invalid_message"),
        (b"".to_vec(), 400, "invalid_message"),
        (b"\"text\"".to_vec(), 400, "invalid_message"),
        (b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]".to_vec(), 400, "invalid_message"),
        (b"{\"hello\":1}".to_vec(), 400, "invalid_message"),
        (b"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}".to_vec(), 400, "invalid_message"),
        (deep.into_bytes(), 400, "invalid_message"),
        (vec![b' '; 10_001], 413, "body_too_large"),
    ];
    for (body, status, code) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let request =
            session.http.post(&session.endpoint).bearer_auth("alice").header("content-type", "application/json");
        let (got_status, got_code) = error_of(request.body(body).send().await.unwrap()).await;
        assert_eq!((got_status, got_code.as_str()), (status, code), "{shown}");
    }
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request = session.http.post(&session.endpoint).bearer_auth("alice").body("{}");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        assert_eq!(error_of(request.send().await.unwrap()).await, (415, "unsupported_media_type".to_owned()));
    }
    assert_eq!(text(&session.call(2, "echo", json!({"text": "alive"})).await), "alive");
}

#[tokio::test]
async fn an_answer_that_no_client_takes_becomes_an_error() {
    let server = Server::with(|config| config.limits.max_result_bytes = 5_000).await;
    let mut session = Legacy::connect(&server, "alice").await;
    let refused = session.call(1, "big", json!({"bytes": 6_000})).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("5000"), "{refused}");
    assert_eq!(text(&session.call(2, "big", json!({"bytes": 4_000})).await).len(), 4_000);
}

#[tokio::test]
async fn sessions_are_capped_before_a_stream_opens() {
    let server = Server::with(|config| {
        config.limits.max_sessions_per_customer = 2;
        config.limits.max_sessions = 3;
    })
    .await;
    let http = web::http_client().build().unwrap();
    let refused = async |name: &str| {
        let response = http.get(server.url("/mcp/sse")).bearer_auth(name).send().await.unwrap();
        assert!(response.headers().contains_key("retry-after"));
        error_of(response).await
    };
    let first = Legacy::open(&server, "alice").await;
    let _second = Legacy::open(&server, "alice2").await;
    assert_eq!(refused("alice").await, (429, "too_many_sessions".to_owned()));
    let _third = Legacy::open(&server, "bob").await;
    assert_eq!(refused("bob").await, (503, "server_full".to_owned()));
    drop(first);
    server.settles_at(2).await;
    let _again = Legacy::open(&server, "alice").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_session_and_nobody_else_theirs() {
    let server = Server::with(|config| {
        config.limits.send_timeout = Duration::from_millis(200);
        config.limits.max_result_bytes = 4_000_000;
    })
    .await;
    let mut other = Legacy::connect(&server, "bob").await;
    let stalled = Legacy::connect(&server, "alice").await;
    // More than the sockets' buffers take, so that something has to wait.
    for id in 1..=16 {
        let request = stalled.request(&call(id, "big", json!({"bytes": 3_000_000}))).send().await.unwrap();
        if request.status() != StatusCode::ACCEPTED {
            break;
        }
    }
    server.settles_at(1).await;
    assert_eq!(server.sessions.live_credentials(), [server.caller("bob").credential].into());
    let response = stalled.request(&call(99, "echo", json!({}))).send().await.unwrap();
    assert_eq!(error_of(response).await, (400, "session_not_found".to_owned()));
    assert_eq!(text(&other.call(1, "echo", json!({"text": "fine"})).await), "fine");
}
