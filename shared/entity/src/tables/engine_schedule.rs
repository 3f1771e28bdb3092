//! When the embedded engine starts functions by the clock.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// A cron of a function.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "engine_schedules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub function: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub cron: String,
    pub next_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
