//! One session of Streamable HTTP, as its exchanges, its transport and the manager share it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcRequest, RequestId, ServerJsonRpcMessage};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::streams::{Late, Reader, Streams};
use crate::transport::config::Limits;
use crate::transport::lock;

/// Messages from the client that the session has not looked at yet.
const INBOX: usize = 16;

/// A message from the client. Boxed, because a channel keeps room for 32 of them.
pub(super) type Posted = Box<ClientJsonRpcMessage>;

/// The session is over.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub(super) struct Over;

/// What the client says goes through an inbox to the session's one task; what the server says goes to the stream of the
/// call that it belongs to, or to the one for news. Over when `end` is cancelled.
pub(super) struct Session {
    /// Cancelled when the session has to end.
    pub(super) end: CancellationToken,
    limits: Arc<Limits>,
    inbox: mpsc::Sender<Posted>,
    streams: Mutex<Streams>,
    last_heard: Mutex<Instant>,
}

impl Session {
    /// A session, and what its client says.
    pub(super) fn new(end: CancellationToken, limits: Arc<Limits>) -> (Arc<Self>, mpsc::Receiver<Posted>) {
        let (inbox, posted) = mpsc::channel(INBOX);
        let (streams, last_heard) = (Mutex::new(Streams::new()), Mutex::new(Instant::now()));
        (Arc::new(Self { end, limits, inbox, streams, last_heard }), posted)
    }

    /// Hands a request to the session's task and opens the stream for its answer; or says why it is not taken.
    ///
    /// Between taking note of it and handing it over nothing waits, so that a client that goes leaves nothing behind.
    pub(super) async fn ask(
        &self,
        request: JsonRpcRequest<ClientRequest>,
    ) -> Result<Result<Reader, &'static str>, Over> {
        self.hear();
        let place = self.inbox.reserve().await.map_err(|_| Over)?;
        let begun = lock(&self.streams).begin(&request, self.limits.max_in_flight_per_session);
        if begun.is_ok() {
            place.send(Box::new(ClientJsonRpcMessage::Request(request)));
        }
        Ok(begun)
    }

    /// The request needs no answer any more. Whether it did until now.
    pub(super) fn give_up(&self, request: &RequestId) -> bool {
        lock(&self.streams).give_up(request)
    }

    /// The stream of a request has ended without its answer. Whether it was to be answered on this stream.
    pub(super) fn broke_off(&self, request: &RequestId, reader: u64) -> bool {
        lock(&self.streams).broke_off(request, reader)
    }

    /// The requests that are not answered yet.
    pub(super) fn under_way(&self) -> Vec<RequestId> {
        lock(&self.streams).under_way()
    }

    /// Hands what the client says besides to the session's task.
    pub(super) async fn post(&self, message: ClientJsonRpcMessage) -> Result<(), Over> {
        self.hear();
        self.inbox.send(Box::new(message)).await.map_err(|_| Over)
    }

    /// Puts a message on the stream it belongs to: at once if there is room, so that messages keep their order.
    pub(super) fn deliver(
        self: &Arc<Self>,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Over>> + Send + use<> {
        self.hear();
        let late = lock(&self.streams).put(message).map(|late| (self.clone(), late));
        async move {
            match late {
                Some((session, late)) => session.deliver_late(late).await,
                None => Ok(()),
            }
        }
    }

    /// A client that does not read its stream loses the session.
    async fn deliver_late(&self, late: Late) -> Result<(), Over> {
        let answered = late.answers.clone();
        let sent = tokio::select! {
            sent = tokio::time::timeout(self.limits.send_timeout, late.send()) => sent,
            () = self.end.cancelled() => return Err(Over),
        };
        if sent.is_err() {
            tracing::info!("client does not read its stream: session ended");
            self.end.cancel();
            return Err(Over);
        }
        if let Some(request) = answered {
            self.give_up(&request);
        }
        Ok(())
    }

    /// The stream for what belongs to no call, from where the last one ended.
    pub(super) fn listen(&self) -> Reader {
        lock(&self.streams).listen()
    }

    /// The stream with this event on it, from the next one on.
    pub(super) fn resume(&self, last_event_id: &str) -> Option<Reader> {
        lock(&self.streams).resume(last_event_id)
    }

    /// Ends all streams. What is not answered stays so, for its stream to say.
    pub(super) fn close(&self) {
        self.end.cancel();
        lock(&self.streams).close();
    }

    fn hear(&self) {
        *lock(&self.last_heard) = Instant::now();
    }

    /// Resolves when nothing was said for too long. A call under way is not silence.
    pub(super) async fn silence(&self) {
        loop {
            let left = self.limits.keep_alive.saturating_sub(lock(&self.last_heard).elapsed());
            if left.is_zero() && lock(&self.streams).is_idle() {
                return;
            }
            let nap = if left.is_zero() { self.limits.keep_alive } else { left };
            tokio::time::sleep(nap.max(Duration::from_millis(1))).await;
        }
    }
}
