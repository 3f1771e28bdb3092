//! What to do about what a report found: each with the number behind it and the call that begins it.

use entity::connections::Platform;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Anomaly, ChannelMetric, Missing, Report};
use crate::insights::key;
use crate::performance::{Unit, metric_words};
use crate::text::{day, written};

/// More than that nobody does in a week.
const MAX_RECOMMENDATIONS: usize = 7;
/// Below that a scanned page leaves much to gain.
const LOW_SCORE: f64 = 70.0;

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    /// In words.
    pub recommendation: String,
    /// The number behind it.
    pub because: String,
    /// The tool to begin with.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// What it rests on, named as insights name it.
    pub metrics: Vec<String>,
}

/// What to do, the most important first.
pub(super) fn of(report: &Report) -> Vec<Recommendation> {
    let mut all: Vec<Recommendation> = Vec::new();
    let add = |all: &mut Vec<Recommendation>, new: Recommendation| {
        // One call answers for all that led to it.
        match all.iter_mut().find(|known| known.tool == new.tool && known.arguments == new.arguments) {
            Some(known) => known.metrics.extend(new.metrics),
            None => all.push(new),
        }
    };
    for anomaly in &report.anomalies {
        add(&mut all, look_at(anomaly));
    }
    for metric in report.certain_changes() {
        if let Some(advice) = of_change(report, metric) {
            add(&mut all, advice);
        }
    }
    for advice in report.channel_metrics.iter().filter_map(|metric| of_state(report, metric)) {
        add(&mut all, advice);
    }
    for missing in report.missing.iter().filter(|missing| missing.is_connected) {
        add(&mut all, look_after(missing));
    }
    if let Some(missing) =
        report.missing.iter().find(|_| report.channel_metrics.iter().all(|it| it.channel == "heycmo"))
    {
        add(&mut all, connect(missing));
    }
    all.truncate(MAX_RECOMMENDATIONS);
    all
}

fn look_at(anomaly: &Anomaly) -> Recommendation {
    let outlier = &anomaly.outlier;
    let days = json!({ "from": outlier.date, "to": outlier.date });
    let is_low = outlier.value < outlier.expected;
    let (tool, arguments, what) = match anomaly.channel.as_str() {
        "google_analytics" => ("query_ga4", with(days, &[("dimension", "sessionSourceMedium")]), "which sources"),
        "search_console" => ("query_search_console", with(days, &[("dimension", "query")]), "which searches"),
        platform => ("query_post_analytics", with(days, &[("platform", platform)]), "which posts"),
    };
    let recommendation = if is_low {
        format!(
            "Find out {what} were missing on {}, and whether counting itself was broken that day.",
            day(outlier.date)
        )
    } else {
        format!("Find out {what} made {} so high, and whether it can be done again.", day(outlier.date))
    };
    Recommendation {
        recommendation,
        because: format!(
            "{} {} were {} on that day, where {} were usual.",
            anomaly.name,
            metric_words(&anomaly.metric),
            written(outlier.value, 0),
            written(outlier.expected, 0)
        ),
        tool: tool.to_owned(),
        arguments,
        metrics: vec![key(&anomaly.channel, &anomaly.metric, None)],
    }
}

fn with(mut arguments: Value, more: &[(&str, &str)]) -> Value {
    if let Some(fields) = arguments.as_object_mut() {
        fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    }
    arguments
}

fn of_change(report: &Report, metric: &ChannelMetric) -> Option<Recommendation> {
    let days = json!({ "from": metric.days.from, "to": metric.days.to });
    let is_less = metric.change? < 0.0;
    let name = metric.number.metric.as_str();
    let part = metric.number.part.as_deref();
    let (recommendation, tool, arguments) = match (metric.channel.as_str(), name, is_less) {
        ("google_analytics", "sessions", true) if part == Some("Organic Search") => (
            "See which pages search engines bring fewer people to, and scan the first of them.",
            "query_search_console",
            with(days, &[("dimension", "page")]),
        ),
        ("google_analytics", "sessions", _) if part.is_some() => {
            let what = if is_less {
                "Find out what this channel no longer brings"
            } else {
                "Do more of what this channel brings"
            };
            return Some(Recommendation {
                recommendation: format!("{what}: {}.", part.unwrap_or_default()),
                because: because(report, metric)?,
                tool: "query_ga4".to_owned(),
                arguments: with(days, &[("dimension", "sessionSourceMedium")]),
                metrics: vec![metric.key()],
            });
        }
        ("google_analytics", "keyEvents", true) => (
            "See on which landing page fewer people do what is wanted, and mend that one first.",
            "query_ga4",
            with_metrics(with(days, &[("dimension", "landingPage")])),
        ),
        ("google_analytics", "keyEvents", false) => (
            "See which landing page brought them, and send more people there.",
            "query_ga4",
            with_metrics(with(days, &[("dimension", "landingPage")])),
        ),
        ("google_analytics", _, _) => (
            "See which channels the change comes from.",
            "query_ga4",
            with(days, &[("dimension", "sessionDefaultChannelGroup")]),
        ),
        ("search_console", "ctr", true) => (
            "Rewrite title and description of the pages that are seen and not clicked: a scan of each has texts to copy.",
            "query_search_console",
            with(days, &[("dimension", "page")]),
        ),
        ("search_console", _, _) => (
            "See which searches the change comes from; write for those that grow, mend the pages of those that fall.",
            "query_search_console",
            with(days, &[("dimension", "query")]),
        ),
        ("heycmo", "leads", _) => {
            ("See where the leads came from, and plan more of it.", "list_events", json!({ "type": "lead.logged" }))
        }
        (platform, _, _) if platform.parse::<Platform>().is_ok() => {
            ("See which posts made the difference.", "query_post_analytics", with(days, &[("platform", platform)]))
        }
        _ => return None,
    };
    Some(Recommendation {
        recommendation: recommendation.to_owned(),
        because: because(report, metric)?,
        tool: tool.to_owned(),
        arguments,
        metrics: vec![metric.key()],
    })
}

fn with_metrics(mut arguments: Value) -> Value {
    if let Some(fields) = arguments.as_object_mut() {
        fields.insert("metrics".to_owned(), json!(["sessions", "keyEvents"]));
    }
    arguments
}

fn because(report: &Report, metric: &ChannelMetric) -> Option<String> {
    report.with_change(metric, "", |change| {
        let (now, before) = (change.unit.written(change.value), change.unit.written(change.previous));
        Some(format!(
            "{} {} {}: {now} after {before}, {}.",
            metric.name,
            change.subject(),
            change.days,
            change.change()
        ))
    })
}

/// What is to be done whether it changed or not.
fn of_state(report: &Report, metric: &ChannelMetric) -> Option<Recommendation> {
    let value = metric.number.value?;
    let (recommendation, because, tool, arguments) = match metric.number.metric.as_str() {
        _ if metric.number.unit == Unit::Score && value < LOW_SCORE => (
            "Scan the page with the lowest score again, and do first what it says brings the most points.",
            format!("The scanned pages have {value:.1} of 100 points on average, as of {}.", day(report.period.to)),
            "list_scans",
            json!({}),
        ),
        "published" if value == 0.0 && metric.number.previous.is_some_and(|before| before > 0.0) => (
            "Plan the coming week, so that as much goes out as before.",
            format!(
                "HeyCMO published nothing on {} from {} to {}, and {} in the days before.",
                metric.number.part.as_deref().unwrap_or("any platform"),
                day(metric.days.from),
                day(metric.days.to),
                written(metric.number.previous.unwrap_or_default(), 0)
            ),
            "plan_calendar",
            json!({ "weeks": 1 }),
        ),
        _ => return None,
    };
    Some(Recommendation {
        recommendation: recommendation.to_owned(),
        because,
        tool: tool.to_owned(),
        arguments,
        metrics: vec![metric.key()],
    })
}

/// A source that is connected and says nothing.
fn look_after(missing: &Missing) -> Recommendation {
    Recommendation {
        recommendation: format!("See how {} stands, and connect it again if it is lost.", missing.name),
        because: missing.why.clone(),
        tool: "list_connections".to_owned(),
        arguments: json!({}),
        metrics: Vec::new(),
    }
}

/// The first source of all.
fn connect(missing: &Missing) -> Recommendation {
    Recommendation {
        recommendation: "Connect the sources of numbers that you have; the website's is the first to have.".to_owned(),
        because: missing.why.clone(),
        tool: "connect_platform".to_owned(),
        arguments: json!({ "platform": missing.channel }),
        metrics: Vec::new(),
    }
}
