//! Connected platforms, where there are none to connect; tests/browser has the stand-in.

use super::support::{Browser, assert_shows, page, read};
use crate::support::Product;

#[tokio::test]
async fn without_platforms_the_page_says_so() {
    let product = Product::start().await;
    let anna = product.customer().await;
    assert_shows(&read(&product, &anna, "/connections").await, &["has not set up connected platforms yet"]);
    let browser = Browser::of(&product, &anna).await;
    for (platform, expected) in [("linkedin", 503), ("myspace", 404)] {
        let path = format!("/api/dashboard/{}/connections/{platform}/connect", anna.id);
        assert_eq!(page(browser.post(&path, &[])).await.0, expected);
        assert_eq!(page(browser.post_from_anywhere(&path, &[])).await.0, 403);
    }
}

#[tokio::test]
async fn what_the_address_says_is_repeated_in_our_own_words_only() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let html = read(&product, &anna, "/connections?platform=linkedin&result=connected").await;
    assert_shows(&html, &["LinkedIn is connected."]);
    let html = read(&product, &anna, "/connections?platform=%3Cb%3E&result=connected").await;
    assert!(!html.contains("is connected."), "{html}");
}
