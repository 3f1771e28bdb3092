//! How each platform of each customer stood when we last knew.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::connections::{ConnectionStatus, Platform};
use crate::ids::CustomerId;

/// A platform that a customer has connected or tried to.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connections")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub customer_id: CustomerId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub platform: Platform,
    /// Composio's id of the account.
    pub account_id: String,
    pub status: ConnectionStatus,
    /// Why it does not work, in Composio's words.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// Since when it works, or until it was lost: worked.
    pub connected_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
