//! Streamable HTTP sessions, kept so that any process can go on with them after a restart.

use chrono::Duration;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use serde_json::Value;

use crate::db::{Db, now};
use crate::error::Result;
use crate::ids::CustomerId;
use crate::tables::mcp_session;

/// A session that nobody came back to for this long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::days(30);

/// Keeps what a client said when it opened the session.
///
/// # Errors
///
/// When the database fails.
pub async fn store(db: &Db, customer_id: &CustomerId, id: &str, state: Value) -> Result<()> {
    let now = now();
    let row = mcp_session::ActiveModel {
        id: Set(id.to_owned()),
        customer_id: Set(customer_id.clone()),
        state: Set(state),
        created_at: Set(now),
        last_used_at: Set(now),
    };
    row.insert(db.connection()).await?;
    Ok(())
}

/// What the customer's client said, if the session is known.
///
/// # Errors
///
/// When the database fails.
pub async fn load(db: &Db, customer_id: &CustomerId, id: &str) -> Result<Option<Value>> {
    let tx = db.write_tx().await?;
    let found = mcp_session::Entity::find_by_id(id)
        .filter(mcp_session::Column::CustomerId.eq(customer_id.clone()))
        .one(&tx)
        .await?;
    let Some(session) = found else { return Ok(None) };
    let state = session.state.clone();
    let mut change: mcp_session::ActiveModel = session.into();
    change.last_used_at = Set(now());
    change.update(&tx).await?;
    tx.commit().await?;
    Ok(Some(state))
}

/// Forgets a session. One that there is not is no error.
///
/// # Errors
///
/// When the database fails.
pub async fn delete(db: &Db, customer_id: &CustomerId, id: &str) -> Result<()> {
    mcp_session::Entity::delete_many()
        .filter(mcp_session::Column::Id.eq(id))
        .filter(mcp_session::Column::CustomerId.eq(customer_id.clone()))
        .exec(db.connection())
        .await?;
    Ok(())
}

/// Forgets the sessions that nobody came back to, and says how many.
///
/// # Errors
///
/// When the database fails.
pub async fn forget_abandoned(db: &Db) -> Result<u64> {
    let deleted = mcp_session::Entity::delete_many()
        .filter(mcp_session::Column::LastUsedAt.lt(now() - FORGOTTEN_AFTER))
        .exec(db.connection())
        .await?;
    Ok(deleted.rows_affected)
}
