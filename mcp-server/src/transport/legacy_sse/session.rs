//! One session of the older transport, as its stream, its posts and its task share it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use entity::ids::CustomerId;
use rmcp::model::{ClientJsonRpcMessage, RequestId, ServerJsonRpcMessage};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outbox::{Closed, NotSent, Outbox};
use super::wire::Frame;
use crate::transport::config::Limits;
use crate::transport::{json_rpc, lock, oversized};

/// Posted messages that the session has not looked at yet. Requests are bounded by the in-flight limit before that.
const INBOX: usize = 32;

/// A message from the client. Boxed, because a channel keeps room for 32 of them.
pub(super) type Posted = Box<ClientJsonRpcMessage>;

/// A request that is not answered yet, and the post that waits for the answer, if one does.
type Waiting = Option<oneshot::Sender<Bytes>>;

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    TooMany,
    Duplicate,
}

/// Shared by the stream's body, the posts and the session's task. Ends when `end` is cancelled.
pub(super) struct Session {
    pub(super) id: Box<str>,
    pub(super) customer: CustomerId,
    pub(super) outbox: Outbox,
    /// Cancelled when the session is over, whoever ends it.
    pub(super) end: CancellationToken,
    limits: Arc<Limits>,
    inbox: mpsc::Sender<Posted>,
    in_flight: Mutex<HashMap<RequestId, Waiting>>,
    heard: Mutex<Heard>,
}

#[derive(Clone, Copy)]
struct Heard {
    last: Instant,
    anything: bool,
}

impl Session {
    pub(super) fn new(
        id: Box<str>,
        customer: CustomerId,
        end: CancellationToken,
        limits: Arc<Limits>,
    ) -> (Arc<Self>, mpsc::Receiver<Posted>) {
        let (inbox, posted) = mpsc::channel(INBOX);
        let session = Self {
            id,
            customer,
            outbox: Outbox::default(),
            end,
            limits,
            inbox,
            in_flight: Mutex::default(),
            heard: Mutex::new(Heard { last: Instant::now(), anything: false }),
        };
        (Arc::new(session), posted)
    }

    /// Takes note of a request, which then counts until it is answered, cancelled or given up.
    pub(super) fn begin(&self, id: &RequestId, waiting: Waiting) -> Result<(), NotTaken> {
        let mut in_flight = lock(&self.in_flight);
        if in_flight.contains_key(id) {
            return Err(NotTaken::Duplicate);
        }
        if in_flight.len() >= self.limits.max_in_flight_per_session {
            return Err(NotTaken::TooMany);
        }
        in_flight.insert(id.clone(), waiting);
        Ok(())
    }

    /// The request needs no answer any more.
    pub(super) fn give_up(&self, id: &RequestId) {
        self.settle(id, None);
    }

    fn settle(&self, id: &RequestId, answer: Option<Bytes>) {
        let mut in_flight = lock(&self.in_flight);
        let waiting = in_flight.remove(id).flatten();
        if in_flight.is_empty() {
            *in_flight = HashMap::new();
        }
        drop(in_flight);
        lock(&self.heard).last = Instant::now();
        if let (Some(waiting), Some(answer)) = (waiting, answer) {
            // Whoever waited may have gone; the answer is on the stream all the same.
            waiting.send(answer).ok();
        }
    }

    /// Hands a message to the session's task, without waiting.
    pub(super) fn post(&self, message: Posted) -> Result<(), NotSent> {
        *lock(&self.heard) = Heard { last: Instant::now(), anything: true };
        self.inbox.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotSent::Full,
            mpsc::error::TrySendError::Closed(_) => NotSent::Closed,
        })
    }

    /// Puts a message on the stream: at once if there is room, so that messages keep their order.
    ///
    /// An answer stops counting as in flight only when it is queued. A client that does not read thus runs into the
    /// in-flight limit first and loses the session when something has waited for too long.
    pub(super) fn deliver(
        self: &Arc<Self>,
        message: &ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Closed>> + Send + use<> {
        let id = json_rpc::answered(message).cloned();
        let frame = self.frame(message, id.as_ref());
        let at_once = frame.as_ref().map(|frame| self.outbox.try_push(&frame.event()));
        if let (Some(Ok(())), Some(frame), Some(id)) = (&at_once, &frame, &id) {
            self.settle(id, Some(frame.json()));
        }
        let session = self.clone();
        async move {
            match (at_once, frame) {
                (Some(Err(NotSent::Full)), Some(frame)) => session.deliver_late(&frame, id).await,
                (Some(Ok(())), _) => Ok(()),
                _ => Err(Closed),
            }
        }
    }

    async fn deliver_late(&self, frame: &Frame, id: Option<RequestId>) -> Result<(), Closed> {
        self.announce(frame).await?;
        if let Some(id) = id {
            self.settle(&id, Some(frame.json()));
        }
        Ok(())
    }

    /// Puts an event on the stream that belongs to no request in flight. A client that does not read loses the session.
    pub(super) async fn announce(&self, frame: &Frame) -> Result<(), Closed> {
        let event = frame.event();
        match tokio::time::timeout(self.limits.send_timeout, self.outbox.push(&event)).await {
            Ok(sent) => sent,
            Err(_) => {
                tracing::info!(customer = %self.customer.as_str(), "client does not read its stream: session ended");
                self.end.cancel();
                Err(Closed)
            }
        }
    }

    /// The message as an event; an answer that is too large, or that cannot be written, becomes an error.
    fn frame(&self, message: &ServerJsonRpcMessage, id: Option<&RequestId>) -> Option<Frame> {
        let max = self.limits.max_result_bytes;
        let instead = match Frame::message(message) {
            Ok(frame) if id.is_none() || frame.json().len() <= max => return Some(frame),
            Ok(frame) => oversized::too_large(id.cloned(), frame.json().len(), max),
            Err(error) => {
                tracing::error!(%error, "a message could not be written as JSON");
                json_rpc::refused(id?.clone(), "The answer could not be written", None)
            }
        };
        Frame::message(&instead).ok()
    }

    /// Resolves when the client has been silent for too long. A request under way is not silence.
    pub(super) async fn silence(&self) {
        loop {
            let Heard { last, anything } = *lock(&self.heard);
            let patience = if anything { self.limits.idle_timeout } else { self.limits.init_timeout };
            let left = patience.saturating_sub(last.elapsed());
            if left.is_zero() && self.is_idle() {
                return;
            }
            // Not longer than the shorter limit, which may begin to count while this sleeps.
            let nap = if left.is_zero() { patience } else { left.min(self.limits.idle_timeout) };
            tokio::time::sleep(nap.max(Duration::from_millis(1))).await;
        }
    }

    fn is_idle(&self) -> bool {
        lock(&self.in_flight).is_empty()
    }

    /// Lets go of everything the session holds, whoever still has a hand on it.
    pub(super) fn release(&self, deliver_the_rest: bool) {
        if deliver_the_rest {
            self.outbox.finish();
        } else {
            self.outbox.abort();
            self.end.cancel();
        }
        // Posts that wait for an answer learn that there will be none.
        *lock(&self.in_flight) = HashMap::new();
    }
}
