//! Google Analytics 4.

use async_trait::async_trait;
use chrono::NaiveDate;
use entity::brands;
use entity::connections::Platform;
use entity::ids::CustomerId;
use serde_json::{Value, json};

use super::table::{Numbers, Question, Wanted, series};
use super::{Asked, Period, Reading, Series, Source, Table, Unit, number, quoted};
use crate::reply::{field, list, text};
use crate::{Platforms, Result};

/// The metrics that can be asked for. <https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema>
pub const METRICS: [(&str, Unit); 13] = [
    ("sessions", Unit::Count),
    ("totalUsers", Unit::Count),
    ("activeUsers", Unit::Count),
    ("newUsers", Unit::Count),
    ("engagedSessions", Unit::Count),
    ("screenPageViews", Unit::Count),
    ("eventCount", Unit::Count),
    ("keyEvents", Unit::Count),
    ("engagementRate", Unit::Ratio),
    ("bounceRate", Unit::Ratio),
    ("averageSessionDuration", Unit::Seconds),
    ("userEngagementDuration", Unit::Seconds),
    ("sessionsPerUser", Unit::Count),
];

/// What they can be divided by.
pub const DIMENSIONS: [&str; 11] = [
    "date",
    "sessionDefaultChannelGroup",
    "firstUserDefaultChannelGroup",
    "sessionSource",
    "sessionSourceMedium",
    "pagePath",
    "landingPage",
    "country",
    "deviceCategory",
    "eventName",
    "newVsReturning",
];

const REPORT: &str = "GOOGLE_ANALYTICS_RUN_REPORT";
/// More values than that nobody reads; what is beyond is in the totals.
const MAX_ROWS: u32 = 10_000;
const LAG: &str = "Google Analytics goes on counting the last day or two.";

/// What is wanted of Google Analytics.
#[derive(Clone, Debug)]
pub struct Ga4Query {
    /// Of [`METRICS`], at least one.
    pub metrics: Vec<String>,
    /// Of [`DIMENSIONS`].
    pub dimension: Option<String>,
    /// The days.
    pub period: Period,
    /// Whether to look at as many days before too.
    pub compare: bool,
    /// `properties/123` or `123`; without, the first one of the account.
    pub property: Option<String>,
    /// At most so many rows.
    pub limit: usize,
}

struct Property {
    name: String,
    label: String,
    notes: Vec<String>,
}

impl Platforms {
    /// Asks Google Analytics.
    ///
    /// # Errors
    ///
    /// When it is not connected or cannot be asked, or for a metric, dimension or property that it does not have.
    pub async fn query_ga4(&self, customer_id: &CustomerId, query: Ga4Query) -> Result<Table> {
        let metrics = known_metrics(&query.metrics)?;
        if let Some(dimension) = query.dimension.as_deref().filter(|name| !DIMENSIONS.contains(name)) {
            let message = format!("is not known: `{}`; known are {}", quoted(dimension), DIMENSIONS.join(", "));
            return Err(entity::Error::invalid("dimension", message).into());
        }
        let brand = brands::get(&self.db, customer_id).await?;
        let access = self.access(customer_id, Platform::GoogleAnalytics).await?;
        let asked = Asked { access, period: query.period, brand: &brand };
        let property = property(&asked, query.property.as_deref()).await?;
        let names: Vec<&str> = metrics.iter().map(|(name, _)| name.as_str()).collect();
        let question = Report { asked: &asked, property: &property.name, metrics: &names };
        let Ga4Query { dimension, period, compare, limit, .. } = query;
        let wanted = Wanted { period, compare, dimension, limit };
        let provenance = asked.provenance(property.label.clone(), property.notes.clone());
        Table::read(provenance, &metrics, wanted, &question).await
    }
}

/// Some metrics of a property.
struct Report<'a> {
    asked: &'a Asked<'a>,
    property: &'a str,
    metrics: &'a [&'a str],
}

#[async_trait]
impl Question for Report<'_> {
    async fn ask(&self, period: Period, by: Option<&str>) -> Result<Numbers> {
        report(self.asked, self.property, period, by.as_slice(), self.metrics).await
    }
}

fn known_metrics(names: &[String]) -> Result<Vec<(String, Unit)>> {
    if names.is_empty() || names.len() > 10 {
        return Err(entity::Error::invalid("metrics", "must name one to ten metrics").into());
    }
    let known = |name: &String| METRICS.iter().find(|(known, _)| known == name).map(|(_, unit)| (name.clone(), *unit));
    names
        .iter()
        .map(|name| {
            known(name).ok_or_else(|| {
                let all: Vec<&str> = METRICS.iter().map(|(name, _)| *name).collect();
                entity::Error::invalid(
                    "metrics",
                    format!("is not known: `{}`; known are {}", quoted(name), all.join(", ")),
                )
                .into()
            })
        })
        .collect()
}

async fn property(asked: &Asked<'_>, wanted: Option<&str>) -> Result<Property> {
    let accounts = asked.access.read("GOOGLE_ANALYTICS_LIST_ACCOUNTS", json!({})).await?;
    let mut found = Vec::new();
    for account in list(&accounts, &["accounts"]) {
        let Some(name) = text(account, "name") else { continue };
        let arguments = json!({ "filter": format!("parent:{name}"), "pageSize": 200 });
        let properties = asked.access.read("GOOGLE_ANALYTICS_LIST_PROPERTIES", arguments).await?;
        for property in list(&properties, &["properties"]) {
            if let Some(name) = text(property, "name") {
                let zone = text(property, "timeZone");
                found.push((text(property, "displayName").unwrap_or_else(|| name.clone()), name, zone));
            }
        }
    }
    let names: Vec<String> = found.iter().map(|(label, name, _)| format!("{label} ({name})")).collect();
    let is_wanted =
        |name: &str| wanted.is_none_or(|wanted| name == wanted || name.strip_prefix("properties/") == Some(wanted));
    let Some((label, name, zone)) = found.into_iter().find(|(_, name, _)| is_wanted(name)) else {
        let problem = match wanted {
            Some(wanted) if !names.is_empty() => format!("is not known: `{wanted}`; there are {}", names.join(", ")),
            _ => "cannot be chosen: the connected Google account sees no Google Analytics 4 property".to_owned(),
        };
        return Err(entity::Error::invalid("property", problem).into());
    };
    let mut notes = vec![LAG.to_owned()];
    if wanted.is_none() && names.len() > 1 {
        notes.push(format!("The account has {} properties; the first is read: {}.", names.len(), names.join(", ")));
    }
    if let Some(zone) = zone.filter(|zone| zone != asked.zone().name()) {
        notes.push(format!("Days are those of the property's time zone, {zone}."));
    }
    Ok(Property { label: format!("{label} ({name})"), name, notes })
}

/// The numbers of a period by the values of dimensions; everything has the empty text as its value.
async fn report(
    asked: &Asked<'_>,
    property: &str,
    period: Period,
    dimensions: &[&str],
    metrics: &[&str],
) -> Result<Numbers> {
    let named = |names: &[&str]| -> Vec<Value> { names.iter().map(|name| json!({ "name": name })).collect() };
    let arguments = json!({
        "property": property,
        "dateRanges": [{ "startDate": period.first().to_string(), "endDate": period.last().to_string() }],
        "dimensions": named(dimensions),
        "metrics": named(metrics),
        "limit": MAX_ROWS,
    });
    let answer = asked.access.read(REPORT, arguments).await?;
    // Without any rows there is still the head of the table; without that it is no report.
    if field(&answer, "rows").is_none() && field(&answer, "metricHeaders").is_none() {
        return Err(asked.unexpected("a report without metricHeaders"));
    }
    let mut numbers = Numbers::new();
    for row in list(&answer, &["rows"]) {
        let values = |name: &str| row.get(name).and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
        let key: Vec<String> = values("dimensionValues").iter().filter_map(|value| text(value, "value")).collect();
        let key = match (dimensions, key.join(" / ")) {
            (["date"], date) => day(&date).map_or(date, |day| day.to_string()),
            (_, key) => key,
        };
        numbers.insert(key, values("metricValues").iter().map(|value| number(value.get("value")?)).collect());
    }
    Ok(numbers)
}

/// Google writes 20260131.
fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y%m%d").ok()
}

const STANDARD: [(&str, Unit); 5] = [
    ("sessions", Unit::Count),
    ("totalUsers", Unit::Count),
    ("newUsers", Unit::Count),
    ("engagedSessions", Unit::Count),
    ("keyEvents", Unit::Count),
];

/// Its standard metrics: by day, and sessions by channel.
pub(super) struct GoogleAnalytics;

#[async_trait]
impl Source for GoogleAnalytics {
    async fn read(&self, asked: &Asked<'_>) -> Result<Reading> {
        const CHANNEL: &str = "sessionDefaultChannelGroup";
        let names = STANDARD.map(|(name, _)| name);
        let property = property(asked, None).await?;
        let (by_day, totals, by_channel) = futures::try_join!(
            report(asked, &property.name, asked.period, &["date"], &names),
            report(asked, &property.name, asked.period, &[], &names),
            report(asked, &property.name, asked.period, &[CHANNEL], &["sessions"]),
        )?;
        let mut series = series(&STANDARD, &by_day, totals);
        series.extend(by_channel.into_iter().map(|(channel, values)| Series {
            metric: "sessions".to_owned(),
            unit: Unit::Count,
            part: Some((CHANNEL.to_owned(), channel)),
            total: values.first().copied().flatten(),
            as_of_now: false,
            points: Vec::new(),
        }));
        let provenance = asked.provenance(property.label, property.notes);
        Ok(Reading { provenance, period: asked.period, series, posts: Vec::new() })
    }

    async fn daily(&self, asked: &Asked<'_>) -> Result<Vec<Series>> {
        let property = property(asked, None).await?;
        let names = STANDARD.map(|(name, _)| name);
        let by_day = report(asked, &property.name, asked.period, &["date"], &names).await?;
        Ok(series(&STANDARD, &by_day, Numbers::new()))
    }
}
