//! What Stripe did not sign leaves no trace; what it did is kept once.

use entity::db::now;
use harness::process::Launch;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::shop::{Answer, Shop, answer, assert_refused, text};

const SECRET: &str = "whsec_of_the_test";

/// A server whose webhook secret the test knows. Nobody listens where it would find Stripe.
async fn open() -> Shop {
    let launch = Launch::new("heycmo").env("STRIPE_SECRET_KEY", "sk_test_1").env("STRIPE_PRICE_ID", "price_1");
    let launch = launch.env("STRIPE_WEBHOOK_SECRET", format!("whsec_next,{SECRET}"));
    Shop::launch(launch.env("STRIPE_API_BASE", "http://127.0.0.1:9")).await
}

fn event(id: &str, kind: &str) -> String {
    json!({"id": id, "object": "event", "type": kind, "created": now().timestamp(), "livemode": false,
        "data": {"object": {"id": "in_1", "object": "invoice"}}})
    .to_string()
}

/// The header for a body that was signed so many seconds from now.
fn signature(secret: &str, body: &str, seconds: i64) -> String {
    let at = now().timestamp() + seconds;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}

async fn deliver(shop: &Shop, signature: Option<String>, body: &str) -> Answer {
    let request = shop.gateway(Method::POST, "/api/webhooks/stripe").body(body.to_owned());
    answer(signature.into_iter().fold(request, |request, header| request.header("stripe-signature", header))).await
}

/// What `heycmo billing events` lists, without the head.
async fn listed(shop: &Shop) -> Vec<String> {
    shop.terminal().heycmo("billing events").await.lines().skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn what_stripe_did_not_sign_is_refused_and_leaves_no_trace() {
    let shop = open().await;
    let body = event("evt_1", "payout.paid");
    let altered = body.replace("in_1", "in_2");
    let good = signature(SECRET, &body, 0);
    for (why, header, body) in [
        ("no header", None, &body),
        ("no signature", Some(String::new()), &body),
        ("an altered byte", Some(good.clone()), &altered),
        ("another secret", Some(signature("whsec_other", &body, 0)), &body),
        ("too old", Some(signature(SECRET, &body, -310)), &body),
        ("too new", Some(signature(SECRET, &body, 310)), &body),
        ("another scheme", Some(good.replace("v1=", "v0=")), &body),
    ] {
        let refused = deliver(&shop, header, body).await;
        assert_eq!((refused.0, &refused.1["code"]), (400, &json!("invalid_signature")), "{why}: {}", refused.1);
    }
    for body in ["{}", "[]", "no json", r#"{"id":"","type":"payout.paid","data":{"object":{}}}"#] {
        assert_refused(&deliver(&shop, Some(signature(SECRET, body, 0)), body).await, 400, "invalid_event");
    }
    assert_eq!(listed(&shop).await, Vec::<String>::new());
    for (at, id) in [(-290, "evt_2"), (290, "evt_3")] {
        let body = event(id, "payout.paid");
        assert_eq!(deliver(&shop, Some(signature(SECRET, &body, at)), &body).await.0, 200);
    }
    assert_eq!(listed(&shop).await.len(), 2);
}

#[tokio::test]
async fn an_event_is_kept_once_and_one_that_means_nothing_is_done() {
    let shop = open().await;
    let unknown = event("evt_unknown", "payout.paid");
    let invoice = event("evt_invoice", "invoice.paid");
    for body in [&unknown, &invoice, &unknown, &invoice] {
        let taken = deliver(&shop, Some(signature(SECRET, body, 0)), body).await;
        assert_eq!(taken, (200, json!({"received": true})));
    }
    // The same event, sent again at the same instant.
    let again = (0..20).map(|_| deliver(&shop, Some(signature("whsec_next", &unknown, 0)), &unknown));
    assert!(futures::future::join_all(again).await.iter().all(|(status, _)| *status == 200));
    let rows = listed(&shop).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    let row = rows.iter().find(|row| row.starts_with("evt_unknown")).unwrap();
    assert!(row.contains("payout.paid") && row.contains(" done "), "{row}");
}

#[tokio::test]
async fn an_event_that_cannot_be_handled_is_open_until_stripe_is_back() {
    let shop = Shop::open().await;
    let anna = shop.subscriber("anna@example.com").await;
    shop.is_up_to_date().await;
    shop.faults(json!({"kind": "500", "rate": 1.0})).await;
    shop.at_stripe(&anna.subscription, "pause").await;
    let terminal = shop.terminal();
    let open = harness::eventually("the failure is noted", async || {
        let open = terminal.heycmo("billing events --open").await;
        open.contains("last time: Stripe answered 500").then_some(open)
    });
    let open = open.await;
    assert!(open.contains("customer.subscription.paused"), "{open}");
    assert_eq!(anna.account().await.0, 200);
    shop.sandbox(Method::DELETE, "faults", None).await;
    anna.is_answered(403).await;
    shop.is_up_to_date().await;
    assert_eq!(terminal.heycmo("billing events --open").await.lines().count(), 1);
}

#[tokio::test]
async fn an_event_of_real_money_is_kept_and_ignored_in_test_mode() {
    let shop = open().await;
    let body = event("evt_live", "invoice.paid").replace(r#""livemode":false"#, r#""livemode":true"#);
    assert_eq!(deliver(&shop, Some(signature(SECRET, &body, 0)), &body).await.0, 200);
    let rows = listed(&shop).await;
    assert!(rows.len() == 1 && rows[0].contains(" done "), "{rows:?}");
}

#[tokio::test]
async fn a_wrong_secret_in_the_settings_keeps_nobody_waiting() {
    let shop = Shop::open().await;
    shop.sandbox(Method::POST, "webhooks", Some(json!({"secret": "whsec_wrong"}))).await;
    let session = shop.checkout("anna@example.com").await;
    shop.at_checkout(&session, "pay").await;
    let refused = harness::eventually("an event is refused", async || {
        let events = shop.stripe_events().await;
        events.iter().find_map(|event| event["deliveries"].get(0).cloned())
    });
    assert_eq!(refused.await["status"], 400);
    assert_eq!(listed(&shop).await, Vec::<String>::new());
    // The customer does not wait for it.
    let (_, claimed) = shop.claim(&session).await;
    assert!(text(&claimed, "apiKey").starts_with("hcmo_live_"));
    assert_ne!(claimed["customerId"], Value::Null);
}
