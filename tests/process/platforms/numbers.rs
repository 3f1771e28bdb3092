//! Numbers, as an assistant reads them.

use serde_json::{Value, json};

use super::desk::Desk;

fn number<'a>(row: &'a Value, field: &str) -> &'a Value {
    &row["numbers"][0][field]
}

#[tokio::test]
async fn sessions_by_channel_are_compared_with_the_week_before_and_name_their_source() {
    let desk = Desk::open().await;
    let refused = desk.say("query_ga4", json!({})).await.unwrap_err();
    assert!(refused.contains("Google Analytics is not connected. Connect it with connect_platform"), "{refused}");
    desk.connect("google_analytics").await;
    let asked = json!({"dimension": "sessionDefaultChannelGroup"});
    let text = desk.text("query_ga4", asked.clone()).await;
    assert!(text.starts_with("Source: Google Analytics, Sandbox website (properties/424242), read "), "{text}");
    assert!(text.contains("| Organic Search |") && text.contains("compared with"), "{text}");
    let table = desk.call("query_ga4", asked).await;
    assert_eq!(table["source"]["platform"], "google_analytics");
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    for when in ["value", "previous"] {
        let sum: f64 = rows.iter().map(|row| number(row, when).as_f64().unwrap()).sum();
        assert_eq!(table["totals"][0][when].as_f64().unwrap(), sum, "{when}: channels add up to everything");
    }
    assert!(rows.is_sorted_by(|a, b| number(a, "value").as_f64() >= number(b, "value").as_f64()));
    // The period before is what one gets who asks for it.
    let before = &table["previousPeriod"];
    let before = desk.call("query_ga4", json!({"from": before["from"], "to": before["to"], "compare": false})).await;
    assert_eq!(before["totals"][0]["value"], table["totals"][0]["previous"]);
    assert_eq!(before["totals"][0]["change"], Value::Null);

    let rates = desk.call("query_ga4", json!({"metrics": ["engagementRate", "sessions"], "dimension": "date"})).await;
    assert_eq!(rates["rows"].as_array().unwrap().len(), 7);
    let rate = number(&rates["rows"][0], "value").as_f64().unwrap();
    assert!(rate > 0.0 && rate < 1.0, "{rates}");
    for (arguments, expected) in [
        (json!({"metrics": ["visits"]}), "`metrics`: is not known: `visits`"),
        (json!({"dimension": "planet"}), "`dimension`: is not known"),
        (json!({"property": "properties/1"}), "there are Sandbox website (properties/424242)"),
        (json!({"from": "2026-01-31", "to": "2026-01-01"}), "`from`: must not be after `to`"),
        (json!({"from": "2026-01-31"}), "`to`: must be given with `from`"),
    ] {
        let refused = desk.say("query_ga4", arguments).await.unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[tokio::test]
async fn what_the_source_does_not_have_is_not_zero() {
    let desk = Desk::open().await;
    desk.connect("google_analytics").await;
    desk.connect("search_console").await;
    let long_ago = json!({"from": "2015-01-01", "to": "2015-01-07"});
    for tool in ["query_ga4", "query_search_console"] {
        let table = desk.call(tool, long_ago.clone()).await;
        assert_eq!((&table["totals"][0]["value"], &table["rows"]), (&Value::Null, &json!([])), "{tool}");
        assert!(desk.text(tool, long_ago.clone()).await.contains("That is not the same as zero."), "{tool}");
    }
    let table =
        desk.call("query_search_console", json!({"dimension": "query", "period": "last_28_days", "limit": 3})).await;
    assert_eq!((table["rows"].as_array().unwrap().len(), &table["rowsLeftOut"]), (3, &json!(4)));
    let metrics: Vec<&str> =
        table["totals"].as_array().unwrap().iter().map(|number| number["metric"].as_str().unwrap()).collect();
    assert_eq!(metrics, ["clicks", "impressions", "ctr", "position"]);
    assert!(table["source"]["notes"][0].as_str().unwrap().contains("two to three days later"), "{table}");
}

#[tokio::test]
async fn posts_show_their_numbers_and_which_are_ours() {
    let desk = Desk::open().await;
    for platform in ["instagram", "x", "facebook", "youtube", "linkedin"] {
        desk.connect(platform).await;
    }
    let id = desk.approved(json!({"kind": "x_post", "body": "Slow pages cost more than fast ones."})).await;
    desk.publish(&id).await;
    let today = chrono::Utc::now().date_naive();
    let since = (today - chrono::Duration::days(6)).to_string();
    let posts =
        desk.call("query_post_analytics", json!({"platform": "x", "from": since, "to": today.to_string()})).await;
    let ours = posts["posts"].as_array().unwrap().iter().find(|post| post["contentId"] == id.as_str());
    let ours = ours.unwrap_or_else(|| panic!("{posts}"));
    assert_eq!(
        (&ours["text"], ours["numbers"]["likes"].is_number()),
        (&json!("Slow pages cost more than fast ones."), true)
    );
    for (platform, metric) in [("instagram", "reach"), ("facebook", "reactions"), ("youtube", "views")] {
        let posts = desk.call("query_post_analytics", json!({"platform": platform, "period": "last_30_days"})).await;
        let all = posts["posts"].as_array().unwrap();
        assert!(all.len() > 3, "{platform}: {posts}");
        assert!(all.iter().all(|post| post["numbers"][metric].is_number()), "{platform}: {posts}");
    }
    let posts = desk.call("query_post_analytics", json!({"platform": "linkedin"})).await;
    assert_eq!((&posts["posts"], &posts["totals"]), (&json!([]), &json!({})));
    assert!(posts["source"]["notes"][0].as_str().unwrap().contains("LinkedIn gives no numbers"), "{posts}");
}

#[tokio::test]
async fn a_snapshot_keeps_what_the_sources_say_and_names_the_one_that_failed() {
    let desk = Desk::open().await;
    for platform in ["google_analytics", "search_console", "x", "instagram"] {
        desk.connect(platform).await;
    }
    desk.call("log_lead", json!({"source": "webinar", "name": "Lea"})).await;
    desk.fault(json!({"kind": "500", "next": 1_000, "path": "INSTAGRAM_"})).await;
    let run = desk.call("start_workflow", json!({"workflow": "performance_snapshot", "waitSeconds": 50})).await["run"]
        .clone();
    assert_eq!(run["status"], "completed", "{run}");
    let missing = run["output"]["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 1, "{run}");
    assert_eq!(missing[0]["channel"], "instagram");

    let trend = desk.call("get_performance_trend", json!({})).await;
    let value = |channel: &str, metric: &str| {
        let trends = trend["trends"].as_array().unwrap();
        let found = trends.iter().find(|trend| trend["channel"] == channel && trend["metric"] == metric);
        found.map(|trend| trend["points"][0]["value"].as_f64().unwrap())
    };
    // Each number is the one that the tool for asking gives.
    let sessions = desk.call("query_ga4", json!({"metrics": ["sessions", "keyEvents"]})).await;
    assert_eq!(value("google_analytics", "sessions"), sessions["totals"][0]["value"].as_f64());
    assert_eq!(value("google_analytics", "conversions"), sessions["totals"][1]["value"].as_f64());
    let searches = desk.call("query_search_console", json!({})).await;
    let totals = searches["totals"].as_array().unwrap();
    let ctr = totals.iter().find(|total| total["metric"] == "ctr").unwrap();
    assert_eq!(value("search_console", "ctr"), ctr["value"].as_f64());
    assert!(value("x", "engagement_rate").is_some_and(|rate| rate > 0.0 && rate < 1.0), "{trend}");
    // The lead is of today, which is not over.
    assert_eq!(value("heycmo", "leads"), Some(0.0));
    assert_eq!(value("instagram", "engagement_rate"), None, "unknown is not zero");
}
