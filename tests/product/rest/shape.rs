//! What all answers have in common.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::support::{Product, assert_refused, error_of, refusal};

#[tokio::test]
async fn what_there_is_not_is_told_in_json() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let events = format!("/api/events/{}", customer.id);
    for (base, path) in [
        (&product.gateway, "/nothing"),
        (&product.gateway, "/api"),
        (&product.gateway, "/api/health/"),
        (&product.gateway, "/api/customer"),
        (&product.gateway, "/api/customer/a/b"),
        (&product.gateway, &format!("{events}/nothing")),
        (&product.gateway, "/api/../etc/passwd"),
        (&product.gateway, "/%ff"),
        (&product.mcp, "/"),
        (&product.mcp, "/.well-known/oauth-protected-resource"),
        (&product.mcp, "/mcp/nothing"),
    ] {
        let refused = refusal(product.http.get(format!("{base}{path}")).bearer_auth(&customer.key)).await;
        assert_refused(&refused, 404, "not_found");
    }
    for (method, base, path, allow) in [
        (Method::POST, &product.gateway, "/api/health", "GET,HEAD"),
        (Method::DELETE, &product.gateway, "/api/health/ready", "GET,HEAD"),
        (Method::GET, &product.gateway, "/api/admin/provision", "POST"),
        (Method::PUT, &product.gateway, &events, "GET,HEAD"),
        (Method::POST, &product.mcp, "/health", "GET,HEAD"),
        (Method::POST, &product.mcp, "/mcp/sse", "GET"),
        (Method::GET, &product.mcp, "/mcp/message", "POST"),
        (Method::PUT, &product.mcp, "/mcp", "GET, POST, DELETE"),
    ] {
        let request = product.http.request(method.clone(), format!("{base}{path}")).bearer_auth(&customer.key);
        let response = request.send().await.unwrap();
        let allowed = response.headers().get("allow").map(|value| value.to_str().unwrap().to_owned());
        let sorted = |list: &str| {
            let mut methods: Vec<String> = list.split(',').map(|method| method.trim().to_owned()).collect();
            methods.sort();
            methods
        };
        assert_eq!(allowed.as_deref().map(sorted), Some(sorted(allow)), "{method} {path}");
        assert_refused(&error_of(response).await, 405, "method_not_allowed");
    }
}

#[tokio::test]
async fn a_request_id_is_kept_when_it_is_well_formed() {
    let product = Product::start().await;
    let longest = "x".repeat(64);
    let too_long = "x".repeat(65);
    for (given, is_kept) in [
        ("abc-1.2_3", true),
        ("0", true),
        (longest.as_str(), true),
        ("", false),
        ("a b", false),
        ("a\"b", false),
        ("{}", false),
        (too_long.as_str(), false),
    ] {
        for url in [
            format!("{}/api/health", product.gateway),
            format!("{}/nothing", product.gateway),
            format!("{}/mcp", product.mcp),
        ] {
            let response = product.http.get(&url).header("x-request-id", given).send().await.unwrap();
            let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            assert_eq!(id == given, is_kept, "{given}");
            assert!(is_kept || id.starts_with("req_"), "{id}");
            if response.status() != 200 {
                assert_eq!(error_of(response).await.1["requestId"], id);
            }
        }
    }
}

/// What the transports refuse has the shape that everything has.
#[tokio::test]
async fn the_mcp_server_refuses_in_the_same_shape() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let url = format!("{}/mcp", product.mcp);
    let post = |body: &str| {
        let request = product.http.post(&url).bearer_auth(&customer.key).body(body.to_owned());
        request.header("accept", "application/json, text/event-stream")
    };
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let json = |body: &str| post(body).header(CONTENT_TYPE, "application/json");
    for (request, status, code) in [
        (post(&call).header(CONTENT_TYPE, "text/plain"), 415, "unsupported_media_type"),
        (json(""), 400, "invalid_message"),
        (json("[]"), 400, "invalid_message"),
        (json(&call).header("mcp-session-id", "nothing"), 404, "session_not_found"),
        (json(&call).header("origin", "https://evil.example"), 403, "origin_not_allowed"),
        (product.http.get(&url).bearer_auth(&customer.key).header("host", "evil.example"), 403, "host_not_allowed"),
    ] {
        assert_refused(&refusal(request).await, status, code);
    }
    let message = product.http.post(format!("{url}/message?sessionId=nothing")).bearer_auth(&customer.key);
    let refused = refusal(message.header(CONTENT_TYPE, "application/json").body(call)).await;
    assert_refused(&refused, 400, "session_not_found");
    assert_eq!(refused.1["error"], "Session not found — reconnect to /mcp/sse");
}
