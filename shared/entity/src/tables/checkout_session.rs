//! Completed checkouts, and whether their key was given out.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::CustomerId;

/// A checkout that was paid. Its id is what claims the key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "checkout_sessions")]
pub struct Model {
    /// Stripe's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub customer_id: CustomerId,
    /// Whether this checkout made the customer: only then it may claim a key.
    pub made_customer: bool,
    /// By Stripe's clock.
    pub completed_at: DateTime<Utc>,
    pub claimed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
