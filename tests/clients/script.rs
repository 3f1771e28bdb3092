//! Running a client's script beside a server of its own.

use std::process::Stdio;
use std::time::Duration;

pub use harness::clients::{node, python};
use harness::process::{HeyCmo, Launch};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::printed::For;

/// Longer than any script takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(180);

/// Has a client do the whole job with what a new server prints for it.
pub async fn does_the_job(mut client: Command, kind: For) {
    // The page that they scan is on this machine.
    let networks = "127.0.0.0/8,::1/128";
    let server = HeyCmo::launch(Launch::new("heycmo").env("HEYCMO_SCAN_NETWORKS", networks)).await;
    client.env("HEYCMO_PRINTED", kind.read(&server.process.out()).to_string());
    succeeds(client, server).await;
}

/// Runs a script beside a server; gives the server back, which complained about nothing.
pub async fn succeeds(mut script: Command, server: HeyCmo) -> HeyCmo {
    // Some clients keep files in the home directory.
    let home = server.process.data_dir().path().join("home");
    std::fs::create_dir_all(&home).expect("a home");
    let script = script
        .env("HOME", home)
        // What `npx` starts is what is installed here, never something newer.
        .env("npm_config_offline", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the script starts");
    tokio::time::timeout(DEADLINE, serve(server, script)).await.expect("the script ends in time")
}

/// Does what the script asks until it ends.
async fn serve(mut server: HeyCmo, mut script: Child) -> HeyCmo {
    let mut standard_error = script.stderr.take().expect("a pipe");
    let complaints = tokio::spawn(async move {
        let mut text = Vec::new();
        standard_error.read_to_end(&mut text).await.map(|_| String::from_utf8_lossy(&text).into_owned())
    });
    let mut input = script.stdin.take().expect("a pipe");
    let mut asked = BufReader::new(script.stdout.take().expect("a pipe")).lines();
    while let Some(line) = asked.next_line().await.expect("text") {
        assert_eq!(line, "restart", "scripts say nothing else");
        server = restart(server).await;
        input.write_all(b"restarted\n").await.expect("the script waits for it");
    }
    let status = script.wait().await.expect("a status");
    let complaints = complaints.await.expect("no panic").expect("its output can be read");
    let log = server.process.log();
    assert!(status.success(), "the script failed:\n{complaints}\nthe server's log:\n{log}");
    assert!(!log.contains(" ERROR "), "the server complains:\n{log}");
    server
}

/// Kills the server and starts it again on the same data and the same ports.
async fn restart(server: HeyCmo) -> HeyCmo {
    let data = server.process.data_dir();
    let port = |origin: &str| format!("127.0.0.1:{}", origin.rsplit(':').next().unwrap_or_default());
    let (gateway, mcp) = (port(&server.gateway), port(&server.mcp));
    server.process.kill().await;
    let again = Launch::on("heycmo", data);
    HeyCmo::launch(again.env("HEYCMO_GATEWAY_ADDR", gateway).env("HEYCMO_MCP_ADDR", mcp)).await
}
