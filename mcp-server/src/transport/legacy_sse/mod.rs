//! The older HTTP+SSE transport: a stream that carries all that the server says, and an address to post to.
//!
//! rmcp has no server for it, so a session here is an rmcp transport over one bounded queue each way. Invariants:
//!
//! - A session belongs to the customer who opened its stream. To everybody else it does not exist.
//! - The stream owns the session. When the client goes, its body is dropped, and everything else ends with that.
//! - Every queue is bounded, and what a client does not read counts against its own limits only.

mod handler;
mod outbox;
mod post;
mod serve;
mod session;
mod stream;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::Method;
use rmcp::ServerHandler;

use super::config::{Limits, TransportConfig};
use super::lock;
use super::refusal::Refusal;
use super::sessions::Sessions;
use session::Session;

pub use post::Throttled;

/// What both routes share.
pub(super) struct Endpoint<H> {
    handler: H,
    limits: Arc<Limits>,
    message_path: Box<str>,
    registry: Arc<Sessions>,
    open: Mutex<HashMap<Box<str>, Arc<Session>>>,
}

impl<H: ServerHandler + Clone> Endpoint<H> {
    pub(super) fn new(handler: H, config: &TransportConfig, registry: Arc<Sessions>) -> Arc<Self> {
        Arc::new(Self {
            handler,
            limits: Arc::new(config.limits.clone()),
            message_path: config.message_path.as_str().into(),
            registry,
            open: Mutex::default(),
        })
    }
}

impl<H> Endpoint<H> {
    fn remember(&self, session: &Arc<Session>) {
        lock(&self.open).insert(session.id.clone(), session.clone());
    }

    fn forget(&self, id: &str) {
        let mut open = lock(&self.open);
        open.remove(id);
        if open.is_empty() {
            open.shrink_to_fit();
        }
    }

    fn find(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.open).get(id).cloned()
    }
}

/// `/mcp/sse`. Clients that try Streamable HTTP first post here, and take the 405 as the sign to open the stream.
pub(super) async fn stream<H: ServerHandler + Clone>(
    State(endpoint): State<Arc<Endpoint<H>>>,
    request: Request,
) -> Response {
    if request.method() != Method::GET {
        return Refusal::method_not_allowed("GET").into_response();
    }
    stream::open(&endpoint, &request).unwrap_or_else(IntoResponse::into_response)
}

/// `/mcp/message`.
pub(super) async fn message<H: ServerHandler + Clone>(
    State(endpoint): State<Arc<Endpoint<H>>>,
    request: Request,
) -> Response {
    if request.method() != Method::POST {
        return Refusal::method_not_allowed("POST").into_response();
    }
    post::accept(&endpoint, request).await.unwrap_or_else(IntoResponse::into_response)
}
