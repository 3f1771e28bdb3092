//! Analytics reports.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, RunId};

/// The report that a run has made. Never changed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: RunId,
    pub customer_id: CustomerId,
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub headline: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub data: Json,
    pub markdown: String,
    pub created_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
