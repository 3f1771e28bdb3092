//! Scans of pages.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::Product;

const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>How to plan a quarter</title>\
                    <main><h1>Planning</h1><p>A quarter is planned in three hours, with a list, a calendar and a no.</p></main>";

/// A site with one page, and the address of that page.
async fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/page", get(async || Html(PAGE))).route("/plain", get(async || "plain"));
    tokio::spawn(axum::serve(listener, app).into_future());
    format!("http://{address}/page")
}

#[tokio::test]
async fn a_page_is_scanned_kept_and_compared_with_the_scan_before() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let url = site().await;
    let first = assistant.call("scan_page", json!({"url": url})).await;
    assert_eq!((&first.data["url"], &first.data["title"]), (&json!(url), &json!("How to plan a quarter")));
    assert_eq!((&first.data["previous"], &first.data["fixes"]), (&Value::Null, &json!([])));
    assert!(first.text.starts_with(&format!("{url}: SEO ")) && first.text.chars().count() < 10_000, "{}", first.text);
    let top = &first.data["seo"]["findings"][0];
    assert!(first.text.contains(top["seen"].as_str().unwrap()) && first.text.contains(top["source"].as_str().unwrap()));

    let second = assistant.call("scan_page", json!({"url": format!("{url}#part"), "fixes": true})).await;
    assert_eq!(second.data["previous"]["id"], first.data["id"]);
    assert!(second.text.contains("Since the scan before: SEO +0, GEO +0."), "{}", second.text);
    let fixes: Vec<&str> =
        second.data["fixes"].as_array().unwrap().iter().map(|fix| fix["name"].as_str().unwrap()).collect();
    assert_eq!(fixes, ["Meta tags", "JSON-LD", "llms.txt"]);
    assert!(second.text.contains("<meta name=\"description\""), "{}", second.text);

    let whole = assistant.read(&format!("heycmo://scans/{}", second.data["id"].as_str().unwrap())).await.unwrap();
    assert!(whole.starts_with(&format!("# Scan of {}", url.replace('_', "\\_"))) && whole.contains("## Ready to copy"));
    let events = assistant.call("list_events", json!({"type": "scan.*"})).await;
    assert_eq!(events.data["events"][0]["data"]["scanId"], second.data["id"]);
    assert_eq!(events.data["events"][0]["data"]["seo"], second.data["seo"]["score"]);

    let listed = assistant.call("list_scans", json!({"url": url, "limit": 1})).await;
    assert_eq!(listed.data["scans"][0]["id"], second.data["id"]);
    let cursor = listed.data["nextCursor"].clone();
    let rest = assistant.call("list_scans", json!({"limit": 1, "cursor": cursor})).await;
    assert_eq!((&rest.data["scans"][0]["id"], &rest.data["nextCursor"]), (&first.data["id"], &Value::Null));
    let trend = assistant.call("list_scans", json!({"url": url})).await;
    assert!(trend.text.contains("From the oldest to the newest of these: SEO +0, GEO +0."), "{}", trend.text);
    let none = assistant.call("list_scans", json!({"url": "acme.example"})).await;
    assert!(none.text.contains("scan_page makes one"), "{}", none.text);
}

#[tokio::test]
async fn what_cannot_be_scanned_is_refused_and_leaves_nothing() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let plain = site().await.replace("/page", "/plain");
    let before = product.state_of(&customer.id).await;
    for (url, expected) in [
        ("http://10.0.0.1/", "`url`: 10.0.0.1 is not a public address."),
        ("http://169.254.169.254/latest/meta-data/", "is not a public address"),
        ("ftp://example.com/", "Only http and https are scanned"),
        ("http://", "`url`: This is no address of a page"),
        (plain.as_str(), "This is no HTML page, but text/plain"),
    ] {
        let refused = assistant.refused("scan_page", json!({"url": url})).await;
        assert!(refused.contains(expected), "{url}: {refused}");
    }
    let refused = assistant.refused("list_scans", json!({"cursor": "scan_01M851E88BEZS4E1V4ZSCPXFGH"})).await;
    assert!(refused.contains("`cursor`: is not a cursor that list_scans gave you"), "{refused}");
    assert_eq!(product.state_of(&customer.id).await, before);
}

#[tokio::test]
async fn a_watched_page_that_gets_worse_is_told_of_once() {
    let product = Product::start().await;
    product.runs_workflows();
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let page = Arc::new(Mutex::new(PAGE.to_owned()));
    let served = page.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = Router::new().route("/", get(async move || Html(served.lock().unwrap().clone())));
    let server = tokio::spawn(axum::serve(listener, app).into_future());

    let nothing = assistant.call("start_workflow", json!({"workflow": "page_watch"})).await;
    assert!(nothing.data["run"]["error"].as_str().unwrap().contains("No page is watched"), "{}", nothing.text);

    let first = assistant.call("scan_page", json!({"url": url, "watch": true})).await;
    assert!(first.text.contains("scanned every week from now on"), "{}", first.text);
    let watch = async || assistant.call("start_workflow", json!({"workflow": "page_watch"})).await.data["run"].clone();
    let regressions = async || {
        let log = assistant.call("list_events", json!({"type": "scan.regressed"})).await;
        log.data["events"].as_array().unwrap().clone()
    };
    assert_eq!(watch().await["output"]["worse"], 0);
    assert_eq!(regressions().await.len(), 0);

    *page.lock().unwrap() = "<!doctype html><meta name=robots content=noindex><p>Soon.".to_owned();
    let run = watch().await;
    assert_eq!((&run["output"]["scanned"], &run["output"]["worse"]), (&json!(1), &json!(1)), "{run}");
    assert_eq!(watch().await["output"]["worse"], 0, "it is as bad as before");
    let told = regressions().await;
    assert_eq!(told.len(), 1);
    let worse = &told[0]["data"]["worse"];
    assert!(worse["seo"]["now"].as_i64() < worse["seo"]["before"].as_i64(), "{worse}");
    assert!(
        worse["findings"].as_array().unwrap().iter().any(|finding| finding.as_str().unwrap().contains("index")),
        "{worse}"
    );

    server.abort();
    let gone = watch().await;
    assert_eq!((&gone["status"], &gone["output"]["worse"]), (&json!("completed"), &json!(1)), "{gone}");
    assert!(regressions().await[0]["data"]["problem"].is_string());
}
