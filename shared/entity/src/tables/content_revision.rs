//! Every version of every piece of content; never changed once written.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::content::{Draft, Findings};
use crate::ids::{ContentId, CustomerId, RevisionId};

/// One version of a piece of content.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "content_revisions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RevisionId,
    pub customer_id: CustomerId,
    pub content_id: ContentId,
    /// From 1, without gaps.
    pub number: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub draft: Draft,
    #[sea_orm(column_type = "JsonBinary")]
    pub findings: Findings,
    /// What changed and why, in the author's words.
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
