//! Where what the server says in a session goes: to the stream of the call that it belongs to, or to the one for news.

use std::collections::{HashMap, VecDeque};

use chrono::Utc;
use rmcp::model::{
    ClientRequest, GetExtensions, GetMeta, JsonRpcRequest, ProgressToken, RequestId, ServerJsonRpcMessage,
    ServerNotification,
};
use rmcp::service::OriginatingRequestId;
use rmcp::transport::streamable_http_server::session::ServerSseMessage;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::transport::json_rpc;

/// Messages that may wait on a stream for its client to read on. More than are kept.
const QUEUE: usize = 8;
/// How many of a stream's last events are kept for a client that lost the connection.
const KEPT: usize = 4;
/// How many answers are kept for a client that was not there for them.
const UNFETCHED: usize = 4;

/// The stream that a client reads.
pub(super) struct Reader {
    pub(super) events: mpsc::Receiver<ServerSseMessage>,
    /// The request that it is to answer, and which of the request's streams it is.
    pub(super) owed: Option<(RequestId, u64)>,
}

/// A message that waits for room on its stream.
pub(super) struct Late {
    reader: mpsc::Sender<ServerSseMessage>,
    event: ServerSseMessage,
    /// The request that it answers.
    pub(super) answers: Option<RequestId>,
}

impl Late {
    /// Waits until there is room, or nobody who reads.
    pub(super) async fn send(self) {
        self.reader.send(self.event).await.ok();
    }
}

/// All streams of one session.
pub(super) struct Streams {
    calls: HashMap<RequestId, Call>,
    /// What the next call's stream is called. Counted from the time in microseconds, so that the streams of a session that
    /// another process has taken over have other names.
    next_number: u64,
    news: Track,
    /// Once the session is over, no stream stays open.
    is_closed: bool,
}

/// A request of the client's.
struct Call {
    /// Which one of the session: so a client that comes back names its stream.
    number: u64,
    progress_token: Option<ProgressToken>,
    /// What the server has asked the client meanwhile.
    asked: Vec<RequestId>,
    /// Whether the answer waits for its client to come back.
    is_answered: bool,
    track: Track,
}

/// One sequence of events.
#[derive(Default)]
struct Track {
    /// How many events there have been.
    sent: u64,
    /// How many of them were put on a stream.
    read: u64,
    /// The last of them.
    kept: VecDeque<ServerSseMessage>,
    /// Each event goes to the last of them that is there. The others stay open, because a client whose stream ends would
    /// open another.
    readers: Vec<mpsc::Sender<ServerSseMessage>>,
    /// How many readers there have been.
    opened: u64,
}

impl Streams {
    pub(super) fn new() -> Self {
        let next_number = Utc::now().timestamp_micros().unsigned_abs();
        Self { calls: HashMap::new(), next_number, news: Track::default(), is_closed: false }
    }

    pub(super) fn begin(
        &mut self,
        request: &JsonRpcRequest<ClientRequest>,
        most: usize,
    ) -> Result<Reader, &'static str> {
        if self.calls.get(&request.id).is_some_and(|call| !call.is_answered) {
            return Err("A request with this id is not answered yet");
        }
        if self.calls.len() >= most {
            self.forget_answers(0);
        }
        if self.calls.len() >= most {
            return Err("Too many requests at once; wait for one to be answered");
        }
        let mut call = Call {
            number: self.next_number,
            progress_token: request.request.get_meta().get_progress_token(),
            asked: Vec::new(),
            is_answered: false,
            track: Track::default(),
        };
        self.next_number += 1;
        let reader = call.open(&request.id, 0);
        self.calls.insert(request.id.clone(), call);
        self.end_if_closed();
        Ok(reader)
    }

    /// Lets go of the oldest answers that nobody has fetched, so that no more than these are left.
    fn forget_answers(&mut self, left: usize) {
        let answered = self.calls.iter().filter(|(_, call)| call.is_answered);
        let mut answered: Vec<_> = answered.map(|(id, call)| (call.number, id.clone())).collect();
        answered.sort_unstable_by_key(|(number, _)| *number);
        for (_, id) in answered.iter().take(answered.len().saturating_sub(left)) {
            self.calls.remove(id);
        }
    }

    pub(super) fn give_up(&mut self, request: &RequestId) -> bool {
        let call = self.calls.remove(request);
        if self.calls.is_empty() {
            self.calls = HashMap::new();
        }
        call.is_some_and(|call| !call.is_answered)
    }

    pub(super) fn broke_off(&mut self, request: &RequestId, reader: u64) -> bool {
        let is_last = |call: &Call| call.track.opened == reader;
        self.calls.get(request).is_some_and(is_last) && self.give_up(request)
    }

    pub(super) fn under_way(&self) -> Vec<RequestId> {
        let unanswered = self.calls.iter().filter(|(_, call)| !call.is_answered);
        unanswered.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.calls.values().all(|call| call.is_answered)
    }

    /// Puts a message on its stream, or gives it back to be sent when there is room.
    pub(super) fn put(&mut self, message: ServerJsonRpcMessage) -> Option<Late> {
        if let Some(request) = json_rpc::answered(&message) {
            return self.answer(request.clone(), message);
        }
        match self.calls.iter_mut().find(|(id, call)| call.is_concerned(id, &message)) {
            Some((_, call)) => call.say(message),
            None => self.news.say(message, None),
        }
    }

    /// A call is over once its answer is on its way. Whoever lost the connection may fetch the answer a while later, if
    /// they know an event of the stream to go on from.
    fn answer(&mut self, request: RequestId, message: ServerJsonRpcMessage) -> Option<Late> {
        // Nobody waits for an answer to what was taken back.
        let call = self.calls.get_mut(&request)?;
        let is_known = call.track.sent > 0;
        let event = call.track.number(message, Some(call.number));
        match call.track.offer(event) {
            Err(TrySendError::Full(event)) => return Some(Late { answers: Some(request), ..call.track.late(event)? }),
            Err(TrySendError::Closed(event)) if is_known => {
                call.track.keep(event);
                call.is_answered = true;
                self.forget_answers(UNFETCHED);
            }
            Ok(()) | Err(TrySendError::Closed(_)) => {
                self.give_up(&request);
            }
        }
        None
    }

    pub(super) fn listen(&mut self) -> Reader {
        let events = self.news.open(self.news.read);
        self.end_if_closed();
        Reader { events, owed: None }
    }

    pub(super) fn resume(&mut self, last_event_id: &str) -> Option<Reader> {
        let (index, number) = match last_event_id.split_once('/') {
            Some((index, number)) => (index, Some(number.parse::<u64>().ok()?)),
            None => (last_event_id, None),
        };
        let next = index.parse::<u64>().ok()?.checked_add(1)?;
        let Some(number) = number else {
            // An event that is still to come was told before this process took the session over.
            let next = if next > self.news.sent { self.news.read } else { next };
            let events = self.news.open(next);
            self.end_if_closed();
            return Some(Reader { events, owed: None });
        };
        let (id, call) = self.calls.iter_mut().find(|(_, call)| call.number == number)?;
        let (id, reader) = (id.clone(), call.open(id, next));
        if call.is_answered {
            self.give_up(&id);
        }
        self.end_if_closed();
        Some(reader)
    }

    /// Ends all streams, and those that may still be opened.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.end_if_closed();
    }

    fn end_if_closed(&mut self) {
        if !self.is_closed {
            return;
        }
        self.news.readers = Vec::new();
        for call in self.calls.values_mut() {
            call.track.readers = Vec::new();
        }
    }
}

impl Call {
    fn open(&mut self, id: &RequestId, next: u64) -> Reader {
        let events = self.track.open(next);
        Reader { events, owed: Some((id.clone(), self.track.opened)) }
    }

    /// Whether a message that is no answer belongs to this call.
    fn is_concerned(&self, id: &RequestId, message: &ServerJsonRpcMessage) -> bool {
        match message {
            ServerJsonRpcMessage::Request(request) => {
                let origin = request.request.extensions().get::<OriginatingRequestId>();
                origin.is_some_and(|origin| origin.0 == *id)
            }
            ServerJsonRpcMessage::Notification(notification) => match &notification.notification {
                ServerNotification::ProgressNotification(progress) => {
                    self.progress_token.as_ref() == Some(&progress.params.progress_token)
                }
                ServerNotification::CancelledNotification(cancelled) => {
                    cancelled.params.request_id.as_ref().is_some_and(|asked| self.asked.contains(asked))
                }
                _ => false,
            },
            ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_) => false,
        }
    }

    fn say(&mut self, message: ServerJsonRpcMessage) -> Option<Late> {
        if let ServerJsonRpcMessage::Request(request) = &message {
            self.asked.push(request.id.clone());
        }
        self.track.say(message, Some(self.number))
    }
}

impl Track {
    /// Puts a message on the stream that is no answer, and keeps it.
    fn say(&mut self, message: ServerJsonRpcMessage, call: Option<u64>) -> Option<Late> {
        let event = self.number(message, call);
        self.keep(event.clone());
        match self.offer(event) {
            Err(TrySendError::Full(event)) => self.late(event),
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        }
    }

    /// The next event, of the call with this number or of the news. Its id says where a client goes on.
    fn number(&mut self, message: ServerJsonRpcMessage, call: Option<u64>) -> ServerSseMessage {
        let mut event = ServerSseMessage::from_message(message);
        event.event_id = Some(match call {
            Some(call) => format!("{}/{call}", self.sent),
            None => self.sent.to_string(),
        });
        self.sent += 1;
        event
    }

    fn keep(&mut self, event: ServerSseMessage) {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(event);
    }

    fn offer(&mut self, mut event: ServerSseMessage) -> Result<(), TrySendError<ServerSseMessage>> {
        while let Some(reader) = self.readers.last() {
            match reader.try_send(event) {
                Err(TrySendError::Closed(unread)) => event = unread,
                offered => {
                    self.read = self.sent;
                    return offered;
                }
            }
            self.readers.pop();
        }
        Err(TrySendError::Closed(event))
    }

    fn late(&self, event: ServerSseMessage) -> Option<Late> {
        Some(Late { reader: self.readers.last()?.clone(), event, answers: None })
    }

    /// Another stream, which begins with what is kept from the event with this number on.
    fn open(&mut self, next: u64) -> mpsc::Receiver<ServerSseMessage> {
        let first = self.sent.saturating_sub(self.kept.len() as u64);
        let has_read = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        let (sender, receiver) = mpsc::channel(QUEUE);
        for event in self.kept.iter().skip(has_read) {
            // There is room for all that are kept.
            sender.try_send(event.clone()).ok();
        }
        self.read = self.sent;
        self.opened += 1;
        self.readers.retain(|reader| !reader.is_closed());
        self.readers.push(sender);
        receiver
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::sync::mpsc::error::TryRecvError;

    use super::*;

    /// The session may end between a client's request and the stream for its answer.
    #[test]
    fn a_stream_that_is_opened_after_the_end_is_over() {
        let mut streams = Streams::new();
        streams.close();
        assert_eq!(streams.listen().events.try_recv().err(), Some(TryRecvError::Disconnected));
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let ping: JsonRpcRequest<ClientRequest> = serde_json::from_value(ping).unwrap();
        let mut reader = streams.begin(&ping, 1).unwrap();
        assert_eq!(reader.events.try_recv().err(), Some(TryRecvError::Disconnected));
        let (request, number) = reader.owed.unwrap();
        assert!(streams.broke_off(&request, number), "it is still to be answered");
        assert!(!streams.broke_off(&request, number), "once");
    }
}
