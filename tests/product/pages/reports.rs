//! Reports and proposals on the account's pages.

use entity::brands;
use serde_json::json;

use super::support::{Browser, as_read, assert_shows, location, page, read};
use crate::support::Product;

#[tokio::test]
async fn a_report_is_listed_and_shown_with_what_to_do() {
    let product = Product::start().await;
    product.runs_workflows();
    let anna = product.customer().await;
    assert_shows(
        &read(&product, &anna, "/reports").await,
        &["The first report comes on Monday", "How did last week go?"],
    );
    let assistant = product.assistant(&anna.key).await;
    assistant.call("log_lead", json!({"source": "webinar", "name": "Lea"})).await;
    let run = assistant.call("start_workflow", json!({"workflow": "analytics_report", "waitSeconds": 50})).await;
    let run = &run.data["run"];
    let (id, headline) = (run["id"].as_str().unwrap(), run["output"]["headline"].as_str().unwrap());
    let list = read(&product, &anna, "/reports").await;
    assert_shows(&list, &[&format!("/reports/{id}"), headline]);
    let report = read(&product, &anna, &format!("/reports/{id}")).await;
    let advice = run["output"]["recommendations"][0]["recommendation"].as_str().unwrap();
    assert_shows(&report, &[headline, "What to do", advice, "What is not known", "HeyCMO", "Read from HeyCMO"]);
    // It speaks to somebody who looks at a page: no names of tools, and the way to what is missing.
    assert_shows(&report, &[&format!("/api/dashboard/{}/connections\">Connections</a>", anna.id)]);
    let words = report.split("<main").nth(1).unwrap();
    for tool in ["connect_platform", "list_events", "query_ga4", "get_performance_trend", "list_connections"] {
        assert!(!words.contains(tool), "{tool} is in {words}");
    }
    let browser = Browser::of(&product, &anna).await;
    for wrong in ["run_1", "run_00000000000000000000000000"] {
        let (status, _) = page(browser.get(&format!("/api/dashboard/{}/reports/{wrong}", anna.id))).await;
        assert_eq!(status, 404, "{wrong}");
    }
}

#[tokio::test]
async fn a_proposal_is_approved_taken_back_and_left_as_it_is() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let browser = Browser::of(&product, &anna).await;
    let home = format!("/api/dashboard/{}", anna.id);
    let voice = async || brands::get(&product.test.db(), &anna.id).await.unwrap().profile.voice.dos;
    let id = product.a_proposal(&anna.id, "name a number").await;
    assert_shows(&read(&product, &anna, "/reports").await, &["Waits for your decision", "name a number"]);
    let path = format!("{home}/proposals/{id}");
    let foreign =
        browser.post_from_anywhere(&path, &[("decision", "approve")]).header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    assert_eq!(voice().await, [""; 0]);

    let decide = async |decision: &str| browser.post(&path, &[("decision", decision)]).send().await.unwrap();
    assert_eq!(location(&decide("approve").await), format!("{home}/reports?said=proposal_approved"));
    assert_eq!(voice().await, ["name a number"]);
    assert_shows(
        &read(&product, &anna, "/reports?said=proposal_approved").await,
        &["is changed", "Changed by proposal"],
    );
    assert_eq!(location(&decide("roll_back").await), format!("{home}/reports?said=proposal_taken_back"));
    assert_eq!(voice().await, [""; 0]);
    let (status, html) = page(browser.post(&path, &[("decision", "approve")])).await;
    assert_eq!(status, 409);
    assert_shows(&as_read(&html), &["role=\"alert\""]);

    let other = product.a_proposal(&anna.id, "ask a question").await;
    let reject = browser.post(&format!("{home}/proposals/{other}"), &[("decision", "reject"), ("reason", "Not us.")]);
    assert_eq!(location(&reject.send().await.unwrap()), format!("{home}/reports?said=proposal_rejected"));
    assert!(!read(&product, &anna, "/reports").await.contains("ask a question"));
    let (status, _) = page(browser.post(&format!("{home}/proposals/prop_1"), &[("decision", "approve")])).await;
    assert_eq!(status, 404);
}
