//! API keys: never the key itself, only its hash.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, KeyId};
use crate::scopes::Scopes;
use crate::secret::HashedSecret;

/// An API key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: KeyId,
    pub customer_id: CustomerId,
    #[sea_orm(unique)]
    pub hash: HashedSecret,
    /// The last four characters, by which people tell their keys apart.
    pub last4: String,
    pub label: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The key that it was made with, if it was made with one.
    pub made_by: Option<KeyId>,
    pub created_at: DateTime<Utc>,
    /// To the minute, not to the request.
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    #[sea_orm(belongs_to, from = "customer_id", to = "id")]
    pub customer: HasOne<super::customer::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
