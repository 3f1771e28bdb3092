//! Numbers from connected platforms: what the source says, in one shape, with where it comes from.
//!
//! What a platform does not tell is absent. Zero is a number like others: it stands only where the platform says so.

mod facebook;
mod google_analytics;
mod instagram;
mod linkedin;
mod period;
mod search_console;
mod table;
mod x;
mod youtube;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use entity::brands::{self, Brand};
use entity::connections::Platform;
use entity::db::now;
use entity::ids::CustomerId;
use serde_json::Value;

pub use google_analytics::{DIMENSIONS as GA4_DIMENSIONS, Ga4Query, METRICS as GA4_METRICS};
pub use marketing::performance::Unit;
pub use period::Period;
pub use search_console::{DIMENSIONS as SEARCH_DIMENSIONS, SearchQuery};
pub use table::{Cell, Row, Table};

use crate::access::Access;
use crate::{Error, Platforms, Result, facts};

/// Where numbers come from.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The platform.
    pub platform: Platform,
    /// Its name for what was read: a property, a site, a page, a channel.
    pub account: String,
    /// When it was read.
    pub fetched_at: DateTime<Utc>,
    /// What to know before trusting the numbers: how old they are, what is left out.
    pub notes: Vec<String>,
}

/// A number of one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The day, as the platform counts days.
    pub date: NaiveDate,
    /// The number.
    pub value: f64,
}

/// One metric over a period.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name.
    pub metric: String,
    /// What it counts.
    pub unit: Unit,
    /// The part that it is of, such as a channel: name and value. None: of everything.
    pub part: Option<(String, String)>,
    /// Over the whole period, or as it is now.
    pub total: Option<f64>,
    /// Whether it is as of now, whatever the period: it cannot be asked what it was.
    pub as_of_now: bool,
    /// By day, where the platform tells days.
    pub points: Vec<Point>,
}

/// A post and how it does.
#[derive(Clone, Debug)]
pub struct PostNumbers {
    /// The platform's id.
    pub id: String,
    /// Where it is.
    pub url: Option<String>,
    /// How it begins.
    pub text: String,
    /// When it went out.
    pub published_at: Option<DateTime<Utc>>,
    /// Its numbers until now, by metric. What the platform does not tell is absent.
    pub numbers: BTreeMap<&'static str, f64>,
}

/// What a platform says about a period.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Where it comes from.
    pub provenance: Provenance,
    /// The days that it is about.
    pub period: Period,
    /// Its metrics.
    pub series: Vec<Series>,
    /// The posts of the period, newest first.
    pub posts: Vec<PostNumbers>,
}

/// What a source is read for.
pub(crate) struct Asked<'a> {
    access: Access<'a>,
    period: Period,
    brand: &'a Brand,
}

/// A platform that numbers are read from.
#[async_trait]
trait Source: Send + Sync {
    /// Reads its standard metrics.
    async fn read(&self, asked: &Asked<'_>) -> Result<Reading>;

    /// Reads those that it tells by day, the most important first; none where it tells no days.
    async fn daily(&self, _asked: &Asked<'_>) -> Result<Vec<Series>> {
        Ok(Vec::new())
    }
}

fn source(platform: Platform) -> Option<&'static dyn Source> {
    match platform {
        Platform::GoogleAnalytics => Some(&google_analytics::GoogleAnalytics),
        Platform::SearchConsole => Some(&search_console::SearchConsole),
        Platform::Instagram => Some(&instagram::Instagram),
        Platform::Linkedin => Some(&linkedin::Linkedin),
        Platform::X => Some(&x::X),
        Platform::Facebook => Some(&facebook::Facebook),
        Platform::Youtube => Some(&youtube::Youtube),
        _ => None,
    }
}

fn known_source(platform: Platform) -> Result<&'static dyn Source> {
    source(platform).ok_or_else(|| {
        let name = facts(platform).name;
        Error::Store(entity::Error::conflict("no_metrics", format!("HeyCMO reads no numbers from {name}.")))
    })
}

impl Platforms {
    /// What a platform says about a period, by its standard metrics.
    ///
    /// # Errors
    ///
    /// When it gives no numbers, is not connected, or cannot be asked.
    pub async fn reading(&self, customer_id: &CustomerId, platform: Platform, period: Period) -> Result<Reading> {
        let source = known_source(platform)?;
        let brand = brands::get(&self.db, customer_id).await?;
        let access = self.access(customer_id, platform).await?;
        source.read(&Asked { access, period, brand: &brand }).await
    }

    /// What a platform counted on each day of a period, which may be long; the most important metric first.
    ///
    /// # Errors
    ///
    /// As [`Self::reading`].
    pub async fn daily(&self, customer_id: &CustomerId, platform: Platform, period: Period) -> Result<Vec<Series>> {
        let source = known_source(platform)?;
        let brand = brands::get(&self.db, customer_id).await?;
        let access = self.access(customer_id, platform).await?;
        source.daily(&Asked { access, period, brand: &brand }).await
    }
}

impl Asked<'_> {
    const fn zone(&self) -> Tz {
        self.brand.time_zone
    }

    fn provenance(&self, account: impl Into<String>, notes: Vec<String>) -> Provenance {
        Provenance { platform: self.access.platform, account: account.into(), fetched_at: now(), notes }
    }

    fn unexpected(&self, what: &str) -> Error {
        Error::Unexpected(self.access.platform, what.to_owned())
    }

    /// Only the posts of the period, newest first, and what they have together.
    fn of_posts(&self, provenance: Provenance, mut posts: Vec<PostNumbers>, mut series: Vec<Series>) -> Reading {
        posts.retain(|post| post.published_at.is_some_and(|at| self.period.contains(at, self.zone())));
        posts.sort_by_key(|post| std::cmp::Reverse(post.published_at));
        series.push(Series { as_of_now: false, ..total("posts", Some(count(posts.len()))) });
        let mut sums: BTreeMap<&'static str, f64> = BTreeMap::new();
        for (name, value) in posts.iter().flat_map(|post| &post.numbers) {
            *sums.entry(name).or_default() += value;
        }
        // What the account itself says of a metric is more than the sum of its posts.
        sums.retain(|name, _| series.iter().all(|series| series.metric != *name || series.total.is_none()));
        series.extend(sums.into_iter().map(|(name, sum)| total(name, Some(sum))));
        Reading { provenance, period: self.period, series, posts }
    }
}

/// A number as of now.
fn total(metric: &str, total: Option<f64>) -> Series {
    Series { metric: metric.to_owned(), unit: Unit::Count, part: None, total, as_of_now: true, points: Vec::new() }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// A number, which platforms also write as a text.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    number.is_finite().then_some(number)
}

/// The numbers of a post that its platform tells.
fn numbers<const N: usize>(found: [(&'static str, Option<&Value>); N]) -> BTreeMap<&'static str, f64> {
    found.into_iter().filter_map(|(name, value)| Some((name, number(value?)?))).collect()
}

/// A wrong name in an error: no longer than any right one.
fn quoted(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

/// How a text begins.
fn beginning(text: &str) -> String {
    const MAX_CHARS: usize = 120;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.chars().count() <= MAX_CHARS {
        return line.to_owned();
    }
    format!("{}…", line.chars().take(MAX_CHARS - 1).collect::<String>())
}

/// A time as platforms write it.
fn time(text: Option<String>) -> Option<DateTime<Utc>> {
    crate::reply::time(text)
}
