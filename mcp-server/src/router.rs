//! Every route of the MCP server, once, and what stands in front of the transports: the key check and the rate limit.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use entity::db::Db;
use web::ApiError;
use web::auth::{authenticate, bearer};
use web::rate_limit::RateLimiter;

use crate::McpServer;
use crate::caller::Caller;
use crate::rate;
use crate::server::{App, HeyCmo};
use crate::session_store::{self, DatabaseSessionStore};
use crate::transport::{self, Sessions, TransportConfig};

/// The routes. Must be called within a Tokio runtime: tasks of its own watch the shutdown and the keys.
pub fn router(server: McpServer) -> Router {
    let McpServer { db, feed, platforms, scanner, origins, binding_key, limits, rate_limiter, shutdown } = server;
    let sessions = Sessions::new(&limits, shutdown.clone());
    let app = App::new(db.clone(), feed.clone(), platforms, scanner, sessions.clone(), shutdown.clone());
    let config = TransportConfig { limits, ..TransportConfig::new(binding_key.into(), origins.hosts, origins.origins) };
    let store = Arc::new(DatabaseSessionStore(db.clone()));
    let watch = crate::access::watch(db.clone(), feed, sessions.clone());
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(watch));
    tokio::spawn(shutdown.run_until_cancelled_owned(session_store::forget_abandoned(db.clone())));

    let transports = transport::router(HeyCmo::new(app), config, store, &sessions)
        // The innermost comes first here: a request is charged to whom the key check found.
        .route_layer(middleware::from_fn_with_state(rate_limiter.clone(), rate::limit))
        .route_layer(middleware::from_fn_with_state((db.clone(), rate_limiter), require_key));
    Router::new()
        .route("/health", get(web::health::live))
        .route("/health/ready", get(web::health::ready))
        .with_state(db)
        .merge(transports)
}

/// Lets in whoever shows a good key, as a Bearer header or as `?token=`.
///
/// Only on routes that exist: an unknown address is a plain 404, which clients that look for OAuth have to see.
async fn require_key(
    State((db, limiter)): State<(Db, RateLimiter)>,
    query: Query<HashMap<String, String>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let presented = bearer(request.headers()).or_else(|| query.get("token").map(String::as_str));
    let holder = authenticate(&db, presented)
        .await
        .map_err(|error| limiter.after_failure(request.extensions(), request.headers(), error))?;
    let time_zone = holder.customer.zone();
    let caller = Caller {
        customer_id: holder.customer.id,
        key_id: holder.key.id,
        key_expires_at: holder.key.expires_at,
        time_zone,
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}
