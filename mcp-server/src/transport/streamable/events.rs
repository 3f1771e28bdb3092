//! A stream of a session as rmcp reads it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream;
use rmcp::model::{RequestId, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::ServerSseMessage;
use serde_json::json;

use super::session::Session;
use super::streams::Reader;
use crate::transport::json_rpc;

type Over = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Does not end without the answer that it owes. A client would wait for one that does not come until it gives up; so
/// where the session ends in the middle of a call, with its key for example, the call is answered with an error. A call
/// that its client took back is not answered, as MCP wants it.
pub(super) struct Events {
    session: Arc<Session>,
    reader: Reader,
    over: Option<Over>,
    has_ended: bool,
}

impl Events {
    pub(super) fn new(session: Arc<Session>, reader: Reader) -> Self {
        Self { session, reader, over: None, has_ended: false }
    }

    /// Which end when this resolves.
    pub(super) fn until(self, over: impl Future<Output = ()> + Send + Sync + 'static) -> Self {
        Self { over: Some(Box::pin(over)), ..self }
    }

    fn end(&mut self) -> Option<ServerSseMessage> {
        self.has_ended = true;
        let (request, reader) = self.reader.owed.take()?;
        self.session.broke_off(&request, reader).then(|| ServerSseMessage::from_message(broken_off(request)))
    }
}

impl Stream for Events {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        // What is there already is not lost to an end that comes at the same time.
        let event = match self.reader.events.poll_recv(context) {
            Poll::Ready(Some(event)) => event,
            Poll::Ready(None) => return Poll::Ready(self.end()),
            Poll::Pending => {
                let Some(over) = &mut self.over else { return Poll::Pending };
                ready!(over.as_mut().poll(context));
                return Poll::Ready(self.end());
            }
        };
        // The stream of a request carries no other answer than its own.
        if event.message.as_deref().and_then(json_rpc::answered).is_some() {
            self.reader.owed = None;
        }
        Poll::Ready(Some(event))
    }
}

fn broken_off(request: RequestId) -> ServerJsonRpcMessage {
    tracing::info!(%request, "a call ended without its answer");
    let message = "The call broke off. It may have been done: look before you try again.";
    json_rpc::refused(request, message, Some(json!({ "code": "outcome_unknown" })))
}
