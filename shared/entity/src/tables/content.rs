//! Pieces of content; their words are in the revisions.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::content::{Channel, ContentKind, ContentStatus};
use crate::ids::{ContentId, CustomerId};

/// A piece of content and where it stands.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "content")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContentId,
    pub customer_id: CustomerId,
    pub kind: ContentKind,
    /// Follows from the kind; stored so that a channel's schedule is one index range.
    pub channel: Channel,
    pub status: ContentStatus,
    /// What lists show: the title, or how the text begins.
    pub label: String,
    /// Number of the current revision, from 1.
    pub revision: i32,
    pub pillar: Option<String>,
    /// What it is to be about, where it was planned before it was written.
    #[sea_orm(column_type = "Text", nullable)]
    pub brief: Option<String>,
    pub scheduled_at: Option<DateTime<Utc>>,
    /// The words of the current revision in lower case, for searching alike on both databases.
    #[sea_orm(column_type = "Text")]
    pub search_text: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
