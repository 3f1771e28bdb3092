//! Completing the arguments of prompts and resource templates from the customer's data.

use chrono::Days;
use entity::brands::{self, Brand};
use entity::content::{self, Filter};
use entity::db::Db;
use entity::{reports, scans};
use marketing::calendar::monday;
use marketing::{CHANNELS, guide};
use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use crate::answer::protocol_error;
use crate::caller::Caller;
use crate::prompts::{COMPETITOR_TEARDOWN, FIX_PAGE, PERFORMANCE_REVIEW, PERIODS, REVIEW_DRAFT, WRITE_CONTENT, kinds};
use crate::resources::{
    CALENDAR_TEMPLATE, CONTENT_TEMPLATE, PLAYBOOK_TEMPLATE, REPORT_TEMPLATE, SCAN_TEMPLATE, week_slug,
};

/// How many of the newest pieces are offered.
const MAX_PIECES: u64 = 100;

/// The values that begin as the caller began, best first.
///
/// # Errors
///
/// When the database fails. An argument that nothing is known of completes to nothing.
pub async fn complete(db: &Db, caller: &Caller, request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let begun = request.argument.value.to_lowercase();
    let values = match (&request.r#ref, request.argument.name.as_str()) {
        (Reference::Prompt(prompt), "kind") if prompt.name == WRITE_CONTENT => kinds().collect(),
        (Reference::Prompt(prompt), "topic") if prompt.name == WRITE_CONTENT => pillars(db, caller).await?,
        (Reference::Prompt(prompt), "contentId") if prompt.name == REVIEW_DRAFT => piece_ids(db, caller).await?,
        (Reference::Resource(template), "id") if template.uri == CONTENT_TEMPLATE => piece_ids(db, caller).await?,
        (Reference::Resource(template), "id") if template.uri == SCAN_TEMPLATE => scan_ids(db, caller).await?,
        (Reference::Resource(template), "runId") if template.uri == REPORT_TEMPLATE => report_ids(db, caller).await?,
        (Reference::Prompt(prompt), "period") if prompt.name == PERFORMANCE_REVIEW => PERIODS.map(str::to_owned).into(),
        (Reference::Prompt(prompt), "url") if prompt.name == FIX_PAGE => pages(db, caller).await?,
        (Reference::Prompt(prompt), "url") if prompt.name == COMPETITOR_TEARDOWN => competitors(db, caller).await?,
        (Reference::Resource(template), "isoWeek") if template.uri == CALENDAR_TEMPLATE => weeks(db, caller).await?,
        (Reference::Resource(template), "channel") if template.uri == PLAYBOOK_TEMPLATE => {
            CHANNELS.into_iter().map(|channel| guide(channel).slug.to_owned()).collect()
        }
        _ => Vec::new(),
    };
    let values: Vec<String> = values
        .into_iter()
        .filter(|value| value.to_lowercase().starts_with(&begun))
        .take(CompletionInfo::MAX_VALUES)
        .collect();
    let completion = CompletionInfo::new(values).map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(completion))
}

async fn piece_ids(db: &Db, caller: &Caller) -> Result<Vec<String>, ErrorData> {
    let page = content::list(db, &caller.customer_id, &Filter::default(), None, MAX_PIECES).await;
    let page = page.map_err(|error| protocol_error(&error))?;
    Ok(page.pieces.into_iter().map(|piece| piece.id.to_string()).collect())
}

async fn scan_ids(db: &Db, caller: &Caller) -> Result<Vec<String>, ErrorData> {
    let page = scans::list(db, &caller.customer_id, None, None, MAX_PIECES).await;
    let page = page.map_err(|error| protocol_error(&error))?;
    Ok(page.scans.into_iter().map(|scan| scan.id.to_string()).collect())
}

async fn report_ids(db: &Db, caller: &Caller) -> Result<Vec<String>, ErrorData> {
    let page = reports::list(db, &caller.customer_id, None, MAX_PIECES).await;
    let page = page.map_err(|error| protocol_error(&error))?;
    Ok(page.reports.into_iter().map(|report| report.run_id.to_string()).collect())
}

/// The brand's website, and the pages that were scanned, the last one first.
async fn pages(db: &Db, caller: &Caller) -> Result<Vec<String>, ErrorData> {
    let website = brand(db, caller).await?.profile.website;
    let scans = scans::list(db, &caller.customer_id, None, None, MAX_PIECES).await;
    let scans = scans.map_err(|error| protocol_error(&error))?.scans;
    let mut pages = Vec::new();
    for url in website.into_iter().chain(scans.into_iter().map(|scan| scan.url)) {
        if !pages.contains(&url) {
            pages.push(url);
        }
    }
    Ok(pages)
}

async fn competitors(db: &Db, caller: &Caller) -> Result<Vec<String>, ErrorData> {
    let competitors = brand(db, caller).await?.profile.competitors;
    Ok(competitors.into_iter().filter_map(|competitor| competitor.url).collect())
}

/// This week and those that can be planned.
async fn weeks(db: &Db, caller: &Caller) -> Result<Vec<String>, ErrorData> {
    let brand = brand(db, caller).await?;
    let this = monday(entity::db::now().with_timezone(&brand.time_zone).date_naive());
    Ok((0..=4).map(|week| week_slug(this + Days::new(7 * week))).collect())
}

async fn brand(db: &Db, caller: &Caller) -> Result<Brand, ErrorData> {
    brands::get(db, &caller.customer_id).await.map_err(|error| protocol_error(&error))
}

/// What the brand keeps coming back to is what it writes about.
async fn pillars(db: &Db, caller: &Caller) -> Result<Vec<String>, ErrorData> {
    Ok(brand(db, caller).await?.profile.pillars.into_iter().map(|pillar| pillar.name).collect())
}
