//! The numbers of a week as they were: one row each, never changed.

use chrono::NaiveDate;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::{Value, json};

use crate::customers;
use crate::db::{Db, now};
use crate::error::Result;
use crate::events::{self, EventType};
use crate::ids::{CustomerId, RunId, SnapshotId};
use crate::tables::snapshot;

/// A snapshot.
pub type Snapshot = snapshot::Model;

/// What is to be kept.
#[derive(Clone, Debug)]
pub struct NewSnapshot {
    /// The run that captured it.
    pub run_id: RunId,
    /// The first day.
    pub first_day: NaiveDate,
    /// The last day.
    pub last_day: NaiveDate,
    /// The numbers.
    pub data: Value,
}

/// Keeps a snapshot; what its run has kept before is the answer to a repetition.
///
/// # Errors
///
/// When there is no such customer.
pub async fn keep(db: &Db, customer_id: &CustomerId, new: NewSnapshot) -> Result<Snapshot> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let known = snapshot::Entity::find().filter(snapshot::Column::RunId.eq(new.run_id.clone()));
    let known = known.filter(snapshot::Column::CustomerId.eq(customer_id.clone())).one(&tx).await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let row = snapshot::ActiveModel {
        id: Set(SnapshotId::new()),
        customer_id: Set(customer_id.clone()),
        run_id: Set(new.run_id),
        first_day: Set(new.first_day),
        last_day: Set(new.last_day),
        data: Set(new.data),
        captured_at: Set(now()),
    };
    let kept = row.insert(&tx).await?;
    let data = json!({ "snapshotId": kept.id, "from": kept.first_day, "to": kept.last_day });
    events::record(&tx, customer_id, EventType::SnapshotCaptured, data).await?;
    tx.commit().await?;
    Ok(kept)
}

/// The customer's snapshots of days from `since` on, newest first, at most `limit`.
///
/// # Errors
///
/// When the database fails.
pub async fn list(db: &Db, customer_id: &CustomerId, since: Option<NaiveDate>, limit: u64) -> Result<Vec<Snapshot>> {
    let mut select = snapshot::Entity::find().filter(snapshot::Column::CustomerId.eq(customer_id.clone()));
    if let Some(since) = since {
        select = select.filter(snapshot::Column::LastDay.gte(since));
    }
    Ok(select.order_by_desc(snapshot::Column::Id).limit(limit).all(db.connection()).await?)
}
