//! Plans the calendar of the coming week.

use chrono::NaiveDate;
use entity::db::Db;
use entity::workflows::Workflow;
use inngest::{Function, Input, Result, Step, create_function};
use marketing::calendar::{self, Range};
use serde::Deserialize;
use serde_json::{Value, json};

use super::options;
use super::run::{Asked, Run, durable, failed};

/// Which weeks; the next one when nothing is said.
#[derive(Clone, Debug, Deserialize)]
struct Wanted {
    from: Option<NaiveDate>,
    weeks: Option<u8>,
}

pub fn function(db: Db) -> Function {
    let on_failure = db.clone();
    create_function(options(Workflow::ContentPlan), move |input: Input<Asked<Wanted>>, step| {
        plan(db.clone(), input, step)
    })
    .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn plan(db: Db, input: Input<Asked<Wanted>>, step: Step) -> Result<Value> {
    let Asked { run_id, customer_id, input: Wanted { from, weeks } } = input.event.data;
    let Some(run) = Run::begin(&db, &run_id, &input.run_id, step).await? else { return Ok(Value::Null) };
    let range = Range { from, weeks: weeks.unwrap_or(1) };
    let plan = move || async move {
        let (plan, pieces) = durable(calendar::commit(&db, &customer_id, range).await)?;
        let ids: Vec<_> = pieces.into_iter().map(|piece| piece.id).collect();
        Ok(json!({ "planned": ids.len(), "contentIds": ids, "notes": plan.notes }))
    };
    let output = run.step("plan", plan).await?;
    run.complete(output).await
}
