//! Stripe's events in any order, twice, at the same time, while Stripe itself fails now and then: the end is the same.

use std::path::Path;
use std::sync::Arc;

use entity::db::Db;
use entity::events::{self, TypeFilter};
use entity::{billing, customers};
use futures::StreamExt;
use harness::process::Launch;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::shop::{Shop, db_in, everything_is_handled, text, was_taken};
use crate::support::Dice;

const EMAIL: &str = "anna@example.com";
const ORDERS: u64 = 200;
/// Servers at a time.
const AT_ONCE: usize = 4;
/// Deliveries at a time.
const CONCURRENT: usize = 8;
const SEED: u64 = 0x7374_6f72_6d21;
const FAULTS: [&str; 5] = ["429", "500", "html", "garbage", "close"];
const SANDBOX_FILE: &str = "sandbox-stripe.json";

/// What happened to one subscription at Stripe, of which the gateway knows nothing yet.
struct History {
    directory: Arc<TempDir>,
    events: Vec<String>,
}

impl History {
    async fn make(actions: &[&str]) -> Self {
        let shop = Shop::open().await;
        shop.delivers(false).await;
        let session = shop.checkout(EMAIL).await;
        let subscription = text(&shop.at_checkout(&session, "pay").await, "subscription");
        for action in actions {
            shop.at_stripe(&subscription, action).await;
        }
        let events = shop.stripe_events().await.iter().map(|event| text(event, "id")).collect();
        let directory = shop.server.process.data_dir();
        assert!(shop.server.process.stop().await.status.success());
        Self { directory, events }
    }

    /// A directory for a server that knows nothing, beside a Stripe that knows everything and keeps still.
    fn copy(&self) -> Arc<TempDir> {
        let copy = tempfile::tempdir().unwrap();
        let read = |name: &str| std::fs::read(self.directory.path().join(name)).unwrap();
        // The sandbox's webhook secret comes from it.
        std::fs::write(copy.path().join("encryption_secret"), read("encryption_secret")).unwrap();
        let mut state: Value = serde_json::from_slice(&read(SANDBOX_FILE)).unwrap();
        for event in state["events"].as_array_mut().unwrap() {
            event["due"] = Value::Null;
        }
        std::fs::write(copy.path().join(SANDBOX_FILE), state.to_string()).unwrap();
        Arc::new(copy)
    }

    /// Every event, and every second one twice, in an order of the seed's.
    fn shuffled(&self, dice: &mut Dice) -> Vec<String> {
        let mut order: Vec<_> = self.events.iter().chain(self.events.iter().step_by(2)).cloned().collect();
        dice.shuffle(&mut order);
        order
    }

    /// Delivers the events in some order and waits for the end.
    async fn in_some_order(&self, round: u64) -> Value {
        let mut dice = Dice(SEED + round);
        let directory = self.copy();
        let shop = Shop::launch(Launch::on("heycmo", directory.clone())).await;
        let kind = FAULTS[usize::try_from(round).unwrap() % FAULTS.len()];
        shop.faults(json!({"kind": kind, "rate": 0.2, "after": round.is_multiple_of(2)})).await;
        deliver(&shop, &self.shuffled(&mut dice), usize::MAX).await;
        self.end(directory.path()).await
    }

    /// The same, but the server dies in the middle and comes back.
    async fn with_a_death(&self, round: u64) -> Value {
        let mut dice = Dice(SEED + round);
        let directory = self.copy();
        let shop = Shop::launch(Launch::on("heycmo", directory.clone())).await;
        let order = self.shuffled(&mut dice);
        let some = usize::try_from(dice.below(order.len() as u64)).unwrap();
        deliver(&shop, &order, some).await;
        let terminal = shop.terminal();
        shop.server.process.kill().await;
        // What it was working on would be taken up again after a minute; an operator need not wait.
        for open in terminal.heycmo("billing events --open --limit 1000").await.lines().skip(1) {
            terminal.heycmo(&format!("billing replay {}", open.split_whitespace().next().unwrap())).await;
        }
        let shop = Shop::launch(Launch::on("heycmo", directory.clone())).await;
        deliver(&shop, &self.shuffled(&mut dice), usize::MAX).await;
        self.end(directory.path()).await
    }

    /// How it all ends, without what differs by nature: our ids and the time.
    async fn end(&self, data_dir: &Path) -> Value {
        let db = db_in(data_dir).await;
        everything_is_handled(&db).await;
        let kept = billing::list(&db, false, 1_000).await.unwrap();
        assert_eq!(kept.len(), self.events.len(), "each event is kept once");
        end_of(&db).await
    }
}

async fn end_of(db: &Db) -> Value {
    let customer = customers::get_by_email(db, EMAIL).await.unwrap();
    let log = events::list(db, &customer.id, &TypeFilter::Any, None, 200).await.unwrap().events;
    let log: Vec<_> = log.iter().rev().map(|event| json!([event.event_type.as_str(), event.data])).collect();
    let subscriptions = billing::of_customer(db, &customer.id).await.unwrap();
    let subscriptions = subscriptions.iter().map(|subscription| {
        json!({
            "id": subscription.id,
            "status": subscription.status.as_str(),
            "payer": subscription.stripe_customer_id,
            "cancelAtPeriodEnd": subscription.cancel_at_period_end,
            "periodEndsAt": subscription.period_ends_at,
            "pastDueSince": subscription.past_due_since,
        })
    });
    json!({
        "status": customer.status(entity::db::now()).as_str(),
        "plan": customer.plan,
        "graceEndsAt": customer.grace_ends_at,
        "payer": customer.stripe_customer_id,
        "subscriptions": subscriptions.collect::<Vec<_>>(),
        "log": log,
    })
}

/// Delivers the events, several at a time, until so many are taken.
async fn deliver(shop: &Shop, order: &[String], some: usize) {
    let deliveries = order.iter().map(async |id| {
        let delivery = shop.sandbox(Method::POST, &format!("events/{id}/deliver"), None).await;
        assert!(was_taken(&delivery), "{id}: {delivery}");
    });
    let mut deliveries = futures::stream::iter(deliveries).buffer_unordered(CONCURRENT).take(some);
    while deliveries.next().await.is_some() {}
}

/// Every order ends alike, and so does every order in which the server dies; that end.
async fn ends_alike(actions: &[&str]) -> Value {
    let history = History::make(actions).await;
    assert!(history.events.len() >= 30, "{} events", history.events.len());
    let orders = (0..ORDERS).map(|round| history.in_some_order(round));
    let ends: Vec<_> = futures::stream::iter(orders).buffer_unordered(AT_ONCE).collect().await;
    let deaths = (ORDERS..ORDERS + 3).map(|round| history.with_a_death(round));
    let deaths: Vec<_> = futures::stream::iter(deaths).buffer_unordered(AT_ONCE).collect().await;
    for end in ends.iter().chain(&deaths) {
        assert_eq!(end, &ends[0]);
    }
    ends[0].clone()
}

/// One thing after another.
const LIFE: [&str; 16] = [
    "past_due",
    "past_due",
    "pay",
    "pause",
    "resume",
    "cancel_at_period_end",
    "resume",
    "renew",
    "dispute",
    "unpaid",
    "pay",
    "renew",
    "pause",
    "resume",
    "renew",
    "past_due",
];

#[tokio::test]
async fn any_order_of_events_leads_to_the_same_end() {
    let end = ends_alike(&LIFE).await;
    let kinds: Vec<_> = end["log"].as_array().unwrap().iter().map(|event| event[0].as_str().unwrap()).collect();
    assert_eq!(kinds, ["customer.created", "subscription.updated", "payment.disputed"]);
    assert_eq!((&end["log"][1][1]["status"], &end["status"]), (&json!("past_due"), &json!("onboarding")));
    assert_eq!(end["log"][1][1]["graceEndsAt"], end["graceEndsAt"]);
}
