//! Deciding on pieces, giving them their time, and publishing them, in a browser.

use chrono::{DateTime, Utc};
use entity::content::{self, ContentStatus, Piece};
use entity::ids::ContentId;
use serde_json::json;

use super::support::{Browser, as_read, assert_shows, location, page};
use crate::support::{Account, PUBLIC_URL, Product, next_year};

async fn stored(product: &Product, account: &Account, id: &str) -> Piece {
    let id: ContentId = id.parse().unwrap();
    content::get(&product.test.db(), &account.id, &id).await.unwrap()
}

fn address(account: &Account, id: &str) -> String {
    format!("/api/dashboard/{}/content/{id}", account.id)
}

#[tokio::test]
async fn an_approval_is_recorded_with_who_gave_it() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    let id = assistant.a_piece("We fix slow pages.").await;
    let browser = Browser::of(&product, &anna).await;
    let form = [("decision", "approved"), ("revision", "1"), ("from", "overview")];
    let response = browser.post(&format!("{}/review", address(&anna, &id)), &form).send().await.unwrap();
    let place = location(&response).to_owned();
    assert_eq!(place, format!("/api/dashboard/{}?said=approved", anna.id));
    let (_, html) = page(browser.get(&place)).await;
    assert_shows(
        &as_read(&html),
        &["Approved. Give it a time, or publish it now.", "Nothing waits for your decision."],
    );

    assert_eq!(stored(&product, &anna, &id).await.content.status, ContentStatus::Approved);
    // A second click changes nothing.
    let before = product.state_of(&anna.id).await;
    let response = browser.post(&format!("{}/review", address(&anna, &id)), &form).send().await.unwrap();
    assert_eq!(response.status(), 303);
    assert_eq!(product.state_of(&anna.id).await, before);
    let (_, html) = page(browser.get(&address(&anna, &id))).await;
    assert_shows(&as_read(&html), &["@example.com</bdi> approved it (version 1)", "You approved it"]);
}

#[tokio::test]
async fn a_change_or_a_rejection_needs_a_reason() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    let browser = Browser::of(&product, &anna).await;
    for (decision, status, done) in
        [("revised", ContentStatus::ChangesRequested, "revised"), ("rejected", ContentStatus::Rejected, "rejected")]
    {
        let id = assistant.a_piece(&format!("A piece to be {decision}.")).await;
        let path = format!("{}/review", address(&anna, &id));
        for from in [None, Some(("from", "overview"))] {
            let form = [("decision", decision), ("revision", "1"), ("reason", "  ")];
            let form: Vec<(&str, &str)> = form.into_iter().chain(from).collect();
            let (answered, html) = page(browser.post(&path, &form)).await;
            assert_eq!(answered, 400);
            assert_shows(&html, &["role=\"alert\"", "must say why"]);
        }
        assert_eq!(stored(&product, &anna, &id).await.content.status, ContentStatus::InReview);
        let form = [("decision", decision), ("revision", "1"), ("reason", "Too long.")];
        let response = browser.post(&path, &form).send().await.unwrap();
        assert_eq!(location(&response), format!("{}?said={done}", address(&anna, &id)));
        assert_eq!(stored(&product, &anna, &id).await.content.status, status);
    }
}

#[tokio::test]
async fn what_was_not_looked_at_is_not_approved() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    let id = assistant.a_piece("We fix slow pages.").await;
    assistant.call("update_content", json!({"contentId": id, "body": "We fix slow pages, mostly."})).await;
    let browser = Browser::of(&product, &anna).await;
    let path = format!("{}/review", address(&anna, &id));
    let (status, html) = page(browser.post(&path, &[("decision", "approved"), ("revision", "1")])).await;
    assert_eq!(status, 409);
    assert_shows(&as_read(&html), &["Revision 1 is not the current one, 2 is.", "We fix slow pages, mostly."]);
    // Nor what breaks a rule.
    assistant.call("update_brand", json!({"forbiddenClaims": ["mostly"]})).await;
    let (status, html) = page(browser.post(&path, &[("decision", "approved"), ("revision", "2")])).await;
    assert_eq!(status, 409);
    assert_shows(&html, &["It cannot be approved yet."]);
    assert_eq!(stored(&product, &anna, &id).await.content.status, ContentStatus::InReview);
}

#[tokio::test]
async fn nothing_typed_is_lost_where_it_is_refused() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    let id = assistant.a_piece("We fix slow pages.").await;
    let browser = Browser::of(&product, &anna).await;
    assistant.call("update_content", json!({"contentId": id, "body": "We fix slow pages, mostly."})).await;
    for from in [None, Some(("from", "overview"))] {
        let form = [("decision", "revised"), ("revision", "1"), ("reason", "Say <how>.")];
        let form: Vec<(&str, &str)> = form.into_iter().chain(from).collect();
        let (status, html) = page(browser.post(&format!("{}/review", address(&anna, &id)), &form)).await;
        assert_eq!(status, 409);
        assert_shows(&html, &[">Say &lt;how&gt;.</textarea>", &format!("name=\"decide-{id}\" open data-open>")]);
        assert_eq!(html.matches("Say &lt;how&gt;.").count(), 1, "in the form that it was typed into: {html}");
    }
    let at = "2020-01-01T09:00";
    let (_, html) = page(browser.post(&format!("{}/schedule", address(&anna, &id)), &[("at", at)])).await;
    assert_shows(&html, &[&format!("type=\"datetime-local\" value=\"{at}\"")]);
    let label = "x".repeat(61);
    let form = [("label", label.as_str()), ("expires", "90")];
    let (status, html) = page(browser.post(&format!("/api/dashboard/{}/keys", anna.id), &form)).await;
    assert_eq!(status, 400);
    assert_shows(&html, &[&format!("value=\"{label}\""), "<option value=\"90\" selected>"]);
}

#[tokio::test]
async fn a_piece_gets_its_time_in_the_customers_zone() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    assistant.call("update_brand", json!({"timeZone": "Europe/Berlin"})).await;
    let id = assistant.a_piece("We fix slow pages.").await;
    let browser = Browser::of(&product, &anna).await;
    let path = format!("{}/schedule", address(&anna, &id));
    let at = next_year("07-01T09:00");
    let response = browser.post(&path, &[("at", &at)]).send().await.unwrap();
    assert_eq!(location(&response), format!("{}?said=scheduled", address(&anna, &id)));
    let due: DateTime<Utc> = format!("{at}:00+02:00").parse().unwrap();
    assert_eq!(stored(&product, &anna, &id).await.content.scheduled_at, Some(due));
    let (_, html) = page(browser.get(&address(&anna, &id))).await;
    assert_shows(&html, &[&format!("type=\"datetime-local\" value=\"{at}\""), "09:00</time> (Europe&#x2f;Berlin)"]);

    for (wrong, why) in [("2020-01-01T09:00", "must be in the future"), ("tomorrow", "must be a day and a time")] {
        let (status, html) = page(browser.post(&path, &[("at", wrong)])).await;
        assert_eq!(status, 400);
        assert_shows(&html, &[why]);
    }
    let other = assistant.a_piece("Another piece.").await;
    let (status, html) = page(browser.post(&format!("{}/schedule", address(&anna, &other)), &[("at", &at)])).await;
    assert_eq!(status, 409);
    assert_shows(&html, &["“We fix slow pages.” goes out on X close to that time. The next free time is"]);

    let response = browser.post(&path, &[("at", "")]).send().await.unwrap();
    assert_eq!(location(&response), format!("{}?said=unscheduled", address(&anna, &id)));
    assert_eq!(stored(&product, &anna, &id).await.content.scheduled_at, None);
}

#[tokio::test]
async fn why_a_piece_is_not_published_is_said_at_the_piece() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    let id = assistant.a_piece("We fix slow pages.").await;
    let browser = Browser::of(&product, &anna).await;
    let (status, html) = page(browser.post(&format!("{}/publish", address(&anna, &id)), &[])).await;
    assert_eq!(status, 503);
    assert_shows(&html, &["role=\"alert\"", "not set up on this server", "We fix slow pages."]);
}

#[tokio::test]
async fn nobody_else_decides_and_no_other_site_makes_anybody_decide() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let assistant = product.assistant(&anna.key).await;
    let id = assistant.a_piece("We fix slow pages.").await;
    let (hers, his) = (Browser::of(&product, &anna).await, Browser::of(&product, &ben).await);
    let before = product.state_of(&anna.id).await;
    let at = next_year("07-01T09:00");
    let posts = [
        ("review", vec![("decision", "approved"), ("revision", "1")]),
        ("schedule", vec![("at", at.as_str())]),
        ("publish", vec![]),
    ];
    for (what, form) in &posts {
        // Under her address, and under his own.
        for address in [address(&anna, &id), address(&ben, &id)] {
            let (status, html) = page(his.post(&format!("{address}/{what}"), form)).await;
            assert_eq!(status, 404, "{what}: {html}");
            assert!(!html.contains("slow pages"), "{html}");
        }
        let path = format!("{}/{what}", address(&anna, &id));
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
            let response = hers.post_from_anywhere(&path, form).header(name, value).send().await.unwrap();
            assert_eq!(response.status(), 403, "{what}");
        }
        assert_eq!(hers.post_from_anywhere(&path, form).send().await.unwrap().status(), 403, "{what}");
    }
    assert_eq!(product.state_of(&anna.id).await, before);
    // From our own page it is done.
    let path = format!("{}/review", address(&anna, &id));
    let own = hers.post_from_anywhere(&path, &posts[0].1).header("origin", PUBLIC_URL);
    assert_eq!(own.send().await.unwrap().status(), 303);
}
