//! SIGTERM: nobody is cut off in the middle, and nobody can hold the process up.

use std::time::{Duration, Instant};

use entity::db::{DatabaseUrl, Db};
use harness::mcp::{Caller, Events};
use harness::process::{HeyCmo, Process};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{address, mcp};

/// Well within the ten seconds after which connections are cut.
const PROMPT: Duration = Duration::from_secs(5);

/// The database with a writer in it, so that every other writer waits.
async fn busy(server: &HeyCmo) -> sea_orm::DatabaseTransaction {
    let path = server.process.data_dir().path().join("heycmo.db");
    Db::connect(&DatabaseUrl::Sqlite(path)).await.unwrap().schema_tx().await.unwrap()
}

async fn is_stopping(process: &mut Process) {
    process.terminate();
    process.logged(|log| log.contains("stopping").then_some(())).await;
}

fn a_piece() -> Value {
    json!({"kind": "linkedin_post", "body": "Rockets are back."})
}

#[tokio::test]
async fn open_streams_end_and_so_does_the_process() {
    let server = HeyCmo::start().await;
    let caller = mcp(&server);
    let account = caller.call(1, "get_account", json!({})).await.unwrap();
    let path = format!("/api/events/{}/stream", account["customerId"].as_str().unwrap());
    let mut older = caller.connect_sse().await.unwrap();
    let session = caller.connect().await.unwrap();
    let mut stream = session.listen().await.unwrap();
    let mut log = Caller::new(&server.gateway, &server.key).follow(&path).await.unwrap();

    let since = Instant::now();
    let stopped = server.process.stop().await;
    assert_eq!(stopped.status.code(), Some(0), "{stopped:?}");
    assert!(since.elapsed() < PROMPT, "it took {:?}: {}", since.elapsed(), stopped.log);
    for events in [&mut older.events, &mut stream, &mut log] {
        events.end().await.unwrap();
    }
}

#[tokio::test]
async fn calls_in_flight_are_answered() {
    let mut server = HeyCmo::start().await;
    let caller = mcp(&server);
    let mut older = caller.connect_sse().await.unwrap();
    let mut session = caller.connect().await.unwrap();
    let lock = busy(&server).await;
    let asked = older.start("tools/call", json!({"name": "create_content", "arguments": a_piece()})).await.unwrap();
    let (_, response) = session.start("create_content", a_piece()).await.unwrap();

    is_stopping(&mut server.process).await;
    lock.rollback().await.unwrap();
    assert_ne!(older.result(asked).await.unwrap()["isError"], true);
    older.events.end().await.unwrap();
    let mut events = Events::of(response);
    assert!(events.next().await.unwrap().unwrap().data.contains(r#""isError":false"#));
    events.end().await.unwrap();
    assert_eq!(server.process.wait().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered() {
    let mut server = HeyCmo::start().await;
    let secret = std::fs::read_to_string(server.process.data_dir().path().join("admin_secret")).unwrap();
    let body = r#"{"email":"anna@example.com"}"#;
    let head = format!(
        "POST /api/admin/provision HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut connection = TcpStream::connect(address(&server.gateway)).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    // The server says so when the handler begins to read the body.
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut read = vec![0; go_on.len()];
    connection.read_exact(&mut read).await.unwrap();
    assert_eq!(read, go_on);

    is_stopping(&mut server.process).await;
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert_eq!(server.process.wait().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut server = HeyCmo::start().await;
    let mut session = mcp(&server).connect().await.unwrap();
    let _lock = busy(&server).await;
    let _waiting = session.start("create_content", a_piece()).await.unwrap();
    is_stopping(&mut server.process).await;
    let since = Instant::now();
    let stopped = server.process.stop().await;
    assert_eq!(stopped.status.code(), Some(130), "{stopped:?}");
    assert!(since.elapsed() < PROMPT, "it took {:?}", since.elapsed());
}
