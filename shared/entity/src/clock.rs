//! A clock that was wrong for a while and is right again: what was written meanwhile may wait for a time that is hours
//! away and was never meant.

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::db::{Db, now};
use crate::engine::{self, TimerKind};
use crate::error::Result;
use crate::tables::{engine_timer, outbox_message, publication, stripe_event};
use crate::{billing, outbox, publications};

/// Lets go of what nobody can have meant to hold or put off for so long; how many things that were. Clocks of several
/// machines may differ by as much as a lease lasts.
///
/// # Errors
///
/// When the database fails.
pub async fn mend(db: &Db) -> Result<u64> {
    let now = now();
    let far = |longest: Duration| now + longest + longest;
    let messages = outbox_message::Entity::update_many()
        .col_expr(outbox_message::Column::NextAttemptAt, Expr::value(now))
        .filter(outbox_message::Column::NextAttemptAt.gt(far(outbox::LONGEST_WAIT)))
        .exec(db.connection())
        .await?;
    let events = stripe_event::Entity::update_many()
        .col_expr(stripe_event::Column::NextAttemptAt, Expr::value(Some(now)))
        .filter(stripe_event::Column::NextAttemptAt.gt(far(billing::LONGEST_WAIT)))
        .exec(db.connection())
        .await?;
    let claims = publication::Entity::update_many()
        .col_expr(publication::Column::ClaimedUntil, Expr::value(now))
        .filter(publication::Column::ClaimedUntil.gt(far(publications::LEASE)))
        .exec(db.connection())
        .await?;
    let timers = engine_timer::Entity::update_many()
        .col_expr(engine_timer::Column::DueAt, Expr::value(now))
        .col_expr(engine_timer::Column::TakenUntil, Expr::value(None::<DateTime<Utc>>))
        .filter(
            Condition::any()
                .add(engine_timer::Column::TakenUntil.gt(far(engine::LEASE)))
                // What has not been tried yet was to be done at once.
                .add(
                    Condition::all()
                        .add(engine_timer::Column::Kind.is_in([TimerKind::Call, TimerKind::Step]))
                        .add(engine_timer::Column::Attempt.eq(0))
                        .add(engine_timer::Column::TakenUntil.is_null())
                        .add(engine_timer::Column::DueAt.gt(far(engine::LEASE))),
                ),
        )
        .exec(db.connection())
        .await?;
    Ok([messages, events, claims, timers].iter().map(|result| result.rows_affected).sum())
}
