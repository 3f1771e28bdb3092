//! Connected platforms: how each stands, and the links that connect them.

mod auth_configs;
mod platform;
mod states;
mod webhooks;

use schemars::JsonSchema;
use sea_orm::{ActiveModelTrait, ColumnTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder, Set};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use auth_configs::{auth_config, forget_auth_config, remember_auth_config};
pub use platform::{Platform, UnknownPlatform};
pub use states::{ConnectState, NewLink, forget_old_states, link_created, settle, state};
pub use webhooks::{forget_old_webhooks, webhook_handled, webhook_is_handled};

use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now};
use crate::error::Result;
use crate::events::{self, EventType};
use crate::ids::CustomerId;
use crate::tables::connection;

/// How a platform of a customer stood when we last knew.
pub type Connection = connection::Model;

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ConnectionStatus {
    /// There is none.
    NotConnected,
    /// The customer has a link and has not finished.
    Pending,
    /// It works.
    Connected,
    /// It worked once; the customer must allow it again.
    NeedsReconnect,
}

impl ConnectionStatus {
    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::Pending => "pending",
            Self::Connected => "connected",
            Self::NeedsReconnect => "needs_reconnect",
        }
    }
}

/// What Composio says of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// It works.
    Active,
    /// The customer has not finished.
    Pending,
    /// The customer did not allow it, or the link ran out, or it worked once and does no more.
    Ended,
}

/// What Composio says of a customer's platform, at one moment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Which.
    pub platform: Platform,
    /// The account that counts; none when there is none.
    pub account: Option<ObservedAccount>,
}

/// An account at Composio.
#[derive(Clone, Debug)]
pub struct ObservedAccount {
    /// Composio's id.
    pub id: String,
    /// How it stands.
    pub state: AccountState,
    /// Why, in Composio's words.
    pub reason: Option<String>,
}

/// The customer's platforms that were ever to be connected, as we last knew them.
///
/// # Errors
///
/// When the database fails.
pub async fn list(db: &Db, customer_id: &CustomerId) -> Result<Vec<Connection>> {
    let connections = connection::Entity::find()
        .filter(connection::Column::CustomerId.eq(customer_id.clone()))
        .order_by_asc(connection::Column::Platform)
        .all(db.connection())
        .await?;
    Ok(connections)
}

/// One of them.
///
/// # Errors
///
/// When the database fails.
pub async fn find(db: &Db, customer_id: &CustomerId, platform: Platform) -> Result<Option<Connection>> {
    Ok(connection::Entity::find_by_id((customer_id.clone(), platform)).one(db.connection()).await?)
}

/// Whose account this is, as far as we know.
///
/// # Errors
///
/// When the database fails.
pub async fn owner_of_account(db: &Db, account_id: &str) -> Result<Option<Connection>> {
    let connection =
        connection::Entity::find().filter(connection::Column::AccountId.eq(account_id)).one(db.connection()).await?;
    Ok(connection)
}

/// Writes down how platforms stand. Tells the log what was established and what was lost; the same again writes
/// nothing.
///
/// # Errors
///
/// When there is no such customer.
pub async fn observe(db: &Db, customer_id: &CustomerId, observed: &[Observed]) -> Result<()> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    for one in observed {
        observe_in(&tx, customer_id, one).await?;
    }
    tx.commit().await
}

/// The customer's row must be locked by this transaction.
async fn observe_in(tx: &Tx, customer_id: &CustomerId, observed: &Observed) -> Result<()> {
    let known = connection::Entity::find_by_id((customer_id.clone(), observed.platform)).one(tx).await?;
    let Some(account) = &observed.account else { return lose(tx, known).await };
    let status = status_of(account.state, known.as_ref());
    let is_new_account = known.as_ref().is_none_or(|known| known.account_id != account.id);
    let was = known.as_ref().map_or(ConnectionStatus::NotConnected, |known| known.status);
    let reason = account.reason.clone().filter(|_| status != ConnectionStatus::Connected);
    if known.as_ref().is_some_and(|known| !is_new_account && known.status == status && known.reason == reason) {
        return Ok(());
    }
    let begins = status == ConnectionStatus::Connected && was != ConnectionStatus::Connected;
    let connected_at = match (status, known.as_ref().and_then(|known| known.connected_at)) {
        (ConnectionStatus::Connected, Some(since)) if !begins && !is_new_account => Some(since),
        (ConnectionStatus::Connected, _) => Some(now()),
        (ConnectionStatus::NotConnected, _) => None,
        (_, since) => since,
    };
    let row = connection::ActiveModel {
        customer_id: Set(customer_id.clone()),
        platform: Set(observed.platform),
        account_id: Set(account.id.clone()),
        status: Set(status),
        reason: Set(reason.clone()),
        connected_at: Set(connected_at),
        updated_at: Set(now()),
    };
    if known.is_some() {
        row.update(tx).await?;
    } else {
        row.insert(tx).await?;
    }
    let event = match (was == ConnectionStatus::Connected, status == ConnectionStatus::Connected) {
        (false, true) => EventType::ConnectionEstablished,
        (true, false) => EventType::ConnectionLost,
        _ => return Ok(()),
    };
    tell(tx, customer_id, observed.platform, event, reason.as_deref()).await
}

/// Composio has no account: somebody has disconnected it.
async fn lose(tx: &Tx, known: Option<Connection>) -> Result<()> {
    let Some(known) = known.filter(|known| known.status != ConnectionStatus::NotConnected) else { return Ok(()) };
    let (customer_id, platform, was) = (known.customer_id.clone(), known.platform, known.status);
    let mut change: connection::ActiveModel = known.into();
    change.status = Set(ConnectionStatus::NotConnected);
    change.reason = Set(None);
    change.connected_at = Set(None);
    change.updated_at = Set(now());
    change.update(tx).await?;
    if was == ConnectionStatus::Connected || was == ConnectionStatus::NeedsReconnect {
        tell(tx, &customer_id, platform, EventType::ConnectionLost, Some("disconnected")).await?;
    }
    Ok(())
}

async fn tell(
    tx: &Tx,
    customer_id: &CustomerId,
    platform: Platform,
    event: EventType,
    reason: Option<&str>,
) -> Result<()> {
    let data = match reason {
        Some(reason) => json!({ "platform": platform, "reason": reason }),
        None => json!({ "platform": platform }),
    };
    events::record(tx, customer_id, event, data).await?;
    Ok(())
}

/// An account that ended before it ever worked was never a connection.
fn status_of(state: AccountState, known: Option<&Connection>) -> ConnectionStatus {
    let has_worked = known.is_some_and(|known| known.connected_at.is_some());
    match state {
        AccountState::Active => ConnectionStatus::Connected,
        AccountState::Ended if has_worked => ConnectionStatus::NeedsReconnect,
        AccountState::Ended => ConnectionStatus::NotConnected,
        // A link was made to connect again what worked once: until that is done, it still has to be.
        AccountState::Pending if has_worked => ConnectionStatus::NeedsReconnect,
        AccountState::Pending => ConnectionStatus::Pending,
    }
}
