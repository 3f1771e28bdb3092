//! Streamable HTTP sessions, kept so that any process can go on with them after a restart.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::CustomerId;

/// What a client said when it opened the session.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mcp_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub customer_id: CustomerId,
    #[sea_orm(column_type = "JsonBinary")]
    pub state: Json,
    pub created_at: DateTime<Utc>,
    /// When the session was last opened or restored.
    pub last_used_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
