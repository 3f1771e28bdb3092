use entity::ids::CustomerId;
use entity::leads::{self, NewLead};
use entity::{customers, keys as api_keys};
use harness::{TestDb, on_each_database};
use reqwest::RequestBuilder;

use crate::live::Live;
use crate::support::{Account, Product, assert_refused, json_of, refusal};

on_each_database!(a_broken_stream_goes_on_without_loss_or_repetition);

fn stream(product: &Product, customer: &Account, query: &str) -> RequestBuilder {
    product.get(&format!("/api/events/{}/stream{query}", customer.id), &customer.key)
}

/// As another process logs it.
async fn log_lead(product: &Product, id: &CustomerId, note: &str) {
    let lead = NewLead { source: "webinar".to_owned(), note: Some(note.to_owned()), ..NewLead::default() };
    leads::log(&product.test.another_db().await, id, lead).await.unwrap();
}

#[tokio::test]
async fn what_happens_is_told_at_once_and_as_the_log_has_it() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let mut live = Live::open(stream(&product, &anna, "")).await;
    assert_eq!(live.response.headers()["cache-control"], "no-store");
    log_lead(&product, &ben.id, "somebody else's").await;
    log_lead(&product, &anna.id, "first").await;
    let told = live.next().await.unwrap();
    assert_eq!(told.name, "lead.logged");
    let log = json_of(product.get(&format!("/api/events/{}", anna.id), &anna.key)).await;
    assert_eq!(told.data, log["events"][0]);
    assert_eq!(told.id, told.data["id"].as_str().unwrap());
}

#[tokio::test]
async fn only_the_types_that_are_asked_for_are_told() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let mut live = Live::open(stream(&product, &customer, "?type=key.*")).await;
    log_lead(&product, &customer.id, "not asked for").await;
    api_keys::create(&product.test.db(), &customer.id, api_keys::NewKey::default()).await.unwrap();
    assert_eq!(live.next().await.unwrap().name, "key.created");
    for query in ["?type=", "?type"] {
        assert_refused(&refusal(stream(&product, &customer, query)).await, 400, "invalid_input");
    }
}

/// Events keep coming while the client is away, comes back, and leaves again after each third event.
async fn a_broken_stream_goes_on_without_loss_or_repetition(test: TestDb) {
    const LEADS: usize = 12;
    let product = Product::on(test).await;
    let customer = product.customer().await;
    let mut live = Live::open(stream(&product, &customer, "")).await;
    let writing = async {
        for number in 0..LEADS {
            log_lead(&product, &customer.id, &format!("lead {number}")).await;
        }
    };
    let reading = async {
        let mut told: Vec<String> = Vec::new();
        while told.len() < LEADS {
            told.push(live.next().await.expect("the stream goes on").id);
            if told.len().is_multiple_of(3) {
                let last = told.last().unwrap();
                live = Live::open(stream(&product, &customer, "").header("last-event-id", last)).await;
            }
        }
        told
    };
    let ((), told) = futures::join!(writing, reading);
    let log = json_of(product.get(&format!("/api/events/{}?type=lead.*", customer.id), &customer.key)).await;
    let logged = log["events"].as_array().unwrap().iter().rev().map(|event| event["id"].as_str().unwrap().to_owned());
    assert_eq!(told, logged.collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_no_event_id_cannot_be_resumed_after() {
    let product = Product::start().await;
    let customer = product.customer().await;
    for id in ["", "5", "evt_", customer.id.as_str()] {
        let request = stream(&product, &customer, "").header("last-event-id", id);
        let refused = refusal(request).await;
        assert_refused(&refused, 400, "invalid_input");
        assert!(refused.1["fields"]["Last-Event-ID"].is_string(), "{}", refused.1);
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_key() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let other = product.test.another_db().await;
    let key = api_keys::list(&other, &customer.id).await.unwrap()[0].id.clone();
    let (_, second) = api_keys::create(&other, &customer.id, api_keys::NewKey::default()).await.unwrap();
    let second = Account { id: customer.id.clone(), key: second.expose().to_owned() };
    let mut ends = Live::open(stream(&product, &customer, "")).await;
    let mut goes_on = Live::open(stream(&product, &second, "?type=lead.*")).await;
    api_keys::revoke(&other, &customer.id, &key).await.unwrap();
    log_lead(&product, &customer.id, "afterwards").await;
    while let Some(told) = ends.next().await {
        assert_ne!(told.name, "lead.logged", "a revoked key still sees what happens");
    }
    assert_eq!(goes_on.next().await.unwrap().name, "lead.logged");
}

#[tokio::test]
async fn a_stream_ends_when_the_customer_is_suspended() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let mut live = Live::open(stream(&product, &customer, "?type=lead.*")).await;
    customers::suspend(&product.test.another_db().await, &customer.id).await.unwrap();
    assert!(live.next().await.is_none());
}

#[tokio::test]
async fn a_stream_ends_with_the_process() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let mut live = Live::open(stream(&product, &customer, "")).await;
    product.shutdown.cancel();
    assert!(live.next().await.is_none());
}
