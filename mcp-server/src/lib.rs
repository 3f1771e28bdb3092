#![doc = include_str!("../README.md")]

mod access;
mod answer;
pub mod caller;
mod completion;
mod permission;
mod progress;
mod prompts;
mod rate;
mod render;
mod resources;
mod router;
mod schema;
mod server;
mod session_store;
mod subscriptions;
mod tools;
pub mod transport;
mod when;

use axum::Router;
use entity::db::Db;
use entity::feed::Feed;
use marketing::scanner::Scanner;
use platforms::Platforms;
use tokio_util::sync::CancellationToken;
use web::oauth::OAuth;
use web::rate_limit::RateLimiter;

/// What the MCP server is built from.
#[derive(Clone, Debug)]
pub struct McpServer {
    /// The database.
    pub db: Db,
    /// Live events.
    pub feed: Feed,
    /// What customers connect.
    pub platforms: Platforms,
    /// Looks at pages.
    pub scanner: Scanner,
    /// Under which names it may be asked, and by which web pages.
    pub origins: AllowedOrigins,
    /// Binds session ids to their customer; the same in every process.
    pub binding_key: [u8; 32],
    /// How much one client, one customer and all together may use.
    pub limits: transport::Limits,
    /// How apps are let in, if they are.
    pub oauth: Option<OAuth>,
    /// How many requests a minute each customer may make.
    pub rate_limiter: RateLimiter,
    /// Ends the sessions when the process stops.
    pub shutdown: CancellationToken,
}

/// The Host and Origin headers that are accepted.
#[derive(Clone, Debug)]
pub struct AllowedOrigins {
    /// As `host` or `host:port`.
    pub hosts: Vec<String>,
    /// As `https://host`.
    pub origins: Vec<String>,
}

/// The MCP server, ready to be served.
///
/// Must be called within a Tokio runtime.
pub fn app(server: McpServer) -> Router {
    // A simple client waits for a tool's answer in the answer to its POST.
    web::layers::around(router::router(server), server::TOOL_DEADLINE + web::layers::REQUEST_TIMEOUT)
}
