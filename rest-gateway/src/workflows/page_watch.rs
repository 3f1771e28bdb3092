//! Scans the pages that a customer watches, and tells what got worse.

use entity::db::Db;
use entity::ids::CustomerId;
use entity::workflows::Workflow;
use entity::{pages, scans};
use inngest::{Function, Input, NonRetriable, Result, Step, create_function};
use marketing::scanner::{Regression, Scan, Scanner, to_keep};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::options;
use super::run::{Asked, Run, durable, failed};

/// Which page; all that are watched when none is named.
#[derive(Clone, Debug, Deserialize)]
struct Wanted {
    url: Option<String>,
}

/// What came of a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Watched {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_id: Option<entity::ids::ScanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regression: Option<Regression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub fn function(db: Db, scanner: Scanner) -> Function {
    let on_failure = db.clone();
    create_function(options(Workflow::PageWatch), move |input: Input<Asked<Wanted>>, step| {
        watch(db.clone(), scanner.clone(), input, step)
    })
    .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn watch(db: Db, scanner: Scanner, input: Input<Asked<Wanted>>, step: Step) -> Result<Value> {
    let Asked { run_id, customer_id, input: Wanted { url } } = input.event.data;
    let Some(run) = Run::begin(&db, &run_id, &input.run_id, step).await? else { return Ok(Value::Null) };
    let find = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        move || async move {
            let watched = durable(pages::watched(&db, &customer_id).await)?;
            Ok(watched.into_iter().map(|page| page.url).collect())
        }
    };
    let watched: Vec<String> = run.step("find_pages", find).await?;
    let urls = url.map_or(watched, |url| vec![url]);
    if urls.is_empty() {
        let message = "No page is watched yet.";
        return Err(NonRetriable::new(message).into());
    }
    let mut results = Vec::new();
    for (index, url) in urls.into_iter().enumerate() {
        let (db, scanner, customer_id) = (db.clone(), scanner.clone(), customer_id.clone());
        let scan = move || async move { scan(&db, &scanner, &customer_id, url).await };
        results.push(run.step(format!("scan page {}", index + 1), scan).await?);
    }
    let is_worse = |result: &&Watched| result.regression.is_some() || result.problem.is_some();
    let worse = results.iter().filter(is_worse).count();
    run.complete(json!({ "scanned": results.len(), "worse": worse, "pages": results })).await
}

/// A page that cannot be read is told, and does not keep the others from being scanned.
async fn scan(db: &Db, scanner: &Scanner, customer_id: &CustomerId, url: String) -> Result<Watched> {
    let scan = match scanner.scan(&url, |_| {}).await {
        Ok(scan) => scan,
        Err(problem) => {
            let problem = problem.to_string();
            durable(scans::note_unreadable(db, customer_id, &url, &problem).await)?;
            return Ok(Watched { url, scan_id: None, regression: None, problem: Some(problem) });
        }
    };
    let mut regression = None;
    let worse = |before: Value| {
        // A scan of an earlier version of HeyCMO may be in another form; then there is nothing to compare with.
        let before: Scan = serde_json::from_value(before).ok()?;
        regression = Regression::between(&before, &scan);
        serde_json::to_value(regression.as_ref()?).ok()
    };
    let kept =
        durable(scans::save_compared(db, customer_id, to_keep(&scan).map_err(NonRetriable::from_error)?, worse).await)?;
    Ok(Watched { url, scan_id: Some(kept.id), regression, problem: None })
}
