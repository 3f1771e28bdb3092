//! Refusals, as they are on a connection.

use harness::process::{HeyCmo, Launch};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::{address, mcp};

const BODY: &str = "{}";

/// A message by somebody whose key is nobody's, up to its body.
fn head(host: &str) -> String {
    let (key, length) = ("0".repeat(64), BODY.len());
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer hcmo_live_{key}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// The status line of the next answer, which is read to its end.
async fn answer(connection: &mut BufReader<TcpStream>) -> String {
    let (mut status, mut length) = (String::new(), 0);
    connection.read_line(&mut status).await.unwrap();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    connection.read_exact(&mut vec![0; length]).await.unwrap();
    status
}

/// Python's clients send head and body one after the other, and go on where they were refused, to ask how to log in.
#[tokio::test]
async fn whoever_is_refused_before_their_body_came_goes_on_on_the_same_connection() {
    let server = HeyCmo::launch(Launch::new("heycmo")).await;
    let host = address(&server.mcp).to_string();
    let mut connection = BufReader::new(TcpStream::connect(&host).await.unwrap());
    for _ in 0..3 {
        connection.write_all(head(&host).as_bytes()).await.unwrap();
        // By the time that somebody else was refused, this one has been found out too.
        mcp(&server).with_key("hcmo_live_none").call(1, "get_account", serde_json::json!({})).await.unwrap_err();
        connection.write_all(BODY.as_bytes()).await.unwrap();
        assert!(answer(&mut connection).await.starts_with("HTTP/1.1 401 "));
    }
}
