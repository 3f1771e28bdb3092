//! What assistants can read: the brand, each piece of content, and how to write for each channel.

use std::fmt::Write;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use entity::brands::{self, Brand};
use entity::content::{self, Channel, Filter};
use entity::db::Db;
use entity::ids::{ContentId, RunId, ScanId};
use entity::reports;
use entity::scans::{self, Scan};
use marketing::calendar::{instant, weekday};
use marketing::report;
use marketing::{CHANNELS, Guide, channel_from_slug, guide};
use rmcp::ErrorData;
use rmcp::model::{CacheScope, ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use crate::answer::protocol_error;
use crate::caller::Caller;
use crate::render;

/// The brand profile.
pub const BRAND_URI: &str = "heycmo://brand";
/// Template of the pieces of content.
pub const CONTENT_TEMPLATE: &str = "heycmo://content/{id}";
/// Template of the scans.
pub const SCAN_TEMPLATE: &str = "heycmo://scans/{id}";
/// Template of the reports.
pub const REPORT_TEMPLATE: &str = "heycmo://reports/{runId}";
/// Template of the weeks.
pub const CALENDAR_TEMPLATE: &str = "heycmo://calendar/{isoWeek}";
/// Template of the playbooks.
pub const PLAYBOOK_TEMPLATE: &str = "heycmo://playbook/{channel}";

const MARKDOWN: &str = "text/markdown";
const PAGE: u64 = 50;
const MAX_DECISIONS: u64 = 20;
/// Older reports are read by their address.
const LISTED_REPORTS: u64 = 5;

/// What an address names.
enum Target {
    Brand,
    Content(ContentId),
    Scan(ScanId),
    /// What this run has made.
    Report(RunId),
    /// The week of this Monday.
    Calendar(NaiveDate),
    Playbook(Channel),
}

impl Target {
    fn parse(uri: &str) -> Option<Self> {
        if uri == BRAND_URI {
            return Some(Self::Brand);
        }
        if let Some(id) = uri.strip_prefix("heycmo://content/") {
            return id.parse().ok().map(Self::Content);
        }
        if let Some(id) = uri.strip_prefix("heycmo://scans/") {
            return id.parse().ok().map(Self::Scan);
        }
        if let Some(id) = uri.strip_prefix(report::ADDRESSES) {
            return id.parse().ok().map(Self::Report);
        }
        if let Some(week) = uri.strip_prefix(CALENDAR) {
            return week_from_slug(week).map(Self::Calendar);
        }
        uri.strip_prefix("heycmo://playbook/").and_then(channel_from_slug).map(Self::Playbook)
    }
}

/// The address of a piece of content.
pub fn content_uri(id: &str) -> String {
    format!("heycmo://content/{id}")
}

/// The address of a scan.
pub fn scan_uri(id: &str) -> String {
    format!("heycmo://scans/{id}")
}

/// What the addresses of all weeks begin with.
pub const CALENDAR: &str = "heycmo://calendar/";

/// A week as ISO 8601 writes it, such as 2026-W07, by its Monday.
pub fn week_slug(monday: NaiveDate) -> String {
    monday.format("%G-W%V").to_string()
}

fn week_from_slug(slug: &str) -> Option<NaiveDate> {
    let (year, week) = slug.split_once("-W")?;
    let monday = NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon)?;
    // One address for one week.
    (week_slug(monday) == slug).then_some(monday)
}

/// The addresses of all playbooks.
pub fn playbook_uris() -> impl Iterator<Item = String> {
    CHANNELS.into_iter().map(|channel| playbook_uri(guide(channel)))
}

fn playbook_uri(guide: &Guide) -> String {
    format!("heycmo://playbook/{}", guide.slug)
}

/// The kinds of resources that have an id.
pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(CONTENT_TEMPLATE, "content")
            .with_title("Piece of content")
            .with_description("One piece whole: words, findings and decisions.")
            .with_mime_type(MARKDOWN),
        ResourceTemplate::new(SCAN_TEMPLATE, "scan")
            .with_title("Scan of a page")
            .with_description("One scan whole: scores, what to change and why, and texts to copy.")
            .with_mime_type(MARKDOWN),
        ResourceTemplate::new(REPORT_TEMPLATE, "report")
            .with_title("Analytics report")
            .with_description("The report that a run of analytics_report has made: what changed, what stands out, what to do, and where each number comes from.")
            .with_mime_type(MARKDOWN),
        ResourceTemplate::new(CALENDAR_TEMPLATE, "calendar")
            .with_title("Calendar of a week")
            .with_description("What goes out in a week such as 2026-W07, and what is still to be written or decided.")
            .with_mime_type(MARKDOWN),
        ResourceTemplate::new(PLAYBOOK_TEMPLATE, "playbook")
            .with_title("Playbook")
            .with_description("How to write for a channel, for this brand: rules with their sources, and craft.")
            .with_mime_type(MARKDOWN),
    ]
}

/// A page of what there is: first the brand, the playbooks and the newest reports, then content, newest first.
///
/// # Errors
///
/// When the cursor is not one of ours.
pub async fn list(db: &Db, caller: &Caller, cursor: Option<String>) -> Result<ListResourcesResult, ErrorData> {
    let before = match &cursor {
        None => None,
        Some(cursor) => Some(cursor.parse::<ContentId>().map_err(|_| bad_cursor())?),
    };
    let page =
        content::list(db, &caller.customer_id, &Filter::default(), before.as_ref(), PAGE).await.map_err(|error| {
            match error {
                entity::Error::Invalid(_) => bad_cursor(),
                other => protocol_error(&other),
            }
        })?;
    let mut resources = if before.is_none() { fixed() } else { Vec::new() };
    if before.is_none() {
        resources.extend(newest_reports(db, caller).await.map_err(|error| protocol_error(&error))?);
    }
    resources.extend(page.pieces.iter().map(|piece| {
        Resource::new(content_uri(piece.id.as_str()), piece.id.as_str())
            .with_title(format!("{}: {}", marketing::kind_label(piece.kind), piece.label))
            .with_mime_type(MARKDOWN)
    }));
    let mut result = ListResourcesResult::with_all_items(resources).with_cache_scope(CacheScope::Private);
    result.next_cursor = page.next.map(|id| id.to_string());
    Ok(result)
}

async fn newest_reports(db: &Db, caller: &Caller) -> entity::Result<Vec<Resource>> {
    let newest = reports::list(db, &caller.customer_id, None, LISTED_REPORTS).await?.reports;
    let resource = |it: reports::Summary| {
        Resource::new(report::uri(it.run_id.as_str()), it.run_id.as_str())
            .with_title(format!("Report on {} to {}", it.first_day, it.last_day))
            .with_description(it.headline)
            .with_mime_type(MARKDOWN)
    };
    Ok(newest.into_iter().map(resource).collect())
}

fn bad_cursor() -> ErrorData {
    ErrorData::invalid_params("`cursor`: is not a cursor that resources/list gave you.", None)
}

fn fixed() -> Vec<Resource> {
    let brand = Resource::new(BRAND_URI, "brand")
        .with_title("Brand profile")
        .with_description("What is known of the brand, as every text has to fit it.")
        .with_mime_type(MARKDOWN);
    let playbooks = CHANNELS.into_iter().map(|channel| {
        let guide = guide(channel);
        Resource::new(playbook_uri(guide), format!("playbook-{}", guide.slug))
            .with_title(format!("Playbook: {}", guide.name))
            .with_mime_type(MARKDOWN)
    });
    std::iter::once(brand).chain(playbooks).collect()
}

/// The Markdown behind an address.
///
/// # Errors
///
/// When there is nothing behind it for this caller.
pub async fn read(db: &Db, caller: &Caller, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let text = text(db, caller, uri).await?;
    let contents = ResourceContents::text(text, uri).with_mime_type(MARKDOWN);
    Ok(ReadResourceResult::new(vec![contents]).with_cache_scope(CacheScope::Private))
}

/// Whether the caller may read (and so watch) the address.
///
/// # Errors
///
/// When there is nothing behind it for this caller.
pub async fn require_readable(db: &Db, caller: &Caller, uri: &str) -> Result<(), ErrorData> {
    match Target::parse(uri).ok_or_else(|| nothing_behind(uri))? {
        Target::Brand | Target::Playbook(_) | Target::Calendar(_) => Ok(()),
        Target::Content(id) => {
            content::get(db, &caller.customer_id, &id).await.map_err(|error| protocol_error(&error))?;
            Ok(())
        }
        Target::Scan(id) => {
            scans::get(db, &caller.customer_id, &id).await.map_err(|error| protocol_error(&error))?;
            Ok(())
        }
        Target::Report(run_id) => {
            reports::get(db, &caller.customer_id, &run_id).await.map_err(|error| protocol_error(&error))?;
            Ok(())
        }
    }
}

async fn text(db: &Db, caller: &Caller, uri: &str) -> Result<String, ErrorData> {
    let target = Target::parse(uri).ok_or_else(|| nothing_behind(uri))?;
    let read = async {
        let brand = brands::get(db, &caller.customer_id).await?;
        match target {
            Target::Brand => Ok(render::brand(&brand)),
            Target::Playbook(channel) => Ok(playbook(guide(channel), &brand)),
            Target::Calendar(monday) => calendar(db, caller, &brand, monday).await,
            Target::Scan(id) => Ok(scan(scans::get(db, &caller.customer_id, &id).await?)),
            Target::Report(run_id) => Ok(reports::get(db, &caller.customer_id, &run_id).await?.markdown),
            Target::Content(id) => {
                let piece = content::get(db, &caller.customer_id, &id).await?;
                let history = content::history(db, &caller.customer_id, &id, MAX_DECISIONS).await?;
                Ok(render::piece(&piece.content, &piece.current, &history.decisions, &brand))
            }
        }
    };
    read.await.map_err(|error: entity::Error| protocol_error(&error))
}

/// A week of the customer's, day by day.
///
/// # Errors
///
/// When the database fails.
pub async fn calendar(db: &Db, caller: &Caller, brand: &Brand, monday: NaiveDate) -> entity::Result<String> {
    let midnight = |day: NaiveDate| instant(brand.time_zone, day.and_time(NaiveTime::MIN));
    let (from, before) = (midnight(monday), midnight(monday + Days::new(7)));
    let pieces = content::scheduled_between(db, &caller.customer_id, from, before).await?;
    let mut text = format!("# Week {}\n\nTimes are those of {}.\n", week_slug(monday), brand.time_zone);
    for day in monday.iter_days().take(7) {
        let of_day = pieces.iter().filter(|piece| {
            piece.scheduled_at.is_some_and(|at| at.with_timezone(&brand.time_zone).date_naive() == day)
        });
        let lines: Vec<String> = of_day.map(|piece| render::line(piece, brand)).collect();
        let lines = if lines.is_empty() { "Nothing is planned.".to_owned() } else { lines.join("\n") };
        let _ = write!(text, "\n## {} {day}\n\n{lines}\n", weekday(day.weekday()));
    }
    Ok(text)
}

/// A scan in Markdown.
fn scan(scan: Scan) -> String {
    let (url, seo, geo) = (scan.url, scan.seo, scan.geo);
    match serde_json::from_value::<marketing::scanner::Scan>(scan.report) {
        Ok(report) => marketing::scanner::markdown(&report),
        // What an earlier version has kept in another form.
        Err(_) => format!(
            "# Scan of {url}\n\nSEO {seo}, GEO {geo}. Its details are of an earlier version: scan the page again."
        ),
    }
}

fn nothing_behind(uri: &str) -> ErrorData {
    let uri: String = uri.chars().take(200).collect();
    ErrorData::resource_not_found(
        format!("There is no resource `{uri}`; resources/list and resources/templates/list name them all."),
        None,
    )
}

/// How to write for a channel, for this brand.
pub fn playbook(guide: &Guide, brand: &Brand) -> String {
    let mut text = format!("# Writing for {}\n\n## Rules\n\n", guide.name);
    for rule in guide.rules() {
        let source = rule.source.map(|url| format!(" ([source]({url}))")).unwrap_or_default();
        let _ = writeln!(text, "- {}{source}", rule.summary());
    }
    text.push_str("\n## Craft\n\n");
    for advice in guide.advice {
        let _ = writeln!(text, "- {advice}");
    }
    if let Some(spacing) = guide.min_spacing {
        let _ = writeln!(text, "\nLeave at least {} h between two pieces.", spacing.num_hours());
    }
    let _ = write!(text, "\n## This brand\n\n{}", render::brand(brand).trim_start_matches('#').trim_start());
    text
}
