//! A server on a port of its own, the people who call it, and what it keeps.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use chrono::{DateTime, Utc};
use entity::ids::{CustomerId, KeyId};
use entity::scopes::Scopes;
use mcp_server::caller::{Caller, Credential};
use mcp_server::transport::{self, BindingKey, Sessions, Throttled, TransportConfig};
use rmcp::transport::streamable_http_server::session::{SessionState, SessionStore, SessionStoreError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Calls, Fixture};

/// How long anything may take before a test fails instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Everybody with a key. `alice` and `alice2` are keys of one customer.
#[derive(Clone)]
pub struct People(Arc<Mutex<HashMap<String, Caller>>>);

impl People {
    pub fn new() -> Self {
        let alice = caller();
        let alice2 = Caller { credential: Credential::Key(KeyId::new()), ..alice.clone() };
        let people = [("alice", alice), ("alice2", alice2), ("bob", caller())];
        Self(Arc::new(Mutex::new(people.map(|(name, caller)| (name.to_owned(), caller)).into())))
    }

    pub fn get(&self, name: &str) -> Caller {
        self.0.lock().unwrap()[name].clone()
    }

    pub fn expire(&self, name: &str, at: DateTime<Utc>) {
        self.0.lock().unwrap().get_mut(name).unwrap().expires_at = Some(at);
    }
}

fn caller() -> Caller {
    Caller {
        customer_id: CustomerId::new(),
        credential: Credential::Key(KeyId::new()),
        scopes: Scopes::ALL,
        expires_at: None,
        time_zone: chrono_tz::UTC,
    }
}

/// What the real key check does, for names in place of keys.
async fn authenticate(State(people): State<People>, mut request: Request, next: Next) -> Response {
    let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let query = request.uri().query().unwrap_or_default();
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token="));
    let known = bearer.or(token).and_then(|name| people.0.lock().unwrap().get(name).cloned());
    if let Some(caller) = known {
        request.extensions_mut().insert(caller);
    }
    if request.headers().contains_key("x-throttled") {
        let headers = http::HeaderMap::from_iter([("retry-after".parse().unwrap(), "7".parse().unwrap())]);
        request.extensions_mut().insert(Throttled { retry_after: 7, headers });
    }
    next.run(request).await
}

type Row = (CustomerId, SessionState);

/// A session store in memory, which like the real one keeps the customer with each session.
#[derive(Clone, Default)]
pub struct Store(pub Arc<Mutex<HashMap<String, Row>>>);

#[async_trait::async_trait]
impl SessionStore for Store {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let caller = transport::current_caller().ok_or("no caller")?;
        let rows = self.0.lock().unwrap();
        Ok(rows.get(id).filter(|(customer, _)| *customer == caller.customer_id).map(|(_, state)| state.clone()))
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let caller = transport::current_caller().ok_or("no caller")?;
        self.0.lock().unwrap().insert(id.to_owned(), (caller.customer_id, state.clone()));
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        transport::current_caller().ok_or("no caller")?;
        self.0.lock().unwrap().remove(id);
        Ok(())
    }
}

/// What outlives one run of a server.
#[derive(Clone)]
pub struct World {
    pub people: People,
    pub store: Store,
}

pub struct Server {
    pub address: SocketAddr,
    pub world: World,
    pub calls: Arc<Calls>,
    pub sessions: Arc<Sessions>,
    pub shutdown: CancellationToken,
    router: Router,
    pub served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(adjust: impl FnOnce(&mut TransportConfig)) -> Self {
        Self::on(World { people: People::new(), store: Store::default() }, adjust).await
    }

    /// Another process, as it were, for the same people and with the same store.
    pub async fn on(world: World, adjust: impl FnOnce(&mut TransportConfig)) -> Self {
        let hosts = vec!["127.0.0.1".to_owned(), "heycmo.test".to_owned()];
        let mut config = TransportConfig::new(BindingKey::from([7; 32]), hosts, vec!["https://heycmo.test".to_owned()]);
        adjust(&mut config);
        let shutdown = CancellationToken::new();
        let sessions = Sessions::new(&config.limits, shutdown.clone());
        let fixture = Fixture::new();
        let calls = fixture.0.clone();
        let router = transport::router(fixture, config, Arc::new(world.store.clone()), &sessions)
            .layer(from_fn_with_state(world.people.clone(), authenticate));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = shutdown.clone();
        let app = router.clone();
        let served =
            tokio::spawn(
                async move { axum::serve(listener, app).with_graceful_shutdown(stopped.cancelled_owned()).await },
            );
        Self { address, world, calls, sessions, shutdown, router, served }
    }

    /// Serves the same routes on one more port, without an end.
    pub async fn listen_on(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn caller(&self, name: &str) -> Caller {
        self.world.people.get(name)
    }

    /// Waits until so many sessions are open, which the registry learns a moment after the client.
    pub async fn settles_at(&self, sessions: usize) {
        self.comes_to(|now| now.count() == sessions).await;
    }

    /// Waits until no exchange is under way, which the server learns a moment after a client has gone.
    pub async fn is_left_alone(&self) {
        self.comes_to(|now| now.exchanges() == 0).await;
    }

    /// Waits until nothing is open any more.
    pub async fn empties(&self) {
        self.comes_to(|now| now.count() == 0 && now.exchanges() == 0).await;
        assert!(self.sessions.live_credentials().is_empty());
    }

    async fn comes_to(&self, state: impl Fn(&Sessions) -> bool) {
        let settled = async {
            while !state(&self.sessions) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, settled).await.is_err() {
            panic!("{} sessions, {} exchanges", self.sessions.count(), self.sessions.exchanges());
        }
    }
}
