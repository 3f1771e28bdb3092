//! Clients that are slow, or too many: they are dropped in the end, and stop nobody else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use harness::{Backend, TestDb, a_customer, eventually};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};

/// Longer than any connection is kept for a client that does nothing.
const LIMIT: Duration = Duration::from_secs(150);

fn address(origin: &str) -> SocketAddr {
    origin.replace("http://localhost", "127.0.0.1").parse().unwrap()
}

/// Whether somebody else gets an answer.
async fn others_are_served(server: &HeyCmo) {
    for origin in [&server.gateway, &server.mcp] {
        let path = if origin == &server.gateway { "/api/health/ready" } else { "/health/ready" };
        let somebody = Caller::new(origin, &server.key);
        assert!(somebody.get(path).await.is_ok(), "{origin} serves nobody else");
    }
}

/// Waits until the server ends the connection; what it said before.
async fn is_dropped(mut connection: TcpStream) -> String {
    let mut said = Vec::new();
    let reading = tokio::time::timeout(LIMIT, connection.read_to_end(&mut said)).await;
    // A reset is an end too.
    let _ = reading.expect("it is dropped");
    String::from_utf8_lossy(&said).into_owned()
}

/// The same for who sends a byte now and then.
async fn is_dropped_though_it_drips(connection: TcpStream) -> String {
    let (mut reading, mut writing) = connection.into_split();
    let dripping = async {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let mut said = Vec::new();
    let dropped = async {
        tokio::select! {
            _ = reading.read_to_end(&mut said) => {}
            () = dripping => {}
        }
    };
    tokio::time::timeout(LIMIT, dropped).await.expect("it is dropped");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn whoever_does_not_send_the_head_of_a_request_is_dropped() {
    let server = HeyCmo::start().await;
    let dropped = [&server.gateway, &server.mcp].map(async |origin| {
        let connect = async || TcpStream::connect(address(origin)).await.unwrap();
        let (silent, mut begun, dripping) = (connect().await, connect().await, connect().await);
        begun.write_all(b"GET / HTTP/1.1\r\nhost: local").await.unwrap();
        futures::join!(is_dropped(silent), is_dropped(begun), is_dropped_though_it_drips(dripping))
    });
    let dropped = futures::future::join_all(dropped);
    let (dropped, ()) = futures::join!(dropped, others_are_served(&server));
    for (silent, begun, dripping) in dropped {
        for said in [silent, begun, dripping] {
            assert!(!said.contains(" 200 "), "{said}");
        }
    }
    others_are_served(&server).await;
}

#[tokio::test]
async fn whoever_does_not_send_the_body_of_a_request_is_told_and_dropped() {
    let server = HeyCmo::start().await;
    let key = format!("authorization: Bearer {}\r\naccept: application/json, text/event-stream\r\n", server.key);
    let requests = [(&server.gateway, "/api/checkout", ""), (&server.mcp, "/mcp", key.as_str())];
    let told = requests.map(async |(origin, path, headers)| {
        let mut connection = TcpStream::connect(address(origin)).await.unwrap();
        let host = address(origin);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{headers}content-length: 100\r\n\r\n{{"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        is_dropped(connection).await
    });
    for said in futures::future::join_all(told).await {
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    }
    others_are_served(&server).await;
}

/// The stream of a browser that was closed without a goodbye, or of a machine that sleeps.
#[tokio::test]
async fn whoever_stops_reading_their_stream_is_dropped_and_costs_no_memory() {
    let test = TestDb::migrated(Backend::Sqlite).await;
    let (customer, key) = a_customer(&test.db()).await;
    let server = HeyCmo::launch(Launch::new("heycmo").env("DATABASE_URL", test.url_text())).await;
    let path = format!("/api/events/{}/stream", customer.id);
    let mut reader = Caller::new(&server.gateway, key.expose()).follow(&path).await.unwrap();

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stalled = socket.connect(address(&server.gateway)).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n", key.expose());
    stalled.write_all(head.as_bytes()).await.unwrap();
    stalled.ready(Interest::READABLE).await.unwrap();

    let before = resident_kib(server.process.pid());
    // More than the buffers on the way hold.
    let words = "x".repeat(20_000);
    for number in 0..800 {
        let data = json!({"number": number, "words": words});
        let id = entity::ids::EventId::new();
        let at = chrono::Utc::now().to_rfc3339();
        test.execute(&format!(
            "INSERT INTO events (id, customer_id, type, data, created_at)
             VALUES ('{id}', '{}', 'lead.logged', '{data}', '{at}')",
            customer.id
        ))
        .await;
    }
    for _ in 0..800 {
        assert_eq!(reader.next().await.unwrap().unwrap().name, "lead.logged", "who reads gets everything");
    }
    // Who is given up is not told: there is no way to reach them.
    let open = sockets(server.process.pid());
    let dropped = async {
        while sockets(server.process.pid()) >= open {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LIMIT, dropped).await.expect("it is dropped");
    let grown = resident_kib(server.process.pid()).saturating_sub(before);
    assert!(grown < 96 * 1024, "{grown} KiB more than before");
    others_are_served(&server).await;
}

/// How many sockets a process has open.
fn sockets(pid: u32) -> usize {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Connections from one of this machine's own addresses that say nothing.
async fn flood(from: [u8; 4], to: SocketAddr, connections: usize) -> Vec<TcpStream> {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let mut open = Vec::new();
    for _ in 0..connections {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        open.push(socket.connect(to).await.unwrap());
    }
    open
}

fn limited(preparation: &str) -> Launch {
    Launch::after(preparation, "heycmo", Arc::new(tempfile::tempdir().unwrap()))
}

#[tokio::test]
async fn thousands_of_idle_connections_from_one_address_stop_nobody() {
    // As a shell or a container starts it: few descriptors, and the right to more.
    let server = HeyCmo::launch(limited("ulimit -S -n 1024")).await;
    let _idle = flood([127, 0, 0, 2], address(&server.gateway), 5_000).await;
    let _others = flood([127, 0, 0, 2], address(&server.mcp), 1_000).await;
    others_are_served(&server).await;
    Caller::new(&server.mcp, &server.key).call(1, "get_account", json!({})).await.unwrap();
}

#[tokio::test]
async fn where_connections_are_few_one_address_does_not_get_them_all() {
    let server = HeyCmo::launch(limited("ulimit -n 600")).await;
    let flooded = flood([127, 0, 0, 2], address(&server.gateway), 1_000).await;
    others_are_served(&server).await;
    // Who has too many is told by the end of the connection.
    let last = flooded.into_iter().next_back().unwrap();
    assert_eq!(is_dropped(last).await, "");
    let account = async || {
        let caller = Caller::new(&server.gateway, &server.key);
        caller.request(Method::GET, "/api/health").send().await.is_ok_and(|answer| answer.status() == 200).then_some(())
    };
    eventually("others are served", account).await;
}
