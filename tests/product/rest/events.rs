use std::collections::BTreeSet;

use entity::ids::EventId;
use harness::{TestDb, on_each_database};
use serde_json::{Value, json};

use super::health::assert_timestamp;
use crate::support::{Account, Product, assert_refused, json_of, keys, refusal};

on_each_database!(the_log_is_walked_page_by_page);

async fn page(product: &Product, customer: &Account, query: &str) -> Value {
    json_of(product.get(&format!("/api/events/{}{query}", customer.id), &customer.key)).await
}

#[track_caller]
fn types(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

async fn log_leads(product: &Product, customer: &Account, count: usize) {
    let assistant = product.assistant(&customer.key).await;
    for number in 0..count {
        assistant.call("log_lead", json!({"source": "webinar", "name": format!("Lead {number}")})).await;
    }
}

async fn the_log_is_walked_page_by_page(test: TestDb) {
    let product = Product::on(test).await;
    let customer = product.customer().await;
    log_leads(&product, &customer, 5).await;

    let whole = page(&product, &customer, "").await;
    assert_eq!(keys(&whole), BTreeSet::from(["events"]));
    let newest_first = [["lead.logged"; 5].as_slice(), &["key.created", "customer.created"]].concat();
    assert_eq!(types(&whole), newest_first);
    for event in whole["events"].as_array().unwrap() {
        assert_eq!(keys(event), BTreeSet::from(["data", "id", "timestamp", "type"]));
        assert!(event["id"].as_str().unwrap().starts_with("evt_") && event["data"].is_object(), "{event}");
        assert_timestamp(event["timestamp"].as_str().unwrap());
    }

    let (mut walked, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = page(&product, &customer, &query).await;
        walked.extend(page["events"].as_array().unwrap().clone());
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        assert_eq!(page["events"].as_array().unwrap().len(), 3);
        query = format!("?limit=3&before={cursor}");
    }
    assert_eq!(json!(walked), whole["events"]);

    for (filter, expected) in [
        ("lead.logged", vec!["lead.logged"; 5]),
        ("key.*", vec!["key.created"]),
        ("c*", vec!["customer.created"]),
        ("*", newest_first.clone()),
        ("no.such", vec![]),
        ("lead", vec![]),
    ] {
        assert_eq!(types(&page(&product, &customer, &format!("?type={filter}")).await), expected, "{filter}");
    }
    let first = page(&product, &customer, "?type=lead.*&limit=5").await;
    assert!(first.get("nextCursor").is_none(), "there is no more of this type: {first}");
}

#[tokio::test]
async fn bad_queries_name_the_field() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let foreign = page(&product, &ben, "").await["events"][0]["id"].as_str().unwrap().to_owned();
    let unknown = EventId::new();
    for (query, field) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=201".to_owned(), "limit"),
        ("limit=-1".to_owned(), "limit"),
        ("limit=1.5".to_owned(), "limit"),
        ("limit=many".to_owned(), "limit"),
        ("limit=".to_owned(), "limit"),
        ("limit=99999999999999999999".to_owned(), "limit"),
        ("before=".to_owned(), "before"),
        ("before=yesterday".to_owned(), "before"),
        (format!("before={}", unknown.as_str().to_lowercase()), "before"),
        (format!("before={unknown}"), "before"),
        (format!("before={foreign}"), "before"),
        (format!("before={}", anna.id), "before"),
        ("type=".to_owned(), "type"),
    ] {
        let refused = refusal(product.get(&format!("/api/events/{}?{query}", anna.id), &anna.key)).await;
        assert_refused(&refused, 400, "invalid_input");
        assert_eq!(keys(&refused.1["fields"]), BTreeSet::from([field]), "{query}");
    }
}
