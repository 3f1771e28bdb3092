//! Keeps the numbers of the last seven days for good, and proposes what follows from all that are kept.

use chrono::{DateTime, NaiveTime, Utc};
use entity::connections::Platform;
use entity::content::Channel;
use entity::db::{Db, now};
use entity::ids::CustomerId;
use entity::snapshots::{self, NewSnapshot};
use entity::workflows::Workflow;
use entity::{brands, leads, publications, scans};
use inngest::{Function, Input, Result, Step, create_function};
use marketing::calendar::instant;
use marketing::optimization::renew_proposals;
use marketing::performance::{Measure, Missing, Numbers, Post, engagement_rate};
use platforms::metrics::{Period, PostNumbers, Reading};
use platforms::{Platforms, facts};
use serde::Deserialize;
use serde_json::{Value, json};

use super::options;
use super::run::{Asked, Run, durable, failed};

/// A week.
const DAYS: u16 = 7;
/// Under what its own numbers stand.
pub(super) const OWN: &str = "heycmo";

/// For when; for now when nothing is said.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    due_at: Option<DateTime<Utc>>,
}

pub fn function(db: Db, platforms: Platforms) -> Function {
    let on_failure = db.clone();
    create_function(options(Workflow::PerformanceSnapshot), move |input: Input<Asked<Wanted>>, step| {
        capture(db.clone(), platforms.clone(), input, step)
    })
    .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn capture(db: Db, platforms: Platforms, input: Input<Asked<Wanted>>, step: Step) -> Result<Value> {
    let Asked { run_id, customer_id, input: Wanted { due_at } } = input.event.data;
    let Some(run) = Run::begin(&db, &run_id, &input.run_id, step).await? else { return Ok(Value::Null) };
    let at = {
        let at = move || async move { Ok(due_at.unwrap_or_else(now)) };
        run.step("choose_days", at).await?
    };
    let mut numbers = Numbers::default();
    for platform in Platform::ALL.into_iter().filter(|platform| facts(*platform).metrics) {
        let (db, platforms, customer_id) = (db.clone(), platforms.clone(), customer_id.clone());
        let read = move || async move { read(&db, &platforms, &customer_id, platform, at).await };
        let Numbers { measures, posts, missing } = run.step(format!("read {platform}"), read).await?;
        numbers.measures.extend(measures);
        numbers.posts.extend(posts);
        numbers.missing.extend(missing);
    }
    let keep = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        move || async move { durable(keep(&db, &customer_id, run_id, numbers, at).await) }
    };
    let mut output = run.step("keep", keep).await?;
    // What the numbers say should change waits for a person's decision.
    let renew = move || async move {
        let renewed = durable(renew_proposals(&db, &customer_id).await)?;
        Ok(json!({ "opened": renewed.opened.len(), "open": renewed.open }))
    };
    let proposals = run.step("renew_proposals", renew).await?;
    if let Some(fields) = output.as_object_mut() {
        fields.insert("proposals".to_owned(), proposals);
    }
    run.complete(output).await
}

/// What a platform says. One that is not connected says nothing; one that cannot be asked is named.
async fn read(
    db: &Db,
    platforms: &Platforms,
    customer_id: &CustomerId,
    platform: Platform,
    at: DateTime<Utc>,
) -> Result<Numbers> {
    let zone = durable(brands::get(db, customer_id).await)?.time_zone;
    match platforms.reading(customer_id, platform, Period::last_days(DAYS, at, zone)).await {
        Ok(reading) => Ok(numbers(&reading)),
        Err(platforms::Error::NotConnected(..) | platforms::Error::NotConfigured) => Ok(Numbers::default()),
        Err(platforms::Error::Store(error)) => durable(Err(error)),
        Err(error) => {
            let missing = Missing { channel: platform.as_str().to_owned(), why: error.to_string() };
            Ok(Numbers { missing: vec![missing], ..Numbers::default() })
        }
    }
}

/// A reading as snapshots keep it.
pub(super) fn numbers(reading: &Reading) -> Numbers {
    let platform = reading.provenance.platform;
    let measure = |metric: &str, value: f64| Measure {
        channel: platform.as_str().to_owned(),
        metric: metric.to_owned(),
        value,
        source: reading.provenance.account.clone(),
    };
    let whole = reading.series.iter().filter(|series| series.part.is_none());
    let mut measures: Vec<Measure> =
        whole.filter_map(|series| Some(measure(metric_name(&series.metric), series.total?))).collect();
    let channel = facts(platform).publishes.first().copied();
    let posts: Vec<Post> =
        channel.map(|channel| reading.posts.iter().filter_map(|it| post(channel, it)).collect()).unwrap_or_default();
    let rate = channel.and_then(|channel| engagement_rate(&posts, channel));
    measures.extend(rate.map(|rate| measure("engagement_rate", rate)));
    Numbers { measures, posts, missing: Vec::new() }
}

/// Google's word for what everybody else calls a conversion.
pub(super) fn metric_name(metric: &str) -> &str {
    if metric == "keyEvents" { "conversions" } else { metric }
}

fn post(channel: Channel, post: &PostNumbers) -> Option<Post> {
    // How often it was seen, by whichever of these the platform counts.
    const SEEN: [&str; 3] = ["impressions", "views", "reach"];
    let reactions = post.numbers.iter().filter(|(name, _)| !SEEN.contains(*name)).map(|(_, value)| value).sum();
    Some(Post {
        channel,
        id: post.id.clone(),
        published_at: post.published_at?,
        impressions: SEEN.iter().find_map(|name| post.numbers.get(name).copied()),
        reactions,
    })
}

async fn keep(
    db: &Db,
    customer_id: &CustomerId,
    run_id: entity::ids::RunId,
    mut numbers: Numbers,
    at: DateTime<Utc>,
) -> entity::Result<Value> {
    let zone = brands::get(db, customer_id).await?.time_zone;
    let period = Period::last_days(DAYS, at, zone);
    let from = instant(zone, period.first().and_time(NaiveTime::MIN));
    let before = instant(zone, (period.last() + chrono::Days::new(1)).and_time(NaiveTime::MIN));
    let mut own = |channel: &str, metric: &str, value: f64| {
        let (channel, metric, source) = (channel.to_owned(), metric.to_owned(), "HeyCMO".to_owned());
        numbers.measures.push(Measure { channel, metric, value, source });
    };
    for (platform, published) in publications::count_between(db, customer_id, from, before).await? {
        own(platform.as_str(), "published", float(published));
    }
    own(OWN, "leads", float(leads::count_between(db, customer_id, from, before).await?));
    if let Some(score) = average_score(&scans::newest_scores(db, customer_id).await?) {
        own(OWN, "findings_score", score);
    }
    let (measures, missing) = (numbers.measures.len(), numbers.missing.clone());
    let new = NewSnapshot { run_id, first_day: period.first(), last_day: period.last(), data: json!(numbers) };
    let kept = snapshots::keep(db, customer_id, new).await?;
    Ok(json!({
        "snapshotId": kept.id,
        "from": kept.first_day,
        "to": kept.last_day,
        "measures": measures,
        "missing": missing,
    }))
}

/// How well the site stands, from 0 to 100, by the newest scan of each page.
pub(super) fn average_score(scores: &[(i32, i32)]) -> Option<f64> {
    let sum: i32 = scores.iter().map(|(seo, geo)| seo + geo).sum();
    let count = u32::try_from(2 * scores.len()).ok().filter(|count| *count > 0)?;
    Some(f64::from(sum) / f64::from(count))
}

pub(super) fn float(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
