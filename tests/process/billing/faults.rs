//! Stripe goes wrong: the customer is told so in time, and nothing happens twice.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::shop::{Answer, Shop, answer, assert_refused, session_in};

/// A browser or a proxy on the way would wait longer.
const BOUND: Duration = Duration::from_secs(20);
/// How often the gateway asks before it gives up.
const ATTEMPTS: usize = 3;

async fn start(shop: &Shop) -> Answer {
    let request = shop.gateway(Method::POST, "/api/checkout").json(&json!({"email": "anna@example.com"}));
    answer(request.timeout(BOUND)).await
}

/// The idempotency keys of the calls that were to make a checkout.
async fn keys(shop: &Shop) -> Vec<Value> {
    let calls = shop.stripe_calls().await.into_iter();
    let calls = calls.filter(|call| call["method"] == "POST" && call["path"] == "/v1/checkout/sessions");
    calls.map(|call| call["idempotency_key"].clone()).collect()
}

/// How many checkouts there are at Stripe.
async fn checkouts(shop: &Shop) -> usize {
    let url = format!("{}/v1/checkout/sessions", shop.server.sandbox);
    let (status, list) = answer(shop.http.get(url).bearer_auth("sk_test_look")).await;
    assert_eq!(status, 200, "{list}");
    list["data"].as_array().unwrap().len()
}

/// Stripe fails until the gateway gives up, and again but not so long.
async fn goes_wrong(kind: &str) {
    let shop = Shop::open().await;
    shop.faults(json!({"kind": kind, "next": ATTEMPTS})).await;
    let refused = start(&shop).await;
    assert_refused(&refused, 502, "stripe_failed");
    assert!(!refused.1.to_string().contains("sk_test"), "{}", refused.1);
    let asked = keys(&shop).await;
    assert_eq!(asked.len(), ATTEMPTS, "{kind}");
    assert!(asked.iter().all(|key| key.is_string() && *key == asked[0]), "{kind}: {asked:?}");
    assert_eq!(checkouts(&shop).await, 0, "{kind}");

    assert_eq!(start(&shop).await.0, 200, "{kind}");
    assert_eq!(checkouts(&shop).await, 1, "{kind}");
}

#[tokio::test]
async fn too_many_requests() {
    goes_wrong("429").await;
}

#[tokio::test]
async fn an_internal_error() {
    goes_wrong("500").await;
}

#[tokio::test]
async fn the_page_of_a_proxy() {
    goes_wrong("html").await;
}

#[tokio::test]
async fn an_answer_that_is_no_json() {
    goes_wrong("garbage").await;
}

#[tokio::test]
async fn a_connection_that_breaks() {
    goes_wrong("close").await;
}

#[tokio::test]
async fn no_answer_at_all() {
    goes_wrong("hang").await;
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_make_a_second_checkout() {
    for kind in ["500", "garbage", "close"] {
        let shop = Shop::open().await;
        shop.faults(json!({"kind": kind, "next": ATTEMPTS - 1, "after": true})).await;
        let (status, body) = start(&shop).await;
        assert_eq!(status, 200, "{kind}: {body}");
        let asked = keys(&shop).await;
        assert_eq!(asked.len(), ATTEMPTS, "{kind}");
        assert!(asked.iter().all(|key| *key == asked[0]), "{kind}: {asked:?}");
        assert_eq!(checkouts(&shop).await, 1, "{kind}");
        shop.at_checkout(&session_in(&body), "pay").await;
        assert!(shop.claim(&session_in(&body)).await.1["apiKey"].is_string());
    }
}

#[tokio::test]
async fn a_claim_that_fails_can_be_made_again() {
    let shop = Shop::open().await;
    shop.delivers(false).await;
    let session = shop.checkout("anna@example.com").await;
    shop.at_checkout(&session, "pay").await;
    shop.faults(json!({"kind": "500", "next": ATTEMPTS})).await;
    assert_refused(&shop.claim(&session).await, 502, "stripe_failed");
    assert!(shop.claim(&session).await.1["apiKey"].is_string());
}

#[tokio::test]
async fn once_the_customer_is_known_a_claim_needs_no_stripe() {
    let shop = Shop::open().await;
    let session = shop.checkout("anna@example.com").await;
    shop.at_checkout(&session, "pay").await;
    shop.is_up_to_date().await;
    shop.faults(json!({"kind": "500", "rate": 1.0})).await;
    assert!(shop.claim(&session).await.1["apiKey"].is_string());
}
