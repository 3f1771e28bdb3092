//! How often clients may call, and what they are told.
//!
//! Budgets are so small that none comes back while a test runs, except where a test waits for it.

use std::time::Duration;

use entity::keys::{self, NewKey};
use harness::mcp::Caller;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::pages::support::{Browser, page};
use crate::support::{Product, assert_refused, error_of, json_of, refusal};

const NOBODY: &str = "hcmo_live_0000000000000000000000000000000000000000000000000000000000000000";

/// Sends a request that is to be refused for now, and looks at what it tells. The seconds to wait.
async fn throttled(request: RequestBuilder, scope: &str, per_minute: u64) -> u64 {
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    let refused = error_of(response).await;
    assert_refused(&refused, 429, "rate_limited");
    let wait = assert_headers(&headers, scope, per_minute);
    let sentence = refused.1["error"].as_str().unwrap();
    assert!(sentence.contains(&format!("{per_minute} a minute")) && sentence.contains(&format!(" {wait} second")));
    wait
}

#[track_caller]
fn assert_headers(headers: &HeaderMap, scope: &str, per_minute: u64) -> u64 {
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60_u64.div_ceil(per_minute)).contains(&wait), "{wait} s");
    assert_eq!(headers["ratelimit-policy"], format!("\"{scope}\";q={per_minute};w=60"));
    assert_eq!(headers["ratelimit"], format!("\"{scope}\";r=0;t={wait}"));
    wait
}

/// What a good answer says is left.
async fn left(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    assert!(!response.headers().contains_key("retry-after"));
    response.headers()["ratelimit"].to_str().unwrap().split(';').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_key_has_so_many_calls_a_minute_on_all_routes_together() {
    let product = Product::limited(&[("RATE_LIMIT_API", "2")]).await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let own = || product.get(&format!("/api/customer/{}", anna.id), &anna.key);
    let events = || product.get(&format!("/api/events/{}", anna.id), &anna.key);
    assert_eq!(left(own()).await, "r=1");
    assert_eq!(left(events()).await, "r=0");
    throttled(own(), "api", 2).await;
    throttled(events(), "api", 2).await;
    throttled(product.get("/api/customer/nobody", &anna.key), "api", 2).await;

    let (_, other) = keys::create(&product.test.db(), &anna.id, NewKey::default()).await.unwrap();
    assert_eq!(left(product.get(&format!("/api/customer/{}", anna.id), other.expose())).await, "r=1");
    assert_eq!(left(product.get(&format!("/api/customer/{}", ben.id), &ben.key)).await, "r=1");
    // What there is not stays unknown, and health is for everybody.
    assert_refused(&refusal(product.get("/api/nothing", &anna.key)).await, 404, "not_found");
    let health = product.get("/api/health", &anna.key).send().await.unwrap();
    assert!(health.status().is_success() && !health.headers().contains_key("ratelimit"));
}

#[tokio::test]
async fn who_clicks_around_takes_nothing_from_programs() {
    let product = Product::limited(&[("RATE_LIMIT_API", "1"), ("RATE_LIMIT_PAGES", "3")]).await;
    let anna = product.customer().await;
    let browser = Browser::of(&product, &anna).await;
    let overview = || browser.get(&format!("/api/dashboard/{}", anna.id));
    for expected in ["r=2", "r=1", "r=0"] {
        assert_eq!(left(overview()).await, expected);
    }
    let (status, html) = page(overview()).await;
    assert_eq!(status, 429);
    assert!(html.contains("Too many requests"), "{html}");
    // Another session of the same key is no way around it, and the key's own budget is whole.
    let again = Browser::of(&product, &anna).await;
    assert_eq!(page(again.get(&format!("/api/dashboard/{}/keys", anna.id))).await.0, 429);
    assert_eq!(left(product.get(&format!("/api/dashboard/{}", anna.id), &anna.key)).await, "r=0");
}

#[tokio::test]
async fn operators_have_so_many_calls_a_minute_from_one_address() {
    let product = Product::limited(&[("RATE_LIMIT_ADMIN", "2"), ("RATE_LIMIT_PREAUTH", "1")]).await;
    let provision = |secret: Option<&str>| {
        let request = product.provision(&json!({"email": harness::an_email()}));
        secret.into_iter().fold(request, |request, secret| request.header("x-forwarded-for", secret))
    };
    assert_eq!(left(provision(None)).await, "r=1");
    assert_eq!(left(provision(None)).await, "r=0");
    throttled(provision(None), "admin", 2).await;
    // A made-up address is not another one.
    throttled(provision(Some("203.0.113.9")), "admin", 2).await;
    // The rest of the gateway goes on.
    let customer = product.customer().await;
    json_of(product.get(&format!("/api/customer/{}", customer.id), &customer.key)).await;
}

#[tokio::test]
async fn failed_attempts_run_out_for_an_address_and_never_lock_out_a_good_credential() {
    let limits = [("RATE_LIMIT_PREAUTH", "4"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let product = Product::limited(&limits).await;
    let customer = product.customer().await;
    let own = format!("/api/customer/{}", customer.id);
    let admin = |secret: &str| {
        let request = product.http.post(format!("{}/api/admin/provision", product.gateway)).bearer_auth(secret);
        request.json(&json!({"email": harness::an_email()}))
    };
    let on_mcp = |key: &str| product.http.get(format!("{}/mcp/sse?token={key}", product.mcp));
    // All doors count together.
    for _ in 0..2 {
        assert_refused(&refusal(product.get(&own, NOBODY)).await, 401, "invalid_key");
    }
    assert_refused(&refusal(admin("wrong")).await, 401, "invalid_admin_secret");
    assert_refused(&refusal(on_mcp("wrong")).await, 401, "invalid_key");
    for request in [product.get(&own, NOBODY), admin("wrong"), on_mcp(NOBODY)] {
        throttled(request, "preauth", 4).await;
    }

    // Who shows nothing guesses nothing: that is how apps begin, many of them from one address.
    for address in [format!("{}{own}", product.gateway), format!("{}/mcp/sse", product.mcp)] {
        assert_refused(&refusal(product.http.get(address)).await, 401, "missing_key");
    }
    json_of(product.get(&own, &customer.key)).await;
    json_of(product.provision(&json!({"email": harness::an_email()}))).await;
    let assistant = Caller::new(&product.mcp, &customer.key);
    assistant.call(1, "get_account", json!({})).await.unwrap();
    let elsewhere = product.get(&own, NOBODY).header("x-forwarded-for", "203.0.113.9");
    assert_refused(&refusal(elsewhere).await, 401, "invalid_key");
}

#[tokio::test]
async fn the_address_is_the_clients_only_behind_a_proxy_of_ours() {
    let attempt = |product: &Product, forwarded: &str| {
        product.get("/api/customer/nobody", NOBODY).header("x-forwarded-for", forwarded)
    };
    let product = Product::limited(&[("RATE_LIMIT_PREAUTH", "1")]).await;
    assert_refused(&refusal(attempt(&product, "203.0.113.1")).await, 401, "invalid_key");
    for made_up in ["203.0.113.2", "127.0.0.1, 203.0.113.3", "2001:db8::1"] {
        throttled(attempt(&product, made_up), "preauth", 1).await;
    }

    let product = Product::limited(&[("RATE_LIMIT_PREAUTH", "1"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    for client in ["203.0.113.1", "203.0.113.2", "2001:db8:0:1::1", "2001:db8:0:2::1"] {
        assert_refused(&refusal(attempt(&product, client)).await, 401, "invalid_key");
        throttled(attempt(&product, client), "preauth", 1).await;
        // What the client itself put before what our proxy wrote does not matter.
        throttled(attempt(&product, &format!("198.51.100.1, {client}")), "preauth", 1).await;
    }
    // All addresses of a /64 are one client's.
    throttled(attempt(&product, "2001:db8:0:1::ffff"), "preauth", 1).await;
}

#[tokio::test]
async fn a_customer_has_so_many_messages_a_minute_over_all_keys_and_transports() {
    let product = Product::limited(&[("RATE_LIMIT_MCP", "3")]).await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let (_, other) = keys::create(&product.test.db(), &anna.id, NewKey::default()).await.unwrap();
    let caller = Caller::new(&product.mcp, &anna.key);
    let account = caller.call(1, "get_account", json!({})).await.unwrap();
    assert_eq!(account["requests"], json!({"perMinute": 3, "left": 2}));
    let mut stream = caller.open_sse().await.unwrap();
    caller.with_key(other.expose()).call(2, "get_account", json!({})).await.unwrap();

    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    throttled(caller.request(Method::POST, "/mcp").json(&hello), "mcp", 3).await;
    throttled(caller.with_key(other.expose()).request(Method::POST, "/mcp").json(&hello), "mcp", 3).await;
    throttled(caller.request(Method::GET, "/mcp"), "mcp", 3).await;
    throttled(caller.request(Method::GET, "/mcp/sse"), "mcp", 3).await;
    let id = stream.start("tools/list", json!({})).await.unwrap();
    assert!(stream.result(id).await.unwrap_err().contains("retryAfter"));
    // What brings no message is as free as ever.
    let wrong = caller.request(Method::POST, "/mcp/sse").json(&hello);
    assert_refused(&refusal(wrong).await, 405, "method_not_allowed");

    caller.with_key(&ben.key).call(1, "get_account", json!({})).await.unwrap();
    // The gateway has another budget.
    json_of(product.get(&format!("/api/customer/{}", anna.id), &anna.key)).await;
}

/// One comes back each second, which is also the smallest wait that can be told.
const QUICK: [(&str, &str); 1] = [("RATE_LIMIT_MCP", "60")];

#[tokio::test]
async fn a_session_of_the_older_transport_goes_on_after_a_refusal() {
    let product = Product::limited(&QUICK).await;
    let customer = product.customer().await;
    let caller = Caller::new(&product.mcp, &customer.key);
    let mut session = caller.connect_sse().await.unwrap();
    let refused = loop {
        if let Err(refused) = session.call("get_account", json!({})).await {
            break refused;
        }
    };
    let refused: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!((&refused["error"]["code"], &refused["error"]["data"]), (&json!(-32000), &json!({"retryAfter": 1})));
    tokio::time::sleep(Duration::from_secs(1)).await;
    session.call("get_brand", json!({})).await.unwrap();
}

#[tokio::test]
async fn the_post_of_a_refused_message_is_accepted_and_tells_when_to_come_back() {
    let product = Product::limited(&[("RATE_LIMIT_MCP", "1")]).await;
    let customer = product.customer().await;
    let caller = Caller::new(&product.mcp, &customer.key);
    let mut stream = caller.follow("/mcp/sse").await.unwrap();
    let endpoint = stream.next().await.unwrap().unwrap().data;
    let ping = json!({"jsonrpc": "2.0", "id": 9, "method": "ping"});
    let response = caller.request(Method::POST, &endpoint).json(&ping).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let wait = assert_headers(response.headers(), "mcp", 1);
    let told: Value = serde_json::from_str(&stream.next().await.unwrap().unwrap().data).unwrap();
    assert_eq!((&told["id"], &told["error"]["data"]["retryAfter"]), (&json!(9), &json!(wait)));
}

#[tokio::test]
async fn a_session_of_streamable_http_goes_on_after_a_refusal() {
    let product = Product::limited(&QUICK).await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let refused = loop {
        if let Err(refused) = assistant.say("get_account", &json!({})).await {
            break refused;
        }
    };
    assert!(refused.to_string().contains("429"), "{refused}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assistant.call("get_brand", json!({})).await;
}
