//! Scanning a page from a page.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;

use super::support::{Browser, as_read, assert_shows, location, page, read};
use crate::support::Product;

const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>How to plan a quarter</title>\
                    <main><h1>Planning</h1><p>A quarter is planned in three hours, with a list, a calendar and a no.</p></main>";

/// A site with one page, and the address of that page.
async fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/page", get(async || Html(PAGE)));
    tokio::spawn(axum::serve(listener, app).into_future());
    format!("http://{address}/page")
}

#[tokio::test]
async fn a_page_is_scanned_kept_and_shown_with_what_to_do() {
    let product = Product::start().await;
    let anna = product.customer().await;
    assert_shows(&read(&product, &anna, "/scans").await, &["No page was scanned yet."]);
    let browser = Browser::of(&product, &anna).await;
    let (path, url) = (format!("/api/dashboard/{}/scans", anna.id), site().await);
    let mut places = Vec::new();
    for _ in 0..2 {
        let response = browser.post(&path, &[("url", &url)]).send().await.unwrap();
        places.push(location(&response).to_owned());
    }
    let (status, html) = page(browser.get(&places[1])).await;
    assert_eq!(status, 200);
    assert_shows(
        &as_read(&html),
        &[
            "How to plan a quarter",
            "<title>SEO: ",
            "Do this first",
            "Ready to copy",
            "&lt;meta name=&quot;description&quot;",
            "The same as <a href=",
            "SEO is where it was and GEO is where it was",
            "The scores as a table",
            "Google’s AI answers",
        ],
    );
    let list = read(&product, &anna, "/scans").await;
    assert_eq!(list.matches("How to plan a quarter").count(), 2, "{list}");

    let watch = format!("{}/watch", places[1]);
    assert_eq!(
        location(&browser.post(&watch, &[("watch", "true")]).send().await.unwrap()),
        format!("{}?said=watched", places[1])
    );
    assert_shows(&read(&product, &anna, "/scans").await, &["Scanned every week", &url]);
    let (_, html) = page(browser.get(&places[0])).await;
    assert_shows(&html, &["Stop scanning it every week"]);
    assert_eq!(
        location(&browser.post(&watch, &[("watch", "false")]).send().await.unwrap()),
        format!("{}?said=unwatched", places[1])
    );
    assert!(!read(&product, &anna, "/scans").await.contains("Scanned every week"));
}

#[tokio::test]
async fn a_page_that_cannot_be_scanned_is_told_at_the_field() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let browser = Browser::of(&product, &anna).await;
    let path = format!("/api/dashboard/{}/scans", anna.id);
    for (url, problem) in
        [("", "address"), ("ftp://acme.example", "http"), ("http://10.0.0.1/", "not a public address")]
    {
        let (status, html) = page(browser.post(&path, &[("url", url)])).await;
        assert_eq!(status, 400, "{url}");
        let html = as_read(&html);
        assert_shows(&html, &["aria-invalid=\"true\"", problem, &format!("value=\"{url}\"")]);
    }
    assert_eq!(browser.post_from_anywhere(&path, &[("url", &site().await)]).send().await.unwrap().status(), 403);
    assert_shows(&read(&product, &anna, "/scans").await, &["No page was scanned yet."]);
}
