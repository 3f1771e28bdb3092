//! Which apps customers have let in.
#![allow(missing_docs, reason = "the derives generate undocumented items")]

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{CustomerId, GrantId, KeyId};
use crate::scopes::Scopes;

/// What a customer has let an app do, from the consent until its end.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_grants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GrantId,
    pub customer_id: CustomerId,
    pub client_id: String,
    /// As the customer read it.
    pub client_name: String,
    /// Where the answer went, as the customer read it.
    #[sea_orm(column_type = "Text")]
    pub redirect_uri: String,
    /// The server that its tokens are for.
    #[sea_orm(column_type = "Text")]
    pub resource: String,
    pub scopes: Scopes,
    /// The key that whoever agreed had shown.
    pub key_id: Option<KeyId>,
    pub created_at: DateTime<Utc>,
    /// To the minute, not to the request.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it ends if the app does not come back.
    pub expires_at: DateTime<Utc>,
    /// When it ends however often the app comes back, with the key: earlier than all others do.
    pub ends_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    #[sea_orm(belongs_to, from = "customer_id", to = "id")]
    pub customer: HasOne<super::customer::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
