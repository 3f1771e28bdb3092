//! One customer's event log, followed.

use std::collections::VecDeque;
use std::sync::Arc;

use entity::db::{Db, now};
use entity::events::{self, Event, TypeFilter};
use entity::ids::EventId;
use entity::keys::{self, ApiKey};
use futures::Stream;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

/// How many events are read from the log at a time while catching up.
const BATCH: u64 = 200;

/// The events after `last` for as long as the key is accepted. Ids of a customer grow in commit order, so `last` says
/// exactly what was given out, however the event came: from the log or from the feed.
pub struct Tail {
    db: Db,
    key: ApiKey,
    /// The browser session that it is for, if any.
    session_id: Option<String>,
    types: TypeFilter,
    last: EventId,
    live: broadcast::Receiver<Arc<Event>>,
    queue: VecDeque<Event>,
    /// Whether the log may hold events after `last` that the feed will not bring.
    behind: bool,
}

impl Tail {
    /// `live` must have been subscribed before `last` was read, or something could fall between the two.
    pub fn new(db: Db, key: ApiKey, types: TypeFilter, last: EventId, live: broadcast::Receiver<Arc<Event>>) -> Self {
        Self { db, key, session_id: None, types, last, live, queue: VecDeque::new(), behind: true }
    }

    /// Ends with this browser session too.
    pub fn of_session(self, session_id: Option<String>) -> Self {
        Self { session_id, ..self }
    }

    /// Ends with the process, with the key, and when the log cannot be read: the client then resumes after `last`.
    pub fn into_stream(self, shutdown: CancellationToken) -> impl Stream<Item = Event> {
        futures::stream::unfold((self, shutdown), |(mut tail, shutdown)| async move {
            let event = shutdown.run_until_cancelled(tail.next()).await??;
            Some((event, (tail, shutdown)))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.next_of_any_type().await?;
            self.last = event.id.clone();
            if event.event_type.may_end_access() && !self.key_is_accepted().await || self.is_its_end(&event) {
                return None;
            }
            if self.types.includes(event.event_type) {
                return Some(event);
            }
        }
    }

    async fn next_of_any_type(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.behind {
                let missed = events::since(&self.db, &self.key.customer_id, &self.last, BATCH).await.ok()?;
                self.behind = missed.len() as u64 == BATCH;
                self.queue = missed.into();
                continue;
            }
            match self.next_live().await? {
                Ok(event) if event.customer_id == self.key.customer_id && event.id > self.last => {
                    self.queue.push_back((*event).clone());
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// What the feed brings next; none once the key has expired.
    async fn next_live(&mut self) -> Option<Result<Arc<Event>, RecvError>> {
        let Some(expires_at) = self.key.expires_at else { return Some(self.live.recv().await) };
        let left = (expires_at - now()).to_std().unwrap_or_default();
        tokio::time::timeout(left, self.live.recv()).await.ok()
    }

    fn is_its_end(&self, event: &Event) -> bool {
        self.session_id.as_deref().is_some_and(|session_id| event.ends_session(session_id))
    }

    async fn key_is_accepted(&self) -> bool {
        let accepted = keys::still_accepted(&self.db, vec![self.key.id.clone()]).await;
        accepted.is_ok_and(|accepted| !accepted.is_empty())
    }
}
