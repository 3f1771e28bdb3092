//! Writing down what came of a call, all at once.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::Value;

use super::runs::{end, hold, start_in};
use super::timers::{call_soon, find_timer, insert_timer};
use super::{EngineRun, LEASE, RunState, Start, Timer, TimerKind, WHOLE, WaitKind};
use crate::bounded::Tx;
use crate::db::{Db, now};
use crate::error::Result;
use crate::tables::{engine_step, engine_timer, engine_wait};

/// What came of what a timer was for.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Steps that are done.
    pub memos: Vec<Memo>,
    /// What is to be done at some time.
    pub timers: Vec<NewTimer>,
    /// What is to be waited for.
    pub waits: Vec<NewWait>,
    /// Functions to run and wait for.
    pub invocations: Vec<Invocation>,
    /// What becomes of the timer.
    pub after: After,
}

/// What is remembered of a step.
#[derive(Clone, Debug)]
pub struct Memo {
    /// Its hash.
    pub step: String,
    /// Its id.
    pub name: String,
    /// What.
    pub memo: Value,
}

/// Something to do at some time, unless it is planned or done already.
#[derive(Clone, Debug)]
pub struct NewTimer {
    /// The step's hash.
    pub step: String,
    /// The step's id.
    pub name: String,
    /// What.
    pub kind: TimerKind,
    /// When.
    pub due_at: DateTime<Utc>,
}

/// Something to wait for, unless it is waited for or has come already.
#[derive(Clone, Debug)]
pub struct NewWait {
    /// The step's hash.
    pub step: String,
    /// The step's id.
    pub name: String,
    /// For what.
    pub kind: WaitKind,
    /// The event's or signal's name.
    pub of: String,
    /// A field of the event; empty for any event.
    pub field: String,
    /// The value it must have, as JSON.
    pub value: String,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Takes a signal over from another run; otherwise the wait fails.
    pub replace: bool,
}

/// A function to run and wait for, unless that is so already.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The step's hash.
    pub step: String,
    /// The step's id.
    pub name: String,
    /// The run.
    pub start: Start,
    /// Until when to wait.
    pub until: Option<DateTime<Utc>>,
}

/// What becomes of a timer.
#[derive(Clone, Debug)]
pub enum After {
    /// It is kept by whoever has it: the function is called again at once.
    Keep,
    /// It is done.
    Done,
    /// It failed and is done again.
    Retry {
        /// When.
        at: DateTime<Utc>,
        /// Why it failed.
        error: String,
    },
    /// The whole run is over.
    End {
        /// How.
        state: RunState,
        /// What it returned or failed with.
        result: Value,
        /// What is run because of that.
        start: Option<Box<Start>>,
    },
}

/// Writes down what came of what a timer was for. False, and nothing is written, when the timer is somebody else's by
/// now or the run is over.
///
/// # Errors
///
/// When the database fails.
pub async fn progress(db: &Db, timer: &Timer, progress: Progress) -> Result<bool> {
    let tx = db.write_tx().await?;
    let Some(run) = hold(&tx, &timer.run_id).await? else { return Ok(false) };
    let is_ours = |own: &Timer| own.version == timer.version;
    if find_timer(&tx, &run, &timer.step).await?.is_none_or(|own| !is_ours(&own)) {
        return Ok(false);
    }
    let has_news = !progress.memos.is_empty() && timer.kind != TimerKind::Call;
    for memo in progress.memos {
        remember(&tx, &run, memo).await?;
    }
    for new in progress.timers {
        plan(&tx, &run, new).await?;
    }
    for wait in progress.waits {
        wait_for(&tx, &run, wait).await?;
    }
    for invocation in progress.invocations {
        invoke(&tx, &run, invocation).await?;
    }
    match progress.after {
        After::End { state, result, start } => {
            end(&tx, run, state, &result).await?;
            if let Some(start) = start {
                start_in(&tx, *start, None).await?;
            }
        }
        after => {
            // Read again: what was written meanwhile may want another call.
            if let Some(own) = find_timer(&tx, &run, &timer.step).await? {
                settle(&tx, own, after).await?;
            }
            if has_news {
                call_soon(&tx, &run).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(true)
}

async fn settle(tx: &Tx, own: Timer, after: After) -> Result<()> {
    let (again, version) = (own.again, own.version);
    let mut change: engine_timer::ActiveModel = own.clone().into();
    match after {
        // Whoever has it reads what is remembered before they call again.
        After::Keep => {
            let until = now() + LEASE;
            change.due_at = Set(until);
            change.taken_until = Set(Some(until));
            change.attempt = Set(0);
            change.again = Set(false);
            change.error = Set(None);
        }
        After::Retry { at, error } => {
            change.due_at = Set(at);
            change.taken_until = Set(None);
            change.version = Set(version + 1);
            change.attempt = Set(own.attempt + 1);
            change.error = Set(Some(error));
        }
        // Something came that the call did not know of.
        After::Done if again => {
            change.due_at = Set(now());
            change.taken_until = Set(None);
            change.version = Set(version + 1);
            change.attempt = Set(0);
            change.again = Set(false);
            change.error = Set(None);
        }
        After::Done | After::End { .. } => {
            engine_timer::Entity::delete_by_id((own.run_id, own.step)).exec(tx).await?;
            return Ok(());
        }
    }
    change.update(tx).await?;
    Ok(())
}

/// Remembers a step of a run that is held, and forgets that it was waited for; false when it was remembered before.
pub(super) async fn remember(tx: &Tx, run: &EngineRun, memo: Memo) -> Result<bool> {
    if is_remembered(tx, run, &memo.step).await? {
        return Ok(false);
    }
    let last = engine_step::Entity::find()
        .filter(engine_step::Column::RunId.eq(&run.id))
        .order_by_desc(engine_step::Column::Position)
        .one(tx)
        .await?;
    engine_wait::Entity::delete_by_id((run.id.clone(), memo.step.clone())).exec(tx).await?;
    engine_timer::Entity::delete_many()
        .filter(engine_timer::Column::RunId.eq(&run.id))
        .filter(engine_timer::Column::Step.eq(&memo.step))
        .filter(engine_timer::Column::Kind.is_in([TimerKind::Timeout, TimerKind::InvokeTimeout]))
        .filter(engine_timer::Column::TakenUntil.is_null())
        .exec(tx)
        .await?;
    let row = engine_step::ActiveModel {
        run_id: Set(run.id.clone()),
        hash: Set(memo.step),
        position: Set(last.map_or(0, |last| last.position + 1)),
        name: Set(memo.name),
        memo: Set(memo.memo.to_string()),
        created_at: Set(now()),
    };
    row.insert(tx).await?;
    Ok(true)
}

async fn is_remembered(tx: &Tx, run: &EngineRun, step: &str) -> Result<bool> {
    let known = engine_step::Entity::find_by_id((run.id.clone(), step.to_owned())).one(tx).await?;
    Ok(known.is_some())
}

/// A function reports the steps that are under way each time it is called.
async fn is_known(tx: &Tx, run: &EngineRun, step: &str) -> Result<bool> {
    if find_timer(tx, run, step).await?.is_some() || is_remembered(tx, run, step).await? {
        return Ok(true);
    }
    let wait = engine_wait::Entity::find_by_id((run.id.clone(), step.to_owned())).one(tx).await?;
    Ok(wait.is_some())
}

async fn plan(tx: &Tx, run: &EngineRun, new: NewTimer) -> Result<()> {
    if is_known(tx, run, &new.step).await? { Ok(()) } else { insert_timer(tx, run, new).await }
}

async fn wait_for(tx: &Tx, run: &EngineRun, wait: NewWait) -> Result<()> {
    if is_known(tx, run, &wait.step).await? {
        return Ok(());
    }
    if wait.kind == WaitKind::Signal && !take_signal(tx, &wait).await? {
        let error = format!("another run waits for the signal `{}` already", wait.of);
        let memo = serde_json::json!({ "error": { "name": "Error", "message": error } });
        remember(tx, run, Memo { step: wait.step, name: wait.name, memo }).await?;
        return call_soon(tx, run).await;
    }
    let row = engine_wait::ActiveModel {
        run_id: Set(run.id.clone()),
        step: Set(wait.step.clone()),
        kind: Set(wait.kind),
        name: Set(wait.of),
        field: Set(wait.field),
        value: Set(wait.value),
        ends_at: Set(Some(wait.until)),
    };
    row.insert(tx).await?;
    let timeout = NewTimer { step: wait.step, name: wait.name, kind: TimerKind::Timeout, due_at: wait.until };
    insert_timer(tx, run, timeout).await
}

/// Whether a signal can be waited for: one run at a time does.
async fn take_signal(tx: &Tx, wait: &NewWait) -> Result<bool> {
    let other = engine_wait::Entity::find()
        .filter(engine_wait::Column::Kind.eq(WaitKind::Signal))
        .filter(engine_wait::Column::Name.eq(&wait.of))
        .one(tx)
        .await?;
    let Some(other) = other else { return Ok(true) };
    if wait.replace {
        // The other wait times out.
        engine_wait::Entity::delete_by_id((other.run_id, other.step)).exec(tx).await?;
    }
    Ok(wait.replace)
}

async fn invoke(tx: &Tx, run: &EngineRun, invocation: Invocation) -> Result<()> {
    let parent = Some((run.id.as_str(), invocation.step.as_str()));
    if is_remembered(tx, run, &invocation.step).await? || start_in(tx, invocation.start, parent).await?.is_none() {
        return Ok(());
    }
    let Some(until) = invocation.until else { return Ok(()) };
    let timeout = NewTimer {
        step: invocation.step.clone(),
        name: invocation.name,
        kind: TimerKind::InvokeTimeout,
        due_at: until,
    };
    insert_timer(tx, run, timeout).await
}

impl Progress {
    /// Nothing but what becomes of the timer.
    #[must_use]
    pub const fn only(after: After) -> Self {
        Self { memos: Vec::new(), timers: Vec::new(), waits: Vec::new(), invocations: Vec::new(), after }
    }
}

impl Timer {
    /// Whether it is for the whole function.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.step == WHOLE
    }
}
