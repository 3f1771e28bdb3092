//! Plans the calendar of the coming week, and drafts what is to be written where there is a model. Drafts wait for review.

use chrono::NaiveDate;
use entity::db::Db;
use entity::ids::{ContentId, CustomerId, RunId};
use entity::workflows::Workflow;
use inngest::{Concurrency, Function, Input, Result, Step, create_function};
use marketing::calendar::{self, Range};
use marketing::drafting::{self, Outcome};
use model::Model;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::options;
use super::run::{Asked, Run, durable, failed};

/// Pieces that one run drafts; each takes a model up to two minutes.
const MAX_DRAFTS: usize = 30;
/// Models are slow, and what is to be published must not wait for them.
const AT_ONCE: u32 = 4;

/// Which weeks; the next one when nothing is said.
#[derive(Clone, Debug, Deserialize)]
struct Wanted {
    from: Option<NaiveDate>,
    weeks: Option<u8>,
}

/// What was planned, and what of these weeks is still to be written: also what an earlier run has left.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    content_ids: Vec<ContentId>,
    notes: Vec<String>,
    #[serde(default)]
    unwritten: Vec<ContentId>,
}

/// A piece that was not drafted, and why.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NotDrafted {
    content_id: ContentId,
    why: String,
}

pub fn function(db: Db, model: Option<Model>) -> Function {
    let on_failure = db.clone();
    let options = options(Workflow::ContentPlan).concurrency(Concurrency::new(AT_ONCE));
    create_function(options, move |input: Input<Asked<Wanted>>, step| plan(db.clone(), model.clone(), input, step))
        .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn plan(db: Db, model: Option<Model>, input: Input<Asked<Wanted>>, step: Step) -> Result<Value> {
    let Asked { run_id, customer_id, input: Wanted { from, weeks } } = input.event.data;
    let Some(run) = Run::begin(&db, &run_id, &input.run_id, step).await? else { return Ok(Value::Null) };
    let range = Range { from, weeks: weeks.unwrap_or(1) };
    let plan = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        move || async move {
            let (plan, pieces) = durable(calendar::commit(&db, &customer_id, range).await)?;
            let unwritten = durable(calendar::unwritten(&db, &customer_id, range).await)?;
            let ids = |pieces: Vec<entity::content::Content>| pieces.into_iter().map(|piece| piece.id).collect();
            Ok(Planned { content_ids: ids(pieces), notes: plan.notes, unwritten: ids(unwritten) })
        }
    };
    let Planned { content_ids, notes, unwritten } = run.step("plan", plan).await?;
    let mut output = json!({ "planned": content_ids.len(), "contentIds": content_ids, "notes": notes });
    if let (Some(model), Some(fields)) = (model, output.as_object_mut()) {
        let (drafted, not_drafted) = draft(&db, &model, &run, (&customer_id, &run_id), unwritten).await?;
        fields.insert("drafted".to_owned(), json!(drafted));
        fields.insert("notDrafted".to_owned(), json!(not_drafted));
    }
    run.complete(output).await
}

/// Drafts piece by piece, each in a step of its own, so that what is drafted stays drafted whatever happens. The next one
/// is shown the ones before.
async fn draft(
    db: &Db,
    model: &Model,
    run: &Run,
    (customer_id, run_id): (&CustomerId, &RunId),
    mut unwritten: Vec<ContentId>,
) -> Result<(Vec<ContentId>, Vec<NotDrafted>)> {
    let (mut drafted, mut not_drafted) = (Vec::new(), Vec::new());
    let too_many = unwritten.split_off(unwritten.len().min(MAX_DRAFTS));
    for id in unwritten {
        let (db, model, piece) = (db.clone(), model.clone(), id.clone());
        let (customer_id, run_id) = (customer_id.clone(), run_id.clone());
        let draft =
            move || async move { durable(drafting::draft_piece(&db, &model, &customer_id, &piece, &run_id).await) };
        match run.step(format!("draft {id}"), draft).await? {
            Outcome::Drafted => drafted.push(id),
            Outcome::NotDrafted(why) => not_drafted.push(NotDrafted { content_id: id, why }),
        }
    }
    let why = || format!("A run drafts at most {MAX_DRAFTS} pieces: run content_plan again for the rest.");
    not_drafted.extend(too_many.into_iter().map(|id| NotDrafted { content_id: id, why: why() }));
    Ok((drafted, not_drafted))
}
