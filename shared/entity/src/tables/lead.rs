//! Leads.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{ContentId, CustomerId, LeadId};

/// Somebody who showed interest, and where they came from.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LeadId,
    pub customer_id: CustomerId,
    pub name: Option<String>,
    /// Lower case.
    pub email: Option<String>,
    pub company: Option<String>,
    pub source: String,
    /// The piece of content that brought them.
    pub content_id: Option<ContentId>,
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
