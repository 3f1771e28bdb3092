//! Functions that the clock starts.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};

use super::Start;
use super::runs::start_in;
use crate::db::{Db, now};
use crate::error::Result;
use crate::tables::engine_schedule;

/// A cron of a function, and when it is next.
pub type Schedule = engine_schedule::Model;

/// Keeps exactly these schedules. One that is there already keeps its time, so that a restart misses nothing.
///
/// # Errors
///
/// When the database fails.
pub async fn keep_schedules(db: &Db, wanted: Vec<Schedule>) -> Result<()> {
    let tx = db.claim_tx().await?;
    for known in engine_schedule::Entity::find().all(&tx).await? {
        if !wanted.iter().any(|it| (&it.function, &it.cron) == (&known.function, &known.cron)) {
            engine_schedule::Entity::delete_by_id((known.function, known.cron)).exec(&tx).await?;
        }
    }
    for new in wanted {
        let id = (new.function.clone(), new.cron.clone());
        if engine_schedule::Entity::find_by_id(id).one(&tx).await?.is_none() {
            let row = engine_schedule::ActiveModel {
                function: Set(new.function),
                cron: Set(new.cron),
                next_at: Set(new.next_at),
            };
            row.insert(&tx).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// The schedules whose time has come.
///
/// # Errors
///
/// When the database fails.
pub async fn due_schedules(db: &Db) -> Result<Vec<Schedule>> {
    let due = engine_schedule::Entity::find().filter(engine_schedule::Column::NextAt.lte(now()));
    Ok(due.all(db.connection()).await?)
}

/// Begins the run of a schedule whose time has come, once, and sets its next time.
///
/// # Errors
///
/// When the database fails.
pub async fn fire(db: &Db, schedule: &Schedule, next_at: DateTime<Utc>, start: Start) -> Result<()> {
    let tx = db.write_tx().await?;
    let moved = engine_schedule::Entity::update_many()
        .col_expr(engine_schedule::Column::NextAt, Expr::value(next_at))
        .filter(engine_schedule::Column::Function.eq(&schedule.function))
        .filter(engine_schedule::Column::Cron.eq(&schedule.cron))
        .filter(engine_schedule::Column::NextAt.eq(schedule.next_at))
        .exec(&tx)
        .await?;
    if moved.rows_affected == 1 {
        start_in(&tx, start, None).await?;
        tx.commit().await?;
    }
    Ok(())
}
