//! Streamable HTTP at `/mcp`: rmcp's service, with sessions of our own and what it leaves to its host around it.
//!
//! - Session ids leave bound to their customer and come back checked, so rmcp never sees a foreign one.
//! - Sessions and exchanges take places in the registry, and end with the key or grant that opened them.
//! - What rmcp says in plain text is said in the shape of all other errors. JSON-RPC stays as it is.

mod answers;
mod events;
mod manager;
mod session;
mod streams;
mod transport;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, TryStreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::SessionStore;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;
use web::layers::note_session;

use super::binding::Binding;
use super::config::{Limits, MissingScope, TransportConfig};
use super::guard::Guard;
use super::refusal::Refusal;
use super::sessions::{Kind, Sessions, Slot, expiry};
use super::{intake, lock, oversized};
use crate::caller::Caller;
use manager::Manager;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// One HTTP exchange, as the session manager and the store see it while rmcp handles it.
struct Exchange {
    caller: Caller,
    /// Cancelled when what the caller came with is no longer accepted, or a shutdown is out of patience.
    end: CancellationToken,
    /// Whether the session manager ends the stream, with an answer.
    is_seen_to: AtomicBool,
    /// Said in place of rmcp's own words, which would be a plain 500.
    refused: Mutex<Option<Refusal>>,
}

tokio::task_local! {
    static EXCHANGE: Arc<Exchange>;
}

/// Who the request is from that rmcp is handling right now, for a session store that keeps the customer with the row.
///
/// rmcp calls `load`, `store` and `delete` of a store on the task that handles the request, so it is known there.
#[must_use]
pub fn current_caller() -> Option<Caller> {
    EXCHANGE.try_with(|exchange| exchange.caller.clone()).ok()
}

/// For the session manager, which from now on sees to it that the stream of the request that rmcp is handling right now
/// ends: resolves when the caller is to be served no more.
fn see_to_the_end() -> impl Future<Output = ()> + Send + Sync + 'static {
    let exchange = EXCHANGE.try_with(|exchange| {
        exchange.is_seen_to.store(true, Ordering::Relaxed);
        exchange.clone()
    });
    async move {
        // Without an exchange there is nobody to cut off.
        let Ok(exchange) = exchange else { return std::future::pending().await };
        tokio::select! {
            () = exchange.end.cancelled() => {}
            () = expiry(exchange.caller.ends_at()) => {}
        }
    }
}

/// What the route works with.
pub(super) struct Endpoint<H> {
    service: StreamableHttpService<H, Manager>,
    binding: Option<Binding>,
    limits: Limits,
    missing: MissingScope,
    registry: Arc<Sessions>,
}

impl<H: ServerHandler + Clone> Endpoint<H> {
    pub(super) fn new(
        handler: H,
        config: &TransportConfig,
        guard: &Guard,
        store: Arc<dyn SessionStore>,
        registry: Arc<Sessions>,
    ) -> Arc<Self> {
        let manager = Arc::new(Manager::new(&config.limits, registry.clone()));
        let mut rmcp = StreamableHttpServerConfig::default()
            .with_allowed_hosts(&config.allowed_hosts)
            .with_allowed_origins(guard.explicit_origins())
            .enforce_origin_validation()
            .with_sse_keep_alive(Some(config.limits.ping_interval))
            // Clients from before 2025-11-25 choke on the priming events that a retry hint comes with.
            .with_sse_retry(None)
            // Where there is no session, an answer that is one message needs no stream.
            .with_json_response(true)
            .with_max_request_body_bytes(config.limits.max_body_bytes);
        rmcp.session_store = Some(store);
        Arc::new(Self {
            service: StreamableHttpService::new(move || Ok(handler.clone()), manager, rmcp),
            binding: Binding::new(&config.binding_key),
            limits: config.limits.clone(),
            missing: config.missing,
            registry,
        })
    }

    async fn serve(&self, request: Request) -> Result<Response, Refusal> {
        if ![Method::GET, Method::POST, Method::DELETE].contains(request.method()) {
            return Err(Refusal::method_not_allowed("GET, POST, DELETE"));
        }
        let caller = intake::caller(&request)?;
        let binding = self.binding.as_ref().ok_or_else(Refusal::internal)?;
        let slot = self.registry.admit(&caller, Kind::Exchange)?;
        let request = self.prepare(request, binding, &caller).await?;
        let (method, is_quiet) = (request.method().clone(), stays_open(&request));

        let exchange = Arc::new(Exchange {
            caller: caller.clone(),
            end: slot.end().clone(),
            is_seen_to: AtomicBool::new(false),
            refused: Mutex::default(),
        });
        let answer = tokio::select! {
            answer = EXCHANGE.scope(exchange.clone(), self.service.handle(request)) => answer,
            // Without a session, this is where a call waits for its handler; dropping it cancels that.
            () = slot.end().cancelled() => return Err(self.why_cut()),
        };
        if let Some(refusal) = lock(&exchange.refused).take() {
            return Err(refusal);
        }
        let mut response = answers::in_our_shape(answer.map(Body::new), &method, self.limits.max_result_bytes).await;
        bind_id(response.headers_mut(), binding, &caller)?;
        Ok(self.bounded(response, slot, &exchange, is_quiet))
    }

    fn why_cut(&self) -> Refusal {
        if self.registry.cut().is_cancelled() { Refusal::shutting_down() } else { Refusal::no_caller() }
    }

    /// The request as rmcp gets it: read, with its session id checked and its credentials gone.
    async fn prepare(&self, request: Request, binding: &Binding, caller: &Caller) -> Result<Request, Refusal> {
        let (mut parts, body) = request.into_parts();
        open_id(&mut parts.headers, binding, caller)?;
        intake::redact(&mut parts);
        let body = if parts.method == Method::POST {
            answers::require_acceptable(&parts.headers)?;
            intake::require_json(&parts.headers)?;
            let message = intake::read_message(body, &self.limits).await?;
            if let Some(needed) = (self.missing)(caller, &message) {
                return Err(Refusal::insufficient_scope(needed, caller.scopes));
            }
            Body::from(message)
        } else {
            Body::empty()
        };
        Ok(Request::from_parts(parts, body))
    }

    /// Keeps the exchange's place until its stream ends, ends the stream with what opened it, and caps the answer on it.
    /// A stream that waits for news ends with the access token too: its client comes back with the next one.
    fn bounded(&self, response: Response, slot: Slot, exchange: &Exchange, is_quiet: bool) -> Response {
        if !is_stream(&response) {
            return response;
        }
        let end = slot.end().clone();
        let shutdown = self.registry.shutdown().clone();
        let is_seen_to = exchange.is_seen_to.load(Ordering::Relaxed);
        let ends_at = if is_quiet { exchange.caller.expires_at } else { exchange.caller.ends_at() };
        let max = self.limits.max_result_bytes;
        let over = Box::pin(async move {
            if is_seen_to {
                return std::future::pending().await;
            }
            tokio::select! {
                () = end.cancelled() => {}
                () = shutdown.cancelled(), if is_quiet => {}
                () = expiry(ends_at) => {}
            }
        });
        response.map(|body| {
            // rmcp hands each event out in one piece.
            let events = body.into_data_stream().map_ok(move |event| oversized::event(event, max));
            let mut events = events.take_until(over);
            Body::from_stream(futures::stream::poll_fn(move |context| {
                // Held until the body is dropped.
                let _held = &slot;
                events.poll_next_unpin(context)
            }))
        })
    }
}

/// A stream that waits for news. The others carry the answer to a call, which a shutdown lets finish.
fn stays_open(request: &Request) -> bool {
    let listens = || request.headers().get(METHOD).is_some_and(|method| method == "subscriptions/listen");
    request.method() == Method::GET || listens()
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    response.status() == StatusCode::OK && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Replaces the bound id by the one inside. One that is not the caller's is as good as unknown.
fn open_id(headers: &mut HeaderMap, binding: &Binding, caller: &Caller) -> Result<(), Refusal> {
    let mut values = headers.get_all(SESSION_ID).iter();
    let Some(bound) = values.next() else { return Ok(()) };
    if values.next().is_some() {
        return Err(Refusal::no_http_session());
    }
    let opened = bound.to_str().ok().and_then(|bound| binding.open(bound, &caller.customer_id));
    let opened = opened.ok_or_else(Refusal::no_http_session)?;
    let id = HeaderValue::from_str(opened).map_err(|_| Refusal::no_http_session())?;
    note_session(opened);
    headers.insert(SESSION_ID, id);
    Ok(())
}

/// Binds the id of a session that rmcp just made.
fn bind_id(headers: &mut HeaderMap, binding: &Binding, caller: &Caller) -> Result<(), Refusal> {
    let Some(id) = headers.get(SESSION_ID) else { return Ok(()) };
    let id = id.to_str().ok().inspect(|id| note_session(id));
    let bound = id.map(|id| binding.bind(id, &caller.customer_id));
    let bound = bound.and_then(|bound| HeaderValue::from_str(&bound).ok()).ok_or_else(Refusal::internal)?;
    headers.insert(SESSION_ID, bound);
    Ok(())
}

/// `/mcp`.
pub(super) async fn exchange<H: ServerHandler + Clone>(
    State(endpoint): State<Arc<Endpoint<H>>>,
    request: Request,
) -> Response {
    endpoint.serve(request).await.unwrap_or_else(IntoResponse::into_response)
}
