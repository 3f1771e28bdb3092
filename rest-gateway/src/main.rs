//! `heycmo-gateway`: the REST gateway as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use entity::feed::Feed;
use marketing::scanner::{Reach, Scanner};
use platforms::Platforms;
use rest_gateway::billing::Billing;
use rest_gateway::workflows::Runner;
use rest_gateway::{FORM_TARGETS, Gateway, SecretScanning, Site};
use web::config::{Environment, GATEWAY_ADDR};
use web::process::{Process, exit_code};
use web::rate_limit::RateLimiter;
use web::{metrics, serve};

/// HeyCMO's REST gateway as a process of its own, beside heycmo-mcp on the same database.
///
/// It takes no arguments: settings come from the environment and from .env; .env.example lists them all.
#[derive(Parser)]
#[command(
    name = "heycmo-gateway",
    version,
    after_help = "Example:\n  DATABASE_URL=postgres://heycmo@localhost/heycmo heycmo-gateway"
)]
struct Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    Arguments::parse();
    exit_code("heycmo-gateway", run().await)
}

async fn run() -> Result<(), String> {
    // A missing .env is the normal case.
    let _ = dotenvy::dotenv();
    let environment = Environment::of_process().map_err(|error| error.to_string())?;
    let Process { config, telemetry, secrets, db } = Process::start("heycmo-gateway", &environment).await?;
    migrations::up(&db).await.map_err(|error| format!("cannot bring the schema up to date: {error}"))?;
    let shutdown = serve::shutdown_on_signal().map_err(|error| format!("cannot listen for signals: {error}"))?;
    metrics::serve(&config, &db, &shutdown).await?;
    let listener = serve::bind(GATEWAY_ADDR, config.gateway_addr).await?;
    let address = listener.local_addr().map_err(|error| format!("cannot tell the address that was bound: {error}"))?;
    tracing::info!(%address, database = config.database.describe(), "the gateway listens");

    let public_url = config.origins.gateway(address.port());
    let oauth = config.oauth(address.port(), config.mcp_addr.port());
    let site = Site::new(public_url.clone(), &secrets, &FORM_TARGETS)?;
    let platforms = Platforms::new(db.clone(), config.composio, public_url.clone(), &secrets)?;
    let billing = Billing::new(db.clone(), config.stripe, config.grace, public_url)?;
    tokio::spawn(billing.clone().work(shutdown.clone()));
    let scanner = Scanner::new(Reach::also(&config.scan_networks)).map_err(|error| error.to_string())?;
    let workflows = Runner::new(&db, &billing, &platforms, &scanner, config.model, config.inngest)?;
    workflows.start(&db, &shutdown);
    let proxies = config.trusted_proxies;
    let gateway = Gateway {
        billing,
        platforms,
        workflows,
        scanner,
        secret_scanning: SecretScanning::new(db.clone(), config.secret_scanning_keys)?,
        site,
        feed: Feed::start(db.clone(), shutdown.clone()),
        db: db.clone(),
        admin_secret: secrets.admin,
        rate_limiter: RateLimiter::start(config.rate_limits, proxies.clone(), shutdown.clone()),
        oauth,
        mcp_url: config.origins.mcp(config.mcp_addr.port()),
        shutdown: shutdown.clone(),
    };
    serve::serve(listener, rest_gateway::app(gateway), proxies, shutdown).await;
    db.close().await.map_err(|error| format!("cannot close the database: {error}"))?;
    telemetry.stop().await;
    Ok(())
}
