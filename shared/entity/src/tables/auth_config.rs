//! Which of Composio's auth configs is used for each platform.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::connections::Platform;

/// The auth config of a platform, found or made once.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_configs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub platform: Platform,
    /// Composio's.
    pub auth_config_id: String,
    pub created_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
