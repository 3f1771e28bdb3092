//! What a connected platform says, as reports take it.

use chrono::{DateTime, NaiveDate, Utc};
use entity::connections::{ConnectionStatus, Platform};
use entity::db::Db;
use entity::ids::CustomerId;
use inngest::Result;
use marketing::anomalies::{Daily, HISTORY_DAYS, judge};
use marketing::performance::{Numbers, Unit};
use marketing::report::{Missing, Number, Query, Series, Source};
use platforms::metrics::{self, Period, Reading};
use platforms::{Error, Platforms, facts};
use serde_json::{Value, json};

use super::super::performance_snapshot::{metric_name, numbers};
use super::super::run::durable;
use super::{Read, days, kept};

/// A source that tells days later than that is not waited for.
const MAX_LAG_DAYS: i64 = 5;

/// Reads a platform. One that cannot be asked is named, and tried again with the next report.
pub(super) async fn read(
    db: &Db,
    platforms: &Platforms,
    customer_id: &CustomerId,
    platform: Platform,
    period: Period,
) -> Result<Read> {
    let missing = |error: &Error, is_connected| Missing {
        channel: platform.as_str().to_owned(),
        name: facts(platform).name.to_owned(),
        why: error.to_string(),
        is_connected,
    };
    match told(platforms, customer_id, platform, period).await {
        Ok(told) => {
            let kept = durable(kept(db, customer_id, told.now.period.previous()).await)?;
            Ok(Ok(source(&told, kept.as_ref())))
        }
        Err(Error::Store(error)) => durable(Err(error)),
        Err(
            error @ (Error::NotConfigured
            | Error::NotConnected(_, ConnectionStatus::NotConnected | ConnectionStatus::Pending)),
        ) => Ok(Err(missing(&error, false))),
        Err(error) => Ok(Err(missing(&error, true))),
    }
}

/// All parts, where the tool would cut them off.
const MAX_PARTS: u64 = 100;

/// What a platform has told.
struct Told {
    now: Reading,
    before: Reading,
    daily: Vec<metrics::Series>,
}

async fn told(
    platforms: &Platforms,
    customer_id: &CustomerId,
    platform: Platform,
    period: Period,
) -> platforms::Result<Told> {
    // The days before are looked at in the same way.
    let history = period.previous().days().unsigned_abs() + HISTORY_DAYS;
    let daily = platforms.daily(customer_id, platform, period.with_days_before(history)).await?;
    // A week is compared with a week: one whose last days are not told yet would always have less.
    let period = period.earlier(lag(&daily, period.last()));
    let (now, before) = futures::try_join!(
        platforms.reading(customer_id, platform, period),
        platforms.reading(customer_id, platform, period.previous())
    )?;
    Ok(Told { now, before, daily })
}

/// By how many days a platform is behind.
fn lag(daily: &[metrics::Series], last: NaiveDate) -> i64 {
    let newest = daily.iter().flat_map(|series| &series.points).map(|point| point.date).max();
    newest.map(|newest| (last - newest).num_days()).filter(|days| (0..=MAX_LAG_DAYS).contains(days)).unwrap_or(0)
}

fn source(Told { now, before, daily }: &Told, kept: Option<&Numbers>) -> Source {
    let provenance = &now.provenance;
    let asking = Asking { reading: now, fetched_at: provenance.fetched_at };
    let number = |series: &metrics::Series| {
        let part = series.part.as_ref().map(|(_, part)| part.clone());
        let previous = if series.as_of_now {
            kept.and_then(|kept| kept.value(provenance.platform.as_str(), metric_name(&series.metric)))
        } else {
            before.series.iter().find(|it| it.metric == series.metric && it.part == series.part).and_then(|it| it.total)
        };
        Number {
            query: asking.of(series.part.is_some(), now.period),
            previous_query: previous.and_then(|_| asking.before(series.as_of_now)),
            metric: series.metric.clone(),
            part,
            unit: series.unit,
            value: series.total,
            previous,
            single_events: false,
        }
    };
    let told = now.series.iter().filter(|series| series.total.is_some());
    let mut numbers: Vec<Number> = told.map(number).collect();
    numbers.extend(engagement_rate(&asking, kept));
    let is_counted = |series: &&metrics::Series| series.unit == Unit::Count;
    let series = daily.iter().filter(is_counted).map(|series| {
        let points: Daily = series.points.iter().map(|point| (point.date, point.value)).collect();
        let judged = |period: Period| judge(&points, period.first(), period.last());
        let (judgement, before) = (judged(now.period), judged(before.period).outliers);
        Series { metric: series.metric.clone(), judgement, before, query: asking.of_day(&series.metric) }
    });
    Source {
        channel: provenance.platform.as_str().to_owned(),
        name: facts(provenance.platform).name.to_owned(),
        account: provenance.account.clone(),
        notes: provenance.notes.clone(),
        days: days(now.period),
        numbers,
        series: series.collect(),
    }
}

/// The rate of the posts, as snapshots keep it.
fn engagement_rate(asking: &Asking<'_>, kept: Option<&Numbers>) -> Option<Number> {
    const RATE: &str = "engagement_rate";
    let channel = asking.reading.provenance.platform.as_str();
    let value = numbers(asking.reading).value(channel, RATE)?;
    let previous = kept.and_then(|kept| kept.value(channel, RATE));
    Some(Number {
        metric: RATE.to_owned(),
        part: None,
        unit: Unit::Ratio,
        value: Some(value),
        previous,
        single_events: false,
        query: asking.of(false, asking.reading.period),
        previous_query: previous.and_then(|_| asking.before(true)),
    })
}

/// How an assistant asks for what was read.
struct Asking<'a> {
    reading: &'a Reading,
    fetched_at: DateTime<Utc>,
}

impl Asking<'_> {
    fn query(&self, tool: &str, arguments: Value) -> Query {
        Query { tool: tool.to_owned(), arguments, fetched_at: self.fetched_at }
    }

    /// The numbers of some days: of everything, or by the parts of the one metric that is divided.
    fn of(&self, by_part: bool, period: Period) -> Query {
        let (from, to) = (period.first(), period.last());
        match self.reading.provenance.platform {
            Platform::GoogleAnalytics => {
                let of_same = self.reading.series.iter().filter(|series| series.part.is_some() == by_part);
                let mut metrics: Vec<&str> = of_same.clone().map(|series| series.metric.as_str()).collect();
                metrics.dedup();
                let dimension = of_same.filter_map(|series| Some(series.part.as_ref()?.0.as_str())).next();
                let mut arguments = json!({ "from": from, "to": to, "metrics": metrics });
                if let (Some(dimension), Some(fields)) = (dimension, arguments.as_object_mut()) {
                    fields.insert("dimension".to_owned(), json!(dimension));
                    fields.insert("limit".to_owned(), json!(MAX_PARTS));
                }
                self.query("query_ga4", arguments)
            }
            Platform::SearchConsole => self.query("query_search_console", json!({ "from": from, "to": to })),
            platform => self.query("query_post_analytics", json!({ "platform": platform, "from": from, "to": to })),
        }
    }

    /// The same of the days before, where the tool does not compare by itself.
    fn before(&self, as_of_now: bool) -> Option<Query> {
        let platform = self.reading.provenance.platform;
        if as_of_now {
            return Some(self.query("get_performance_trend", json!({ "channel": platform })));
        }
        let compares = matches!(platform, Platform::GoogleAnalytics | Platform::SearchConsole);
        (!compares).then(|| self.of(false, self.reading.period.previous()))
    }

    /// A day of a series; the day itself is put in where it is named.
    fn of_day(&self, metric: &str) -> Query {
        match self.reading.provenance.platform {
            Platform::GoogleAnalytics => self.query("query_ga4", json!({ "metrics": [metric] })),
            Platform::SearchConsole => self.query("query_search_console", json!({})),
            platform => self.query("query_post_analytics", json!({ "platform": platform })),
        }
    }
}
