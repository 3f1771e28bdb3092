//! Stripe subscriptions as last seen.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::billing::SubscriptionStatus;
use crate::ids::CustomerId;

/// What Stripe said of a subscription when it was asked last.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriptions")]
pub struct Model {
    /// Stripe's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub customer_id: CustomerId,
    pub stripe_customer_id: String,
    pub status: SubscriptionStatus,
    pub cancel_at_period_end: bool,
    pub period_ends_at: Option<DateTime<Utc>>,
    /// Since when a payment is missing, while one is.
    pub past_due_since: Option<DateTime<Utc>>,
    /// Counts the looks at Stripe; whoever asked before the last one was written has an old answer.
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
