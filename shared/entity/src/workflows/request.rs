//! Asking for runs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::{Value, json};

use super::progress::lock;
use super::{Run, RunStatus, Workflow};
use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now, stored};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RunId};
use crate::outbox;
use crate::tables::workflow_run;

/// Asks for a run of a workflow for a customer. Where there can be one at a time and one is under way, that one is the
/// answer.
///
/// # Errors
///
/// When there is no such customer.
pub async fn request(db: &Db, customer_id: &CustomerId, workflow: Workflow, input: Value) -> Result<Run> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let run = request_in(&tx, customer_id, workflow, input, None).await?;
    tx.commit().await?;
    Ok(run)
}

/// The same in a transaction that has locked the customer.
pub(crate) async fn request_in(
    tx: &Tx,
    customer_id: &CustomerId,
    workflow: Workflow,
    input: Value,
    retry_of: Option<RunId>,
) -> Result<Run> {
    if workflow.is_single()
        && let Some(run) = under_way(tx, customer_id, workflow).await?.into_iter().rfind(|run| run.input() == input)
    {
        return Ok(run);
    }
    queue(tx, Some(customer_id), workflow, input, Asking { retry_of, due_at: None }).await
}

/// Asks for the run that is due at a time; none when it was asked for before.
///
/// # Errors
///
/// When there is no such customer.
pub async fn request_due(
    db: &Db,
    customer_id: &CustomerId,
    workflow: Workflow,
    input: Value,
    due_at: DateTime<Utc>,
) -> Result<Option<Run>> {
    let due_at = stored(due_at);
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let known = workflow_run::Entity::find()
        .filter(workflow_run::Column::CustomerId.eq(customer_id.clone()))
        .filter(workflow_run::Column::Workflow.eq(workflow))
        .filter(workflow_run::Column::DueAt.eq(due_at));
    if known.one(&tx).await?.is_some() {
        return Ok(None);
    }
    let run = queue(&tx, Some(customer_id), workflow, input, Asking { retry_of: None, due_at: Some(due_at) }).await?;
    tx.commit().await?;
    Ok(Some(run))
}

/// For when the clock last asked for each workflow of each customer, as far as that is not before `since`.
///
/// # Errors
///
/// When the database fails.
pub async fn last_due(db: &Db, since: DateTime<Utc>) -> Result<HashMap<(CustomerId, Workflow), DateTime<Utc>>> {
    let rows: Vec<(Option<CustomerId>, Workflow, Option<DateTime<Utc>>)> = workflow_run::Entity::find()
        .select_only()
        .columns([workflow_run::Column::CustomerId, workflow_run::Column::Workflow, workflow_run::Column::DueAt])
        .filter(workflow_run::Column::DueAt.gte(since))
        .order_by_asc(workflow_run::Column::DueAt)
        .into_tuple()
        .all(db.connection())
        .await?;
    Ok(rows.into_iter().filter_map(|(customer, workflow, due_at)| Some(((customer?, workflow), due_at?))).collect())
}

/// Asks for a run that is nobody's.
///
/// # Errors
///
/// When the database fails.
pub async fn request_for_service(db: &Db, workflow: Workflow) -> Result<Run> {
    let tx = db.write_tx().await?;
    let run = queue(&tx, None, workflow, json!({}), Asking::default()).await?;
    tx.commit().await?;
    Ok(run)
}

/// Why a run is asked for, if not by somebody.
#[derive(Default)]
struct Asking {
    retry_of: Option<RunId>,
    due_at: Option<DateTime<Utc>>,
}

async fn queue(
    tx: &Tx,
    customer_id: Option<&CustomerId>,
    workflow: Workflow,
    input: Value,
    Asking { retry_of, due_at }: Asking,
) -> Result<Run> {
    let row = workflow_run::ActiveModel {
        id: Set(RunId::new()),
        customer_id: Set(customer_id.cloned()),
        workflow: Set(workflow),
        status: Set(RunStatus::Queued),
        input: Set(input.to_string()),
        output: Set(None),
        error: Set(None),
        retry_of: Set(retry_of),
        due_at: Set(due_at),
        execution_id: Set(None),
        created_at: Set(now()),
        started_at: Set(None),
        ended_at: Set(None),
    };
    let run = row.insert(tx).await?;
    let mut data = json!({ "runId": run.id, "customerId": customer_id });
    if let (Some(data), Value::Object(input)) = (data.as_object_mut(), input) {
        data.extend(input);
    }
    outbox::write(tx, customer_id, workflow.event(), &data).await?;
    Ok(run)
}

/// The runs of a workflow that are not over, oldest first.
pub(super) async fn under_way(tx: &Tx, customer_id: &CustomerId, workflow: Workflow) -> Result<Vec<Run>> {
    let runs = workflow_run::Entity::find()
        .filter(workflow_run::Column::CustomerId.eq(customer_id.clone()))
        .filter(workflow_run::Column::Workflow.eq(workflow))
        .filter(workflow_run::Column::Status.is_in([RunStatus::Queued, RunStatus::Running]))
        .order_by_asc(workflow_run::Column::Id)
        .all(tx)
        .await?;
    Ok(runs)
}

/// Asks for another run like one that failed or was cancelled; for the operator.
///
/// # Errors
///
/// When there is no such run, or it did not fail (`not_failed`).
pub async fn retry(db: &Db, id: &RunId) -> Result<Run> {
    let tx = db.write_tx().await?;
    let run = lock(&tx, id).await?;
    if !matches!(run.status, RunStatus::Failed | RunStatus::Cancelled) {
        let message =
            format!("It is {}; only a run that failed or was cancelled can be tried again.", run.status.as_str());
        return Err(Error::conflict("not_failed", message));
    }
    let again = match &run.customer_id {
        Some(customer_id) => request_in(&tx, customer_id, run.workflow, run.input(), Some(run.id.clone())).await?,
        None => {
            let asking = Asking { retry_of: Some(run.id.clone()), due_at: None };
            queue(&tx, None, run.workflow, run.input(), asking).await?
        }
    };
    tx.commit().await?;
    Ok(again)
}
