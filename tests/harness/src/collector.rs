//! A stand-in for a collector of traces.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::net::TcpListener;

/// A collector that keeps what it is sent. Ends with the runtime that it was made on.
#[derive(Clone)]
pub struct Collector {
    address: String,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    raw: Vec<u8>,
    headers: Vec<HeaderMap>,
}

/// A part of a trace.
#[derive(Clone, Debug)]
pub struct Span {
    /// What it is called.
    pub name: String,
    /// Whether it is the server's side of a request.
    pub is_server: bool,
    /// Its trace, in hexadecimal digits, as are the other ids.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The span that it is a part of; empty when it is the first.
    pub parent: String,
    /// What is known of it.
    pub attributes: BTreeMap<String, String>,
    /// What is known of the process.
    pub resource: BTreeMap<String, String>,
}

impl Collector {
    /// A collector on a free port.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start() -> Self {
        let kept = Arc::new(Mutex::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address").to_string();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, kept }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` has to be.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every span so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.kept.lock().unwrap().spans.clone()
    }

    /// Everything that was sent, as far as it is text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept.lock().unwrap().raw).into_owned()
    }

    /// A header of the first request.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let kept = self.kept.lock().unwrap();
        Some(kept.headers.first()?.get(name)?.to_str().ok()?.to_owned())
    }
}

async fn take(State(kept): State<Arc<Mutex<Kept>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body.clone()) else { return StatusCode::BAD_REQUEST };
    let mut kept = kept.lock().unwrap();
    for of_process in request.resource_spans {
        let resource = texts(&of_process.resource.unwrap_or_default().attributes);
        for span in of_process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            kept.spans.push(Span {
                name: span.name,
                is_server: span.kind == i32::from(SpanKind::Server),
                trace: hex::encode(span.trace_id),
                id: hex::encode(span.span_id),
                parent: hex::encode(span.parent_span_id),
                attributes: texts(&span.attributes),
                resource: resource.clone(),
            });
        }
    }
    kept.raw.extend_from_slice(&body);
    kept.headers.push(headers);
    StatusCode::OK
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = attributes.iter().filter_map(|it| Some((it.key.clone(), text(it.value.as_ref()?.value.as_ref()?))));
    pairs.collect()
}
