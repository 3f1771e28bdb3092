//! Everything in one process, for a laptop or one small server.

use std::net::SocketAddr;

use entity::customers::{self, NewCustomer};
use entity::db::Db;
use entity::feed::Feed;
use mcp_server::transport::Limits;
use mcp_server::{AllowedOrigins, McpServer};
use rest_gateway::{Gateway, STRIPE_PAGES, Site};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use web::config::{Config, Environment, GATEWAY_ADDR, MCP_ADDR, Mode, Secrets};
use web::process::Process;
use web::serve;

use crate::welcome;

/// Who is made on the first start of a laptop.
const DEMO_EMAIL: &str = "demo@heycmo.example";

/// Serves until the process is told to stop.
pub async fn serve(environment: &Environment) -> Result<(), String> {
    let Process { config, secrets, db } = Process::start(environment).await?;
    let shutdown = serve::shutdown_on_signal().map_err(|error| format!("cannot listen for signals: {error}"))?;
    // Both before anything is written or printed: a taken port must not use up the one showing of the key.
    let gateway = serve::bind(GATEWAY_ADDR, config.gateway_addr).await?;
    let mcp = serve::bind(MCP_ADDR, config.mcp_addr).await?;
    migrations::up(&db).await.map_err(|error| format!("cannot bring the schema up to date: {error}"))?;

    let addresses = Addresses { gateway: address(&gateway)?, mcp: address(&mcp)? };
    greet(&config, &db, &addresses).await?;
    let (gateway_app, mcp_app) = apps(&config, secrets, &db, &addresses, &shutdown)?;
    // When one of the two fails, the other is stopped too: half a HeyCMO helps nobody.
    let gateway = async { ended("gateway", serve::serve(gateway, gateway_app, shutdown.clone()).await, &shutdown) };
    let mcp = async { ended("MCP server", serve::serve(mcp, mcp_app, shutdown.clone()).await, &shutdown) };
    let (gateway, mcp) = tokio::join!(gateway, mcp);
    db.close().await.map_err(|error| format!("cannot close the database: {error}"))?;
    gateway.and(mcp)
}

struct Addresses {
    gateway: SocketAddr,
    mcp: SocketAddr,
}

fn address(listener: &TcpListener) -> Result<SocketAddr, String> {
    listener.local_addr().map_err(|error| format!("cannot tell the address that was bound: {error}"))
}

fn ended(what: &str, result: std::io::Result<()>, shutdown: &CancellationToken) -> Result<(), String> {
    shutdown.cancel();
    result.map_err(|error| format!("the {what} cannot serve: {error}"))
}

fn apps(
    config: &Config,
    secrets: Secrets,
    db: &Db,
    addresses: &Addresses,
    shutdown: &CancellationToken,
) -> Result<(axum::Router, axum::Router), String> {
    let feed = Feed::start(db.clone(), shutdown.clone());
    let gateway = Gateway {
        db: db.clone(),
        feed: feed.clone(),
        site: Site::new(config.origins.gateway(addresses.gateway.port()), &secrets, &STRIPE_PAGES)?,
        admin_secret: secrets.admin,
        mcp_url: config.origins.mcp(addresses.mcp.port()),
        shutdown: shutdown.clone(),
    };
    let mcp = McpServer {
        db: db.clone(),
        feed,
        origins: AllowedOrigins {
            hosts: config.origins.mcp_hosts(addresses.mcp.port()),
            origins: config.origins.mcp_origins(addresses.gateway.port(), addresses.mcp.port()),
        },
        binding_key: secrets.encryption.derive("mcp session ids"),
        limits: Limits::default(),
        shutdown: shutdown.clone(),
    };
    Ok((rest_gateway::app(gateway), mcp_server::app(mcp)))
}

/// Says where to find the servers; on a laptop's first start, makes a customer and shows their key, this once.
async fn greet(config: &Config, db: &Db, addresses: &Addresses) -> Result<(), String> {
    let gateway = config.origins.gateway(addresses.gateway.port());
    let mcp = config.origins.mcp(addresses.mcp.port());
    println!("HeyCMO serves\n  REST gateway  {}\n  MCP server    {}\n", gateway.join(""), mcp.join("/mcp"));
    let is_first_start =
        config.mode == Mode::Development && !customers::exist(db).await.map_err(|error| error.to_string())?;
    if !is_first_start {
        println!("To connect another assistant: heycmo key create EMAIL");
        return Ok(());
    }
    let demo = NewCustomer { email: DEMO_EMAIL.to_owned(), ..NewCustomer::default() };
    match customers::provision(db, demo).await {
        Ok((_, key)) => println!(
            "This is your first start, so there is a customer for you, {DEMO_EMAIL}.\n\n{}",
            welcome::connect(&mcp, &key)
        ),
        // Another process that started at the same moment made it.
        Err(entity::Error::Conflict { .. }) => {}
        Err(error) => return Err(error.to_string()),
    }
    Ok(())
}
