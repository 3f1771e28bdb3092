//! Runs of workflows, as customers see them.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, RunId};
use crate::workflows::{RunStatus, Workflow};

/// A run. Those without a customer are the service's own.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunId,
    pub customer_id: Option<CustomerId>,
    pub workflow: Workflow,
    pub status: RunStatus,
    /// JSON as text.
    #[sea_orm(column_type = "Text")]
    pub input: String,
    /// JSON as text, once it is completed.
    #[sea_orm(column_type = "Text", nullable)]
    pub output: Option<String>,
    /// Why it failed or was cancelled, in words for the customer.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    pub retry_of: Option<RunId>,
    /// For when the clock has asked for it; absent when somebody else has.
    pub due_at: Option<DateTime<Utc>>,
    /// What Inngest or the embedded engine calls it, once it was begun.
    pub execution_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}
