//! The listener that Prometheus asks. It is for whoever runs the servers, and for nobody else.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use entity::db::Db;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use tokio_util::sync::CancellationToken;

use super::{COUNTED, Counted, now};
use crate::config::{Config, METRICS_ADDR};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Scraped {
    db: Db,
    has_engine: bool,
}

/// Counts from now on and answers at `/metrics` until `shutdown`; does nothing where no address for it is set.
///
/// # Errors
///
/// When the address is taken or not one of this machine's.
pub async fn serve(config: &Config, db: &Db, shutdown: &CancellationToken) -> Result<(), String> {
    let Some(address) = config.metrics_addr else { return Ok(()) };
    let listener = crate::serve::bind(METRICS_ADDR, address).await?;
    let address = listener.local_addr().map_err(|error| format!("cannot tell the address that was bound: {error}"))?;
    COUNTED.get_or_init(Counted::new);
    tracing::info!(%address, "metrics are to be had at /metrics");
    let scraped = Scraped { db: db.clone(), has_engine: config.inngest.is_none() };
    let router = Router::new().route("/metrics", get(scrape)).with_state(scraped);
    tokio::spawn(crate::serve::serve(listener, router, config.trusted_proxies.clone(), shutdown.clone()));
    Ok(())
}

async fn scrape(State(Scraped { db, has_engine }): State<Scraped>) -> Response {
    let now = now::registry(&db, has_engine).await;
    let mut text = String::new();
    let counted = COUNTED.get().map_or(Ok(()), |counted| encode_registry(&mut text, &counted.registry));
    let written = counted.and_then(|()| encode_registry(&mut text, &now)).and_then(|()| encode_eof(&mut text));
    match written {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
