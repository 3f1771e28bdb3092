//! Official clients that know nothing but the address: they find out how apps are let in, send a person in Chromium to our
//! consent page, and go on with what the person gave them.

use std::path::PathBuf;
use std::process::Stdio;

use harness::clients::{browser_scripts, chromium};
use harness::process::{HeyCmo, Launch};
use tokio::process::Command;

use crate::script::{node, python, succeeds};

#[tokio::test]
async fn typescript_sdk() {
    is_let_in(node("oauth.mjs"), ["v1", "http"], Launch::new("heycmo")).await;
}

#[tokio::test]
async fn typescript_sdk_on_the_older_transport() {
    is_let_in(node("oauth.mjs"), ["v1", "sse"], Launch::new("heycmo")).await;
}

#[tokio::test]
async fn typescript_client() {
    is_let_in(node("oauth.mjs"), ["v2", "http"], Launch::new("heycmo")).await;
}

#[tokio::test]
async fn python_sdk_1() {
    is_let_in(python("v1", "python"), ["oauth.py", "v1"], Launch::new("heycmo")).await;
}

#[tokio::test]
async fn python_sdk_2() {
    is_let_in(python("v2", "python"), ["oauth.py", "v2"], Launch::new("heycmo")).await;
}

#[tokio::test]
async fn mcp_remote() {
    is_let_in(node("oauth-remote.mjs"), [], Launch::new("heycmo")).await;
}

/// An app that does not register, but is described by a document at its own https address.
#[tokio::test]
async fn an_app_by_its_document() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = python("v1", "python").arg("certificate.py").arg(directory.path()).stdout(Stdio::null()).status();
    assert!(made.await.expect("it starts").success(), "a certificate can be made");
    let (certificate, key) = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    // It is on this machine, and nobody vouches for it there.
    let launch = Launch::new("heycmo").env("HEYCMO_SCAN_NETWORKS", "127.0.0.0/8,::1/128");
    let mut client = node("oauth.mjs");
    client.env("HEYCMO_DOCUMENT_PORT", port.to_string());
    client.env("SSL_CERT_FILE", &certificate).env("HEYCMO_CERTIFICATE_KEY", key);
    is_let_in(client, ["v1", "http", "document"], launch.env("SSL_CERT_FILE", certificate)).await;
}

async fn is_let_in<const N: usize>(mut client: Command, arguments: [&str; N], launch: Launch) {
    let server = HeyCmo::launch(launch.env("HEYCMO_OAUTH", "on")).await;
    browser_scripts();
    let home: PathBuf = server.process.data_dir().path().join("home");
    std::fs::create_dir_all(&home).expect("a home");
    client
        .args(arguments)
        .env("HEYCMO_MCP", &server.mcp)
        .env("HEYCMO_GATEWAY", &server.gateway)
        .env("HEYCMO_KEY", &server.key)
        .env("HEYCMO_NODE", node("person.mjs").as_std().get_program())
        .env("CHROMIUM", chromium())
        // Chromium's profile ends with the test, even one that is killed.
        .env("TMPDIR", &home);
    succeeds(client, server).await;
}
