//! Proposals to change the brand profile.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, ProposalId};
use crate::proposals::{Category, Confidence, Evidence, Part, ProposalStatus};

/// A change of the brand profile that somebody may approve, and what became of it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "proposals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProposalId,
    pub customer_id: CustomerId,
    pub category: Category,
    /// What of the profile it changes.
    #[sea_orm(column_type = "JsonBinary")]
    pub part: Part,
    /// A sentence for a person.
    #[sea_orm(column_type = "Text")]
    pub title: String,
    /// What the part held when it was proposed.
    #[sea_orm(column_type = "JsonBinary")]
    pub current: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub proposed: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub evidence: Evidence,
    #[sea_orm(column_type = "Text")]
    pub expected_effect: String,
    pub confidence: Confidence,
    pub status: ProposalStatus,
    /// Who decided last.
    pub decided_by: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// When it was decided on last.
    pub decided_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}
