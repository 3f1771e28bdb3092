//! Completing the arguments of prompts and resource templates from the customer's data.

use entity::content::{self, Filter};
use entity::db::Db;
use entity::scans;
use marketing::{CHANNELS, guide};
use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use crate::answer::protocol_error;
use crate::caller::Caller;
use crate::prompts::{REVIEW_DRAFT, WRITE_CONTENT, kinds};
use crate::resources::{CONTENT_TEMPLATE, PLAYBOOK_TEMPLATE, SCAN_TEMPLATE};

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

/// What the brand keeps coming back to is what it writes about.
async fn pillars(db: &Db, caller: &Caller) -> Result<Vec<String>, ErrorData> {
    let brand = entity::brands::get(db, &caller.customer_id).await.map_err(|error| protocol_error(&error))?;
    Ok(brand.profile.pillars.into_iter().map(|pillar| pillar.name).collect())
}
