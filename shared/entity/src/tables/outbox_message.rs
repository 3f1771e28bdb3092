//! Events on their way to the durable functions.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, MessageId};

/// An event, written in the transaction that caused it; gone once it is delivered.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    pub customer_id: Option<CustomerId>,
    /// Events with the same one start a function once.
    pub event_id: String,
    pub name: String,
    /// JSON as text: what is in it goes out as it came.
    #[sea_orm(column_type = "Text")]
    pub data: String,
    pub created_at: DateTime<Utc>,
    /// Attempts that were begun.
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    /// Why the last attempt failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
