//! The analytics report, of the numbers that the stand-in has made up.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::desk::{Desk, events};

/// What happened at the stand-in: the metric of a source, and how many days ago. Whom Instagram reached is calm.
const SESSIONS: [i64; 2] = [3, 24];
const IMPRESSIONS: [i64; 1] = [12];

async fn run(desk: &Desk, input: Value) -> Value {
    let asked = json!({"workflow": "analytics_report", "input": input, "waitSeconds": 50});
    let run = desk.call("start_workflow", asked).await["run"].clone();
    assert_eq!(run["status"], "completed", "{run}");
    run
}

/// What is kept of the report of a run.
async fn kept(desk: &Desk, run: &Value) -> Value {
    let id = run["id"].as_str().unwrap().parse().unwrap();
    entity::reports::get(&desk.test.db(), &desk.id, &id).await.unwrap().data
}

fn ago(days: i64) -> NaiveDate {
    chrono::Utc::now().date_naive() - chrono::Duration::days(days)
}

/// The days that stand out, by source.
fn anomalies(report: &Value) -> BTreeMap<String, Vec<NaiveDate>> {
    let mut found: BTreeMap<String, Vec<NaiveDate>> = BTreeMap::new();
    for anomaly in report["anomalies"].as_array().unwrap() {
        let channel = anomaly["channel"].as_str().unwrap().to_owned();
        found.entry(channel).or_default().push(anomaly["date"].as_str().unwrap().parse().unwrap());
    }
    found
}

#[tokio::test]
async fn exactly_the_days_on_which_something_happened_are_named() {
    let desk = Desk::open().await;
    for platform in ["google_analytics", "search_console", "instagram"] {
        desk.connect(platform).await;
    }
    let month = kept(&desk, &run(&desk, json!({"period": "last_30_days"})).await).await;
    let dates = |days: &[i64]| days.iter().rev().map(|days| ago(*days)).collect::<Vec<_>>();
    let expected = BTreeMap::from([
        ("google_analytics".to_owned(), dates(&SESSIONS)),
        ("search_console".to_owned(), dates(&IMPRESSIONS)),
    ]);
    assert_eq!(anomalies(&month), expected);
    assert_eq!(month["gaps"], json!([]), "there is history enough");

    let run = run(&desk, json!({})).await;
    let week = kept(&desk, &run).await;
    let expected = BTreeMap::from([("google_analytics".to_owned(), dates(&SESSIONS[..1]))]);
    assert_eq!(anomalies(&week), expected);
    let anomaly = &week["anomalies"][0];
    assert!(anomaly["value"].as_f64() > anomaly["high"].as_f64() && anomaly["metric"] == "sessions", "{anomaly}");
    assert_eq!(run["output"]["recommendations"][0]["tool"], "query_ga4", "{run}");
    let text = desk.text("get_workflow_run", json!({"runId": run["id"]})).await;
    let (day, uri) = (ago(SESSIONS[0]).to_string(), run["output"]["uri"].as_str().unwrap());
    assert!(text.contains(uri) && text.contains(&day) && text.contains("## Days that stand out"), "{text}");
    assert!(text.chars().count() < 10_000);
}

/// What a tool shows for each metric, or part of one: now and before.
type Shown = BTreeMap<(String, Option<String>), (Value, Value)>;

/// Calls of tools, each made once.
struct Calls<'a> {
    desk: &'a Desk,
    made: BTreeMap<String, Shown>,
}

impl Calls<'_> {
    async fn shown(&mut self, query: &Value) -> &Shown {
        let call = format!("{} {}", query["tool"], query["arguments"]);
        match self.made.entry(call) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(shown(self.desk, query).await),
        }
    }
}

async fn shown(desk: &Desk, query: &Value) -> Shown {
    let (tool, arguments) = (query["tool"].as_str().unwrap(), query["arguments"].clone());
    let answer = desk.call(tool, arguments).await;
    let mut shown = BTreeMap::new();
    let mut add = |part: Option<&Value>, number: &Value| {
        let part = part.map(|part| part.as_str().unwrap().to_owned());
        let key = (number["metric"].as_str().unwrap().to_owned(), part);
        shown.insert(key, (number["value"].clone(), number["previous"].clone()));
    };
    match tool {
        "query_ga4" | "query_search_console" => {
            answer["totals"].as_array().unwrap().iter().for_each(|total| add(None, total));
            for row in answer["rows"].as_array().unwrap() {
                add(Some(&row["key"]), &row["numbers"][0]);
            }
        }
        "query_post_analytics" => {
            for (metric, value) in answer["totals"].as_object().unwrap() {
                add(None, &json!({"metric": metric, "value": value}));
            }
            let of = |name: &str, post: &Value| post["numbers"][name].as_f64();
            let seen = |post: &Value| ["impressions", "views", "reach"].iter().find_map(|name| of(name, post));
            let (mut reactions, mut all) = (0.0, 0.0);
            for post in answer["posts"].as_array().unwrap() {
                let numbers = post["numbers"].as_object().unwrap();
                let Some(times) = seen(post) else { continue };
                let is_reaction = |name: &&String| !["impressions", "views", "reach"].contains(&name.as_str());
                reactions += numbers.keys().filter(is_reaction).map(|name| of(name, post).unwrap()).sum::<f64>();
                all += times;
            }
            add(None, &json!({"metric": "engagement_rate", "value": reactions / all}));
        }
        "list_events" => {
            let count = answer["events"].as_array().unwrap().len();
            let metric = if arguments_type(query) == "lead.logged" { "leads" } else { "published" };
            add(None, &json!({"metric": metric, "value": count}));
        }
        other => panic!("{other} is not expected"),
    }
    shown
}

/// A rate is a sum divided by another, and sums in another order differ in the last digit.
fn is_same(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 4.0 * f64::EPSILON * one.abs().max(other.abs()),
        (one, other) => one == other,
    }
}

fn arguments_type(query: &Value) -> &str {
    query["arguments"]["type"].as_str().unwrap()
}

#[tokio::test]
async fn every_number_of_the_report_is_what_the_named_call_shows() {
    let desk = Desk::open().await;
    for platform in ["google_analytics", "search_console", "instagram", "x", "facebook", "youtube"] {
        desk.connect(platform).await;
    }
    let report = kept(&desk, &run(&desk, json!({"period": "last_7_days"})).await).await;
    let metrics = report["channelMetrics"].as_array().unwrap();
    assert!(metrics.len() > 30, "{metrics:#?}");
    let mut calls = Calls { desk: &desk, made: BTreeMap::new() };
    for metric in metrics {
        let key = (metric["metric"].as_str().unwrap().to_owned(), metric["part"].as_str().map(str::to_owned));
        let all = calls.shown(&metric["query"]).await;
        let (value, previous) = all.get(&key).unwrap_or_else(|| panic!("{key:?}: {all:#?}")).clone();
        assert!(is_same(metric["value"].as_f64(), value.as_f64()), "{value}: {metric}");
        let before = &metric["previousQuery"];
        let previous = if !before.is_null() {
            calls.shown(before).await[&key].0.as_f64()
        } else if metric["channel"] == "heycmo" {
            // Of the days before there was a customer there are none.
            Some(0.0)
        } else {
            previous.as_f64()
        };
        assert!(is_same(metric["previous"].as_f64(), previous), "{previous:?}: {metric}");
    }
    // What is only told as of now cannot have been asked before, and no snapshot is kept of these days.
    let followers = metrics.iter().find(|metric| metric["metric"] == "followers").unwrap();
    assert_eq!((&followers["previous"], &followers["change"]), (&Value::Null, &Value::Null));
    for anomaly in report["anomalies"].as_array().unwrap() {
        let day = &shown(&desk, &anomaly["query"]).await[&(anomaly["metric"].as_str().unwrap().to_owned(), None)];
        assert_eq!(anomaly["value"].as_f64(), day.0.as_f64(), "{anomaly}");
    }
    // A week of searches is a week, though the last days are not told yet.
    let clicks = metrics.iter().find(|metric| metric["metric"] == "clicks").unwrap();
    assert_eq!(clicks["days"], json!({"from": ago(9).to_string(), "to": ago(3).to_string()}));
}

#[tokio::test]
async fn a_source_that_fails_or_is_not_connected_is_named_and_the_report_is_made() {
    let desk = Desk::open().await;
    desk.connect("google_analytics").await;
    desk.connect("instagram").await;
    desk.call("log_lead", json!({"source": "webinar", "name": "Lea"})).await;
    desk.fault(json!({"kind": "500", "next": 1_000, "path": "INSTAGRAM_"})).await;
    let run = run(&desk, json!({})).await;
    let report = kept(&desk, &run).await;
    let missing: BTreeMap<&str, bool> = report["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["channel"].as_str().unwrap(), it["isConnected"].as_bool().unwrap()))
        .collect();
    let others = ["search_console", "linkedin", "x", "facebook", "youtube"].map(|channel| (channel, false));
    assert_eq!(missing, others.into_iter().chain([("instagram", true)]).collect());
    assert!(report["headline"].as_str().unwrap().contains("one source could not be read"), "{report}");
    let of_it = |advice: &&Value| advice["tool"] == "list_connections";
    assert!(report["recommendations"].as_array().unwrap().iter().any(|advice| of_it(&advice)), "{report}");
    // The lead is of today, which is not over.
    let leads = report["channelMetrics"].as_array().unwrap().iter().find(|it| it["metric"] == "leads").unwrap();
    assert_eq!((leads["value"].as_f64(), leads["previous"].as_f64()), (Some(0.0), Some(0.0)));
    let told = events(&desk, "report.completed").await;
    assert_eq!((told.len(), &told[0]["headline"]), (1, &report["headline"]));
}
