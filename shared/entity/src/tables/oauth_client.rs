//! Apps that may ask customers to let them in. They belong to nobody: anybody may register one.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::oauth::RedirectUris;

/// An app, as it told of itself.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_clients")]
pub struct Model {
    /// Ours where it registered itself; else the address of the document that tells of it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    /// Where answers to it may go.
    #[sea_orm(column_type = "JsonBinary")]
    pub redirect_uris: RedirectUris,
    pub created_at: DateTime<Utc>,
    /// Until when its document need not be read again; none where there is no document.
    pub fresh_until: Option<DateTime<Utc>>,
    /// When somebody let it in last.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}
