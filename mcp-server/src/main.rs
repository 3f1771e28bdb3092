//! `heycmo-mcp`: the MCP server as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use entity::feed::Feed;
use marketing::scanner::{Reach, Scanner};
use mcp_server::transport::Limits;
use mcp_server::{AllowedOrigins, McpServer};
use platforms::Platforms;
use web::config::{Environment, MCP_ADDR};
use web::process::{Process, exit_code};
use web::rate_limit::RateLimiter;
use web::{metrics, serve};

/// HeyCMO's MCP server as a process of its own, beside heycmo-gateway on the same database.
///
/// It takes no arguments: settings come from the environment and from .env; .env.example lists them all.
#[derive(Parser)]
#[command(
    name = "heycmo-mcp",
    version,
    after_help = "Example:\n  DATABASE_URL=postgres://heycmo@localhost/heycmo heycmo-mcp"
)]
struct Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    Arguments::parse();
    exit_code("heycmo-mcp", run().await)
}

async fn run() -> Result<(), String> {
    // A missing .env is the normal case.
    let _ = dotenvy::dotenv();
    let environment = Environment::of_process().map_err(|error| error.to_string())?;
    let Process { config, telemetry, secrets, db } = Process::start("heycmo-mcp", &environment).await?;
    migrations::up(&db).await.map_err(|error| format!("cannot bring the schema up to date: {error}"))?;
    let shutdown = serve::shutdown_on_signal().map_err(|error| format!("cannot listen for signals: {error}"))?;
    metrics::serve(&config, &db, &shutdown).await?;
    let listener = serve::bind(MCP_ADDR, config.mcp_addr).await?;
    let address = listener.local_addr().map_err(|error| format!("cannot tell the address that was bound: {error}"))?;
    tracing::info!(%address, database = config.database.describe(), "the MCP server listens");

    let public_url = config.origins.gateway(config.gateway_addr.port());
    let oauth = config.oauth(config.gateway_addr.port(), address.port());
    let proxies = config.trusted_proxies;
    let server = McpServer {
        scanner: Scanner::new(Reach::also(&config.scan_networks)).map_err(|error| error.to_string())?,
        platforms: Platforms::new(db.clone(), config.composio, public_url, &secrets)?,
        feed: Feed::start(db.clone(), shutdown.clone()),
        db: db.clone(),
        origins: AllowedOrigins {
            hosts: config.origins.mcp_hosts(address.port()),
            origins: config.origins.mcp_origins(config.gateway_addr.port(), address.port()),
        },
        binding_key: secrets.encryption.derive("mcp session ids"),
        limits: Limits::default(),
        oauth,
        rate_limiter: RateLimiter::start(config.rate_limits, proxies.clone(), shutdown.clone()),
        shutdown: shutdown.clone(),
    };
    serve::serve(listener, mcp_server::app(server), proxies, shutdown).await;
    db.close().await.map_err(|error| format!("cannot close the database: {error}"))?;
    telemetry.stop().await;
    Ok(())
}
