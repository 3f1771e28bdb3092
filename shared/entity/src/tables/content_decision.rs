//! What people decided on pieces of content; never changed once written.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::content::Decision;
use crate::ids::{ContentId, CustomerId, DecisionId};

/// One decision on one revision.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "content_decisions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DecisionId,
    pub customer_id: CustomerId,
    pub content_id: ContentId,
    /// The revision that was decided on.
    pub revision: i32,
    pub decision: Decision,
    pub decided_by: String,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
