//! What an operator does about billing from a terminal.

use reqwest::Method;
use serde_json::json;

use super::shop::{Shop, everything_is_handled, session_in, text};

const EMAIL: &str = "anna@example.com";

/// The first word of every line but the heading.
fn ids(table: &str) -> Vec<&str> {
    table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect()
}

#[tokio::test]
async fn customers_are_listed_shown_and_deleted() {
    let shop = Shop::open().await;
    let anna = shop.subscriber(EMAIL).await;
    shop.is_up_to_date().await;
    let terminal = shop.terminal();
    assert!(ids(&terminal.heycmo("customer list").await).contains(&anna.id.as_str()));
    let shown = terminal.heycmo(&format!("customer show {EMAIL}")).await;
    for expected in [anna.id.as_str(), EMAIL, &anna.subscription, "active", &anna.key[anna.key.len() - 4..]] {
        assert!(shown.contains(expected), "{expected} in:\n{shown}");
    }
    assert!(!shown.contains(&anna.key));

    let delete = format!("customer delete {EMAIL}");
    let refused = terminal.refusal("heycmo", &delete).await;
    assert!(refused.contains("--yes"), "{refused}");
    let refused = terminal.refusal("heycmo", &format!("{delete} --yes")).await;
    assert!(refused.contains(&anna.subscription), "still paying: {refused}");
    anna.is_answered(200).await;

    shop.at_stripe(&anna.subscription, "cancel").await;
    shop.is_up_to_date().await;
    let deleted = terminal.launch("heycmo").args(["customer", "delete", EMAIL, "--yes"]).finish().await;
    assert!(deleted.status.success(), "{deleted:?}");
    anna.is_answered(401).await;
    // Their log is gone; that they are is told in two other places, neither of which says who they were.
    let listed = terminal.heycmo("customer deletions").await;
    for told in [&deleted.log, &listed] {
        assert!(told.contains(&anna.id) && told.contains("operator") && !told.contains(EMAIL), "{told}");
    }
    assert_eq!((deleted.log.lines().count(), ids(&listed)), (1, vec![anna.id.as_str()]), "{}", deleted.log);
    assert!(!terminal.heycmo("customer list").await.contains(EMAIL));
    let unknown = terminal.refusal("heycmo", &format!("customer show {EMAIL}")).await;
    assert!(unknown.contains(EMAIL), "{unknown}");
}

#[tokio::test]
async fn a_suspended_customer_is_locked_out_until_resumed() {
    let shop = Shop::open().await;
    let anna = shop.subscriber(EMAIL).await;
    let terminal = shop.terminal();
    terminal.heycmo(&format!("customer suspend {EMAIL}")).await;
    anna.is_answered(403).await;
    terminal.heycmo(&format!("customer resume {EMAIL}")).await;
    anna.is_answered(200).await;
}

#[tokio::test]
async fn an_event_that_failed_is_seen_and_replayed() {
    let shop = Shop::open().await;
    shop.delivers(false).await;
    let session = shop.checkout(EMAIL).await;
    shop.at_checkout(&session, "pay").await;
    let events = shop.stripe_events().await;
    let completed = events.iter().find(|event| event["type"] == "checkout.session.completed").unwrap();
    let id = text(completed, "id");
    shop.faults(json!({"kind": "500", "rate": 1.0})).await;
    shop.sandbox(Method::POST, &format!("events/{id}/deliver"), None).await;
    let terminal = shop.terminal();
    harness::eventually("the event failed", async || {
        let open = terminal.heycmo("billing events --open").await;
        (open.contains(&id) && open.contains("again at")).then_some(())
    })
    .await;
    shop.faults(json!({"kind": "500", "rate": 0.0})).await;
    terminal.heycmo(&format!("billing replay {id}")).await;
    everything_is_handled(&shop.db().await).await;
    assert_eq!(ids(&terminal.heycmo("billing events --open").await), [""; 0]);
    assert_eq!(ids(&terminal.heycmo("billing events").await), [id.as_str()]);
    assert!(shop.claim(&session).await.1["apiKey"].is_string());
    let unknown = terminal.refusal("heycmo", "billing replay evt_nothing").await;
    assert!(unknown.contains("evt_nothing") && unknown.contains("billing events"), "{unknown}");
}

/// Every webhook was lost, and nobody came back from the checkout.
#[tokio::test]
async fn reconciling_finds_what_nobody_told() {
    let shop = Shop::open().await;
    let anna = shop.subscriber(EMAIL).await;
    shop.is_up_to_date().await;
    shop.delivers(false).await;
    shop.at_stripe(&anna.subscription, "cancel").await;
    let (_, body) = shop.checkout_with(json!({"email": "bob@example.com"})).await;
    shop.at_checkout(&session_in(&body), "pay").await;
    shop.checkout("carol@example.com").await;

    let terminal = shop.terminal();
    let said = terminal.heycmo("billing reconcile").await;
    assert!(said.contains("corrected 1") && said.contains("found 1 paid"), "{said}");
    anna.is_answered(403).await;
    let customers = terminal.heycmo("customer list").await;
    assert!(customers.contains("bob@example.com") && !customers.contains("carol@example.com"), "{customers}");
    let again = terminal.heycmo("billing reconcile").await;
    assert!(again.contains("corrected 0") && again.contains("found 0 paid"), "{again}");
    // The key of the checkout that was found waits for whoever paid.
    let (status, claimed) = shop.claim(&session_in(&body)).await;
    assert!(status == 200 && claimed["apiKey"].is_string(), "{claimed}");
}
