//! What runs of the embedded engine wait for.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::engine::WaitKind;

/// A wait.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "engine_waits")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: String,
    /// The step's hash; anything for what cancels the run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: String,
    pub kind: WaitKind,
    /// Of the event or signal.
    pub name: String,
    /// The event has to have this value in this field; any event will do when it is empty.
    pub field: String,
    /// JSON as text.
    pub value: String,
    /// From when on it no longer counts.
    pub ends_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}
