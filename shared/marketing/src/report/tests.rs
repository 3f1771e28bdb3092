//! Reports of made-up sources.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn days() -> (Days, Days) {
    let days = |from, to| Days { from: day(from), to: day(to) };
    (days("2026-03-02", "2026-03-08"), days("2026-02-23", "2026-03-01"))
}

fn query(tool: &str) -> Query {
    let fetched_at: DateTime<Utc> = "2026-03-09T07:00:00Z".parse().unwrap();
    Query { tool: tool.to_owned(), arguments: json!({"from": "2026-03-02", "to": "2026-03-08"}), fetched_at }
}

fn number(metric: &str, value: f64, previous: Option<f64>) -> Number {
    Number {
        metric: metric.to_owned(),
        part: None,
        unit: Unit::of(metric),
        value: Some(value),
        previous,
        single_events: false,
        query: query("query_ga4"),
        previous_query: None,
    }
}

fn outlier(date: &str) -> Outlier {
    Outlier { date: day(date), value: 900.0, expected: 320.0, low: 200.0, high: 440.0 }
}

fn series(metric: &str, outliers: Vec<Outlier>) -> Series {
    let judgement = Judgement { outliers, judged: 7, dispersion: Some(2.0), ..Judgement::default() };
    Series { metric: metric.to_owned(), judgement, before: Vec::new(), query: query("query_ga4") }
}

fn source(numbers: Vec<Number>, series: Vec<Series>) -> Source {
    Source {
        channel: "google_analytics".to_owned(),
        name: "Google Analytics".to_owned(),
        account: "Site".to_owned(),
        notes: Vec::new(),
        days: days().0,
        numbers,
        series,
    }
}

fn report(sources: &[Source]) -> Report {
    let (period, previous) = days();
    Report::of(period, previous, "Europe/Berlin", sources, Vec::new())
}

#[test]
fn what_is_certain_leads_to_something_and_what_may_be_chance_does_not() {
    let numbers = vec![number("sessions", 2_600.0, Some(2_000.0)), number("keyEvents", 12.0, Some(8.0))];
    let report = report(&[source(numbers, vec![series("sessions", Vec::new()), series("keyEvents", Vec::new())])]);
    let [sessions, conversions] = report.insights.as_slice() else { panic!("{:#?}", report.insights) };
    let (sessions, conversions) = if sessions.actionable { (sessions, conversions) } else { (conversions, sessions) };
    assert!(
        sessions.insight.contains("2,600, 30 % more than the 2,000 of the 7 days before; that is hardly chance"),
        "{sessions:?}"
    );
    assert_eq!((sessions.severity, sessions.actionable), (insights::Severity::Positive, true));
    assert!(conversions.insight.contains("12, 50 % more") && conversions.insight.contains("may be chance"));
    assert_eq!((conversions.severity, conversions.actionable), (insights::Severity::Neutral, false));
    let [advice] = report.recommendations.as_slice() else { panic!("{:#?}", report.recommendations) };
    assert!(advice.because.contains("2,600 after 2,000") && advice.tool == "query_ga4", "{advice:?}");
    assert_eq!(advice.metrics, ["google_analytics sessions"]);
    assert_eq!(report.headline, "30 % more sessions.");
}

#[test]
fn without_history_nothing_is_said_of_chance_and_unknown_is_not_zero() {
    let young = Judgement { too_early: 7, ..Judgement::default() };
    let young = Series { judgement: young, ..series("sessions", Vec::new()) };
    let report =
        report(&[source(vec![number("sessions", 90.0, Some(9.0)), number("followers", 5.0, None)], vec![young])]);
    assert_eq!((report.insights.len(), report.channel_metrics[0].certainty), (0, None));
    assert_eq!(report.channel_metrics[0].change_ratio, Some(9.0));
    assert_eq!((report.channel_metrics[1].change, report.channel_metrics[1].change_ratio), (None, None));
    assert_eq!(report.headline, "There is nothing yet to compare these days with.");
    let text = markdown(&report);
    assert!(text.contains("not enough history yet") && text.contains("| followers | 5 | not known |  |"), "{text}");
}

#[test]
fn one_day_in_several_metrics_is_one_anomaly_that_the_change_names() {
    let numbers = vec![number("sessions", 2_600.0, Some(2_000.0))];
    let both = vec![series("sessions", vec![outlier("2026-03-04")]), series("totalUsers", vec![outlier("2026-03-04")])];
    let report = report(&[source(numbers, both)]);
    let [anomaly] = report.anomalies.as_slice() else { panic!("{:#?}", report.anomalies) };
    assert_eq!((anomaly.metric.as_str(), anomaly.also.as_slice()), ("sessions", &["totalUsers".to_owned()][..]));
    assert_eq!(anomaly.query.arguments, json!({"from": "2026-03-04", "to": "2026-03-04"}));
    // Without that day it is 2,020, which is hardly more than 2,000.
    let change = report.insights.iter().find(|insight| insight.insight.contains("30 % more")).unwrap();
    let expected = "what is left of it without what stands out on Wed 4 Mar may be chance";
    assert!(change.insight.contains(expected) && !change.actionable, "{change:?}");
    assert_eq!(report.headline, "Nothing changed by more than chance; one day stands out.");
    assert!(report.recommendations[0].because.contains("900 on that day, where 320 were usual"));
}

#[test]
fn after_a_day_that_stood_out_the_next_week_is_not_worse() {
    let mut sessions = series("sessions", Vec::new());
    sessions.before = vec![Outlier { value: 1_400.0, expected: 320.0, ..outlier("2026-02-25") }];
    let mut organic = number("sessions", 800.0, Some(1_200.0));
    organic.part = Some("Organic Search".to_owned());
    let report = report(&[source(vec![number("sessions", 2_050.0, Some(3_080.0)), organic], vec![sessions])]);
    assert!(report.channel_metrics.iter().all(|metric| metric.certainty.unwrap() < 0.9), "{report:#?}");
    assert_eq!((report.headline.as_str(), report.recommendations.len()), ("Nothing changed by more than chance.", 0));
}

#[test]
fn a_part_that_only_a_day_made_larger_did_not_grow() {
    let mut direct = number("sessions", 780.0, Some(735.0));
    direct.part = Some("Direct".to_owned());
    let whole = number("sessions", 3_340.0, Some(2_800.0));
    let stands_out = vec![Outlier { value: 964.0, expected: 418.0, ..outlier("2026-03-04") }];
    let report = report(&[source(vec![whole, direct], vec![series("sessions", stands_out)])]);
    assert_eq!(report.channel_metrics[1].certainty, Some(0.0), "without that day it is 652");
    assert!(report.recommendations.iter().all(|advice| !advice.recommendation.contains("Direct")), "{report:#?}");
}

#[test]
fn holes_are_named_once_for_all_series_that_have_them() {
    let with_hole = |metric| {
        let mut series = series(metric, Vec::new());
        series.judgement.holes = vec![day("2026-03-05")];
        series
    };
    let report = report(&[source(Vec::new(), vec![with_hole("sessions"), with_hole("newUsers")])]);
    let [gap] = report.gaps.as_slice() else { panic!("{:#?}", report.gaps) };
    assert_eq!(
        gap.why,
        "Google Analytics, sessions, new users: nothing was told of Thu 5 Mar, which is not the same as zero."
    );
}

#[test]
fn a_narrative_takes_the_place_of_the_template_and_the_facts_hold_all() {
    let mut report = report(&[source(
        vec![number("sessions", 2_600.0, Some(2_000.0))],
        vec![series("sessions", vec![outlier("2026-03-04")])],
    )]);
    let (facts, by_template) = (report.facts(), markdown(&report));
    assert!(
        facts.contains("2,600, 30 % more")
            && facts.contains("2026-03-04")
            && facts.contains("Wed 4 Mar: 900")
            && facts.contains("To do: "),
        "{facts}"
    );
    assert!(by_template.contains("for the better"), "{by_template}");
    report.narrative = Some("Many people *came*.".to_owned());
    let told = markdown(&report);
    assert!(told.contains("Many people \\*came\\*.") && !told.contains("for the better"), "{told}");
}

#[test]
fn whatever_sources_say_the_text_is_short_and_their_words_are_no_markdown() {
    let evil = "| <b>`*[x](http://evil.example)*`\n# Heading";
    let named = |metric: usize| Number {
        part: Some(format!("{evil} {metric}")),
        ..number("sessions", 2_600.0 + count(metric), Some(2_000.0))
    };
    let mut of = source(
        (0..60).map(named).collect(),
        vec![series("sessions", (1..9).map(|it| outlier(&format!("2026-03-0{it}"))).collect())],
    );
    of.account = evil.repeat(50);
    of.notes = vec![evil.repeat(20)];
    let sources: Vec<Source> = (0..7).map(|_| of.clone()).collect();
    let report = report(&sources);
    let text = markdown(&report);
    assert!(text.chars().count() < 10_000, "{}", text.chars().count());
    assert!(!text.contains("<b>") && !text.contains("\n# Heading") && !text.contains("[x](http"), "{text}");
    assert!(report.insights.len() <= 12 && report.recommendations.len() <= 7);
    assert!(text.contains("the calls named above show all numbers"));
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
