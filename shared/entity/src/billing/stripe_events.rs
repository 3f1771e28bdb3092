use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use crate::bounded::Tx;
use crate::db::{Db, now, stored};
use crate::error::{Error, Result};
use crate::tables::stripe_event;

/// An event that Stripe delivered, and how far we are with it.
pub type StripeEvent = stripe_event::Model;

/// Who takes an event has this long before somebody else may: longer than all calls to Stripe together can take.
const LEASE: Duration = Duration::seconds(60);
const FIRST_WAIT: Duration = Duration::seconds(2);
pub(crate) const LONGEST_WAIT: Duration = Duration::hours(1);
/// Some three days, as long as Stripe itself keeps trying to deliver.
const MAX_ATTEMPTS: i32 = 80;

/// An event whose signature was right.
#[derive(Clone, Debug)]
pub struct NewStripeEvent {
    /// Stripe's id.
    pub id: String,
    /// Such as `invoice.paid`.
    pub event_type: String,
    /// The body as it was signed.
    pub payload: String,
    /// By Stripe's clock.
    pub created_at: DateTime<Utc>,
    /// Whether anything is to be done about it; otherwise it is only kept.
    pub handled: bool,
}

/// Keeps an event; false when it is kept already.
///
/// # Errors
///
/// When the database fails: then Stripe must deliver it again.
pub async fn store(db: &Db, new: NewStripeEvent) -> Result<bool> {
    let now = now();
    let row = stripe_event::ActiveModel {
        id: Set(new.id),
        event_type: Set(new.event_type),
        payload: Set(new.payload),
        created_at: Set(stored(new.created_at)),
        received_at: Set(now),
        attempts: Set(0),
        next_attempt_at: Set(new.handled.then_some(now)),
        processed_at: Set((!new.handled).then_some(now)),
        error: Set(None),
    };
    let inserted = stripe_event::Entity::insert(row)
        .on_conflict_do_nothing_on([stripe_event::Column::Id])
        .exec(db.connection())
        .await?;
    Ok(matches!(inserted, sea_orm::TryInsertResult::Inserted(_)))
}

/// The events whose time has come, oldest first.
///
/// # Errors
///
/// When the database fails.
pub async fn due(db: &Db, limit: u64) -> Result<Vec<StripeEvent>> {
    let events = stripe_event::Entity::find()
        .filter(stripe_event::Column::NextAttemptAt.lte(now()))
        .order_by_asc(stripe_event::Column::NextAttemptAt)
        .limit(limit)
        .all(db.connection())
        .await?;
    Ok(events)
}

/// When the next event is due, if one waits.
///
/// # Errors
///
/// When the database fails.
pub async fn next_due(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let next = stripe_event::Entity::find()
        .filter(stripe_event::Column::NextAttemptAt.is_not_null())
        .order_by_asc(stripe_event::Column::NextAttemptAt)
        .limit(1)
        .one(db.connection())
        .await?;
    Ok(next.and_then(|event| event.next_attempt_at))
}

/// Takes an event to work on it; false when somebody else was faster. Whoever takes it and dies lets go of it in the
/// end.
///
/// # Errors
///
/// When the database fails.
pub async fn take(db: &Db, event: &StripeEvent) -> Result<bool> {
    let taken = stripe_event::Entity::update_many()
        .col_expr(stripe_event::Column::NextAttemptAt, Expr::value(now() + LEASE))
        .col_expr(stripe_event::Column::Attempts, Expr::col(stripe_event::Column::Attempts).add(1))
        .filter(stripe_event::Column::Id.eq(&event.id))
        .filter(stripe_event::Column::Attempts.eq(event.attempts))
        .filter(stripe_event::Column::NextAttemptAt.is_not_null())
        .exec(db.connection())
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Notes that nothing is left to do about an event.
///
/// # Errors
///
/// When the database fails.
pub async fn processed(db: &Db, id: &str) -> Result<()> {
    let tx = db.write_tx().await?;
    finish_in(&tx, Some(id)).await?;
    tx.commit().await?;
    Ok(())
}

/// The same in the transaction of the event's effects; false when somebody else had finished it, with its effects.
pub(super) async fn finish_in(tx: &Tx, id: Option<&str>) -> Result<bool> {
    let Some(id) = id else { return Ok(true) };
    let finished = stripe_event::Entity::update_many()
        .col_expr(stripe_event::Column::ProcessedAt, Expr::value(Some(now())))
        .col_expr(stripe_event::Column::NextAttemptAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(stripe_event::Column::Error, Expr::value(None::<String>))
        .filter(stripe_event::Column::Id.eq(id))
        .filter(stripe_event::Column::ProcessedAt.is_null())
        .exec(tx)
        .await?;
    Ok(finished.rows_affected == 1)
}

/// Notes why an attempt failed, and when the next one is due: after twice as long as before, up to an hour.
///
/// # Errors
///
/// When the database fails.
pub async fn failed(db: &Db, event: &StripeEvent, error: &str) -> Result<()> {
    let doubled = FIRST_WAIT * 2_i32.saturating_pow(event.attempts.clamp(0, 16).unsigned_abs());
    let next = (event.attempts < MAX_ATTEMPTS).then_some(now() + doubled.min(LONGEST_WAIT));
    stripe_event::Entity::update_many()
        .col_expr(stripe_event::Column::NextAttemptAt, Expr::value(next))
        .col_expr(stripe_event::Column::Error, Expr::value(error))
        .filter(stripe_event::Column::Id.eq(&event.id))
        .filter(stripe_event::Column::ProcessedAt.is_null())
        .exec(db.connection())
        .await?;
    Ok(())
}

/// The newest events; only those that are not done when `open` is set.
///
/// # Errors
///
/// When the database fails.
pub async fn list(db: &Db, open: bool, limit: u64) -> Result<Vec<StripeEvent>> {
    let mut select = stripe_event::Entity::find();
    if open {
        select = select.filter(stripe_event::Column::ProcessedAt.is_null());
    }
    let events = select.order_by_desc(stripe_event::Column::ReceivedAt).limit(limit).all(db.connection()).await?;
    Ok(events)
}

/// Makes an event due at once, whether it failed, was given up or is done.
///
/// # Errors
///
/// When there is no such event.
pub async fn replay(db: &Db, id: &str) -> Result<()> {
    let replayed = stripe_event::Entity::update_many()
        .col_expr(stripe_event::Column::NextAttemptAt, Expr::value(Some(now())))
        .col_expr(stripe_event::Column::ProcessedAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(stripe_event::Column::Attempts, Expr::value(0))
        .filter(stripe_event::Column::Id.eq(id))
        .exec(db.connection())
        .await?;
    if replayed.rows_affected == 1 { Ok(()) } else { Err(Error::NotFound("Stripe event")) }
}
