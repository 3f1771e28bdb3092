//! What the kept weeks say.

use chrono::{Days, NaiveDate};
use entity::ids::RunId;
use entity::snapshots::{self, NewSnapshot};
use serde_json::{Value, json};

use crate::support::{Account, Product};

/// The first day of a week, the last of six being over.
fn first_day(week: u64) -> NaiveDate {
    chrono::Utc::now().date_naive() - Days::new(50) + Days::new(7 * week)
}

/// Keeps a week's sessions, and its new users, which hardly change.
async fn keep(product: &Product, customer: &Account, week: u64, sessions: u32) {
    let first_day = first_day(week);
    let measure = |metric: &str, value: Value| json!({"channel": "google_analytics", "metric": metric, "value": value, "source": "Site"});
    let measures = [measure("sessions", json!(sessions)), measure("newUsers", json!(300 + week))];
    let data = json!({"measures": measures, "posts": [], "missing": []});
    let new = NewSnapshot { run_id: RunId::new(), first_day, last_day: first_day + Days::new(6), data };
    snapshots::keep(&product.test.db(), &customer.id, new).await.unwrap();
}

#[tokio::test]
async fn the_changes_that_are_hardly_chance_come_first_with_their_numbers_days_and_source() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    for (week, sessions) in [(0, 2_000), (1, 2_060), (2, 1_950), (3, 2_040), (4, 2_010)] {
        keep(&product, &customer, week, sessions).await;
    }
    let early = assistant.call("get_learning_insights", json!({})).await;
    assert_eq!(early.data, json!({"weeks": 5, "weeksNeeded": 6, "insights": []}));
    assert!(early.text.contains("5 of the 6 weeks") && early.text.contains("performance_snapshot"), "{}", early.text);

    keep(&product, &customer, 5, 1_200).await;
    let learned = assistant.call("get_learning_insights", json!({})).await;
    let insights = learned.data["insights"].as_array().unwrap();
    assert_eq!(insights.len(), 2, "{}", learned.data);
    assert_eq!((&insights[0]["severity"], &insights[0]["actionable"]), (&json!("negative"), &json!(true)));
    assert_eq!((&insights[1]["severity"], &insights[1]["actionable"]), (&json!("neutral"), &json!(false)));
    let expected = format!(
        "Sessions from {} to {}: 1,200, 40 % less than the 2,010 that are the middle of the 5 kept weeks before; that \
         is hardly chance",
        first_day(5).format("%a %-d %b"),
        (first_day(5) + Days::new(6)).format("%a %-d %b")
    );
    assert!(
        learned.text.contains(&expected) && learned.text.contains("Source: Site (get_performance_trend"),
        "{}",
        learned.text
    );
    // The numbers are those that the named call shows.
    let trend = assistant.call("get_performance_trend", json!({"channel": "google_analytics"})).await;
    let sessions = trend.data["trends"].as_array().unwrap().iter().find(|it| it["metric"] == "sessions").unwrap();
    assert_eq!(sessions["points"].as_array().unwrap().last().unwrap()["value"].as_f64(), Some(1_200.0));

    let one = assistant.call("get_learning_insights", json!({"limit": 1})).await;
    assert_eq!(one.data["insights"].as_array().unwrap().len(), 1);
    let refused = assistant.refused("get_learning_insights", json!({"limit": 0})).await;
    assert!(refused.contains("`limit`: must be from 1 to 30"), "{refused}");
    let other = product.assistant(&product.customer().await.key).await;
    assert_eq!(other.call("get_learning_insights", json!({})).await.data["weeks"], 0);
}

#[tokio::test]
async fn a_report_is_shown_as_it_reads_and_its_period_is_only_its_own() {
    let product = Product::start().await;
    product.runs_workflows();
    let assistant = product.assistant(&product.customer().await.key).await;
    let said = assistant.call("start_workflow", json!({"workflow": "analytics_report"})).await;
    let run = &said.data["run"];
    assert_eq!(run["status"], "completed", "{}", said.text);
    let uri = run["output"]["uri"].as_str().unwrap();
    let whole = assistant.read(uri).await.unwrap();
    // Without any platform there are still the leads.
    assert!(whole.contains("| leads | 0 | 0 |") && whole.contains("list_events"), "{whole}");
    assert!(whole.contains("are not set up on this server"), "{whole}");
    assert!(said.text.contains(&whole) && said.text.contains(uri) && said.text.chars().count() < 10_000);
    assert_eq!(run["output"]["headline"], "Nothing changed by more than chance.");
    let refused = assistant
        .refused("start_workflow", json!({"workflow": "page_watch", "input": {"period": "last_7_days"}}))
        .await;
    assert!(refused.contains("`input.period`: is not for this workflow"), "{refused}");
}
