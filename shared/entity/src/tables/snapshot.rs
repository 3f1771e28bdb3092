//! Snapshots of numbers.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, RunId, SnapshotId};

/// The numbers of some days, as they were when they were kept. Never changed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "snapshots")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SnapshotId,
    pub customer_id: CustomerId,
    #[sea_orm(unique)]
    pub run_id: RunId,
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    #[sea_orm(column_type = "JsonBinary")]
    pub data: Json,
    pub captured_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
