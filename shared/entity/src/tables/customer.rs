//! Customers.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::customers::{OnboardingState, SubscriptionState};
use crate::ids::CustomerId;

/// A customer: who pays, and the two stored facts (plus an operator's veto) that their status is derived from.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerId,
    /// Lower case.
    #[sea_orm(unique)]
    pub email: String,
    pub plan: String,
    pub brand_name: Option<String>,
    /// IANA name, such as `Europe/Berlin`.
    pub time_zone: String,
    pub onboarding: OnboardingState,
    pub subscription: SubscriptionState,
    /// Who they are at Stripe, once they have paid.
    #[sea_orm(unique)]
    pub stripe_customer_id: Option<String>,
    /// Until when a failed payment is forgiven.
    pub grace_ends_at: Option<DateTime<Utc>>,
    /// Set by an operator; outweighs everything else.
    pub suspended_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
