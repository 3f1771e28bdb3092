//! Traces, for a collector that speaks OpenTelemetry's protocol over HTTP.
//!
//! Spans wait in a queue of bounded length and are sent by a thread of its own: a collector that is away loses what
//! happens meanwhile, and nobody waits for it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Status, TracerProvider};
use opentelemetry::{Key, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use url::Url;

/// How long the collector may take for a batch.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last batch may take when the process stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// Said by a standard of OpenTelemetry's.
const PATH: &str = "v1/traces";

/// Set once spans are sent somewhere.
static IS_ON: OnceLock<()> = OnceLock::new();

/// Sends spans to a collector.
#[derive(Debug)]
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends to this collector as the program of that name, unless `OTEL_SERVICE_NAME` names it.
    ///
    /// Must be called within a Tokio runtime.
    pub(super) fn start(program: &'static str, collector: &Url) -> Result<Self, String> {
        let problem = |error: &dyn std::fmt::Display| format!("cannot send traces: {error}");
        let http = crate::http_client()
            .timeout(SEND_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| problem(&error))?;
        let runtime = Handle::try_current().map_err(|error| problem(&error))?;
        let endpoint = format!("{}/{PATH}", collector.as_str().trim_end_matches('/'));
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Courier { http, runtime })
            .with_endpoint(endpoint)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(SEND_TIMEOUT)
            .build()
            .map_err(|error| problem(&error))?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(program))
            .with_batch_exporter(Reporting { exporter, is_failing: AtomicBool::new(false) })
            .build();
        let _ = IS_ON.set(());
        Ok(Self(provider))
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.0.tracer("heycmo")
    }

    /// Sends what is left, as far as the collector takes it in time.
    pub(super) async fn stop(self) {
        let stopping = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(STOP_TIMEOUT));
        if let Ok(Err(error)) = stopping.await {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}

/// Who we are: as the standard variables say, or else by the program's name.
fn resource(program: &'static str) -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let told = Resource::builder().with_attribute(version.clone()).build();
    let name = told.get(&Key::from_static_str("service.name"));
    if name.is_some_and(|name| !name.as_str().starts_with("unknown_service")) {
        return told;
    }
    Resource::builder().with_attribute(version).with_service_name(program).build()
}

/// Sends batches with a client like all others of ours. They come from a thread that is not the runtime's.
#[derive(Debug)]
struct Courier {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let http = self.http.clone();
        let sending = self.runtime.spawn(async move {
            let answer = http.execute(request).await?;
            // What it says besides is not read: it may be of any length.
            Ok::<_, reqwest::Error>(answer.status())
        });
        let status = sending.await?.map_err(reqwest::Error::without_url)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Ok(response)
    }
}

/// Tells the log when an outage of the collector begins and ends, and not of each batch.
#[derive(Debug)]
struct Reporting {
    exporter: opentelemetry_otlp::SpanExporter,
    is_failing: AtomicBool,
}

impl SpanExporter for Reporting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        let was_failing = self.is_failing.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Err(error) if !was_failing => tracing::warn!(%error, "the collector takes no traces; they are lost"),
            Ok(()) if was_failing => tracing::info!("the collector takes traces again"),
            Ok(()) | Err(_) => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Names a request's span, and makes it a part of the trace that its sender began, if any. Whatever stands in the
/// header can change nothing but where the span is shown.
pub(crate) fn received(span: &Span, method: &Method, route: &str, headers: &HeaderMap) {
    if IS_ON.get().is_none() {
        return;
    }
    let from = HeaderExtractor(headers);
    if from.get("traceparent").is_some() {
        // Fails only where the span is not recorded.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&from));
    }
    span.record("otel.name", format!("{method} {route}"));
    span.record("otel.kind", "server");
}

/// Writes down how a request was answered.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    if IS_ON.get().is_none() {
        return;
    }
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
}
