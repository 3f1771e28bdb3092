//! Starting, loading, ending and forgetting runs.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::Value;

use super::progress::remember;
use super::timers::{call_soon, insert_timer};
use super::{EngineRun, EngineStep, Memo, NewTimer, RunState, Timer, TimerKind, WHOLE, WaitKind};
use crate::bounded::Tx;
use crate::db::{Db, now};
use crate::error::Result;
use crate::ids::{CustomerId, ExecutionId};
use crate::tables::{engine_run, engine_step, engine_timer, engine_wait};

/// How many runs are deleted at a time.
const BATCH: u64 = 500;

/// A run to begin.
#[derive(Clone, Debug)]
pub struct Start {
    /// The function.
    pub function: String,
    /// Whose run it is.
    pub customer_id: Option<CustomerId>,
    /// What starts it; starts it once.
    pub event_id: String,
    /// A JSON list of the events.
    pub events: Value,
    /// What ends it.
    pub cancels: Vec<Cancel>,
    /// Which of the function's runs share its limit.
    pub concurrency_key: String,
}

/// An event that ends a run.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// The event's name.
    pub event: String,
    /// A field of it, as in `data.runId`; empty for any.
    pub field: String,
    /// The value it must have, as JSON.
    pub value: String,
    /// From when on it no longer counts.
    pub ends_at: Option<DateTime<Utc>>,
}

/// What a call of a function needs.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The run.
    pub run: EngineRun,
    /// What is remembered, oldest first.
    pub steps: Vec<EngineStep>,
    /// Whether other steps of it are under way.
    pub has_others: bool,
}

/// Begins a run, unless the event has begun it before. The id of the new run.
pub(super) async fn start_in(tx: &Tx, start: Start, parent: Option<(&str, &str)>) -> Result<Option<String>> {
    let known = engine_run::Entity::find()
        .filter(engine_run::Column::Function.eq(&start.function))
        .filter(engine_run::Column::EventId.eq(&start.event_id))
        .one(tx)
        .await?;
    if known.is_some() {
        return Ok(None);
    }
    let now = now();
    let row = engine_run::ActiveModel {
        id: Set(ExecutionId::new().to_string()),
        customer_id: Set(start.customer_id),
        function: Set(start.function),
        event_id: Set(start.event_id),
        status: Set(RunState::Running),
        events: Set(start.events.to_string()),
        result: Set(None),
        concurrency_key: Set(start.concurrency_key),
        parent_id: Set(parent.map(|(id, _)| id.to_owned())),
        parent_step: Set(parent.map(|(_, step)| step.to_owned())),
        created_at: Set(now),
        ended_at: Set(None),
    };
    let run = row.insert(tx).await?;
    for (index, cancel) in start.cancels.into_iter().enumerate() {
        let row = engine_wait::ActiveModel {
            run_id: Set(run.id.clone()),
            step: Set(format!("cancel:{index}")),
            kind: Set(WaitKind::Cancel),
            name: Set(cancel.event),
            field: Set(cancel.field),
            value: Set(cancel.value),
            ends_at: Set(cancel.ends_at),
        };
        row.insert(tx).await?;
    }
    let call = NewTimer { step: WHOLE.to_owned(), name: String::new(), kind: TimerKind::Call, due_at: now };
    insert_timer(tx, &run, call).await?;
    Ok(Some(run.id))
}

/// The run of a timer with all that is remembered; none when it is over.
///
/// # Errors
///
/// When the database fails.
pub async fn load(db: &Db, timer: &Timer) -> Result<Option<Execution>> {
    let run = engine_run::Entity::find_by_id(&timer.run_id).one(db.connection()).await?;
    let Some(run) = run.filter(|run| run.status == RunState::Running) else { return Ok(None) };
    // Before what is remembered: a step that ends in between then still counts as under way. The other way round it
    // would be in neither, and the call would do it a second time.
    let other = engine_timer::Entity::find()
        .filter(engine_timer::Column::RunId.eq(&run.id))
        .filter(engine_timer::Column::Step.ne(&timer.step))
        .one(db.connection())
        .await?;
    let waits = engine_wait::Entity::find()
        .filter(engine_wait::Column::RunId.eq(&run.id))
        .filter(engine_wait::Column::Kind.ne(WaitKind::Cancel))
        .one(db.connection())
        .await?;
    let has_others = other.is_some() || waits.is_some();
    let steps = engine_step::Entity::find()
        .filter(engine_step::Column::RunId.eq(&run.id))
        .order_by_asc(engine_step::Column::Position)
        .all(db.connection())
        .await?;
    Ok(Some(Execution { run, steps, has_others }))
}

/// Reads a run and holds it until the transaction ends; none when it is over.
pub(super) async fn hold(tx: &Tx, id: &str) -> Result<Option<EngineRun>> {
    let run = engine_run::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
    Ok(run.filter(|run| run.status == RunState::Running))
}

/// Ends a run that is held, and tells the run that waits for it.
pub(super) async fn end(tx: &Tx, run: EngineRun, state: RunState, result: &Value) -> Result<()> {
    engine_timer::Entity::delete_many().filter(engine_timer::Column::RunId.eq(&run.id)).exec(tx).await?;
    engine_wait::Entity::delete_many().filter(engine_wait::Column::RunId.eq(&run.id)).exec(tx).await?;
    let mut change: engine_run::ActiveModel = run.into();
    change.status = Set(state);
    change.result = Set(Some(result.to_string()));
    change.ended_at = Set(Some(now()));
    let run = change.update(tx).await?;
    let (Some(parent), Some(step)) = (&run.parent_id, &run.parent_step) else { return Ok(()) };
    let Some(parent) = hold(tx, parent).await? else { return Ok(()) };
    let memo = match state {
        RunState::Completed => serde_json::json!({ "data": result }),
        _ => serde_json::json!({ "error": result }),
    };
    if remember(tx, &parent, Memo { step: step.clone(), name: String::new(), memo }).await? {
        call_soon(tx, &parent).await?;
    }
    Ok(())
}

/// Deletes runs that ended before this, and says how many.
///
/// # Errors
///
/// When the database fails.
pub async fn forget(db: &Db, before: DateTime<Utc>) -> Result<u64> {
    let mut deleted = 0;
    loop {
        let ids: Vec<String> = engine_run::Entity::find()
            .select_only()
            .column(engine_run::Column::Id)
            .filter(engine_run::Column::EndedAt.lt(before))
            .limit(BATCH)
            .into_tuple()
            .all(db.connection())
            .await?;
        if ids.is_empty() {
            return Ok(deleted);
        }
        let gone = engine_run::Entity::delete_many().filter(engine_run::Column::Id.is_in(ids)).exec(db.connection());
        deleted += gone.await?.rows_affected;
    }
}
