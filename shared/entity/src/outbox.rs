//! Events for the durable functions, written in the transaction that causes them and delivered afterwards, at least
//! once, in the order of each customer's.

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::Value;

use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now};
use crate::error::Result;
use crate::ids::{CustomerId, MessageId};
use crate::tables::outbox_message as message;

/// An event on its way.
pub type Message = message::Model;

/// Longer than a delivery may take; then somebody else may try.
pub const LEASE: Duration = Duration::seconds(60);
const FIRST_WAIT: Duration = Duration::seconds(1);
pub(crate) const LONGEST_WAIT: Duration = Duration::minutes(10);

/// Puts an event on its way when the transaction commits. For a customer their row must be locked by it, so that their
/// events keep their order.
pub(crate) async fn write(tx: &Tx, customer_id: Option<&CustomerId>, name: &str, data: &Value) -> Result<()> {
    let id = MessageId::new();
    let event_id = id.to_string();
    insert(tx, id, customer_id, &event_id, name, data).await
}

/// Puts an event on its way. The same event id may be sent again: it starts nothing twice.
///
/// # Errors
///
/// When there is no such customer (any more).
pub async fn send(db: &Db, customer_id: Option<&CustomerId>, event_id: &str, name: &str, data: &Value) -> Result<()> {
    let tx = db.write_tx().await?;
    if let Some(customer_id) = customer_id {
        customers::lock(&tx, customer_id).await?;
    }
    insert(&tx, MessageId::new(), customer_id, event_id, name, data).await?;
    tx.commit().await?;
    Ok(())
}

async fn insert(
    tx: &Tx,
    id: MessageId,
    customer_id: Option<&CustomerId>,
    event_id: &str,
    name: &str,
    data: &Value,
) -> Result<()> {
    let now = now();
    let row = message::ActiveModel {
        id: Set(id),
        customer_id: Set(customer_id.cloned()),
        event_id: Set(event_id.to_owned()),
        name: Set(name.to_owned()),
        data: Set(data.to_string()),
        created_at: Set(now),
        attempts: Set(0),
        next_attempt_at: Set(now),
        error: Set(None),
    };
    row.insert(tx).await?;
    Ok(())
}

/// Events that are due, oldest first: of each customer only the one before all others.
///
/// # Errors
///
/// When the database fails.
pub async fn due(db: &Db, limit: u64) -> Result<Vec<Message>> {
    let earlier = Alias::new("earlier");
    let is_not_first = Query::select()
        .expr(Expr::val(1))
        .from_as(message::Entity, earlier.clone())
        .and_where(
            Expr::col((earlier.clone(), message::Column::CustomerId))
                .equals((message::Entity, message::Column::CustomerId)),
        )
        .and_where(Expr::col((earlier, message::Column::Id)).lt(Expr::col((message::Entity, message::Column::Id))))
        .to_owned();
    let due = message::Entity::find()
        .filter(message::Column::NextAttemptAt.lte(now()))
        .filter(Expr::exists(is_not_first).not())
        .order_by_asc(message::Column::Id)
        .limit(limit)
        .all(db.connection())
        .await?;
    Ok(due)
}

/// Takes an event to deliver it; false when somebody else was faster. Whoever takes it and dies lets go of it after
/// [`LEASE`].
///
/// # Errors
///
/// When the database fails.
pub async fn take(db: &Db, message: &Message) -> Result<bool> {
    let taken = message::Entity::update_many()
        .col_expr(message::Column::NextAttemptAt, Expr::value(now() + LEASE))
        .col_expr(message::Column::Attempts, Expr::col(message::Column::Attempts).add(1))
        .filter(message::Column::Id.eq(message.id.clone()))
        .filter(message::Column::Attempts.eq(message.attempts))
        .exec(db.connection())
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Notes that an event has arrived.
///
/// # Errors
///
/// When the database fails.
pub async fn delivered(db: &Db, id: &MessageId) -> Result<()> {
    message::Entity::delete_by_id(id.clone()).exec(db.connection()).await?;
    Ok(())
}

/// The same in the transaction of what it causes; false when somebody else was faster.
pub(crate) async fn delivered_in(tx: &Tx, id: &MessageId) -> Result<bool> {
    Ok(message::Entity::delete_by_id(id.clone()).exec(tx).await?.rows_affected == 1)
}

/// Notes why a delivery failed; the next is due after twice as long as before, up to ten minutes.
///
/// # Errors
///
/// When the database fails.
pub async fn failed(db: &Db, message: &Message, error: &str) -> Result<()> {
    let doubled = FIRST_WAIT * 2_i32.saturating_pow(message.attempts.clamp(0, 16).unsigned_abs());
    message::Entity::update_many()
        .col_expr(message::Column::NextAttemptAt, Expr::value(now() + doubled.min(LONGEST_WAIT)))
        .col_expr(message::Column::Error, Expr::value(error))
        .filter(message::Column::Id.eq(message.id.clone()))
        .exec(db.connection())
        .await?;
    Ok(())
}

/// When the next event is due, if one waits.
///
/// # Errors
///
/// When the database fails.
pub async fn next_due(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let next = message::Entity::find().order_by_asc(message::Column::NextAttemptAt).one(db.connection()).await?;
    Ok(next.map(|message| message.next_attempt_at))
}
