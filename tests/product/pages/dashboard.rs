//! What a customer sees of their account.

use serde_json::json;

use super::support::{Browser, page};
use crate::support::{Account, Product, next_year};

async fn dashboard(product: &Product, account: &Account) -> String {
    let browser = Browser::of(product, account).await;
    let (status, html) = page(browser.get(&format!("/api/dashboard/{}", account.id))).await;
    assert_eq!(status, 200, "{html}");
    html.replace(['\u{2068}', '\u{2069}'], "").replace("&#x2f;", "/").replace("&#x27;", "'")
}

#[track_caller]
fn assert_shows(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[tokio::test]
async fn a_new_account_is_told_what_to_do_next() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let html = dashboard(&product, &anna).await;
    assert_shows(
        &html,
        &[
            "Nothing waits for your decision.",
            "There is no draft to decide on.",
            "<strong>0 %</strong>",
            "What is the brand called",
            "https://mcp.heycmo.example/mcp --header &quot;Authorization: Bearer YOUR_API_KEY&quot;",
            &format!("ends in <code>{}</code>", &anna.key[anna.key.len() - 4..]),
            "Active; the first steps are still open",
            "The key “default” (ends in",
            "Your account was made.",
            "nothing is charged",
        ],
    );
    assert!(!html.contains(&anna.key) && !html.contains("Manage billing"), "{html}");
}

#[tokio::test]
async fn what_was_done_and_what_waits_is_there_in_plain_words() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    assistant.call("update_brand", json!({"name": "Harbour Tea", "timeZone": "Europe/Berlin"})).await;
    let waiting = assistant.a_piece("Water at 80 degrees, two minutes.").await;
    let at = next_year("07-01T09:00");
    assistant.call("schedule_content", json!({"contentId": waiting, "at": at})).await;
    let decided = assistant.a_piece("We stopped selling tea bags.").await;
    let review = json!({"contentId": decided, "decision": "revised", "decidedBy": "Anna", "reason": "too short"});
    assistant.call("review_content", review).await;

    let html = dashboard(&product, &anna).await;
    assert_shows(
        &html,
        &[
            "<h1><bdi>Harbour Tea</bdi></h1>",
            "1 piece waits for your decision. 1 piece has a date but no approval yet.",
            "<span class=\"badge\">Post on X</span>",
            "<div class=\"words\" dir=\"auto\">Water at 80 degrees, two minutes.</div>",
            ", 09:00</time>",
            "1 piece to change as you asked",
            "Times are in Europe/Berlin.",
            "Anna asked for a change to “We stopped selling tea bags.”: too short",
            "A post on X was drafted: “Water at 80 degrees, two minutes.”",
            "The brand profile changed: name, time zone.",
        ],
    );
    // A piece that is decided on waits no more, and no name of ours is shown.
    assert!(!html.contains("dir=\"auto\">We stopped"), "{html}");
    assert!(!html.contains("content.created") && !html.contains("in_review"), "{html}");

    product.test.execute("UPDATE customers SET stripe_customer_id = 'cus_1'").await;
    let form = format!("action=\"/billing/portal/{}\"", anna.id);
    assert_shows(&dashboard(&product, &anna).await, &[&form, "Manage billing"]);
}

#[tokio::test]
async fn more_than_a_page_of_decisions_is_counted() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    for number in 0..12 {
        assistant.a_piece(&format!("Piece number {number}, a plain one.")).await;
    }
    let html = dashboard(&product, &anna).await;
    assert_shows(&html, &["12 pieces wait", "Piece number 11,", "Piece number 2,", "And 2 more."]);
    assert_eq!(html.matches("class=\"words\"").count(), 10);
}

#[tokio::test]
async fn whatever_somebody_wrote_stays_text() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    let script = "<script>alert(1)</script>";
    assistant.call("update_brand", json!({"name": script})).await;
    let body = format!("{script} and \"quotes\" & <img src=x onerror=alert(1)>");
    let waiting = assistant.a_piece(&body).await;
    let review = json!({"contentId": waiting, "decision": "revised", "decidedBy": script, "reason": script});
    assistant.call("review_content", review).await;
    assistant
        .call(
            "create_content",
            json!({"kind": "newsletter", "subject": script, "preheader": script, "body": script, "title": script}),
        )
        .await;
    assistant.call("log_lead", json!({"source": script, "name": script})).await;

    let html = dashboard(&product, &anna).await;
    assert!(html.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count() >= 8, "{html}");
    assert!(!html.contains("<script>") && !html.contains("<img src=x"), "{html}");
}
