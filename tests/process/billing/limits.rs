//! How often strangers may start to pay, and how often Stripe may call.

use harness::process::Launch;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::shop::{Shop, assert_refused};

/// One request more than pass is refused with what a client needs to come back.
async fn passes(request: impl Fn() -> RequestBuilder, expected: u16, scope: &str, per_minute: u64) {
    for left in (0..per_minute).rev() {
        let response = request().send().await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{scope}");
        assert!(!response.headers().contains_key("retry-after"), "{scope}");
        let told = response.headers()["ratelimit"].to_str().unwrap().to_owned();
        assert!(told.starts_with(&format!("\"{scope}\";r={left}")), "{told}");
    }
    let response = request().send().await.unwrap();
    let headers = response.headers().clone();
    let refused = (response.status().as_u16(), response.json().await.unwrap());
    assert_refused(&refused, 429, "rate_limited");
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60_u64.div_ceil(per_minute)).contains(&wait), "{wait} s");
    assert_eq!(headers["ratelimit-policy"], format!("\"{scope}\";q={per_minute};w=60"));
    assert_eq!(headers["ratelimit"], format!("\"{scope}\";r=0;t={wait}"));
}

#[tokio::test]
async fn an_address_may_start_to_pay_so_often_and_stripe_may_call_so_often() {
    let limits = Launch::new("heycmo").env("RATE_LIMIT_CHECKOUT", "2").env("RATE_LIMIT_WEBHOOKS", "3");
    let shop = Shop::launch(limits.env("TRUSTED_PROXIES", "127.0.0.1")).await;
    let from = |request: RequestBuilder, client: &str| request.header("x-forwarded-for", client);
    let checkout = |client: &str| {
        from(shop.gateway(Method::POST, "/api/checkout"), client).json(&json!({"email": "anna@example.com"}))
    };
    let webhook = |client: &str| from(shop.gateway(Method::POST, "/api/webhooks/stripe"), client).body("{}");
    passes(|| checkout("203.0.113.1"), 200, "checkout", 2).await;
    passes(|| webhook("203.0.113.1"), 400, "webhooks", 3).await;
    let calls = shop.stripe_calls().await.len();
    assert_eq!(checkout("203.0.113.1").send().await.unwrap().status(), 429);
    assert_eq!(shop.stripe_calls().await.len(), calls, "a refused request does not reach Stripe");
    assert_eq!(checkout("203.0.113.2").send().await.unwrap().status(), 200);
    assert_eq!(webhook("203.0.113.2").send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn without_settings_five_checkouts_a_minute_pass() {
    let shop = Shop::launch(Launch::new("heycmo").without("RATE_LIMIT_CHECKOUT")).await;
    let checkout = || shop.gateway(Method::POST, "/api/checkout").json(&json!({"email": "anna"}));
    passes(checkout, 400, "checkout", 5).await;
}

#[tokio::test]
async fn without_settings_a_hundred_webhooks_a_minute_pass() {
    let shop = Shop::launch(Launch::new("heycmo").without("RATE_LIMIT_WEBHOOKS")).await;
    let webhook = || shop.gateway(Method::POST, "/api/webhooks/stripe").body("{}");
    let answers = futures::future::join_all((0..100).map(|_| webhook().send())).await;
    let refused = |status: u16| answers.iter().filter(|answer| answer.as_ref().unwrap().status() == status).count();
    assert_eq!((refused(400), refused(429)), (100, 0));
}
