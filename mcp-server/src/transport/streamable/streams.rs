//! A session's response streams, which can be taken away while their reader is stuck.

use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use rmcp::transport::streamable_http_server::session::ServerSseMessage;

use crate::transport::lock;

type Inner = Pin<Box<dyn Stream<Item = ServerSseMessage> + Send>>;
type Shared = Mutex<Slot>;

#[derive(Default)]
struct Slot {
    stream: Option<Inner>,
    /// The stream's own waker goes with the stream, so whoever takes it away has to wake its reader.
    reader: Option<Waker>,
}

/// The streams of one session that somebody may be reading.
///
/// rmcp's session worker waits for room in a stream. Were the stream's reader stuck in a write to a client that does
/// not read, only taking the stream away lets the worker go on, and the session end.
#[derive(Default)]
pub(super) struct Streams(Mutex<Vec<Weak<Shared>>>);

impl Streams {
    pub(super) fn wrap(&self, stream: impl Stream<Item = ServerSseMessage> + Send + 'static) -> Removable {
        let shared: Arc<Shared> = Arc::new(Mutex::new(Slot { stream: Some(Box::pin(stream)), reader: None }));
        let mut streams = lock(&self.0);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&shared));
        Removable(shared)
    }

    pub(super) fn remove_all(&self) {
        for stream in std::mem::take(&mut *lock(&self.0)) {
            if let Some(stream) = stream.upgrade() {
                let removed = std::mem::take(&mut *lock(&stream));
                drop(removed.stream);
                if let Some(reader) = removed.reader {
                    reader.wake();
                }
            }
        }
    }
}

/// A stream that is over once it was taken away.
pub(super) struct Removable(Arc<Shared>);

impl Stream for Removable {
    type Item = ServerSseMessage;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut slot = lock(&self.0);
        let Some(stream) = &mut slot.stream else { return Poll::Ready(None) };
        let polled = stream.as_mut().poll_next(context);
        if polled.is_pending() {
            slot.reader = Some(context.waker().clone());
        }
        polled
    }
}
