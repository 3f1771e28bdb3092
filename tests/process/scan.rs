//! `heycmo scan`.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use harness::process::Launch;
use serde_json::Value;
use tokio::net::TcpListener;

async fn site() -> String {
    let page = "<!doctype html><html lang=en><meta charset=utf-8><title>How to plan a quarter</title><main><h1>Planning</h1></main>";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, Router::new().route("/", get(async move || Html(page)))).into_future());
    format!("http://{address}/")
}

#[tokio::test]
async fn a_page_is_scanned_and_the_report_printed() {
    let url = site().await;
    let report = Launch::new("heycmo").args(["scan", &url, "--local"]).finish().await;
    assert!(report.status.success(), "{report:?}");
    assert!(report.out.starts_with(&format!("# Scan of {url}\n\nHow to plan a quarter")), "{}", report.out);
    for part in ["| SEO: search engines |", "## GEO: ", "### Urgent", "### llms.txt", "([why](https://"] {
        assert!(report.out.contains(part), "{part}: {}", report.out);
    }
    let json = Launch::new("heycmo").args(["scan", &url, "--local", "--json"]).finish().await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["title"], &json["url"]), (&Value::from("How to plan a quarter"), &Value::from(url)));
    assert!(json["seo"]["score"].is_u64() && json["engines"]["googleAi"].is_u64(), "{json}");
}

#[tokio::test]
async fn what_cannot_be_scanned_is_said() {
    let url = site().await;
    for (url, expected) in [
        (url.as_str(), "127.0.0.1 is not a public address"),
        (url.as_str(), "Add --local for a page of your own machine."),
        ("ftp://example.com/", "Only http and https are scanned, not ftp."),
        ("http://", "This is no address of a page: empty host."),
    ] {
        let refused = Launch::new("heycmo").args(["scan", url]).finish().await;
        assert!(!refused.status.success() && refused.log.contains(expected), "{url}: {refused:?}");
    }
}
