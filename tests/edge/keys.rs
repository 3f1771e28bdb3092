//! What the edge does with keys and addresses.

use reqwest::{Method, StatusCode};

use crate::site::{Site, anybody};

/// Whether the next call of a key is one too many.
async fn is_refused(caller: &harness::mcp::Caller, path: &str) -> bool {
    let status = caller.request(Method::GET, path).send().await.unwrap().status();
    assert!(status == StatusCode::OK || status == StatusCode::TOO_MANY_REQUESTS, "{status}");
    status == StatusCode::TOO_MANY_REQUESTS
}

#[tokio::test]
async fn a_limit_counts_a_key_once_whatever_the_replicas() {
    let site = Site::start_with(&[("RATE_LIMIT_API", "5")]).await;
    for (id, caller) in site.customers().await {
        let path = format!("/api/customer/{id}");
        for call in 1..=5 {
            assert!(!is_refused(&caller, &path).await, "call {call} of {id}");
        }
        assert!(is_refused(&caller, &path).await, "the sixth of {id}, on the same replica as the others");
    }
}

#[tokio::test]
async fn nobody_says_for_themselves_where_they_come_from() {
    let site = Site::start_with(&[("RATE_LIMIT_PREAUTH", "3")]).await;
    let stranger = harness::mcp::Caller::new(&site.origin, &format!("hcmo_live_{}", "0".repeat(64)));
    let mut answers = Vec::new();
    for guess in 0..4 {
        let request = stranger.request(Method::GET, "/api/customer/cust_01M851E88BEZS4E1V4ZSCPXFGH");
        let request = request.header("x-forwarded-for", format!("203.0.113.{guess}"));
        answers.push(request.header("x-edge-caller", guess.to_string()).send().await.unwrap().status().as_u16());
    }
    assert_eq!(answers, [401, 401, 401, 429], "the addresses that it claims count for nothing");
}

#[tokio::test]
async fn no_log_has_a_key() {
    let site = Site::start().await;
    let (id, caller) = site.customer("anna@example.com").await;
    let header = caller.request(Method::GET, &format!("/api/customer/{id}")).build().unwrap();
    let key = header.headers()["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    assert!(!is_refused(&caller, &format!("/api/customer/{id}")).await);
    let mut session = caller.connect_sse().await.unwrap();
    session.call("get_account", serde_json::json!({})).await.unwrap();
    drop(session);
    let answer = anybody().get(format!("{}/mcp/message?token={key}&sessionId=1", site.origin)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let ours: String = site.mcp_servers.iter().chain(&site.gateways).map(|replica| replica.logged()).collect();
    let logs = site.log().await + &ours;
    assert!(logs.contains("/api/customer/") && logs.contains("token=REDACTED"), "{logs}");
    assert!(!logs.contains(&key), "{logs}");
}
