//! Content as a list, as a calendar, and piece by piece.

use serde_json::json;

use super::support::{Browser, assert_shows, page, read};
use crate::support::{Product, next_year};

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let product = Product::start().await;
    let anna = product.customer().await;
    assert_shows(&read(&product, &anna, "/content").await, &["There is no content yet.", "Connect your assistant"]);
    for view in ["week", "month"] {
        assert_shows(&read(&product, &anna, &format!("/content?view={view}")).await, &["Nothing has its time here."]);
    }
    assert_shows(&read(&product, &anna, "/content?text=tea").await, &["No piece is like that.", "Show all content"]);
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    for number in 0..31 {
        assistant.a_piece(&format!("Piece number {number}, a plain one.")).await;
    }
    assistant
        .call("create_content", json!({"kind": "blog_post", "title": "On tea", "body": "Water at 80 degrees."}))
        .await;
    let first = read(&product, &anna, "/content").await;
    assert_shows(&first, &["On tea", "Piece number 30,", "Older"]);
    assert!(!first.contains("Piece number 1,"), "{first}");
    let next = first.split("/content?before=").nth(1).unwrap().split('"').next().unwrap();
    let second = read(&product, &anna, &format!("/content?before={next}")).await;
    assert_shows(&second, &["Piece number 1,", "Piece number 0,", "Newest"]);
    assert!(!second.contains("Piece number 30,") && !second.contains(">Older<"), "{second}");

    for (query, shows, hides) in [
        ("kind=blog_post", "On tea", "Piece number"),
        ("text=WATER+at", "On tea", "Piece number"),
        ("text=number+7&status=in_review&kind=", "Piece number 7,", "On tea"),
        ("status=published", "No piece is like that.", "Piece number"),
        // What is no kind filters nothing.
        ("kind=song&status=", "Piece number 30,", "No piece is like that."),
    ] {
        let html = read(&product, &anna, &format!("/content?{query}")).await;
        assert_shows(&html, &[shows]);
        assert!(!html.contains(hides), "{query}: {html}");
    }
    let browser = Browser::of(&product, &anna).await;
    for query in ["view=year", "day=tomorrow", "before=cnt_x"] {
        let (status, html) = page(browser.get(&format!("/api/dashboard/{}/content?{query}", anna.id))).await;
        assert_eq!(status, 400, "{query}: {html}");
    }
}

#[tokio::test]
async fn a_piece_is_on_its_day_in_the_customers_zone() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    assistant.call("update_brand", json!({"timeZone": "Pacific/Auckland"})).await;
    let id = assistant.a_piece("Early in the day.").await;
    // Still the day before in UTC.
    assistant.call("schedule_content", json!({"contentId": id, "at": next_year("07-15T07:00")})).await;
    let day = next_year("07-15");
    for view in ["week", "month"] {
        let html = read(&product, &anna, &format!("/content?view={view}&day={day}")).await;
        let on_day = html.split(&format!("datetime=\"{day}\"")).nth(1).unwrap().split("</li>").next().unwrap();
        assert_shows(on_day, &["07:00", "Early in the day.", "Waits for your decision", &id]);
        assert_eq!(html.matches("<li class=\"day").count() % 7, 0, "whole weeks: {html}");
    }
    let other = read(&product, &anna, &format!("/content?view=week&day={}", next_year("03-15"))).await;
    assert!(!other.contains("Early in the day."), "{other}");
}

#[tokio::test]
async fn two_versions_stand_beside_each_other() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    let id = assistant.a_piece("We fix slow pages.").await;
    let change = json!({"contentId": id, "body": "We fix fast pages.", "note": "A test of wits"});
    assistant.call("update_content", change).await;
    let piece = read(&product, &anna, &format!("/content/{id}")).await;
    assert_shows(&piece, &["We fix fast pages.", "Version 1</a>", "A test of wits"]);
    assert!(!piece.contains("<del>"), "{piece}");
    let compared = read(&product, &anna, &format!("/content/{id}?compare=1")).await;
    assert_shows(
        &compared,
        &["Version 1 and version 2", "We fix <del>slow</del> pages.", "We fix <ins>fast</ins> pages."],
    );
    let browser = Browser::of(&product, &anna).await;
    let (status, _) = page(browser.get(&format!("/api/dashboard/{}/content/{id}?compare=7", anna.id))).await;
    assert_eq!(status, 400);
}
