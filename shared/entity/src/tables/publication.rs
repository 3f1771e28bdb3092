//! Pieces of content on their way to a platform, or there: one row for each piece and platform.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::connections::Platform;
use crate::ids::{ContentId, CustomerId, PublicationId};
use crate::publications::{Progress, PublicationStatus};

/// How far a piece is on a platform.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "publications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PublicationId,
    pub customer_id: CustomerId,
    pub content_id: ContentId,
    pub platform: Platform,
    /// Which revision goes out.
    pub revision: i32,
    pub status: PublicationStatus,
    /// Composio's id of the account that it goes out under.
    pub account_id: String,
    /// What is there already, and whether a call is under way.
    #[sea_orm(column_type = "JsonBinary")]
    pub progress: Progress,
    /// The platform's id of the first post.
    pub external_id: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub url: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    /// How often it was claimed. A claim is known by this number.
    pub attempts: i32,
    /// After this whoever claimed it counts as gone.
    pub claimed_until: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}
