//! What ends sessions of both transports, and that nothing is left of them.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::fixture::Calls;
use crate::server::{PATIENCE, Server};
use crate::sse::{Events, Legacy, call, text};
use crate::streamable::Session;

#[tokio::test]
async fn a_client_that_goes_takes_its_session_and_its_calls_along() {
    let server = Server::start().await;
    let session = Legacy::connect(&server, "alice").await;
    session.post(&call(1, "wait", json!({}))).await;
    Calls::reached(&server.calls.started, 1).await;
    let Legacy { events, .. } = session;
    drop(events);
    Calls::reached(&server.calls.stopped, 1).await;
    server.empties().await;
}

#[tokio::test]
async fn ending_a_key_ends_what_it_opened_on_both_transports() {
    let server = Server::start().await;
    let old = Legacy::connect(&server, "alice").await;
    old.post(&call(1, "wait", json!({}))).await;
    let new = Session::open(&server, "alice").await;
    let listening = new.listen().await;
    let mut calling = new.start(&call(2, "wait", json!({}))).await;
    let mut kept_old = Legacy::connect(&server, "alice2").await;
    let kept_new = Session::open(&server, "alice2").await;
    Calls::reached(&server.calls.started, 2).await;
    assert_eq!(server.sessions.count(), 4);

    server.sessions.end(&server.caller("alice").credential);
    old.events.ended().await;
    listening.ended().await;
    broke_off(&mut calling, 2).await;
    calling.ended().await;
    Calls::reached(&server.calls.stopped, 2).await;
    server.settles_at(2).await;
    assert_eq!(server.sessions.live_credentials(), [server.caller("alice2").credential].into());
    assert_eq!(text(&kept_old.call(1, "echo", json!({"text": "kept"})).await), "kept");
    assert_eq!(text(&kept_new.call(1, "echo", json!({"text": "kept"})).await), "kept");
}

/// A call that nobody will answer says so, so that its client does not wait.
async fn broke_off(calling: &mut Events, id: u64) {
    let told = calling.message().await;
    assert_eq!(told["id"], id, "{told}");
    assert_eq!(told["error"]["data"]["code"], "outcome_unknown", "{told}");
    assert!(told["error"]["message"].as_str().unwrap().contains("look before you try again"), "{told}");
}

#[tokio::test]
async fn a_session_that_is_closed_answers_what_it_was_asked() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    let mut first = session.start(&call(1, "wait", json!({}))).await;
    let mut second = session.start(&call(2, "wait", json!({}))).await;
    Calls::reached(&server.calls.started, 2).await;
    let closed = session.http.delete(&session.url).bearer_auth("alice").header("mcp-session-id", &session.id);
    assert_eq!(closed.send().await.unwrap().status(), StatusCode::OK);
    broke_off(&mut first, 1).await;
    broke_off(&mut second, 2).await;
    first.ended().await;
    second.ended().await;
    Calls::reached(&server.calls.stopped, 2).await;
    server.empties().await;
}

#[tokio::test]
async fn ending_a_customer_ends_all_their_keys() {
    let server = Server::start().await;
    let first = Legacy::connect(&server, "alice").await;
    let second = Legacy::connect(&server, "alice2").await;
    let _session = Session::open(&server, "alice2").await;
    let mut other = Legacy::connect(&server, "bob").await;
    server.sessions.end_customer(&server.caller("alice").customer_id);
    first.events.ended().await;
    second.events.ended().await;
    server.settles_at(1).await;
    assert_eq!(text(&other.call(1, "echo", json!({"text": "kept"})).await), "kept");
}

#[tokio::test]
async fn a_stream_of_a_revoked_key_ends_even_on_a_session_of_another_key() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    let listening = session.listen_as("alice2").await;
    let mut calling = session.start_as("alice2", &call(7, "wait", json!({}))).await;
    Calls::reached(&server.calls.started, 1).await;
    server.sessions.end(&server.caller("alice2").credential);
    listening.ended().await;
    broke_off(&mut calling, 7).await;
    calling.ended().await;
    assert_eq!(text(&session.call(1, "echo", json!({"text": "kept"})).await), "kept");
}

#[tokio::test]
async fn ending_a_key_cancels_calls_without_a_session() {
    let server = Server::start().await;
    let calling = crate::streamable::stateless(&server, "alice", "tools/call", json!({"name": "wait"}));
    let calling = tokio::spawn(calling.send());
    Calls::reached(&server.calls.started, 1).await;
    server.sessions.end(&server.caller("alice").credential);
    assert_eq!(calling.await.unwrap().unwrap().status(), StatusCode::UNAUTHORIZED);
    Calls::reached(&server.calls.stopped, 1).await;
    server.empties().await;
}

#[tokio::test]
async fn sessions_end_when_their_key_expires() {
    let server = Server::start().await;
    server.world.people.expire("alice", Utc::now() + TimeDelta::seconds(1));
    let old = Legacy::connect(&server, "alice").await;
    let new = Session::open(&server, "alice").await;
    let listening = new.listen().await;
    old.events.ended().await;
    listening.ended().await;
    server.empties().await;
}

#[tokio::test]
async fn a_session_that_never_speaks_ends() {
    let server = Server::with(|config| config.limits.init_timeout = Duration::from_millis(50)).await;
    Legacy::open(&server, "alice").await.events.ended().await;
    server.empties().await;
}

#[tokio::test]
async fn a_session_that_falls_silent_ends_but_not_in_the_middle_of_a_call() {
    let server = Server::with(|config| {
        config.limits.idle_timeout = Duration::from_millis(300);
        config.limits.keep_alive = Duration::from_millis(300);
    })
    .await;
    let mut old = Legacy::connect(&server, "alice").await;
    old.post(&call(1, "wait", json!({}))).await;
    Calls::reached(&server.calls.started, 1).await;
    let new = Session::open(&server, "alice").await;
    let listening = new.listen().await;
    // The end of this session shows that the limit has passed for the other one too, which is in a call.
    listening.ended().await;
    server.settles_at(1).await;
    server.calls.release.notify_waiters();
    assert_eq!(text(&old.events.message().await), "released");
    old.events.ended().await;
    server.empties().await;
}

#[tokio::test]
async fn a_shutdown_lets_calls_finish_and_closes_what_only_waits() {
    let server = Server::start().await;
    let mut old = Legacy::connect(&server, "alice").await;
    old.post(&call(1, "wait", json!({}))).await;
    let quiet = Legacy::connect(&server, "bob").await;
    let new = Session::open(&server, "alice").await;
    let listening = new.listen().await;
    let mut calling = new.start(&call(2, "wait", json!({}))).await;
    Calls::reached(&server.calls.started, 2).await;

    let begun = Instant::now();
    server.shutdown.cancel();
    quiet.events.ended().await;
    listening.ended().await;
    server.calls.release.notify_waiters();
    assert_eq!(text(&old.events.message().await), "released");
    assert_eq!(text(&calling.message().await), "released");
    old.events.ended().await;
    calling.ended().await;
    tokio::time::timeout(PATIENCE, server.served).await.unwrap().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_forever() {
    let server = Server::with(|config| config.limits.drain_timeout = Duration::from_millis(100)).await;
    let old = Legacy::connect(&server, "alice").await;
    old.post(&call(1, "wait", json!({}))).await;
    let new = Session::open(&server, "alice").await;
    let mut calling = new.start(&call(2, "wait", json!({}))).await;
    Calls::reached(&server.calls.started, 2).await;
    server.shutdown.cancel();
    old.events.ended().await;
    broke_off(&mut calling, 2).await;
    calling.ended().await;
    Calls::reached(&server.calls.stopped, 2).await;
    tokio::time::timeout(PATIENCE, server.served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn nobody_new_is_taken_during_a_shutdown() {
    let server = Server::start().await;
    // A door that stays open, as when a connection was accepted just before.
    let listener = server.listen_on().await;
    server.shutdown.cancel();
    let refused = web::http_client().build().unwrap().get(format!("http://{listener}/mcp/sse")).bearer_auth("alice");
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "shutting_down");
}
