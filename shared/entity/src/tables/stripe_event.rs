//! Stripe's events, kept before they are answered.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// An event that Stripe delivered, and how far we are with it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stripe_events")]
pub struct Model {
    /// Stripe's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub event_type: String,
    /// The body as it was signed.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    /// By Stripe's clock.
    pub created_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    /// Attempts that were begun.
    pub attempts: i32,
    /// When it is to be tried (again); none once it is done or given up.
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub processed_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
