#![doc = include_str!("../README.md")]

pub mod billing;
mod clock;
mod discovery;
pub mod engine;
pub mod oauth;
mod openapi;
mod outbox;
mod pages;
mod router;
mod routes;
mod secret_scanning;
mod tail;
pub mod workflows;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use billing::Billing;
use entity::db::Db;
use entity::feed::Feed;
use marketing::scanner::Scanner;
use platforms::Platforms;
use tokio_util::sync::CancellationToken;
use web::auth::AdminSecret;
use web::config::PublicUrl;
use web::oauth::OAuth;
use web::rate_limit::RateLimiter;
use web::session::Sessions;
use workflows::Runner;

pub use pages::{FORM_TARGETS, Site};
pub use secret_scanning::SecretScanning;

/// What the handlers share. Cheap to clone.
#[derive(Clone, Debug, FromRef)]
pub struct Gateway {
    /// The database.
    pub db: Db,
    /// Live events.
    pub feed: Feed,
    /// Payments.
    pub billing: Billing,
    /// What customers connect.
    pub platforms: Platforms,
    /// Durable work.
    pub workflows: Runner,
    /// Reads pages that are to be scored.
    pub scanner: Scanner,
    /// Keys that code hosts found.
    pub secret_scanning: SecretScanning,
    /// The operator's secret.
    pub admin_secret: AdminSecret,
    /// How many requests a minute each client may make.
    pub rate_limiter: RateLimiter,
    /// How apps are let in, if they are.
    pub oauth: Option<OAuth>,
    /// Where assistants find the MCP server.
    pub mcp_url: PublicUrl,
    /// The pages for browsers.
    pub site: Site,
    /// Ends the streams when the process stops.
    pub shutdown: CancellationToken,
}

impl FromRef<Gateway> for Sessions {
    fn from_ref(gateway: &Gateway) -> Self {
        gateway.site.sessions().clone()
    }
}

/// The gateway, ready to be served.
pub fn app(gateway: Gateway) -> Router {
    let site = gateway.site.clone();
    web::layers::around(router::router(gateway), router::CALL_TIMEOUT)
        .layer(from_fn_with_state(site, pages::finish::finish))
}
