//! What waits to be written to a session's stream: bounded, empty of memory while nothing waits.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use axum::body::Bytes;
use tokio::sync::Notify;

use crate::transport::lock;

const MAX_EVENTS: usize = 16;
const MAX_BYTES: usize = 256 * 1024;

/// The stream is over, so nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session's stream is closed")]
pub(super) struct Closed;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotSent {
    Full,
    Closed,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Bytes>,
    bytes: usize,
    closed: bool,
    reader: Option<Waker>,
}

impl Queue {
    fn has_room(&self, event: &Bytes) -> bool {
        // One event always fits, however large, or else it could never be sent.
        self.events.is_empty() || (self.events.len() < MAX_EVENTS && self.bytes + event.len() <= MAX_BYTES)
    }
}

/// A queue of events with any number of writers and one reader.
#[derive(Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    room: Notify,
}

impl Outbox {
    /// Queues an event if there is room right now.
    pub(super) fn try_push(&self, event: &Bytes) -> Result<(), NotSent> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(NotSent::Closed);
        }
        if !queue.has_room(event) {
            return Err(NotSent::Full);
        }
        queue.bytes += event.len();
        queue.events.push_back(event.clone());
        wake(queue.reader.take());
        Ok(())
    }

    /// Queues an event as soon as there is room.
    pub(super) async fn push(&self, event: &Bytes) -> Result<(), Closed> {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // Registered before looking, so that room made in between is not missed.
            room.as_mut().enable();
            match self.try_push(event) {
                Ok(()) => return Ok(()),
                Err(NotSent::Closed) => return Err(Closed),
                Err(NotSent::Full) => room.await,
            }
        }
    }

    /// The next event; `None` once the outbox is closed and empty.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut queue = lock(&self.queue);
        if let Some(event) = queue.events.pop_front() {
            queue.bytes = queue.bytes.saturating_sub(event.len());
            if queue.events.is_empty() {
                queue.events = VecDeque::new();
            }
            drop(queue);
            // All writers look again: a large event may have made room for several small ones.
            self.room.notify_waiters();
            return Poll::Ready(Some(event));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        queue.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// Takes no more; what is queued is still delivered.
    pub(super) fn finish(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        wake(queue.reader.take());
        drop(queue);
        self.room.notify_waiters();
    }

    /// Takes no more and forgets what is queued, even while the reader is stuck.
    pub(super) fn abort(&self) {
        let dropped = std::mem::take(&mut lock(&self.queue).events);
        drop(dropped);
        self.finish();
    }
}

fn wake(reader: Option<Waker>) {
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use super::*;

    async fn next(outbox: &Outbox) -> Option<Bytes> {
        poll_fn(|context| outbox.poll_next(context)).await
    }

    #[tokio::test]
    async fn writers_wait_for_room_and_go_on_when_there_is_some() {
        let outbox = Arc::new(Outbox::default());
        let event = Bytes::from_static(b"x");
        for _ in 0..MAX_EVENTS {
            outbox.try_push(&event).unwrap();
        }
        assert_eq!(outbox.try_push(&event), Err(NotSent::Full));
        let writer = tokio::spawn({
            let (outbox, event) = (outbox.clone(), event.clone());
            async move { outbox.push(&event).await }
        });
        assert_eq!(next(&outbox).await, Some(event));
        assert_eq!(writer.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn one_event_fits_however_large() {
        let outbox = Outbox::default();
        let large = Bytes::from(vec![b'x'; 2 * MAX_BYTES]);
        outbox.try_push(&large).unwrap();
        assert_eq!(outbox.try_push(&Bytes::from_static(b"x")), Err(NotSent::Full));
        assert_eq!(next(&outbox).await, Some(large));
        outbox.try_push(&Bytes::from_static(b"x")).unwrap();
    }

    #[tokio::test]
    async fn finishing_delivers_what_is_queued_and_aborting_does_not() {
        let event = Bytes::from_static(b"x");
        let finished = Outbox::default();
        finished.try_push(&event).unwrap();
        finished.finish();
        assert_eq!(finished.try_push(&event), Err(NotSent::Closed));
        assert_eq!(next(&finished).await, Some(event.clone()));
        assert_eq!(next(&finished).await, None);

        let aborted = Outbox::default();
        aborted.try_push(&event).unwrap();
        aborted.abort();
        assert_eq!(next(&aborted).await, None);
        assert_eq!(aborted.push(&event).await, Err(Closed));
    }
}
