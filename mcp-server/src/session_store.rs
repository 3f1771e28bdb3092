//! Streamable HTTP sessions in the database, so that any process can go on with them after a restart.

use std::time::Duration;

use entity::db::Db;
use entity::ids::CustomerId;
use entity::mcp_sessions;
use rmcp::transport::streamable_http_server::session::{SessionState, SessionStore, SessionStoreError};

use crate::transport::current_caller;

/// The database as rmcp's session store. A session is found only for the customer who opened it.
#[derive(Clone, Debug)]
pub struct DatabaseSessionStore(pub Db);

#[async_trait::async_trait]
impl SessionStore for DatabaseSessionStore {
    async fn load(&self, session_id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let state = mcp_sessions::load(&self.0, &customer()?, session_id).await?;
        Ok(state.map(serde_json::from_value).transpose()?)
    }

    async fn store(&self, session_id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        Ok(mcp_sessions::store(&self.0, &customer()?, session_id, serde_json::to_value(state)?).await?)
    }

    async fn delete(&self, session_id: &str) -> Result<(), SessionStoreError> {
        Ok(mcp_sessions::delete(&self.0, &customer()?, session_id).await?)
    }
}

fn customer() -> Result<CustomerId, SessionStoreError> {
    current_caller().map(|caller| caller.customer_id).ok_or_else(|| "the session's customer is not known".into())
}

/// How often abandoned sessions are looked for.
const CLEANING_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Forgets abandoned sessions now and then, for ever: clients seldom say that they are done.
pub async fn forget_abandoned(db: Db) {
    loop {
        if let Err(error) = mcp_sessions::forget_abandoned(&db).await {
            tracing::warn!(%error, "could not forget abandoned sessions");
        }
        tokio::time::sleep(CLEANING_INTERVAL).await;
    }
}
