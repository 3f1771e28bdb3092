//! The fixture behind the real transports and layers. Only the key check is missing: the suite has no key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Extension;
use entity::ids::{CustomerId, KeyId};
use entity::scopes::Scopes;
use mcp_server::caller::{Caller, Credential};
use mcp_server::transport::{self, BindingKey, Sessions, TransportConfig};
use rmcp::transport::streamable_http_server::session::{SessionState, SessionStore, SessionStoreError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::fixture::Fixture;

/// How long an answer may take to begin, which is more than the suite's own patience.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Starts a server of the test's own and tells its address. It ends with the test's runtime.
pub async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let origins = vec!["http://127.0.0.1:*".to_owned()];
    let config = TransportConfig::new(BindingKey::from([7; 32]), vec!["127.0.0.1".to_owned()], origins);
    let sessions = Sessions::new(&config.limits, CancellationToken::new());
    let caller = Caller {
        customer_id: CustomerId::new(),
        credential: Credential::Key(KeyId::new()),
        scopes: Scopes::ALL,
        expires_at: None,
        time_zone: chrono_tz::UTC,
    };
    let router = transport::router(Fixture::new(), config, Arc::new(Store::default()), &sessions);
    let app = web::layers::around(router.layer(Extension(caller)), TIMEOUT);
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/mcp")
}

/// A session store in memory, for the one caller there is.
#[derive(Default)]
struct Store(Mutex<HashMap<String, SessionState>>);

#[async_trait::async_trait]
impl SessionStore for Store {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        self.0.lock().unwrap().insert(id.to_owned(), state.clone());
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        self.0.lock().unwrap().remove(id);
        Ok(())
    }
}
