//! The stream of a call in a session, which does not end without an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::stream::{Fuse, Stream, StreamExt};
use rmcp::model::{ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::ServerSseMessage;
use serde_json::json;

use super::live::Live;

/// A client would wait for an answer that does not come until it gives up. So where the session ends in the middle of a
/// call, with its key for example, the call is answered with an error. A call that its client took back is not answered,
/// as MCP wants it.
pub(super) struct Owed<S> {
    stream: Fuse<S>,
    live: Arc<Live>,
    /// Until it is answered.
    request: Option<RequestId>,
}

impl<S: Stream<Item = ServerSseMessage>> Owed<S> {
    /// Of a request that the session has taken note of.
    pub(super) fn new(stream: S, live: Arc<Live>, request: RequestId) -> Self {
        Self { stream: stream.fuse(), live, request: Some(request) }
    }
}

impl<S: Stream<Item = ServerSseMessage> + Unpin> Stream for Owed<S> {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = ready!(self.stream.poll_next_unpin(context));
        if let Some(message) = message {
            if message.message.as_deref().is_some_and(is_answer) {
                self.request = None;
            }
            return Poll::Ready(Some(message));
        }
        let unanswered = self.request.take().filter(|request| self.live.settle(request));
        Poll::Ready(unanswered.map(|request| ServerSseMessage::from_message(broken_off(request))))
    }
}

/// The stream of a request carries no other answers than its own.
fn is_answer(message: &ServerJsonRpcMessage) -> bool {
    matches!(message, ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_))
}

fn broken_off(request: RequestId) -> ServerJsonRpcMessage {
    tracing::info!(%request, "a call ended without its answer");
    let message = "The call broke off. It may have been done: look before you try again.";
    let error = ErrorData::new(ErrorCode(-32000), message, Some(json!({ "code": "outcome_unknown" })));
    ServerJsonRpcMessage::error(error, Some(request))
}
