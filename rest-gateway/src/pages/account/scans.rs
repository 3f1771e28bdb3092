//! Scans: how well search engines and answer engines can use pages, and how that changed.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use entity::customers::Customer;
use entity::db::Db;
use entity::ids::{CustomerId, ScanId};
use entity::pages;
use entity::scans::{self, Summary};
use marketing::scanner::{Finding, Group, Scan, Scanner, Score, page_address, to_keep};
use minijinja::{Value, context};
use serde::Deserialize;
use web::session::{SameOrigin, Visitor, see_other};
use web::{ApiError, timestamp};

use super::said::Said;
use super::{Frame, Section, home};
use crate::pages::chart::{self, Series};
use crate::pages::{Site, words};

const PAGE: u64 = 30;
/// So many scans of a page are drawn.
const TREND: u64 = 24;

/// Which scans.
#[derive(Debug, Deserialize)]
pub struct ScansQuery {
    before: Option<ScanId>,
}

/// The scans, and a form for another one.
pub async fn list(
    visitor: Visitor,
    Query(query): Query<ScansQuery>,
    State(site): State<Site>,
    State(db): State<Db>,
) -> Result<Response, ApiError> {
    list_page(&site, &db, &visitor.customer, query.before.as_ref(), "", None).await
}

/// A page to scan.
#[derive(Debug, Deserialize)]
pub struct ScanForm {
    #[serde(default)]
    url: String,
}

/// Scans a page, keeps the scan and shows it; or says at the form why not.
pub async fn scan(
    _: SameOrigin,
    visitor: Visitor,
    State(site): State<Site>,
    State(db): State<Db>,
    State(scanner): State<Scanner>,
    Form(form): Form<ScanForm>,
) -> Result<Response, ApiError> {
    let customer = visitor.customer;
    let scan = match scanner.scan(form.url.trim(), |_| {}).await {
        Ok(scan) => scan,
        Err(problem) => {
            let page = list_page(&site, &db, &customer, None, &form.url, Some(&problem.to_string())).await?;
            return Ok((StatusCode::BAD_REQUEST, page).into_response());
        }
    };
    let new = to_keep(&scan).map_err(|error| {
        tracing::error!(%error, "a scan cannot be kept");
        ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    })?;
    let kept = scans::save(&db, &customer.id, new).await?;
    Ok(see_other(&format!("{}/scans/{}", home(&customer.id), kept.id)))
}

async fn list_page(
    site: &Site,
    db: &Db,
    customer: &Customer,
    before: Option<&ScanId>,
    url: &str,
    problem: Option<&str>,
) -> Result<Response, ApiError> {
    let frame = Frame::read(db, customer, Section::Scans).await?;
    let page = scans::list(db, &customer.id, None, before, PAGE).await?;
    let watched = pages::watched(db, &customer.id).await?;
    let values = context! {
        url,
        problem,
        is_first => before.is_none(),
        scans => page.scans.iter().map(|scan| row(scan, frame.zone)).collect::<Vec<Value>>(),
        next => page.next.map(|id| id.to_string()),
        watched => watched.into_iter().map(|page| page.url).collect::<Vec<String>>(),
    };
    frame.page(site, "scans.html", values)
}

/// Which scan.
#[derive(Debug, Deserialize)]
pub struct ScanPath {
    scan_id: String,
}

/// What was just done with it.
#[derive(Debug, Deserialize)]
pub struct ScanQuery {
    said: Option<String>,
}

/// One scan: its scores, what to do, and texts to copy.
pub async fn show(
    visitor: Visitor,
    Path(path): Path<ScanPath>,
    Query(query): Query<ScanQuery>,
    State(site): State<Site>,
    State(db): State<Db>,
) -> Result<Response, ApiError> {
    let customer_id = &visitor.customer.id;
    let id: ScanId = path.scan_id.parse().map_err(|_| ApiError::not_found())?;
    let frame = Frame::read(&db, &visitor.customer, Section::Scans).await?;
    let kept = scans::get(&db, customer_id, &id).await?;
    let before = scans::before(&db, &kept).await?;
    let trend = scans::list(&db, customer_id, Some(&kept.url), None, TREND).await?.scans;
    let is_watched = is_watched(&db, customer_id, &kept.url).await?;
    // A scan of an earlier version of HeyCMO may be in another form; then its scores are all that can be shown.
    let scan: Option<Scan> = serde_json::from_value(kept.report.clone()).ok();
    let values = context! {
        said => Said::done(query.said.as_deref()).values(),
        id => kept.id.as_str(),
        url => kept.url.as_str(),
        title => kept.title.clone(),
        at => words::time(kept.created_at, frame.zone),
        timestamp => timestamp(kept.created_at),
        is_watched,
        rings => [ring("SEO", "search engines", kept.seo), ring("GEO", "answer engines", kept.geo)],
        change => before.map(|before| context! {
            id => before.id.as_str(),
            at => words::time(before.created_at, frame.zone),
            seo => kept.seo - before.seo,
            geo => kept.geo - before.geo,
        }),
        trend => (trend.len() > 1).then(|| trend_values(&trend, frame.zone)),
        report => scan.map(|scan| report(&scan)),
    };
    frame.page(&site, "scan.html", values)
}

/// Whether a page is to be scanned every week.
#[derive(Debug, Deserialize)]
pub struct WatchForm {
    watch: bool,
}

/// Begins or ends to scan the page of a scan every week.
pub async fn watch(
    _: SameOrigin,
    visitor: Visitor,
    Path(path): Path<ScanPath>,
    State(db): State<Db>,
    Form(form): Form<WatchForm>,
) -> Result<Response, ApiError> {
    let customer_id = &visitor.customer.id;
    let id: ScanId = path.scan_id.parse().map_err(|_| ApiError::not_found())?;
    let url = scans::get(&db, customer_id, &id).await?.url;
    let said = if form.watch {
        pages::watch(&db, customer_id, &url).await?;
        "watched"
    } else {
        pages::unwatch(&db, customer_id, &url).await?;
        "unwatched"
    };
    Ok(see_other(&format!("{}/scans/{id}?said={said}", home(customer_id))))
}

async fn is_watched(db: &Db, customer_id: &CustomerId, url: &str) -> Result<bool, ApiError> {
    // They may be watched by another spelling of the same address.
    let address = page_address(url).ok();
    let is_it = |watched: &pages::WatchedPage| {
        watched.url == url || address.as_ref().is_some_and(|address| watched.url == address.as_str())
    };
    Ok(pages::watched(db, customer_id).await?.iter().any(is_it))
}

fn row(scan: &Summary, zone: Tz) -> Value {
    context! {
        id => scan.id.as_str(),
        url => scan.url.as_str(),
        title => scan.title.clone(),
        seo => scan.seo,
        geo => scan.geo,
        at => words::time(scan.created_at, zone),
        timestamp => timestamp(scan.created_at),
    }
}

fn ring(name: &str, audience: &str, score: i32) -> Value {
    let score = u8::try_from(score.clamp(0, 100)).unwrap_or(100);
    let picture = chart::ring(score, &format!("{name}: {score} of 100"));
    context! { name, audience, score, picture => Value::from_safe_string(picture) }
}

/// The scores of a page over time; `scans` are the newest first.
fn trend_values(scans: &[Summary], zone: Tz) -> Value {
    let day = |scan: Option<&Summary>| {
        scan.map(|scan| words::day(scan.created_at.with_timezone(&zone).date_naive())).unwrap_or_default()
    };
    let (newest, oldest) = (scans.first(), scans.last());
    let series = |name, score: fn(&Summary) -> i32| Series {
        name,
        values: scans.iter().rev().map(|scan| f64::from(score(scan))).collect(),
    };
    let change =
        |score: fn(&Summary) -> i32| newest.zip(oldest).map_or(0, |(newest, oldest)| score(newest) - score(oldest));
    let title = finding(change(|scan| scan.seo), change(|scan| scan.geo), &day(oldest));
    let description = format!("The scores of {} scans, from 0 to 100. The table has each of them.", scans.len());
    let lines = [series("seo", |scan| scan.seo), series("geo", |scan| scan.geo)];
    let picture = chart::trend(&title, &description, &lines, &day(oldest), &day(newest));
    let rows: Vec<Value> = scans.iter().map(|scan| row(scan, zone)).collect();
    context! { title, picture => Value::from_safe_string(picture), rows }
}

/// What a trend says.
fn finding(seo: i32, geo: i32, since: &str) -> String {
    let part = |name: &str, change: i32| match change {
        0 => format!("{name} is where it was"),
        more if more > 0 => format!("{name} rose by {more}"),
        less => format!("{name} fell by {}", -less),
    };
    format!("Since {since} {} and {}", part("SEO", seo), part("GEO", geo))
}

fn report(scan: &Scan) -> Value {
    let engines = &scan.engines;
    let score = |name: &str, audience: &str, score: &Score| {
        let dimensions: Vec<Value> = score
            .dimensions
            .iter()
            .map(|it| {
                let points = (it.of > 0.0).then(|| words::number(it.points));
                context! { name => it.name.as_str(), points, of => words::number(it.of) }
            })
            .collect();
        context! {
            name,
            audience,
            grade => score.grade.to_string(),
            dimensions,
            urgent => findings(score, Group::Urgent),
            recommended => findings(score, Group::Recommended),
            done => findings(score, Group::Done),
        }
    };
    let fixes: Vec<Value> = scan
        .fixes
        .iter()
        .enumerate()
        .map(|(index, fix)| {
            let id = format!("fix-{index}");
            context! { id, name => fix.name.as_str(), place => fix.place.as_str(), text => fix.text.as_str() }
        })
        .collect();
    context! {
        words => scan.words,
        engines => [
            ("ChatGPT", engines.chatgpt),
            ("Perplexity", engines.perplexity),
            ("Gemini", engines.gemini),
            ("Google’s AI answers", engines.google_ai),
        ],
        scores => [score("SEO", "search engines", &scan.seo), score("GEO", "answer engines", &scan.geo)],
        fixes,
    }
}

fn findings(score: &Score, group: Group) -> Vec<Value> {
    let of_group = score.findings.iter().filter(|finding| finding.group == group);
    of_group
        .map(|Finding { seen, advice, points, source, .. }| {
            context! {
                seen => seen.as_str(),
                advice => advice.clone(),
                points => words::number(*points),
                source => source.as_str(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_a_sentence() {
        assert_eq!(finding(5, -3, "Tue 3 Nov"), "Since Tue 3 Nov SEO rose by 5 and GEO fell by 3");
        assert_eq!(finding(0, 1, "Tue 3 Nov"), "Since Tue 3 Nov SEO is where it was and GEO rose by 1");
    }
}
