//! Everything in one process, for a laptop or one small server.

use std::net::SocketAddr;

use entity::customers::{self, NewCustomer};
use entity::db::Db;
use entity::feed::Feed;
use marketing::scanner::{Reach, Scanner};
use mcp_server::transport::Limits;
use mcp_server::{AllowedOrigins, McpServer};
use platforms::Platforms;
use rest_gateway::billing::Billing;
use rest_gateway::workflows::Runner;
use rest_gateway::{FORM_TARGETS, Gateway, SecretScanning, Site};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use web::config::{Config, Environment, GATEWAY_ADDR, MCP_ADDR, Mode, Secrets};
use web::process::Process;
use web::rate_limit::RateLimiter;
use web::{metrics, serve};

use crate::print::say;
use crate::sandbox::Sandboxes;
use crate::{sandbox, welcome};

/// Who is made on the first start of a laptop.
const DEMO_EMAIL: &str = "demo@heycmo.example";

/// Serves until the process is told to stop.
pub async fn serve(environment: &Environment) -> Result<(), String> {
    let Process { config, telemetry, secrets, db } = Process::start("heycmo", environment).await?;
    let shutdown = serve::shutdown_on_signal().map_err(|error| format!("cannot listen for signals: {error}"))?;
    metrics::serve(&config, &db, &shutdown).await?;
    // Both before anything is written or printed: a taken port must not use up the one showing of the key.
    let gateway = serve::bind(GATEWAY_ADDR, config.gateway_addr).await?;
    let mcp = serve::bind(MCP_ADDR, config.mcp_addr).await?;
    let addresses = Addresses { gateway: address(&gateway)?, mcp: address(&mcp)? };
    let sandboxes = sandbox::open(&config, &secrets.encryption, addresses.gateway).await?;
    migrations::up(&db).await.map_err(|error| format!("cannot bring the schema up to date: {error}"))?;

    greet(&config, &db, &addresses, sandboxes.as_ref()).await?;
    let public_url = config.origins.gateway(addresses.gateway.port());
    let stripe = sandboxes.as_ref().and_then(|it| it.stripe_account.clone()).or_else(|| config.stripe.clone());
    let composio = sandboxes.as_ref().and_then(|it| it.composio_project.clone()).or_else(|| config.composio.clone());
    let platforms = Platforms::new(db.clone(), composio, public_url.clone(), &secrets)?;
    let billing = Billing::new(db.clone(), stripe, config.grace, public_url.clone())?;
    tokio::spawn(billing.clone().work(shutdown.clone()));
    let sandbox_origin = sandboxes.as_ref().map(|sandboxes| sandboxes.origin.join(""));
    let mut form_targets = FORM_TARGETS.to_vec();
    form_targets.extend(sandbox_origin.as_deref());
    let site = Site::new(public_url, &secrets, &form_targets)?;
    let (gateway_app, mcp_app) =
        apps(&config, secrets, Services { billing, platforms, site }, &db, &addresses, &shutdown)?;
    let proxies = &config.trusted_proxies;
    tokio::join!(
        serve::serve(gateway, gateway_app, proxies.clone(), shutdown.clone()),
        serve::serve(mcp, mcp_app, proxies.clone(), shutdown.clone()),
        serve_sandboxes(sandboxes, &shutdown),
    );
    db.close().await.map_err(|error| format!("cannot close the database: {error}"))?;
    telemetry.stop().await;
    Ok(())
}

/// Serves the stand-ins until `shutdown`, if there are any.
async fn serve_sandboxes(sandboxes: Option<Sandboxes>, shutdown: &CancellationToken) {
    if let Some(sandboxes) = sandboxes {
        sandboxes.serve(shutdown.clone()).await;
    }
}

struct Addresses {
    gateway: SocketAddr,
    mcp: SocketAddr,
}

fn address(listener: &TcpListener) -> Result<SocketAddr, String> {
    listener.local_addr().map_err(|error| format!("cannot tell the address that was bound: {error}"))
}

/// What the servers work with, beside the database.
struct Services {
    billing: Billing,
    platforms: Platforms,
    site: Site,
}

fn apps(
    config: &Config,
    secrets: Secrets,
    services: Services,
    db: &Db,
    addresses: &Addresses,
    shutdown: &CancellationToken,
) -> Result<(axum::Router, axum::Router), String> {
    let Services { billing, platforms, site } = services;
    let scanner = Scanner::new(Reach::also(&config.scan_networks)).map_err(|error| error.to_string())?;
    let workflows = Runner::new(db, &billing, &platforms, &scanner, config.model.clone(), config.inngest.clone())?;
    workflows.start(db, shutdown);
    let feed = Feed::start(db.clone(), shutdown.clone());
    let oauth = config.oauth(addresses.gateway.port(), addresses.mcp.port());
    let rate_limiter = RateLimiter::start(config.rate_limits, config.trusted_proxies.clone(), shutdown.clone());
    let gateway = Gateway {
        db: db.clone(),
        feed: feed.clone(),
        billing,
        platforms: platforms.clone(),
        workflows,
        scanner: scanner.clone(),
        secret_scanning: SecretScanning::new(db.clone(), config.secret_scanning_keys.clone())?,
        site,
        admin_secret: secrets.admin,
        rate_limiter: rate_limiter.clone(),
        oauth: oauth.clone(),
        mcp_url: config.origins.mcp(addresses.mcp.port()),
        shutdown: shutdown.clone(),
    };
    let mcp = McpServer {
        db: db.clone(),
        feed,
        platforms,
        scanner,
        origins: AllowedOrigins {
            hosts: config.origins.mcp_hosts(addresses.mcp.port()),
            origins: config.origins.mcp_origins(addresses.gateway.port(), addresses.mcp.port()),
        },
        binding_key: secrets.encryption.derive("mcp session ids"),
        limits: Limits::default(),
        oauth,
        rate_limiter,
        shutdown: shutdown.clone(),
    };
    Ok((rest_gateway::app(gateway), mcp_server::app(mcp)))
}

/// Says where to find the servers; on a laptop's first start, makes a customer and shows their key, this once.
async fn greet(config: &Config, db: &Db, addresses: &Addresses, sandboxes: Option<&Sandboxes>) -> Result<(), String> {
    let gateway = config.origins.gateway(addresses.gateway.port());
    let mcp = config.origins.mcp(addresses.mcp.port());
    say!("HeyCMO serves\n  REST gateway  {}\n  MCP server    {}", gateway.join(""), mcp.join("/mcp"));
    if config.oauth(addresses.gateway.port(), addresses.mcp.port()).is_some() {
        say!("  Apps that speak OAuth need nothing but the address of the MCP server");
    }
    if let Some(sandboxes) = sandboxes {
        let names = sandboxes.names();
        say!("  Sandbox of {names} (no money moves, nothing is posted)  {}", sandboxes.origin.join(""));
    }
    say!("");
    let is_first_start =
        config.mode == Mode::Development && !customers::exist(db).await.map_err(|error| error.to_string())?;
    if !is_first_start {
        say!("To connect another assistant: heycmo key create EMAIL");
        return Ok(());
    }
    let demo = NewCustomer { email: DEMO_EMAIL.to_owned(), ..NewCustomer::default() };
    match customers::provision(db, demo).await {
        Ok((_, key)) => say!(
            "This is your first start, so there is a customer for you, {DEMO_EMAIL}.\n\n{}",
            welcome::connect(&mcp, &key)
        ),
        // Another process that started at the same moment made it.
        Err(entity::Error::Conflict { .. }) => {}
        Err(error) => return Err(error.to_string()),
    }
    Ok(())
}
