//! Customers who were deleted.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::CustomerId;
use crate::keys::By;

/// That a customer was deleted. Nothing in it says who they were.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deletions")]
pub struct Model {
    /// The customer's, whose row is no more.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerId,
    pub deleted_at: DateTime<Utc>,
    pub deleted_by: By,
}

impl ActiveModelBehavior for ActiveModel {}
