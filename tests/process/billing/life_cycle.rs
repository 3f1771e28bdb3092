//! What happens at Stripe decides whether the key works.

use std::time::{Duration, Instant};

use harness::process::Launch;
use serde_json::json;

use super::shop::Shop;

/// How soon an open session ends once its customer may not use it any more.
const SOON: Duration = Duration::from_secs(5);

/// The customer is shut out with this status, and everything that is open ends soon.
async fn shuts_out(action: &str, status: &str, back: Option<&str>) {
    let shop = Shop::open().await;
    let anna = shop.subscriber("anna@example.com").await;
    let mut sse = anna.mcp.connect_sse().await.unwrap();
    let mut stream = anna.mcp.connect().await.unwrap().listen().await.unwrap();
    sse.call("get_account", json!({})).await.unwrap();

    let since = Instant::now();
    shop.at_stripe(&anna.subscription, action).await;
    sse.events.end().await.unwrap();
    stream.end().await.unwrap();
    assert!(since.elapsed() < SOON, "{action}: it took {:?}", since.elapsed());
    let (answered, body) = anna.account().await;
    assert_eq!((answered, &body["code"]), (403, &json!("account_inactive")), "{action}: {body}");
    assert!(body["error"].as_str().unwrap().contains(status), "{action}: {body}");
    for refused in [anna.mcp.open_sse().await.err(), anna.mcp.call(1, "get_account", json!({})).await.err()] {
        assert!(refused.as_ref().is_some_and(|refused| refused.starts_with("403")), "{action}: {refused:?}");
    }

    let Some(back) = back else { return };
    shop.at_stripe(&anna.subscription, back).await;
    anna.is_answered(200).await;
    anna.mcp.connect_sse().await.unwrap().call("get_account", json!({})).await.unwrap();
}

#[tokio::test]
async fn a_canceled_subscription_shuts_out() {
    shuts_out("cancel", "canceled", None).await;
}

#[tokio::test]
async fn a_paused_subscription_shuts_out_until_it_is_resumed() {
    shuts_out("pause", "paused", Some("resume")).await;
}

#[tokio::test]
async fn an_unpaid_subscription_shuts_out_until_it_is_paid() {
    shuts_out("unpaid", "past_due", Some("pay")).await;
}

#[tokio::test]
async fn who_owes_has_some_days() {
    let shop = Shop::open().await;
    let anna = shop.subscriber("anna@example.com").await;
    let mut sse = anna.mcp.connect_sse().await.unwrap();
    for _ in 0..2 {
        shop.at_stripe(&anna.subscription, "past_due").await;
        shop.is_up_to_date().await;
        assert_eq!(anna.account().await.0, 200);
        sse.call("get_account", json!({})).await.unwrap();
    }
    assert!(shop.terminal().heycmo("customer show anna@example.com").await.contains("grace ends"));
    let log = anna.log().await;
    let owed: Vec<_> = log.iter().filter(|(kind, _)| kind == "subscription.updated").collect();
    assert_eq!(owed.len(), 1, "{log:?}");
    assert_eq!(owed[0].1["status"], "past_due");
    assert!(owed[0].1["graceEndsAt"].is_string());
    shop.at_stripe(&anna.subscription, "pay").await;
    shop.is_up_to_date().await;
    assert_eq!(anna.account().await.0, 200);
    assert!(!shop.terminal().heycmo("customer show anna@example.com").await.contains("grace ends"));
}

#[tokio::test]
async fn without_days_of_grace_who_owes_is_shut_out() {
    let shop = Shop::launch(Launch::new("heycmo").env("BILLING_GRACE_DAYS", "0")).await;
    let anna = shop.subscriber("anna@example.com").await;
    let mut sse = anna.mcp.connect_sse().await.unwrap();
    shop.at_stripe(&anna.subscription, "past_due").await;
    sse.events.end().await.unwrap();
    anna.is_answered(403).await;
    shop.at_stripe(&anna.subscription, "pay").await;
    anna.is_answered(200).await;
}

#[tokio::test]
async fn a_cancellation_for_later_shuts_out_with_the_period() {
    let shop = Shop::open().await;
    let anna = shop.subscriber("anna@example.com").await;
    shop.at_stripe(&anna.subscription, "cancel_at_period_end").await;
    shop.is_up_to_date().await;
    assert_eq!(anna.account().await.0, 200);
    assert_eq!(anna.log().await.last().unwrap().1["cancelAtPeriodEnd"], true);
    shop.at_stripe(&anna.subscription, "renew").await;
    anna.is_answered(403).await;
}
