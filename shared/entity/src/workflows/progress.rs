//! Noting how far runs are, and ending them.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use serde_json::{Value, json};

use super::queries::{get, get_any};
use super::request::under_way;
use super::{CANCELLED, Run, RunStatus, StepStatus, Workflow};
use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{CustomerId, RunId};
use crate::outbox;
use crate::tables::{workflow_run, workflow_step};

/// Ends the runs of a workflow whose input has this value, in a transaction that has locked the customer.
pub(crate) async fn cancel_where_in(
    tx: &Tx,
    customer_id: &CustomerId,
    workflow: Workflow,
    field: &str,
    value: &str,
    why: &str,
) -> Result<()> {
    for run in under_way(tx, customer_id, workflow).await? {
        if run.input().get(field).and_then(Value::as_str) == Some(value) {
            end(tx, run, RunStatus::Cancelled, None, Some(why)).await?;
        }
    }
    Ok(())
}

/// Notes that a run has begun; false when it is over already, because somebody cancelled it.
///
/// # Errors
///
/// When there is no such run (any more).
pub async fn begin(db: &Db, id: &RunId, execution_id: &str) -> Result<bool> {
    let tx = db.write_tx().await?;
    let run = lock(&tx, id).await?;
    match run.status {
        RunStatus::Queued => {}
        RunStatus::Running => return Ok(true),
        RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => return Ok(false),
    }
    let mut change: workflow_run::ActiveModel = run.into();
    change.status = Set(RunStatus::Running);
    change.execution_id = Set(Some(execution_id.to_owned()));
    change.started_at = Set(Some(now()));
    let run = change.update(&tx).await?;
    record(&tx, &run, EventType::WorkflowStarted).await?;
    tx.commit().await?;
    Ok(true)
}

/// Notes that a run has begun that nobody asked for but the clock. The same execution is the same run.
///
/// # Errors
///
/// When the database fails.
pub async fn begin_by_clock(db: &Db, workflow: Workflow, execution_id: &str) -> Result<Run> {
    let tx = db.write_tx().await?;
    let known =
        workflow_run::Entity::find().filter(workflow_run::Column::ExecutionId.eq(execution_id)).one(&tx).await?;
    if let Some(run) = known {
        return Ok(run);
    }
    let now = now();
    let row = workflow_run::ActiveModel {
        id: Set(RunId::new()),
        customer_id: Set(None),
        workflow: Set(workflow),
        status: Set(RunStatus::Running),
        input: Set(json!({}).to_string()),
        output: Set(None),
        error: Set(None),
        retry_of: Set(None),
        due_at: Set(None),
        execution_id: Set(Some(execution_id.to_owned())),
        created_at: Set(now),
        started_at: Set(Some(now)),
        ended_at: Set(None),
    };
    let run = row.insert(&tx).await?;
    tx.commit().await?;
    Ok(run)
}

/// Notes how far a step is.
///
/// # Errors
///
/// When there is no such run (any more).
pub async fn note_step(db: &Db, id: &RunId, name: &str, status: StepStatus, error: Option<&str>) -> Result<()> {
    let tx = db.write_tx().await?;
    lock(&tx, id).await?;
    let begins = matches!(status, StepStatus::Running | StepStatus::Waiting);
    let ended_at = (!begins).then(now);
    match workflow_step::Entity::find_by_id((id.clone(), name.to_owned())).one(&tx).await? {
        // A step that was done stays done, whatever a late repetition says.
        Some(step) if step.status == StepStatus::Completed => return Ok(()),
        Some(step) => {
            let attempts = step.attempts + i32::from(status == StepStatus::Running);
            let mut change: workflow_step::ActiveModel = step.into();
            change.status = Set(status);
            change.attempts = Set(attempts);
            change.error = Set(error.map(str::to_owned));
            change.ended_at = Set(ended_at);
            change.update(&tx).await?;
        }
        None => {
            let row = workflow_step::ActiveModel {
                run_id: Set(id.clone()),
                name: Set(name.to_owned()),
                status: Set(status),
                attempts: Set(1),
                error: Set(error.map(str::to_owned)),
                started_at: Set(now()),
                ended_at: Set(ended_at),
            };
            row.insert(&tx).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Notes that a run ended well. One that is over stays as it is.
///
/// # Errors
///
/// When there is no such run (any more).
pub async fn complete(db: &Db, id: &RunId, output: &Value) -> Result<()> {
    end_unless_over(db, id, RunStatus::Completed, Some(output), None).await
}

/// Notes that a run failed for good, in words for the customer. One that is over stays as it is.
///
/// # Errors
///
/// When there is no such run (any more).
pub async fn fail(db: &Db, id: &RunId, error: &str) -> Result<()> {
    end_unless_over(db, id, RunStatus::Failed, None, Some(error)).await
}

/// The same by what Inngest or the engine calls the run; nothing when there is none.
///
/// # Errors
///
/// When the database fails.
pub async fn fail_execution(db: &Db, execution_id: &str, error: &str) -> Result<()> {
    let run = workflow_run::Entity::find()
        .filter(workflow_run::Column::ExecutionId.eq(execution_id))
        .one(db.connection())
        .await?;
    match run {
        Some(run) => fail(db, &run.id, error).await,
        None => Ok(()),
    }
}

async fn end_unless_over(
    db: &Db,
    id: &RunId,
    status: RunStatus,
    output: Option<&Value>,
    error: Option<&str>,
) -> Result<()> {
    let tx = db.write_tx().await?;
    let run = lock(&tx, id).await?;
    if run.status.is_over() {
        return Ok(());
    }
    end(&tx, run, status, output, error).await?;
    tx.commit().await?;
    Ok(())
}

async fn end(tx: &Tx, run: Run, status: RunStatus, output: Option<&Value>, error: Option<&str>) -> Result<Run> {
    let mut change: workflow_run::ActiveModel = run.into();
    change.status = Set(status);
    change.output = Set(output.map(Value::to_string));
    change.error = Set(error.map(str::to_owned));
    change.ended_at = Set(Some(now()));
    let run = change.update(tx).await?;
    let event = match status {
        RunStatus::Completed => EventType::WorkflowCompleted,
        RunStatus::Failed => EventType::WorkflowFailed,
        RunStatus::Cancelled => EventType::WorkflowCancelled,
        RunStatus::Queued | RunStatus::Running => return Ok(run),
    };
    stop_steps(tx, &run.id).await?;
    record(tx, &run, event).await?;
    if status == RunStatus::Cancelled {
        outbox::write(tx, run.customer_id.as_ref(), CANCELLED, &json!({ "runId": run.id })).await?;
    }
    Ok(run)
}

/// Nothing of a run that is over is under way.
async fn stop_steps(tx: &Tx, id: &RunId) -> Result<()> {
    workflow_step::Entity::update_many()
        .col_expr(workflow_step::Column::Status, Expr::value(StepStatus::Stopped))
        .col_expr(workflow_step::Column::EndedAt, Expr::value(now()))
        .filter(workflow_step::Column::RunId.eq(id.clone()))
        .filter(workflow_step::Column::Status.is_in([StepStatus::Running, StepStatus::Waiting]))
        .exec(tx)
        .await?;
    Ok(())
}

async fn record(tx: &Tx, run: &Run, event: EventType) -> Result<()> {
    let Some(customer_id) = &run.customer_id else { return Ok(()) };
    let mut data = json!({ "runId": run.id, "workflow": run.workflow });
    if let (Some(data), Some(error)) = (data.as_object_mut(), &run.error) {
        data.insert("error".to_owned(), json!(error));
    }
    events::record(tx, customer_id, event, data).await?;
    Ok(())
}

/// Reads a run after locking its customer, so that what follows is in order.
pub(super) async fn lock(tx: &Tx, id: &RunId) -> Result<Run> {
    let find = || workflow_run::Entity::find_by_id(id.clone());
    let run = find().one(tx).await?.ok_or(Error::NotFound("run"))?;
    if let Some(customer_id) = &run.customer_id {
        customers::lock(tx, customer_id).await?;
    }
    find().lock_exclusive().one(tx).await?.ok_or(Error::NotFound("run"))
}

/// Ends a customer's run. One that is over stays as it is.
///
/// # Errors
///
/// When they have no such run.
pub async fn cancel(db: &Db, customer_id: &CustomerId, id: &RunId) -> Result<Run> {
    get(db, customer_id, id).await?;
    cancel_any(db, id, "You cancelled it.").await
}

/// Ends anybody's run; for the operator. One that is over stays as it is.
///
/// # Errors
///
/// When there is no such run.
pub async fn cancel_any(db: &Db, id: &RunId, why: &str) -> Result<Run> {
    end_unless_over(db, id, RunStatus::Cancelled, None, Some(why)).await?;
    get_any(db, id).await
}

/// Gives up runs of a workflow that were asked for before this and should be over by now, and says how many: whoever did
/// them has changed, or lost them.
///
/// # Errors
///
/// When the database fails.
pub async fn give_up_stale(db: &Db, workflow: Workflow, before: DateTime<Utc>) -> Result<u64> {
    let stale = workflow_run::Entity::find()
        .filter(workflow_run::Column::Status.is_in([RunStatus::Queued, RunStatus::Running]))
        .filter(workflow_run::Column::Workflow.eq(workflow))
        .filter(workflow_run::Column::CreatedAt.lt(before))
        .all(db.connection())
        .await?;
    let mut given_up = 0;
    for run in stale {
        fail(db, &run.id, "We lost track of it. Nothing that you said is lost; start it again.").await?;
        given_up += 1;
    }
    Ok(given_up)
}
