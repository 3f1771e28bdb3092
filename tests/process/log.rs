//! Keys and secrets are not in the log, however much is logged.

use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use reqwest::Method;
use serde_json::json;

use crate::support::{Terminal, key_in, mcp, word_after};

/// Well formed, but nobody's.
const UNKNOWN: &str = "hcmo_live_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const MALFORMED: &str = "hcmo_live_zz112233445566778899aabbccddeeff00112233445566778899aabbccddee";

async fn use_everything(server: &HeyCmo) {
    let (caller, key) = (mcp(server), &server.key);
    let account = caller.call(1, "get_account", json!({})).await.unwrap();
    let id = account["customerId"].as_str().unwrap();
    let mut older = caller.connect_sse().await.unwrap();
    older.call("get_brand", json!({})).await.unwrap();
    let mut session = caller.connect().await.unwrap();
    session.call("create_content", json!({"kind": "linkedin_post", "body": "Rockets are back."})).await.unwrap();
    let _listening = session.listen().await.unwrap();
    let gateway = Caller::new(&server.gateway, key);
    gateway.get(&format!("/api/customer/{id}")).await.unwrap();
    gateway.get(&format!("/api/events/{id}")).await.unwrap();
    let _following = gateway.follow(&format!("/api/events/{id}/stream")).await.unwrap();

    let http = web::http_client().build().unwrap();
    let mut streams = Vec::new();
    for key in [key.as_str(), UNKNOWN, MALFORMED] {
        for url in [format!("{}/mcp/sse?token={key}", server.mcp), format!("{}/nowhere?token={key}", server.mcp)] {
            streams.push(http.get(url).send().await.unwrap());
        }
        let asked = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let url = format!("{}/mcp/message?sessionId=nobodys&token={key}", server.mcp);
        http.post(url).json(&asked).send().await.unwrap();
        http.post(format!("{}/mcp?token={key}", server.mcp)).json(&asked).send().await.unwrap();
        http.get(format!("{}/api/customer/{id}?token={key}", server.gateway)).bearer_auth(key).send().await.unwrap();
        // Not even where it does not belong.
        http.get(format!("{}/api/customer/{key}", server.gateway)).bearer_auth(key).send().await.unwrap();
    }
}

async fn nothing_leaks(format: &str, filter: &str) {
    let launch = Launch::new("heycmo").env("LOG_FORMAT", format).env("RUST_LOG", filter);
    let server = HeyCmo::launch(launch).await;
    use_everything(&server).await;

    let data = server.process.data_dir();
    let secret = |file: &str| std::fs::read_to_string(data.path().join(file)).unwrap();
    let (admin, encryption) = (secret("admin_secret"), secret("encryption_secret"));
    let mut made = String::new();
    for secret in [&admin, UNKNOWN] {
        let operator = Caller::new(&server.gateway, secret).request(Method::POST, "/api/admin/provision");
        let answer = operator.json(&json!({"email": "anna@example.com"})).send().await.unwrap();
        made += &answer.text().await.unwrap();
    }
    let provisioned = word_after(&made, r#""apiKey":""#).split('"').next().unwrap().to_owned();
    let created = Terminal::beside(&server.process).heycmo("key create anna@example.com").await;

    let key = server.key.clone();
    let log = server.process.stop().await.log;
    assert!(log.contains("TRACE") && log.contains("/mcp/message"), "too little was logged to tell");
    for secret in [&key, UNKNOWN, MALFORMED, &provisioned, &key_in(&created), &admin, &encryption] {
        let tail = secret.trim_start_matches("hcmo_live_");
        let line = log.lines().find(|line| line.contains(tail));
        assert_eq!(line, None, "{format}, RUST_LOG={filter}");
    }
}

#[tokio::test]
async fn no_secret_is_in_the_log_for_people() {
    nothing_leaks("pretty", "trace").await;
}

#[tokio::test]
async fn no_secret_is_in_the_log_for_collectors() {
    nothing_leaks("json", "trace").await;
}

#[tokio::test]
async fn no_secret_is_in_the_log_of_libraries() {
    nothing_leaks("pretty", "trace,rmcp=trace,sqlx=trace").await;
}

/// An edge asks every two seconds.
#[tokio::test]
async fn whoever_asks_whether_all_is_well_leaves_no_line() {
    let server = HeyCmo::start().await;
    let (gateway, mcp) = (Caller::new(&server.gateway, &server.key), Caller::new(&server.mcp, &server.key));
    for (caller, path) in
        [(&gateway, "/api/health"), (&gateway, "/api/health/ready"), (&mcp, "/health"), (&mcp, "/health/ready")]
    {
        caller.get(path).await.unwrap();
    }
    mcp.call(1, "get_account", json!({})).await.unwrap();
    let log = server.process.stop().await.log;
    assert!(log.contains("answered") && !log.contains("health"), "{log}");
}
