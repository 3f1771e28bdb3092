//! What is to be done and when, and who does it.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use super::{EngineRun, NewTimer, Timer, TimerKind, WHOLE};
use crate::bounded::Tx;
use crate::db::{Db, now};
use crate::error::Result;
use crate::tables::{engine_schedule, engine_timer};

/// How long whoever takes a timer has it, unless they renew it.
pub const LEASE: Duration = Duration::seconds(30);
/// When to look again at what has to wait for others of the same function.
const PAUSE: Duration = Duration::milliseconds(500);

/// Takes what is due, at most `limit`. `limits` says of how many steps of a function may run at the same time.
///
/// # Errors
///
/// When the database fails.
pub async fn claim(db: &Db, limit: u64, limits: &HashMap<String, u32>) -> Result<Vec<Timer>> {
    if !is_anything_due(db).await? {
        return Ok(Vec::new());
    }
    let tx = db.claim_tx().await?;
    let due = engine_timer::Entity::find()
        .filter(engine_timer::Column::DueAt.lte(now()))
        .order_by_asc(engine_timer::Column::DueAt)
        .limit(limit)
        // Waits for nobody, so that no two wait for each other.
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&tx)
        .await?;
    let mut claimed = Vec::new();
    for timer in due {
        let may_run = match limits.get(&timer.function) {
            Some(limit) => running(&tx, &timer).await? < u64::from(*limit),
            None => true,
        };
        let mut change: engine_timer::ActiveModel = timer.clone().into();
        if may_run {
            let until = now() + LEASE;
            change.due_at = Set(until);
            change.taken_until = Set(Some(until));
            change.version = Set(timer.version + 1);
            claimed.push(change.update(&tx).await?);
        } else {
            change.due_at = Set(now() + PAUSE);
            change.update(&tx).await?;
        }
    }
    tx.commit().await?;
    Ok(claimed)
}

async fn is_anything_due(db: &Db) -> Result<bool> {
    let due = engine_timer::Entity::find().filter(engine_timer::Column::DueAt.lte(now())).one(db.connection()).await?;
    Ok(due.is_some())
}

/// How many timers that share this one's limit somebody has.
async fn running(tx: &Tx, timer: &Timer) -> Result<u64> {
    let running = engine_timer::Entity::find()
        .filter(engine_timer::Column::Function.eq(&timer.function))
        .filter(engine_timer::Column::ConcurrencyKey.eq(&timer.concurrency_key))
        .filter(engine_timer::Column::TakenUntil.gt(now()))
        .count(tx)
        .await?;
    Ok(running)
}

/// Keeps a timer for another [`LEASE`]; false when somebody else has it by now.
///
/// # Errors
///
/// When the database fails.
pub async fn renew(db: &Db, timer: &Timer) -> Result<bool> {
    let until = now() + LEASE;
    let renewed = engine_timer::Entity::update_many()
        .col_expr(engine_timer::Column::DueAt, Expr::value(until))
        .col_expr(engine_timer::Column::TakenUntil, Expr::value(Some(until)))
        .filter(engine_timer::Column::RunId.eq(&timer.run_id))
        .filter(engine_timer::Column::Step.eq(&timer.step))
        .filter(engine_timer::Column::Version.eq(timer.version))
        .exec(db.connection())
        .await?;
    Ok(renewed.rows_affected == 1)
}

/// When there is something to do next, if ever.
///
/// # Errors
///
/// When the database fails.
pub async fn next_due(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let timer = engine_timer::Entity::find().order_by_asc(engine_timer::Column::DueAt).one(db.connection()).await?;
    let schedule =
        engine_schedule::Entity::find().order_by_asc(engine_schedule::Column::NextAt).one(db.connection()).await?;
    Ok(timer.map(|timer| timer.due_at).into_iter().chain(schedule.map(|schedule| schedule.next_at)).min())
}

pub(super) async fn insert_timer(tx: &Tx, run: &EngineRun, new: NewTimer) -> Result<()> {
    let row = engine_timer::ActiveModel {
        run_id: Set(run.id.clone()),
        step: Set(new.step),
        kind: Set(new.kind),
        name: Set(new.name),
        function: Set(run.function.clone()),
        concurrency_key: Set(run.concurrency_key.clone()),
        due_at: Set(new.due_at),
        taken_until: Set(None),
        version: Set(0),
        attempt: Set(0),
        again: Set(false),
        error: Set(None),
    };
    row.insert(tx).await?;
    Ok(())
}

pub(super) async fn find_timer(tx: &Tx, run: &EngineRun, step: &str) -> Result<Option<Timer>> {
    Ok(engine_timer::Entity::find_by_id((run.id.clone(), step.to_owned())).one(tx).await?)
}

/// Sees to it that the function of a run that is held is called (again) with what is remembered by now.
pub(super) async fn call_soon(tx: &Tx, run: &EngineRun) -> Result<()> {
    match find_timer(tx, run, WHOLE).await? {
        None => {
            let call = NewTimer { step: WHOLE.to_owned(), name: String::new(), kind: TimerKind::Call, due_at: now() };
            insert_timer(tx, run, call).await
        }
        Some(timer) => {
            let mut change: engine_timer::ActiveModel = timer.into();
            change.again = Set(true);
            change.update(tx).await?;
            Ok(())
        }
    }
}
