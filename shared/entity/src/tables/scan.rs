//! Scans of pages.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, ScanId};

/// What a scan of a page has found.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scans")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ScanId,
    pub customer_id: CustomerId,
    /// Where the page was, after all redirects.
    #[sea_orm(column_type = "Text")]
    pub url: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub title: Option<String>,
    /// For search engines, from 0 to 100.
    pub seo: i32,
    /// For answer engines, from 0 to 100.
    pub geo: i32,
    /// Everything that was found.
    #[sea_orm(column_type = "JsonBinary")]
    pub report: Json,
    pub created_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
