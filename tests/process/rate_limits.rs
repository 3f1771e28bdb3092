//! Rate limits as an operator sets them.

use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{mcp, status};

#[tokio::test]
async fn both_servers_of_one_process_share_their_limits_and_believe_its_proxies() {
    let launch = Launch::new("heycmo").env("RATE_LIMIT_PREAUTH", "1").env("RATE_LIMIT_MCP", "1");
    let server = HeyCmo::launch(launch.env("TRUSTED_PROXIES", "127.0.0.0/8")).await;
    let wrong = Caller::new(&server.gateway, "wrong");
    assert_eq!(status(&wrong, "/api/customer/nobody").await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&wrong, "/api/customer/nobody").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(&Caller::new(&server.mcp, "wrong"), "/mcp").await, StatusCode::TOO_MANY_REQUESTS);
    let elsewhere =
        wrong.request(reqwest::Method::GET, "/api/customer/nobody").header("x-forwarded-for", "203.0.113.9");
    assert_eq!(elsewhere.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let assistant = mcp(&server);
    let account = assistant.call(1, "get_account", json!({})).await.unwrap();
    assert_eq!(account["requests"], json!({"perMinute": 1, "left": 0}));
    assert!(assistant.call(2, "get_account", json!({})).await.unwrap_err().contains("rate_limited"));
}
