//! Every route of the MCP server, once, and what stands in front of the transports: the key check and the rate limit.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use entity::db::Db;
use entity::keys::Refused;
use entity::oauth::{self, AccessToken};
use http::StatusCode;
use web::ApiError;
use web::auth::{authenticate, bearer};
use web::oauth::OAuth;
use web::rate_limit::RateLimiter;

use crate::McpServer;
use crate::caller::{Caller, Credential};
use crate::permission;
use crate::rate;
use crate::server::{App, HeyCmo};
use crate::session_store::{self, DatabaseSessionStore};
use crate::transport::{self, Sessions, TransportConfig};

/// The routes. Must be called within a Tokio runtime: tasks of its own watch the shutdown and the keys.
pub fn router(server: McpServer) -> Router {
    let McpServer { db, feed, platforms, scanner, origins, binding_key, limits, oauth, rate_limiter, shutdown } =
        server;
    let sessions = Sessions::new(&limits, shutdown.clone());
    let app = App::new(db.clone(), feed.clone(), platforms, scanner, sessions.clone(), shutdown.clone());
    let config = TransportConfig {
        limits,
        missing: permission::missing_of_app,
        ..TransportConfig::new(binding_key.into(), origins.hosts, origins.origins)
    };
    let store = Arc::new(DatabaseSessionStore(db.clone()));
    let watch = crate::access::watch(db.clone(), feed, sessions.clone());
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(watch));
    tokio::spawn(shutdown.run_until_cancelled_owned(session_store::forget_abandoned(db.clone())));

    let transports = transport::router(HeyCmo::new(app), config, store, &sessions)
        // The innermost comes first here: a request is charged to whom the key check found.
        .route_layer(middleware::from_fn_with_state(rate_limiter.clone(), rate::limit))
        .route_layer(middleware::from_fn_with_state(
            Door { db: db.clone(), limiter: rate_limiter, oauth: oauth.clone() },
            open,
        ));
    Router::new()
        .merge(web::oauth::resource_routes(oauth.as_ref()))
        .route("/health", get(web::health::live))
        .route("/health/ready", get(web::health::ready))
        .with_state(db)
        .merge(transports)
}

/// What it takes to let somebody in.
#[derive(Clone)]
struct Door {
    db: Db,
    limiter: RateLimiter,
    oauth: Option<OAuth>,
}

/// Lets in whoever shows a good key, as a Bearer header or as `?token=`, or a good access token, as a header only. Where
/// apps are let in, everybody else is told how.
///
/// Only on routes that exist: an unknown address is a plain 404, which clients that look for OAuth have to see.
async fn open(
    State(door): State<Door>,
    query: Query<HashMap<String, String>>,
    mut request: Request,
    next: Next,
) -> Response {
    let in_query = query.get("token").map(String::as_str);
    let was_shown = bearer(request.headers()).or(in_query).is_some();
    let mut response = match door.caller(bearer(request.headers()), in_query).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => {
            let refusal = door.limiter.after_failure(request.extensions(), request.headers(), error);
            transport::read_off(request).await;
            refusal.into_response()
        }
    };
    if let Some(oauth) = &door.oauth {
        oauth.invite(was_shown, &mut response);
    }
    response
}

impl Door {
    async fn caller(&self, in_header: Option<&str>, in_query: Option<&str>) -> Result<Caller, ApiError> {
        if let (Some(oauth), Some(Ok(token))) = (&self.oauth, in_header.map(str::parse::<AccessToken>)) {
            return self.app(&token, oauth.resource()).await;
        }
        let holder = authenticate(&self.db, in_header.or(in_query)).await?;
        Ok(Caller {
            time_zone: holder.customer.zone(),
            customer_id: holder.customer.id,
            credential: Credential::Key(holder.key.id),
            scopes: holder.key.scopes,
            expires_at: holder.key.expires_at,
        })
    }

    async fn app(&self, token: &AccessToken, resource: &str) -> Result<Caller, ApiError> {
        let app = oauth::authenticate(&self.db, token, resource).await.map_err(|refused| match refused {
            Refused::UnknownKey => ApiError::new(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "This access token is unknown, or the app is not let in any more.",
            ),
            Refused::ExpiredToken => ApiError::new(
                StatusCode::UNAUTHORIZED,
                "expired_token",
                "This access token has expired. Get the next with the refresh token.",
            ),
            other => other.into(),
        })?;
        web::layers::note_customer(&app.customer.id);
        Ok(Caller {
            time_zone: app.customer.zone(),
            customer_id: app.customer.id,
            credential: Credential::Grant(app.grant_id),
            scopes: app.scopes,
            expires_at: Some(app.expires_at),
        })
    }
}
