//! What a customer sees first of their account.

use entity::snapshots::{self, NewSnapshot};
use entity::workflows::Workflow;
use serde_json::json;

use super::support::{Browser, assert_shows, location, page, read};
use crate::support::{Account, Product, next_year};

async fn overview(product: &Product, account: &Account) -> String {
    read(product, account, "").await
}

#[tokio::test]
async fn a_new_account_is_told_what_to_do_next() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let html = overview(&product, &anna).await;
    assert_shows(
        &html,
        &[
            "Nothing waits for your decision.",
            "There is no draft to decide on.",
            "Connect your assistant",
            "Nothing goes out this week.",
            "The numbers are kept every Monday",
            "Connect Google Analytics to see them",
            "<strong>0 %</strong>",
            "What is the brand called",
            "The key “default” (ends in",
            "Your account was made.",
        ],
    );
    // What is not known is not 0.
    assert_eq!(html.matches("<span class=\"hidden\">Not known</span>").count(), 4, "{html}");
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

    let html = overview(&product, &anna).await;
    assert_shows(
        &html,
        &[
            "<h1><bdi>Harbour Tea</bdi></h1>",
            "1 piece waits for your decision. 1 piece has a date but no approval yet.",
            "<span class=\"badge\">Post on X</span>",
            "<div class=\"words\" dir=\"auto\">Water at 80 degrees, two minutes.</div>",
            ", 09:00</time>",
            "1 piece to change as you asked</a>",
            "Times are in Europe/Berlin.",
            "Anna asked for a change to “We stopped selling tea bags.”: too short",
            "A post on X was drafted: “Water at 80 degrees, two minutes.”",
            "The brand profile changed: name, time zone.",
        ],
    );
    // A piece that is decided on waits no more, and no name of ours is shown.
    assert!(!html.contains("dir=\"auto\">We stopped"), "{html}");
    assert!(!html.contains("content.created") && !html.contains("in_review"), "{html}");
}

#[tokio::test]
async fn the_numbers_of_a_week_stand_beside_those_of_the_week_before() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let db = product.test.db();
    let measure = |channel: &str, metric: &str, value: f64| json!({"channel": channel, "metric": metric, "value": value, "source": "s"});
    for (first, last, leads, visits) in
        [("2026-11-02", "2026-11-08", 4.0, 1_200.0), ("2026-11-09", "2026-11-15", 6.0, 1_100.0)]
    {
        let run = entity::workflows::request(&db, &anna.id, Workflow::PerformanceSnapshot, json!({"at": last}))
            .await
            .unwrap();
        let measures = [
            measure("heycmo", "leads", leads),
            measure("google_analytics", "sessions", visits),
            measure("linkedin", "published", 2.0),
            measure("x", "published", 1.0),
        ];
        let data = json!({"measures": measures, "posts": [], "missing": []});
        let (first_day, last_day) = (first.parse().unwrap(), last.parse().unwrap());
        snapshots::keep(&db, &anna.id, NewSnapshot { run_id: run.id, first_day, last_day, data }).await.unwrap();
    }
    let html = overview(&product, &anna).await;
    assert_shows(
        &html,
        &[
            "<p class=\"number-value\">3</p>",
            "as the week before (3)",
            "<p class=\"number-value\">6</p>",
            "2 more than the week before",
            "<p class=\"number-value\">1,100</p>",
            "100 less than the week before",
            "The numbers as a table",
            "Mon 9 Nov to Sun 15 Nov",
        ],
    );
    // Of the scans nothing is known.
    assert_eq!(html.matches("<span class=\"hidden\">Not known</span>").count(), 1, "{html}");
    assert_shows(&html, &["Scan a page to see it", "not known</td>", "class=\"sparkline\""]);
}

#[tokio::test]
async fn proposals_are_decided_on_here_too() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let first = product.a_proposal(&anna.id, "name a number").await;
    let assistant = product.assistant(&anna.key).await;
    assistant.a_piece("We fix slow pages.").await;
    let html = overview(&product, &anna).await;
    assert_shows(&html, &["1 piece and 1 proposal wait for your decision.", "name a number", "What speaks for it"]);

    let browser = Browser::of(&product, &anna).await;
    let home = format!("/api/dashboard/{}", anna.id);
    let decide = async |id: &str, decision: &str| {
        let form = [("decision", decision), ("from", "overview"), ("reason", "Not <us>.")];
        browser.post(&format!("{home}/proposals/{id}"), &form).send().await.unwrap()
    };
    let done = decide(first.as_str(), "approve").await;
    assert_eq!(location(&done), format!("{home}?said=proposal_approved"));
    let (_, html) = page(browser.get(location(&done))).await;
    assert_shows(&html, &["The brand profile is changed.", "1 piece waits for your decision."]);
    let second = product.a_proposal(&anna.id, "ask a question").await;
    assert_eq!(location(&decide(second.as_str(), "reject").await), format!("{home}?said=proposal_rejected"));
    // Decided on already, in another window: said where the person is.
    let refused = decide(second.as_str(), "approve").await;
    assert_eq!(refused.status(), 409);
    assert_shows(
        &refused.text().await.unwrap(),
        &["role=\"alert\"", "was rejected", "1 piece waits for your decision."],
    );
}

#[tokio::test]
async fn more_than_a_page_of_decisions_is_counted() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let assistant = product.assistant(&anna.key).await;
    for number in 0..12 {
        assistant.a_piece(&format!("Piece number {number}, a plain one.")).await;
    }
    let html = overview(&product, &anna).await;
    assert_shows(&html, &["12 pieces wait", "Piece number 11,", "Piece number 2,", "And 2 more:"]);
    assert_eq!(html.matches("class=\"words\"").count(), 10);
}
