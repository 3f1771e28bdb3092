//! What HeyCMO itself keeps: leads, what it published, and how the scanned pages stand.

use std::collections::BTreeMap;

use chrono::{DateTime, Days as Span, NaiveTime, Utc};
use chrono_tz::Tz;
use entity::Result;
use entity::connections::Platform;
use entity::db::{Db, now};
use entity::ids::CustomerId;
use entity::{leads, publications, scans};
use marketing::calendar::instant;
use marketing::performance::Unit;
use marketing::report::{Number, Query, Source};
use platforms::facts;
use platforms::metrics::Period;
use serde_json::{Value, json};

use super::super::performance_snapshot::{OWN, average_score, float};
use super::{days, kept};

pub(super) async fn read(db: &Db, customer_id: &CustomerId, period: Period, zone: Tz) -> Result<Source> {
    let (from, before) = moments(period, zone);
    let (earlier, _) = moments(period.previous(), zone);
    let mut numbers = Vec::new();
    let leads_now = leads::count_between(db, customer_id, from, before).await?;
    let leads_before = leads::count_between(db, customer_id, earlier, from).await?;
    numbers.push(Number {
        single_events: true,
        ..counted("leads", None, leads_now, leads_before, call("list_events", json!({ "type": "lead.logged" })))
    });
    let mut published: BTreeMap<Platform, (u64, u64)> = BTreeMap::new();
    for (platform, count) in publications::count_between(db, customer_id, from, before).await? {
        published.entry(platform).or_default().0 = count;
    }
    for (platform, count) in publications::count_between(db, customer_id, earlier, from).await? {
        published.entry(platform).or_default().1 = count;
    }
    for (platform, (now, before)) in published {
        let query = call("list_events", json!({ "type": "content.published" }));
        numbers.push(counted("published", Some(facts(platform).name), now, before, query));
    }
    if let Some(value) = average_score(&scans::newest_scores(db, customer_id).await?) {
        let kept = kept(db, customer_id, period.previous()).await?;
        let previous = kept.and_then(|kept| kept.value(OWN, "findings_score"));
        numbers.push(Number {
            metric: "findings_score".to_owned(),
            part: None,
            unit: Unit::Score,
            value: Some(value),
            previous,
            single_events: false,
            query: call("list_scans", json!({})),
            previous_query: previous.map(|_| call("get_performance_trend", json!({ "channel": OWN }))),
        });
    }
    Ok(Source {
        channel: OWN.to_owned(),
        name: "HeyCMO".to_owned(),
        account: "what is kept here".to_owned(),
        notes: Vec::new(),
        days: days(period),
        numbers,
        series: Vec::new(),
    })
}

/// The first moment of a period, and the first after it.
fn moments(period: Period, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let midnight = |day: chrono::NaiveDate| instant(zone, day.and_time(NaiveTime::MIN));
    (midnight(period.first()), midnight(period.last() + Span::new(1)))
}

fn counted(metric: &str, part: Option<&str>, now: u64, before: u64, query: Query) -> Number {
    Number {
        metric: metric.to_owned(),
        part: part.map(str::to_owned),
        unit: Unit::Count,
        value: Some(float(now)),
        previous: Some(float(before)),
        single_events: false,
        query,
        previous_query: None,
    }
}

fn call(tool: &str, arguments: Value) -> Query {
    Query { tool: tool.to_owned(), arguments, fetched_at: now() }
}
