//! Streams of Streamable HTTP whose connection was lost, and who gets what was said meanwhile.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::fixture::Calls;
use crate::server::Server;
use crate::sse::{Events, call, text};
use crate::streamable::Session;

async fn events_of(request: RequestBuilder) -> Events {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    Events::of(response)
}

async fn resume(session: &Session, last_event_id: &str) -> Events {
    let request = session.http.get(&session.url).bearer_auth(session.name).header("accept", "text/event-stream");
    events_of(request.header("mcp-session-id", &session.id).header("last-event-id", last_event_id)).await
}

/// A call that has said something, and the id of that event.
async fn under_way(server: &Server, session: &Session) -> (Events, String) {
    let mut request = call(1, "step", json!({}));
    request["params"]["_meta"] = json!({"progressToken": "t"});
    let mut events = session.start(&request).await;
    let block = events.block().await.unwrap();
    assert!(block.contains("notifications/progress"), "{block}");
    let id = block.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").to_owned();
    Calls::reached(&server.calls.started, 1).await;
    (events, id)
}

#[tokio::test]
async fn a_client_that_lost_the_connection_in_a_call_goes_on_where_it_was() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    let (events, last) = under_way(&server, &session).await;
    drop(events);
    server.is_left_alone().await;
    let mut resumed = resume(&session, &last).await;
    server.calls.release.notify_waiters();
    let answer = resumed.message().await;
    assert_eq!((&answer["id"], text(&answer)), (&json!(1), "released"));
    resumed.ended().await;
}

#[tokio::test]
async fn an_answer_waits_for_a_client_that_lost_the_connection() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    let (events, last) = under_way(&server, &session).await;
    drop(events);
    server.is_left_alone().await;
    server.calls.release.notify_waiters();
    Calls::reached(&server.calls.stopped, 1).await;
    // The session takes messages one after the other: when this is answered, the other answer is there.
    assert_eq!(text(&session.call(2, "echo", json!({"text": "next"})).await), "next");
    let mut resumed = resume(&session, &last).await;
    let answer = resumed.message().await;
    assert_eq!((&answer["id"], text(&answer)), (&json!(1), "released"));
    resumed.ended().await;
    assert!(resume(&session, &last).await.block().await.is_none(), "an answer is fetched once");
}

#[tokio::test]
async fn a_second_connection_takes_a_call_over_without_ending_it() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    let (mut first, last) = under_way(&server, &session).await;
    let mut second = resume(&session, &last).await;
    server.calls.release.notify_waiters();
    assert_eq!(text(&second.message().await), "released");
    second.ended().await;
    assert!(first.next().await.is_none(), "each message is told once");
}

/// A process that has taken a session over has calls of its own, with streams that a client may not be given for others.
#[tokio::test]
async fn a_lost_call_is_not_mistaken_for_one_of_another_process() {
    let before = Server::start().await;
    let mut session = Session::open(&before, "alice").await;
    let (events, last) = under_way(&before, &session).await;
    drop(events);
    let after = Server::on(before.world.clone(), |_| ()).await;
    session.url = after.url("/mcp");
    let mut other = session.start(&call(2, "wait", json!({}))).await;
    Calls::reached(&after.calls.started, 1).await;
    assert!(resume(&session, &last).await.block().await.is_none());
    after.calls.release.notify_waiters();
    assert_eq!(text(&other.message().await), "released");
}

#[tokio::test]
async fn what_nobody_heard_is_told_to_whoever_listens_next_and_once() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    let tell = async |id: u64| assert_eq!(text(&session.call(id, "news", json!({})).await), "told");
    let told = |block: Option<String>| {
        let block = block.expect("news");
        assert!(block.contains("notifications/tools/list_changed"), "{block}");
        block.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").to_owned()
    };
    tell(1).await;
    let mut first = session.listen().await;
    told(first.block().await);
    tell(2).await;
    let second_told = told(first.block().await);
    drop(first);
    server.is_left_alone().await;
    tell(3).await;
    let mut next = session.listen().await;
    let third_told = told(next.block().await);
    assert_ne!(second_told, third_told);
    // Whoever says what they have seen is told what came after, even if somebody else was told already.
    let mut resumed = resume(&session, &second_told).await;
    assert_eq!(told(resumed.block().await), third_told);
    tell(4).await;
    told(resumed.block().await);
}

#[tokio::test]
async fn nothing_is_told_from_an_event_that_never_was() {
    let server = Server::start().await;
    let session = Session::open(&server, "alice").await;
    for id in ["0/7", "x", "1/x", "", "-1", "18446744073709551615"] {
        assert!(resume(&session, id).await.block().await.is_none(), "{id}");
    }
    assert_eq!(text(&session.call(1, "echo", json!({"text": "fine"})).await), "fine");
}

#[tokio::test]
async fn answers_that_nobody_fetched_make_room_for_others() {
    let server = Server::with(|config| config.limits.max_in_flight_per_session = 1).await;
    let session = Session::open(&server, "alice").await;
    let (events, _) = under_way(&server, &session).await;
    drop(events);
    server.is_left_alone().await;
    let refused: Value = session.call(2, "echo", json!({"text": "too many"})).await;
    assert_eq!(refused["error"]["code"], -32000);
    server.calls.release.notify_waiters();
    Calls::reached(&server.calls.stopped, 1).await;
    let answered = async || {
        let answer = session.call(3, "echo", json!({"text": "room"})).await;
        answer.get("result").is_some()
    };
    while !answered().await {
        tokio::task::yield_now().await;
    }
}
