//! Google Search Console.

use async_trait::async_trait;
use entity::brands;
use entity::connections::Platform;
use entity::ids::CustomerId;
use serde_json::{Value, json};
use url::Url;

use super::table::{Numbers, Question, Wanted, series};
use super::{Asked, Period, Reading, Series, Source, Table, Unit, number, quoted};
use crate::reply::{field, list, text};
use crate::{Platforms, Result};

/// What searches can be divided by.
pub const DIMENSIONS: [&str; 5] = ["query", "page", "country", "device", "date"];

const METRICS: [(&str, Unit); 4] =
    [("clicks", Unit::Count), ("impressions", Unit::Count), ("ctr", Unit::Ratio), ("position", Unit::Position)];
const MAX_ROWS: u32 = 25_000;
const LAG: &str = "Google tells searches two to three days later, so the last days of the period may be missing.";

/// What is wanted of Search Console.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// Of [`DIMENSIONS`].
    pub dimension: Option<String>,
    /// The days.
    pub period: Period,
    /// Whether to look at as many days before too.
    pub compare: bool,
    /// As Search Console names it; without, the one of the brand's website.
    pub site: Option<String>,
    /// At most so many rows.
    pub limit: usize,
}

impl Platforms {
    /// Asks Search Console.
    ///
    /// # Errors
    ///
    /// When it is not connected or cannot be asked, or for a dimension or site that it does not have.
    pub async fn query_search_console(&self, customer_id: &CustomerId, query: SearchQuery) -> Result<Table> {
        if let Some(dimension) = query.dimension.as_deref().filter(|name| !DIMENSIONS.contains(name)) {
            let message = format!("is not known: `{}`; known are {}", quoted(dimension), DIMENSIONS.join(", "));
            return Err(entity::Error::invalid("dimension", message).into());
        }
        let brand = brands::get(&self.db, customer_id).await?;
        let access = self.access(customer_id, Platform::SearchConsole).await?;
        let asked = Asked { access, period: query.period, brand: &brand };
        let (site, notes) = site(&asked, query.site.as_deref()).await?;
        let question = Searches { asked: &asked, site: &site };
        let SearchQuery { dimension, period, compare, limit, .. } = query;
        let wanted = Wanted { period, compare, dimension, limit };
        Table::read(asked.provenance(site.clone(), notes), &metrics(), wanted, &question).await
    }
}

/// How a site is found.
struct Searches<'a> {
    asked: &'a Asked<'a>,
    site: &'a str,
}

#[async_trait]
impl Question for Searches<'_> {
    async fn ask(&self, period: Period, by: Option<&str>) -> Result<Numbers> {
        searches(self.asked, self.site, period, by).await
    }
}

fn metrics() -> Vec<(String, Unit)> {
    METRICS.iter().map(|(name, unit)| ((*name).to_owned(), *unit)).collect()
}

/// The site to look at, and what to know about the choice.
async fn site(asked: &Asked<'_>, wanted: Option<&str>) -> Result<(String, Vec<String>)> {
    let answer = asked.access.read("GOOGLE_SEARCH_CONSOLE_LIST_SITES", json!({})).await?;
    let sites: Vec<String> =
        list(&answer, &["siteEntry", "sites"]).iter().filter_map(|site| text(site, "siteUrl")).collect();
    let own = asked.brand.profile.website.as_deref().and_then(host);
    let is_own = |site: &&String| own.is_some() && host(site) == own;
    let chosen = match wanted {
        Some(wanted) => sites.iter().find(|site| *site == wanted),
        None => sites.iter().find(is_own).or_else(|| sites.first()),
    };
    let Some(chosen) = chosen.cloned() else {
        let problem = match wanted {
            Some(wanted) if !sites.is_empty() => format!("is not known: `{wanted}`; there are {}", sites.join(", ")),
            _ => "cannot be chosen: the connected Google account sees no site in Search Console".to_owned(),
        };
        return Err(entity::Error::invalid("site", problem).into());
    };
    let mut notes = vec![LAG.to_owned()];
    if wanted.is_none() && sites.len() > 1 {
        notes.push(format!("The account has {} sites: {}.", sites.len(), sites.join(", ")));
    }
    Ok((chosen, notes))
}

/// The name of a site without `www`, from `sc-domain:` or an address.
fn host(site: &str) -> Option<String> {
    let name = match site.strip_prefix("sc-domain:") {
        Some(domain) => domain.to_owned(),
        None => Url::parse(site).ok()?.host_str()?.to_owned(),
    };
    Some(name.trim_start_matches("www.").to_ascii_lowercase())
}

async fn searches(asked: &Asked<'_>, site: &str, period: Period, dimension: Option<&str>) -> Result<Numbers> {
    let arguments = json!({
        "site_url": site,
        "start_date": period.first().to_string(),
        "end_date": period.last().to_string(),
        "dimensions": dimension.into_iter().collect::<Vec<_>>(),
        "row_limit": MAX_ROWS,
    });
    let answer = asked.access.read("GOOGLE_SEARCH_CONSOLE_SEARCH_ANALYTICS_QUERY", arguments).await?;
    if field(&answer, "rows").is_none() && field(&answer, "responseAggregationType").is_none() {
        return Err(asked.unexpected("an answer without rows"));
    }
    let mut numbers = Numbers::new();
    for row in list(&answer, &["rows"]) {
        let keys = row.get("keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let key = keys.collect::<Vec<_>>().join(" / ");
        numbers.insert(key, METRICS.iter().map(|(name, _)| number(row.get(*name)?)).collect());
    }
    Ok(numbers)
}

/// Its standard metrics, by day.
pub(super) struct SearchConsole;

#[async_trait]
impl Source for SearchConsole {
    async fn read(&self, asked: &Asked<'_>) -> Result<Reading> {
        let (site, notes) = site(asked, None).await?;
        let (by_day, totals) = futures::try_join!(
            searches(asked, &site, asked.period, Some("date")),
            searches(asked, &site, asked.period, None),
        )?;
        let series = series(&METRICS, &by_day, totals);
        Ok(Reading { provenance: asked.provenance(site, notes), period: asked.period, series, posts: Vec::new() })
    }

    async fn daily(&self, asked: &Asked<'_>) -> Result<Vec<Series>> {
        let (site, _) = site(asked, None).await?;
        let by_day = searches(asked, &site, asked.period, Some("date")).await?;
        Ok(series(&METRICS, &by_day, Numbers::new()))
    }
}
