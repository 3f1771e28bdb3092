//! Numbers from connected platforms.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::NaiveDate;
use chrono_tz::Tz;
use entity::connections::Platform;
use entity::db::now;
use entity::ids::ContentId;
use entity::publications;
use platforms::facts;
use platforms::metrics::{Cell, Ga4Query, Period, Provenance, Reading, SearchQuery, Table, Unit};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arguments, given, page_size, short};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::{display, timestamp};

const DEFAULT_ROWS: u64 = 15;
const MAX_ROWS: u64 = 100;
/// Longer than any property or site is named.
const MAX_NAME_CHARS: usize = 300;
/// A piece was published by us for certain: more than fit in a period are not looked up.
const MAX_PUBLICATIONS: u64 = 500;

/// The days to look at, in the brand's time zone. Today is not over and does not count.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Days {
    #[default]
    #[serde(rename = "last_7_days")]
    Seven,
    #[serde(rename = "last_28_days")]
    TwentyEight,
    #[serde(rename = "last_30_days")]
    Thirty,
    #[serde(rename = "last_90_days")]
    Ninety,
}

/// Which posts can be looked at.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum PostPlatform {
    Instagram,
    Linkedin,
    X,
    Facebook,
    Youtube,
}

/// What to ask Google Analytics.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct QueryGa4In {
    /// sessions when left out. sessions, totalUsers, activeUsers, newUsers, engagedSessions, screenPageViews, eventCount, keyEvents, engagementRate, bounceRate, averageSessionDuration, userEngagementDuration, sessionsPerUser.
    #[schemars(length(max = 10))]
    metrics: Option<Vec<String>>,
    /// What to divide by: sessionDefaultChannelGroup (channels), date, sessionSource, sessionSourceMedium, firstUserDefaultChannelGroup, pagePath, landingPage, country, deviceCategory, eventName, newVsReturning. Left out: totals only.
    dimension: Option<String>,
    /// last_7_days when left out.
    period: Option<Days>,
    /// First day, such as 2026-11-01, instead of a period; needs to.
    from: Option<String>,
    /// Last day; needs from.
    to: Option<String>,
    /// Whether to compare with as many days before; true when left out.
    compare: Option<bool>,
    /// Which property, such as properties/123456; the first one when left out.
    property: Option<String>,
    /// Rows.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
}

/// What to ask Search Console.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct QuerySearchConsoleIn {
    /// What to divide by: query, page, country, device, date. Left out: totals only.
    dimension: Option<String>,
    /// last_7_days when left out; the last two or three days are never there yet.
    period: Option<Days>,
    /// First day, such as 2026-11-01, instead of a period; needs to.
    from: Option<String>,
    /// Last day; needs from.
    to: Option<String>,
    /// Whether to compare with as many days before; true when left out.
    compare: Option<bool>,
    /// Which site as Search Console names it, such as sc-domain:example.com; the brand's own when left out.
    site: Option<String>,
    /// Rows.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
}

/// Which posts to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct QueryPostAnalyticsIn {
    /// Where.
    platform: PostPlatform,
    /// last_7_days when left out.
    period: Option<Days>,
    /// First day, such as 2026-11-01, instead of a period; needs to.
    from: Option<String>,
    /// Last day; needs from.
    to: Option<String>,
}

/// Where the numbers come from.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SourceOut {
    platform: Platform,
    /// The property, site, page or account that was read.
    account: String,
    fetched_at: String,
    /// What to know before trusting the numbers.
    notes: Vec<String>,
}

/// Days, both included.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PeriodOut {
    from: String,
    to: String,
}

/// Numbers by the values of a dimension.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TableOut {
    source: SourceOut,
    period: PeriodOut,
    /// What it is compared with.
    previous_period: Option<PeriodOut>,
    dimension: Option<String>,
    rows: Vec<RowOut>,
    /// Of everything, as the source says it.
    totals: Vec<NumberOut>,
    /// How many rows there are besides.
    rows_left_out: i64,
}

/// The numbers of one value.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RowOut {
    /// Such as Organic Search.
    key: String,
    numbers: Vec<NumberOut>,
}

/// A number and what it was before; null is not known, which is not zero.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NumberOut {
    metric: String,
    /// count, ratio (0.25 is a quarter), seconds or position.
    unit: String,
    value: Option<f64>,
    previous: Option<f64>,
    change: Option<f64>,
    /// 0.25 is a quarter more.
    change_ratio: Option<f64>,
}

/// Posts and how they do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PostsOut {
    source: SourceOut,
    period: PeriodOut,
    /// Of the account, and of all posts of the period together.
    totals: BTreeMap<String, f64>,
    /// Newest first.
    posts: Vec<PostOut>,
}

/// A post.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PostOut {
    /// The platform's id.
    id: String,
    url: Option<String>,
    /// How it begins.
    text: String,
    published_at: Option<String>,
    /// The piece of content that HeyCMO published, if it was one.
    content_id: Option<ContentId>,
    /// Until now; what the platform does not tell is not there.
    numbers: BTreeMap<String, f64>,
}

#[tool_router(router = analytics_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Query Google Analytics",
        description = "Reads visits to the brand's website from the connected Google Analytics 4: metrics by channel, day, page, country and so on, compared with as many days before. Name the source when you tell the numbers.",
        input_schema = schema::input::<QueryGa4In>(),
        output_schema = schema::output::<TableOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = true)
    )]
    async fn query_ga4(
        &self,
        caller: Caller,
        Arguments(input): Arguments<QueryGa4In>,
    ) -> Result<Answer<TableOut>, Refusal> {
        let app = self.app();
        let zone = caller.time_zone;
        let query = Ga4Query {
            metrics: input.metrics.filter(|metrics| !metrics.is_empty()).unwrap_or_else(|| vec!["sessions".to_owned()]),
            dimension: given(input.dimension),
            period: period(input.period, input.from, input.to, zone)?,
            compare: input.compare.unwrap_or(true),
            property: short("property", input.property, MAX_NAME_CHARS)?,
            limit: rows(input.limit)?,
        };
        Ok(table_answer(app.platforms.query_ga4(&caller.customer_id, query).await?, zone))
    }

    #[tool(
        title = "Query Search Console",
        description = "Reads how the brand's website is found in Google's search from the connected Search Console: clicks, impressions, click rate and position, by query, page, country, device or day, compared with as many days before. Name the source when you tell the numbers.",
        input_schema = schema::input::<QuerySearchConsoleIn>(),
        output_schema = schema::output::<TableOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = true)
    )]
    async fn query_search_console(
        &self,
        caller: Caller,
        Arguments(input): Arguments<QuerySearchConsoleIn>,
    ) -> Result<Answer<TableOut>, Refusal> {
        let app = self.app();
        let zone = caller.time_zone;
        let query = SearchQuery {
            dimension: given(input.dimension),
            period: period(input.period, input.from, input.to, zone)?,
            compare: input.compare.unwrap_or(true),
            site: short("site", input.site, MAX_NAME_CHARS)?,
            limit: rows(input.limit)?,
        };
        Ok(table_answer(app.platforms.query_search_console(&caller.customer_id, query).await?, zone))
    }

    #[tool(
        title = "Query post analytics",
        description = "Reads how posts of a period do on a connected platform: Instagram, X, Facebook, YouTube; LinkedIn tells nothing about a person's posts. Marks the posts that HeyCMO published. Name the source when you tell the numbers.",
        input_schema = schema::input::<QueryPostAnalyticsIn>(),
        output_schema = schema::output::<PostsOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = true)
    )]
    async fn query_post_analytics(
        &self,
        caller: Caller,
        Arguments(input): Arguments<QueryPostAnalyticsIn>,
    ) -> Result<Answer<PostsOut>, Refusal> {
        let app = self.app();
        let customer_id = &caller.customer_id;
        let zone = caller.time_zone;
        let period = period(input.period, input.from, input.to, zone)?;
        let platform = input.platform.into();
        let reading = app.platforms.reading(customer_id, platform, period).await?;
        // The platform may say it a moment before we noted it.
        let since = period.first().and_time(chrono::NaiveTime::MIN).and_utc() - chrono::Duration::days(2);
        let ours = publications::published_since(&app.db, customer_id, platform, since, MAX_PUBLICATIONS).await?;
        let ours = ours.into_iter().flat_map(|row| {
            let content_id = row.content_id;
            row.progress.posted.into_iter().map(move |posted| (posted.id, content_id.clone()))
        });
        Ok(posts_answer(reading, &ours.collect(), zone))
    }
}

impl From<PostPlatform> for Platform {
    fn from(platform: PostPlatform) -> Self {
        match platform {
            PostPlatform::Instagram => Self::Instagram,
            PostPlatform::Linkedin => Self::Linkedin,
            PostPlatform::X => Self::X,
            PostPlatform::Facebook => Self::Facebook,
            PostPlatform::Youtube => Self::Youtube,
        }
    }
}

fn rows(limit: Option<i64>) -> entity::Result<usize> {
    Ok(usize::try_from(page_size(limit, DEFAULT_ROWS, MAX_ROWS)?).unwrap_or(usize::MAX))
}

fn period(days: Option<Days>, from: Option<String>, to: Option<String>, zone: Tz) -> entity::Result<Period> {
    let (first, last) = match (given(from), given(to)) {
        (None, None) => {
            let days = match days.unwrap_or_default() {
                Days::Seven => 7,
                Days::TwentyEight => 28,
                Days::Thirty => 30,
                Days::Ninety => 90,
            };
            return Ok(Period::last_days(days, now(), zone));
        }
        (Some(_), None) => return Err(entity::Error::invalid("to", "must be given with `from`")),
        (None, Some(_)) => return Err(entity::Error::invalid("from", "must be given with `to`")),
        (Some(first), Some(last)) => (first, last),
    };
    let (first, last) = (day("from", &first)?, day("to", &last)?);
    Period::between(first, last, now(), zone).map_err(|(field, problem)| entity::Error::invalid(field, problem))
}

fn day(field: &str, text: &str) -> entity::Result<NaiveDate> {
    text.parse().map_err(|_| entity::Error::invalid(field, "must be a day such as 2026-11-01"))
}

fn source(provenance: Provenance) -> SourceOut {
    SourceOut {
        platform: provenance.platform,
        account: provenance.account,
        fetched_at: timestamp(provenance.fetched_at),
        notes: provenance.notes,
    }
}

fn period_out(period: Period) -> PeriodOut {
    PeriodOut { from: period.first().to_string(), to: period.last().to_string() }
}

fn number_out(cell: &Cell) -> NumberOut {
    NumberOut {
        metric: cell.metric.clone(),
        unit: cell.unit.as_str().to_owned(),
        value: cell.value,
        previous: cell.previous,
        change: cell.change(),
        change_ratio: cell.change_ratio(),
    }
}

fn table_answer(table: Table, zone: Tz) -> Answer<TableOut> {
    let text = table_in_words(&table, zone);
    let data = TableOut {
        source: source(table.provenance),
        period: period_out(table.period),
        previous_period: table.previous.map(period_out),
        dimension: table.dimension,
        rows: table
            .rows
            .iter()
            .map(|row| RowOut { key: row.key.clone(), numbers: row.cells.iter().map(number_out).collect() })
            .collect(),
        totals: table.totals.iter().map(number_out).collect(),
        rows_left_out: i64::try_from(table.left_out).unwrap_or(i64::MAX),
    };
    Answer { text, data }
}

fn heading(text: &mut String, provenance: &Provenance, period: Period, previous: Option<Period>, zone: Tz) {
    let name = facts(provenance.platform).name;
    let _ = write!(
        text,
        "Source: {name}, {}, read {}.\nPeriod: {period}",
        provenance.account,
        display(provenance.fetched_at, zone)
    );
    if let Some(previous) = previous {
        let _ = write!(text, ", compared with {previous}");
    }
    text.push_str(".\n");
    for note in &provenance.notes {
        let _ = writeln!(text, "Note: {note}");
    }
}

fn table_in_words(table: &Table, zone: Tz) -> String {
    let mut text = String::new();
    heading(&mut text, &table.provenance, table.period, table.previous, zone);
    if table.totals.iter().all(|cell| cell.value.is_none()) && table.rows.is_empty() {
        text.push_str("\nThe source has nothing for this period. That is not the same as zero.");
        return text;
    }
    let names: Vec<&str> = table.totals.iter().map(|cell| cell.metric.as_str()).collect();
    let first = table.dimension.as_deref().unwrap_or("");
    let _ = write!(text, "\n| {first} | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for row in &table.rows {
        let cells: Vec<String> = row.cells.iter().map(cell_in_words).collect();
        let _ = writeln!(text, "| {} | {} |", row.key.replace('|', "\\|"), cells.join(" | "));
    }
    let totals: Vec<String> = table.totals.iter().map(cell_in_words).collect();
    let _ = writeln!(text, "| **Everything** | {} |", totals.join(" | "));
    if table.left_out > 0 {
        let _ = writeln!(text, "And {} smaller rows.", table.left_out);
    }
    text
}

fn cell_in_words(cell: &Cell) -> String {
    let Some(value) = cell.value else { return "not known".to_owned() };
    let mut text = cell.unit.written(value);
    match (cell.previous, cell.change_ratio()) {
        (Some(before), Some(ratio)) => {
            let _ = write!(text, " (before {}, {:+.1} %)", cell.unit.written(before), ratio * 100.0);
        }
        (Some(before), None) => {
            let _ = write!(text, " (before {})", cell.unit.written(before));
        }
        (None, _) => {}
    }
    text
}

fn posts_answer(reading: Reading, ours: &BTreeMap<String, ContentId>, zone: Tz) -> Answer<PostsOut> {
    let mut text = String::new();
    heading(&mut text, &reading.provenance, reading.period, None, zone);
    let owned = |numbers: BTreeMap<&'static str, f64>| -> BTreeMap<String, f64> {
        numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    };
    let totals: BTreeMap<String, f64> =
        reading.series.iter().filter_map(|series| Some((series.metric.clone(), series.total?))).collect();
    if !totals.is_empty() {
        let _ = writeln!(text, "\nTotals: {}.", listed(&totals));
    }
    let posts: Vec<PostOut> = reading
        .posts
        .into_iter()
        .map(|post| PostOut {
            content_id: ours.get(&post.id).cloned(),
            id: post.id,
            url: post.url,
            text: post.text,
            published_at: post.published_at.map(timestamp),
            numbers: owned(post.numbers),
        })
        .collect();
    for post in &posts {
        let by_us = post.content_id.as_ref().map_or_else(String::new, |id| format!(" (published by HeyCMO, {id})"));
        let url = post.url.as_deref().unwrap_or("no address");
        let _ = writeln!(text, "- {}{by_us}: {} · {url}", post.text, listed(&post.numbers));
    }
    let data = PostsOut { source: source(reading.provenance), period: period_out(reading.period), totals, posts };
    Answer { text, data }
}

fn listed(numbers: &BTreeMap<String, f64>) -> String {
    if numbers.is_empty() {
        return "no numbers".to_owned();
    }
    let parts: Vec<String> =
        numbers.iter().map(|(name, value)| format!("{name} {}", Unit::Count.written(*value))).collect();
    parts.join(", ")
}
