//! The live event feed: one reader per process, however many streams and subscriptions listen.
//!
//! It reads the log, so it also tells what the other process did, on either database. Nothing is read while nobody
//! listens. Ids grow in commit order within a customer but not across customers: a transaction may commit an id smaller
//! than one already seen. So every look reaches back over a window longer than any transaction can take, and skips
//! what was told before.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::db::{Db, now};
use crate::error::Result;
use crate::events::{self, Event};
use crate::ids::EventId;

/// How often the log is read while somebody listens.
const INTERVAL: Duration = Duration::from_millis(250);
/// Longer than a statement may run, see `db`.
const LOOK_BACK: Duration = Duration::from_secs(10);
const BATCH: u64 = 1_000;
/// A listener this far behind is told that it missed some and has to read the log itself.
const CAPACITY: usize = 1_024;

/// A handle to the feed of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Feed {
    sender: broadcast::Sender<Arc<Event>>,
    wake: Arc<Notify>,
}

impl Feed {
    /// Starts the reader; it ends with `shutdown`.
    #[must_use]
    pub fn start(db: Db, shutdown: CancellationToken) -> Self {
        let (sender, _) = broadcast::channel(CAPACITY);
        let feed = Self { sender, wake: Arc::new(Notify::new()) };
        let reader = Reader { db, feed: feed.clone(), told: BTreeSet::new(), windows: VecDeque::new() };
        tokio::spawn(async move { shutdown.run_until_cancelled(reader.run()).await });
        feed
    }

    /// Every event from now on, of all customers: the listener picks its own. Some shortly before may come too.
    ///
    /// Who must not miss any subscribes first and then reads the log; see [`Event`] ids for the order.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        let receiver = self.sender.subscribe();
        self.wake.notify_one();
        receiver
    }
}

struct Reader {
    db: Db,
    feed: Feed,
    /// Ids within the window that were told already.
    told: BTreeSet<EventId>,
    /// When there was a look within the window, and where it began then. A clock that is set forward does not hide what
    /// was written before.
    windows: VecDeque<(Instant, EventId)>,
}

impl Reader {
    async fn run(mut self) {
        loop {
            if self.feed.sender.receiver_count() == 0 {
                self.feed.wake.notified().await;
            }
            self.look().await;
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn window_start(&mut self) -> EventId {
        let start = EventId::first_at(now() - LOOK_BACK);
        self.windows.retain(|(looked, _)| looked.elapsed() < LOOK_BACK);
        self.windows.push_back((Instant::now(), start.clone()));
        self.windows.iter().map(|(_, start)| start).min().cloned().unwrap_or(start)
    }

    async fn look(&mut self) {
        let window_start = self.window_start();
        self.told = self.told.split_off(&window_start);
        // The next look begins where this one did, so nothing is lost while the database is away for less than the
        // window; streams notice longer gaps by themselves when they resume from the log.
        if let Err(error) = self.tell_all_since(window_start).await {
            tracing::warn!(error = ?error, "the event feed could not read the log");
        }
    }

    async fn tell_all_since(&mut self, mut after: EventId) -> Result<()> {
        let batch = events::all_since(self.db.connection(), &after, BATCH).await?;
        if (batch.len() as u64) < BATCH {
            self.tell(batch);
            return Ok(());
        }
        // More than one batch: all as of one moment. What a customer did between two looks would be told out of order
        // if the first fell into what was read before, as it can where two processes' clocks differ.
        let snapshot = self.db.snapshot().await?;
        loop {
            let batch = events::all_since(&snapshot, &after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(()) };
            after = last.id.clone();
            self.tell(batch);
        }
    }

    fn tell(&mut self, batch: Vec<Event>) {
        for event in batch {
            if self.told.insert(event.id.clone()) {
                // Fails only when nobody listens any more.
                let _ = self.feed.sender.send(Arc::new(event));
            }
        }
    }
}
