//! Tokens of apps: never the token itself, only its hash.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, GrantId};
use crate::oauth::TokenKind;
use crate::scopes::Scopes;
use crate::secret::HashedSecret;

/// A token.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: HashedSecret,
    pub customer_id: CustomerId,
    pub grant_id: GrantId,
    pub kind: TokenKind,
    /// What it is good for; at most what its grant is.
    pub scopes: Scopes,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// When a refresh token was exchanged. It is kept, so that a copy of it gives itself away.
    pub used_at: Option<DateTime<Utc>>,
    #[sea_orm(belongs_to, from = "grant_id", to = "id")]
    pub grant: HasOne<super::oauth_grant::Entity>,
    #[sea_orm(belongs_to, from = "customer_id", to = "id")]
    pub customer: HasOne<super::customer::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
