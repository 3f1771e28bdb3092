//! Opening a session, and the body that carries its stream.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::Stream;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use rmcp::ServerHandler;
use tokio::time::{Instant, Sleep, sleep};
use web::layers::note_session;

use super::Endpoint;
use super::serve::Life;
use super::session::Session;
use super::wire;
use crate::transport::intake;
use crate::transport::random_id;
use crate::transport::refusal::Refusal;
use crate::transport::sessions::Kind;

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache")),
    // nginx, and what imitates it, would hold events back.
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
];

/// Takes a place, starts the session's task, and answers with its stream.
pub(super) fn open<H: ServerHandler + Clone>(
    endpoint: &Arc<Endpoint<H>>,
    request: &Request,
) -> Result<Response, Refusal> {
    let caller = intake::caller(request)?;
    let slot = endpoint.registry.admit(&caller, Kind::SseSession)?;
    let id = random_id()?;
    let (session, inbox) = Session::new(id, caller.customer_id.clone(), slot.end().clone(), endpoint.limits.clone());
    note_session(&session.id);
    let first = wire::endpoint(&endpoint.message_path, &session.id, token_to_repeat(request).as_deref());
    // The queue is new, so there is room.
    session.outbox.try_push(&first).ok();
    endpoint.remember(&session);

    let forget = {
        let (endpoint, id) = (endpoint.clone(), session.id.clone());
        move || endpoint.forget(&id)
    };
    let life = Life {
        handler: endpoint.handler.clone(),
        session: session.clone(),
        inbox,
        slot,
        ends_at: caller.ends_at(),
        shutdown: endpoint.registry.shutdown().clone(),
        forget,
    };
    tokio::spawn(life.run());
    let events = Events::new(session, endpoint.limits.ping_interval);
    Ok((HEADERS, Body::from_stream(events)).into_response())
}

/// The key, if the query is how the client sends it.
fn token_to_repeat(request: &Request) -> Option<String> {
    if request.headers().contains_key(AUTHORIZATION) {
        return None;
    }
    wire::parameter(request.uri().query(), "token").filter(|token| !token.is_empty())
}

/// The stream's body. hyper drops it when the client is gone, and that ends the session.
struct Events {
    session: Arc<Session>,
    ping_interval: Duration,
    next_ping: Pin<Box<Sleep>>,
}

impl Events {
    fn new(session: Arc<Session>, ping_interval: Duration) -> Self {
        Self { session, ping_interval, next_ping: Box::pin(sleep(ping_interval)) }
    }

    fn put_off_ping(&mut self) {
        let next = Instant::now() + self.ping_interval;
        self.next_ping.as_mut().reset(next);
    }
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.session.outbox.poll_next(context) {
            Poll::Ready(Some(event)) => {
                self.put_off_ping();
                Poll::Ready(Some(Ok(event)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                std::task::ready!(self.next_ping.as_mut().poll(context));
                self.put_off_ping();
                Poll::Ready(Some(Ok(wire::PING)))
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.session.end.cancel();
    }
}
