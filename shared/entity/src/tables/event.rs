//! The event log.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::events::EventType;
use crate::ids::{CustomerId, EventId};

/// One thing that happened. Ids of one customer increase in the order of the commits.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventId,
    pub customer_id: CustomerId,
    #[sea_orm(column_name = "type")]
    pub event_type: EventType,
    #[sea_orm(column_type = "JsonBinary")]
    pub data: Json,
    pub created_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
