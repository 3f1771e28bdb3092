//! What events and signals do: they start runs, wake those that wait, and end those that are to end.

use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value, json};

use super::progress::remember;
use super::runs::{end, hold, start_in};
use super::timers::call_soon;
use super::{Memo, RunState, Start, WaitKind};
use crate::bounded::Tx;
use crate::db::{Db, now};
use crate::error::Result;
use crate::ids::MessageId;
use crate::outbox;
use crate::tables::engine_wait;

type Wait = engine_wait::Model;

/// An event that arrives.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its name.
    pub name: String,
    /// All of it, as runs are to see it.
    pub event: Value,
}

/// Lets an event of the outbox do what it does, once. `starts` are the runs that it begins.
///
/// # Errors
///
/// When the database fails.
pub async fn deliver(db: &Db, id: &MessageId, incoming: &Incoming, starts: Vec<Start>) -> Result<()> {
    let tx = db.write_tx().await?;
    if !outbox::delivered_in(&tx, id).await? {
        return Ok(());
    }
    wake(&tx, incoming).await?;
    for start in starts {
        start_in(&tx, start, None).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Wakes the run that waits for a signal; false when there is none.
///
/// # Errors
///
/// When the database fails.
pub async fn signal(db: &Db, name: &str, data: &Value) -> Result<bool> {
    let tx = db.write_tx().await?;
    let wait = engine_wait::Entity::find()
        .filter(engine_wait::Column::Kind.eq(WaitKind::Signal))
        .filter(engine_wait::Column::Name.eq(name))
        .one(&tx)
        .await?;
    let Some(wait) = wait else { return Ok(false) };
    settle(&tx, wait, &json!({ "data": { "signal": name, "data": data } })).await?;
    tx.commit().await?;
    Ok(true)
}

async fn wake(tx: &Tx, incoming: &Incoming) -> Result<()> {
    for kind in [WaitKind::Event, WaitKind::Cancel] {
        for field in fields(tx, kind, &incoming.name).await? {
            for wait in waiting(tx, kind, incoming, &field).await? {
                settle(tx, wait, &incoming.event).await?;
            }
        }
    }
    Ok(())
}

async fn settle(tx: &Tx, wait: Wait, memo: &Value) -> Result<()> {
    let Some(run) = hold(tx, &wait.run_id).await? else { return Ok(()) };
    if wait.kind == WaitKind::Cancel {
        let why = json!({ "name": "Cancelled", "message": format!("{} cancelled it", wait.name) });
        return end(tx, run, RunState::Cancelled, &why).await;
    }
    let memo = Memo { step: wait.step, name: String::new(), memo: memo.clone() };
    if remember(tx, &run, memo).await? {
        call_soon(tx, &run).await?;
    }
    Ok(())
}

/// The fields that somebody who waits for this event looks at: few, whatever the number of those who wait. Each is
/// found by one look into the index.
async fn fields(tx: &Tx, kind: WaitKind, name: &str) -> Result<Vec<String>> {
    let mut fields: Vec<String> = Vec::new();
    loop {
        let mut next = engine_wait::Entity::find()
            .select_only()
            .column(engine_wait::Column::Field)
            .filter(engine_wait::Column::Kind.eq(kind))
            .filter(engine_wait::Column::Name.eq(name));
        if let Some(last) = fields.last() {
            next = next.filter(engine_wait::Column::Field.gt(last));
        }
        let next: Option<String> = next.order_by_asc(engine_wait::Column::Field).limit(1).into_tuple().one(tx).await?;
        match next {
            Some(field) => fields.push(field),
            None => return Ok(fields),
        }
    }
}

async fn waiting(tx: &Tx, kind: WaitKind, incoming: &Incoming, field: &str) -> Result<Vec<Wait>> {
    let value = value_at(&incoming.event, field);
    let not_over =
        Condition::any().add(engine_wait::Column::EndsAt.is_null()).add(engine_wait::Column::EndsAt.gt(now()));
    let waits = engine_wait::Entity::find()
        .filter(engine_wait::Column::Kind.eq(kind))
        .filter(engine_wait::Column::Name.eq(&incoming.name))
        .filter(engine_wait::Column::Field.eq(field))
        .filter(engine_wait::Column::Value.eq(value))
        .filter(not_over)
        .all(tx)
        .await?;
    Ok(waits)
}

/// What an event has in a field such as `data.runId`, as JSON; nothing for the empty field, which any event has.
#[must_use]
pub fn value_at(event: &Value, field: &str) -> String {
    if field.is_empty() {
        return String::new();
    }
    let found = field.split('.').try_fold(event, |value, key| value.get(key));
    found.unwrap_or(&Value::Null).to_string()
}
