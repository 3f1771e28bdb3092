//! Runs of workflows as customers see them: what was asked for, how far it is, and what came of it. Whoever does the
//! work, Inngest or the embedded engine, notes it here; both may note the same thing twice.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder, QuerySelect,
    Select, Set,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now, stored};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{CustomerId, RunId};
use crate::outbox;
use crate::tables::{workflow_run, workflow_step};

/// A run.
pub type Run = workflow_run::Model;
/// A step of a run.
pub type Step = workflow_step::Model;

/// The event that ends a run, as `data.runId`.
pub const CANCELLED: &str = "workflow/cancelled";

/// What there is to run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Workflow {
    /// The first steps with a customer.
    Onboarding,
    /// The numbers of a week, kept for good.
    PerformanceSnapshot,
    /// Planning the calendar of the coming week.
    ContentPlan,
    /// Scanning the pages that are watched.
    PageWatch,
    /// A piece of content that is to go out at its time.
    PublishDue,
    /// Asking for what each customer has every week.
    WeeklyRound,
    /// Comparing everything with Stripe.
    BillingReconcile,
    /// Throwing away what nobody needs any more.
    Housekeeping,
}

impl Workflow {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Onboarding,
        Self::PerformanceSnapshot,
        Self::ContentPlan,
        Self::PageWatch,
        Self::PublishDue,
        Self::WeeklyRound,
        Self::BillingReconcile,
        Self::Housekeeping,
    ];

    /// Its name, which is also the id of its function.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Onboarding => "onboarding",
            Self::PerformanceSnapshot => "performance_snapshot",
            Self::ContentPlan => "content_plan",
            Self::PageWatch => "page_watch",
            Self::PublishDue => "publish_due",
            Self::WeeklyRound => "weekly_round",
            Self::BillingReconcile => "billing_reconcile",
            Self::Housekeeping => "housekeeping",
        }
    }

    /// The event that starts it.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Onboarding => "customer/onboarding.requested",
            Self::PerformanceSnapshot => "snapshot/requested",
            Self::ContentPlan => "calendar/plan.requested",
            Self::PageWatch => "pages/watch.requested",
            Self::PublishDue => "content/scheduled",
            Self::WeeklyRound => "service/weekly_round.requested",
            Self::BillingReconcile => "billing/reconcile.requested",
            Self::Housekeeping => "service/housekeeping.requested",
        }
    }

    /// Whether its runs are nobody's but the service's.
    #[must_use]
    pub const fn is_for_service(self) -> bool {
        matches!(self, Self::WeeklyRound | Self::BillingReconcile | Self::Housekeeping)
    }

    /// Whether a customer has one run of it at a time with the same input.
    const fn is_single(self) -> bool {
        !matches!(self, Self::PublishDue) && !self.is_for_service()
    }
}

impl fmt::Display for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a run is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RunStatus {
    /// Asked for.
    Queued,
    /// Begun; it may be waiting for something.
    Running,
    /// Ended well.
    Completed,
    /// Failed for good.
    Failed,
    /// Ended by somebody.
    Cancelled,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// Whether nothing will happen any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The name used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How far a step is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StepStatus {
    /// Begun, and not ended.
    Running,
    /// Waits for something or somebody.
    Waiting,
    /// Ended well.
    Completed,
    /// Its last attempt failed; it may be tried again.
    Failed,
}

impl StepStatus {
    /// The name used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

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
async fn under_way(tx: &Tx, customer_id: &CustomerId, workflow: Workflow) -> Result<Vec<Run>> {
    let runs = workflow_run::Entity::find()
        .filter(workflow_run::Column::CustomerId.eq(customer_id.clone()))
        .filter(workflow_run::Column::Workflow.eq(workflow))
        .filter(workflow_run::Column::Status.is_in([RunStatus::Queued, RunStatus::Running]))
        .order_by_asc(workflow_run::Column::Id)
        .all(tx)
        .await?;
    Ok(runs)
}

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

impl Run {
    /// What it was asked to do with.
    #[must_use]
    pub fn input(&self) -> Value {
        serde_json::from_str(&self.input).unwrap_or_default()
    }

    /// What came of it, if it is completed.
    #[must_use]
    pub fn output(&self) -> Option<Value> {
        serde_json::from_str(self.output.as_deref()?).ok()
    }
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
    record(tx, &run, event).await?;
    if status == RunStatus::Cancelled {
        outbox::write(tx, run.customer_id.as_ref(), CANCELLED, &json!({ "runId": run.id })).await?;
    }
    Ok(run)
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
async fn lock(tx: &Tx, id: &RunId) -> Result<Run> {
    let find = || workflow_run::Entity::find_by_id(id.clone());
    let run = find().one(tx).await?.ok_or(Error::NotFound("run"))?;
    if let Some(customer_id) = &run.customer_id {
        customers::lock(tx, customer_id).await?;
    }
    find().lock_exclusive().one(tx).await?.ok_or(Error::NotFound("run"))
}

/// A customer's run.
///
/// # Errors
///
/// When they have no such run.
pub async fn get(db: &Db, customer_id: &CustomerId, id: &RunId) -> Result<Run> {
    workflow_run::Entity::find_by_id(id.clone())
        .filter(workflow_run::Column::CustomerId.eq(customer_id.clone()))
        .one(db.connection())
        .await?
        .ok_or(Error::NotFound("run"))
}

/// The steps of a run, in the order in which they were begun.
///
/// # Errors
///
/// When the database fails.
pub async fn steps(db: &Db, run: &Run) -> Result<Vec<Step>> {
    let steps = workflow_step::Entity::find()
        .filter(workflow_step::Column::RunId.eq(run.id.clone()))
        .order_by_asc(workflow_step::Column::StartedAt)
        .order_by_asc(workflow_step::Column::Name)
        .all(db.connection())
        .await?;
    Ok(steps)
}

/// Which runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this workflow.
    pub workflow: Option<Workflow>,
    /// Only those as far as this.
    pub status: Option<RunStatus>,
}

/// A page of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The runs, newest first.
    pub runs: Vec<Run>,
    /// The last of them, if there are more.
    pub next: Option<RunId>,
}

/// A page of the customer's runs, newest first.
///
/// # Errors
///
/// When `before` is not a run of this customer (field `cursor`).
pub async fn list(
    db: &Db,
    customer_id: &CustomerId,
    filter: Filter,
    before: Option<&RunId>,
    limit: u64,
) -> Result<Page> {
    let mut select = filtered(Some(customer_id), filter);
    if let Some(before) = before {
        let known = filtered(Some(customer_id), Filter::default()).filter(workflow_run::Column::Id.eq(before.clone()));
        let known = known.one(db.connection()).await?;
        known.ok_or_else(|| Error::invalid("cursor", "is not a cursor that list_workflow_runs gave you"))?;
        select = select.filter(workflow_run::Column::Id.lt(before.clone()));
    }
    // One more than asked for tells whether there is another page.
    let mut runs = newest(select, limit + 1).all(db.connection()).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = runs.len() > wanted;
    runs.truncate(wanted);
    let next = if more { runs.last().map(|run| run.id.clone()) } else { None };
    Ok(Page { runs, next })
}

/// Everybody's runs, or one customer's, newest first; for the operator.
///
/// # Errors
///
/// When the database fails.
pub async fn list_all(db: &Db, customer_id: Option<&CustomerId>, filter: Filter, limit: u64) -> Result<Vec<Run>> {
    Ok(newest(filtered(customer_id, filter), limit).all(db.connection()).await?)
}

fn filtered(customer_id: Option<&CustomerId>, filter: Filter) -> Select<workflow_run::Entity> {
    let mut select = workflow_run::Entity::find();
    if let Some(customer_id) = customer_id {
        select = select.filter(workflow_run::Column::CustomerId.eq(customer_id.clone()));
    }
    if let Some(workflow) = filter.workflow {
        select = select.filter(workflow_run::Column::Workflow.eq(workflow));
    }
    if let Some(status) = filter.status {
        select = select.filter(workflow_run::Column::Status.eq(status));
    }
    select
}

fn newest(select: Select<workflow_run::Entity>, limit: u64) -> Select<workflow_run::Entity> {
    select.order_by_desc(workflow_run::Column::Id).limit(limit)
}

/// Anybody's run; for the operator.
///
/// # Errors
///
/// When there is no such run.
pub async fn get_any(db: &Db, id: &RunId) -> Result<Run> {
    workflow_run::Entity::find_by_id(id.clone()).one(db.connection()).await?.ok_or(Error::NotFound("run"))
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

/// Deletes runs without a customer that ended before this, and says how many. Those of customers stay with them.
///
/// # Errors
///
/// When the database fails.
pub async fn forget_service_runs(db: &Db, before: DateTime<Utc>) -> Result<u64> {
    let deleted = workflow_run::Entity::delete_many()
        .filter(workflow_run::Column::CustomerId.is_null())
        .filter(workflow_run::Column::EndedAt.lt(before))
        .exec(db.connection())
        .await?;
    Ok(deleted.rows_affected)
}
