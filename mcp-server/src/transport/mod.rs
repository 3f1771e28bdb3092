//! How clients reach the handler: the older HTTP+SSE transport and Streamable HTTP, side by side.
//!
//! Both count in one [`Sessions`] registry and pass one Host and Origin check. The routes expect a
//! [`Caller`](crate::caller::Caller) in the request's extensions, put there by the check of the credential.

mod binding;
mod config;
mod guard;
mod intake;
mod json_rpc;
mod legacy_sse;
mod oversized;
mod refusal;
mod sessions;
mod streamable;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::SessionStore;

pub use config::{BindingKey, Limits, MissingScope, TransportConfig};
pub(crate) use intake::read_off;
pub use legacy_sse::Throttled;
pub use sessions::Sessions;
pub use streamable::current_caller;

use guard::Guard;
use refusal::Refusal;

/// The routes `/mcp/sse`, `/mcp/message` and `/mcp` for one handler, which is cloned per session.
///
/// `store` keeps what a Streamable HTTP session needs to go on after a restart. It runs where [`current_caller`] tells
/// whose session it is about, and has to forget sessions that nobody came back to by itself.
///
/// Must be called within a Tokio runtime: the shutdown is watched by a task of its own.
pub fn router<H>(handler: H, config: TransportConfig, store: Arc<dyn SessionStore>, sessions: &Arc<Sessions>) -> Router
where
    H: ServerHandler + Clone,
{
    let guard = Arc::new(Guard::new(&config.allowed_hosts, &config.allowed_origins));
    let legacy = legacy_sse::Endpoint::new(handler.clone(), &config, sessions.clone());
    let streamable = streamable::Endpoint::new(handler, &config, &guard, store, sessions.clone());
    tokio::spawn(sessions.clone().drain(config.limits.drain_timeout));
    Router::new()
        .route("/mcp/sse", any(legacy_sse::stream::<H>))
        .route("/mcp/message", any(legacy_sse::message::<H>))
        .with_state(legacy)
        .route("/mcp", any(streamable::exchange::<H>).with_state(streamable))
        .route_layer(from_fn_with_state(guard, guard::guard))
}

/// Locks a mutex whose holders cannot leave it half-changed, so that a panic elsewhere does not spread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 128 random bits: nobody guesses a session, though guessing one would not be enough to use it.
fn random_id() -> Result<Box<str>, Refusal> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "no random bytes from the operating system");
        Refusal::internal()
    })?;
    Ok(hex::encode(bytes).into())
}
