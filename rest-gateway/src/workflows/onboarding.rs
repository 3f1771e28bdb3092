//! The first steps with a customer: their website is scanned, their assistant interviews them about their brand, and
//! when we know it their first week is planned and they are active.

use std::time::Duration;

use entity::brands::{self, INTERVIEW_COMPLETED};
use entity::customers::{self, OnboardingEvent};
use entity::db::Db;
use entity::ids::CustomerId;
use entity::scans;
use entity::workflows::Workflow;
use inngest::{Function, Input, NonRetriable, Result, Step, create_function};
use marketing::calendar::{self, Range};
use marketing::scanner::{Scanner, to_keep};
use serde_json::{Value, json};

use super::options;
use super::run::{Asked, Run, durable, failed};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// When to remind them of the interview.
const REMINDER: Duration = Duration::from_secs(2 * DAY.as_secs());
/// How long to wait after the reminder.
const PATIENCE: Duration = Duration::from_secs(5 * DAY.as_secs());

pub fn function(db: Db, scanner: Scanner) -> Function {
    let on_failure = db.clone();
    create_function(options(Workflow::Onboarding), move |input: Input<Asked>, step| {
        onboard(db.clone(), scanner.clone(), input, step)
    })
    .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn onboard(db: Db, scanner: Scanner, input: Input<Asked>, step: Step) -> Result<Value> {
    let Asked { run_id, customer_id, .. } = input.event.data;
    let Some(run) = Run::begin(&db, &run_id, &input.run_id, step).await? else { return Ok(Value::Null) };
    let note = |event| {
        let (db, customer_id, run_id) = (db.clone(), customer_id.clone(), run_id.clone());
        move || async move { durable(customers::note_onboarding(&db, &customer_id, &run_id, event).await) }
    };
    run.step("start", note(OnboardingEvent::Started)).await?;

    let website = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        run.step("scan_website", move || async move { scan_website(&db, &scanner, &customer_id).await }).await?
    };

    let is_known = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        move || {
            let (db, customer_id) = (db.clone(), customer_id.clone());
            async move { Ok(marketing::brand::is_complete(&durable(brands::get(&db, &customer_id).await)?)) }
        }
    };
    let interview = |patience| run.wait_for("brand_interview", INTERVIEW_COMPLETED, patience, is_known.clone());
    if !interview(REMINDER).await? {
        run.step("remind", note(OnboardingEvent::Reminded)).await?;
        if !interview(PATIENCE).await? {
            let message = "The brand interview was not finished within seven days. Start onboarding again when \
                           you have the time: nothing that you said is lost.";
            return Err(NonRetriable::new(message).into());
        }
    }

    let plan = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        move || async move {
            let (_, pieces) = durable(calendar::commit(&db, &customer_id, Range { from: None, weeks: 1 }).await)?;
            Ok(pieces.len())
        }
    };
    let planned = run.step("first_calendar", plan).await?;

    let finish = move || async move { durable(customers::complete_onboarding(&db, &customer_id).await) };
    run.step("finish", finish).await?;
    run.complete(json!({ "status": "active", "planned": planned, "websiteScan": website })).await
}

/// Scans the website where it is known, so that the interview has something to begin with. A site that cannot be read
/// keeps nobody from beginning; the answer is the scan, or why there is none.
async fn scan_website(db: &Db, scanner: &Scanner, customer_id: &CustomerId) -> Result<Option<String>> {
    let Some(website) = durable(brands::get(db, customer_id).await)?.profile.website else { return Ok(None) };
    let scan = match scanner.scan(&website, |_| {}).await {
        Ok(scan) => scan,
        Err(problem) => return Ok(Some(problem.to_string())),
    };
    let new = to_keep(&scan).map_err(NonRetriable::from_error)?;
    Ok(Some(durable(scans::save(db, customer_id, new).await)?.id.to_string()))
}
