//! What the embedded engine is to do, and when.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::engine::TimerKind;

/// Something to do for a run.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "engine_timers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: String,
    /// The step's hash, or [`crate::engine::WHOLE`].
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: String,
    pub kind: TimerKind,
    /// The step's id, for whoever looks.
    pub name: String,
    pub function: String,
    /// Which of the runs of the function share its limit.
    pub concurrency_key: String,
    /// When it is to be done; while somebody does it, when they are given up.
    pub due_at: DateTime<Utc>,
    /// Until when somebody has it.
    pub taken_until: Option<DateTime<Utc>>,
    /// Grows each time somebody takes it: what an earlier one finds out no longer counts.
    pub version: i64,
    /// Attempts that failed.
    pub attempt: i32,
    /// Something happened since it was taken that it does not know of.
    pub again: bool,
    /// Why the last attempt failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
