//! Runs of the embedded engine.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::engine::RunState;
use crate::ids::CustomerId;

/// A run of a function.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "engine_runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is: it goes when they go.
    pub customer_id: Option<CustomerId>,
    pub function: String,
    /// The event that started it starts no second one.
    pub event_id: String,
    pub status: RunState,
    /// JSON as text.
    #[sea_orm(column_type = "Text")]
    pub events: String,
    /// What it returned or failed with, as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub result: Option<String>,
    /// Which of the runs of the function share its limit.
    pub concurrency_key: String,
    /// The run that waits for its end, and the step of that run.
    pub parent_id: Option<String>,
    pub parent_step: Option<String>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}
