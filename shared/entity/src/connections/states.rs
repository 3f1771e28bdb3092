//! Links under way: each is good once, for its customer and platform, for a while.

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use serde_json::json;

use super::{AccountState, ConnectionStatus, Observed, ObservedAccount, Platform, observe_in};
use crate::customers;
use crate::db::{Db, now};
use crate::error::Result;
use crate::events::{self, EventType};
use crate::ids::CustomerId;
use crate::tables::{connect_state, connection};

/// How long a link is good.
const LIFETIME: Duration = Duration::minutes(15);
/// How long it is still known that a link was used or ran out, to say so to whoever comes with it.
const KEPT: Duration = Duration::days(1);

/// A link that a customer was given.
pub type ConnectState = connect_state::Model;

/// A link that Composio made.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// Which platform it connects.
    pub platform: Platform,
    /// SHA-256, in hexadecimal, of the state that will come back.
    pub state_hash: String,
    /// Composio's id of the account that it is for.
    pub account_id: String,
}

/// Writes down a link before the customer gets it; gives back until when it is good.
///
/// # Errors
///
/// When there is no such customer.
pub async fn link_created(db: &Db, customer_id: &CustomerId, link: NewLink) -> Result<DateTime<Utc>> {
    let NewLink { platform, state_hash, account_id } = link;
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let now = now();
    let row = connect_state::ActiveModel {
        hash: Set(state_hash),
        customer_id: Set(customer_id.clone()),
        platform: Set(platform),
        account_id: Set(account_id.clone()),
        created_at: Set(now),
        expires_at: Set(now + LIFETIME),
        used_at: Set(None),
    };
    row.insert(&tx).await?;
    let known = connection::Entity::find_by_id((customer_id.clone(), platform)).one(&tx).await?;
    if known.is_none_or(|known| known.status == ConnectionStatus::NotConnected) {
        let account = ObservedAccount { id: account_id, state: AccountState::Pending, reason: None };
        observe_in(&tx, customer_id, &Observed { platform, account: Some(account) }).await?;
    }
    events::record(&tx, customer_id, EventType::ConnectionLinkCreated, json!({ "platform": platform })).await?;
    tx.commit().await?;
    Ok(now + LIFETIME)
}

/// The link with this hash, used and expired ones too.
///
/// # Errors
///
/// When the database fails.
pub async fn state(db: &Db, hash: &str) -> Result<Option<ConnectState>> {
    Ok(connect_state::Entity::find_by_id(hash).one(db.connection()).await?)
}

/// Uses up a link and writes down how its platform stands, together; false, and nothing, when it is not good any more.
///
/// # Errors
///
/// When the customer is gone.
pub async fn settle(db: &Db, state: &ConnectState, observed: &Observed) -> Result<bool> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, &state.customer_id).await?;
    let used = connect_state::Entity::update_many()
        .col_expr(connect_state::Column::UsedAt, Expr::value(now()))
        .filter(connect_state::Column::Hash.eq(&state.hash))
        .filter(connect_state::Column::UsedAt.is_null())
        .filter(connect_state::Column::ExpiresAt.gt(now()))
        .exec(&tx)
        .await?;
    if used.rows_affected == 0 {
        return Ok(false);
    }
    observe_in(&tx, &state.customer_id, observed).await?;
    tx.commit().await?;
    Ok(true)
}

/// Forgets links that ran out long ago; says how many.
///
/// # Errors
///
/// When the database fails.
pub async fn forget_old_states(db: &Db) -> Result<u64> {
    let forgotten = connect_state::Entity::delete_many()
        .filter(connect_state::Column::ExpiresAt.lt(now() - KEPT))
        .exec(db.connection())
        .await?;
    Ok(forgotten.rows_affected)
}
