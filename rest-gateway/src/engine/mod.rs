//! The embedded engine: runs the durable functions where there is no Inngest, from what the database remembers.
//!
//! It keeps nothing in memory that matters: whoever has taken a timer and dies lets go of it after a while, and any
//! gateway goes on from there.

mod call;
mod clock;
mod start;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::db::Db;
use entity::engine::{self as store, Incoming, Schedule, Timer};
use entity::outbox::Message;
use inngest::{Function, Trigger};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use clock::Cron;

/// How many calls are made at a time.
const AT_ONCE: usize = 16;
/// How often to look besides: another process may have left something to do. Also how late a timer may be.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long to wait after the database failed.
const PAUSE: Duration = Duration::from_secs(2);

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    functions: BTreeMap<String, Function>,
    /// How many steps of a function may run at the same time, where it says so.
    limits: HashMap<String, u32>,
    crons: Vec<(String, Cron)>,
    slots: Arc<Semaphore>,
    /// There is something to do.
    work: Notify,
}

impl Engine {
    /// An engine for these functions.
    ///
    /// # Errors
    ///
    /// When a function wants something that only Inngest has.
    pub fn new(db: Db, functions: Vec<Function>) -> Result<Self, String> {
        let mut crons = Vec::new();
        for function in &functions {
            start::require_supported(function)?;
            for trigger in &function.options().triggers {
                if let Trigger::Cron { cron, .. } = trigger {
                    crons.push((function.id().to_owned(), Cron::parse(cron)?));
                }
            }
        }
        let limit =
            |function: &Function| Some((function.id().to_owned(), function.options().concurrency.first()?.limit));
        let limits = functions.iter().filter_map(limit).collect();
        let functions = functions.into_iter().map(|function| (function.id().to_owned(), function)).collect();
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let shared = Shared { db, functions, limits, crons, slots, work: Notify::new() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Lets an event do what it does, once.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn deliver(&self, message: &Message) -> Result<(), entity::Error> {
        let data: Value = serde_json::from_str(&message.data).unwrap_or_default();
        let ts = message.created_at.timestamp_millis();
        let event = json!({ "name": message.name, "data": data, "id": message.event_id, "ts": ts });
        let starts = self.shared.functions.values().filter(|function| start::is_started_by(function, &message.name));
        let starts = starts.map(|function| start::by_event(function, message, &event)).collect();
        let incoming = Incoming { name: message.name.clone(), event };
        store::deliver(&self.shared.db, &message.id, &incoming, starts).await?;
        self.shared.work.notify_one();
        Ok(())
    }

    /// Works until `shutdown`. What is under way then is let go of and taken up again after the next start.
    pub async fn work(self, shutdown: CancellationToken) {
        let hands = TaskTracker::new();
        shutdown.run_until_cancelled(self.work_for_ever(&hands, &shutdown)).await;
        hands.close();
        hands.wait().await;
    }

    async fn work_for_ever(&self, hands: &TaskTracker, shutdown: &CancellationToken) {
        while let Err(error) = self.keep_schedules().await {
            tracing::warn!(%error, "the engine could not read its schedules");
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            match self.work_off(hands, shutdown).await {
                Ok(wait) => {
                    // Either may come first, and both mean: look again.
                    let _ = tokio::time::timeout(wait, self.shared.work.notified()).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the engine could not look for work");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Begins what is due as far as there are free hands, and says how long until there is more.
    async fn work_off(&self, hands: &TaskTracker, shutdown: &CancellationToken) -> Result<Duration, entity::Error> {
        let shared = &self.shared;
        self.fire_schedules().await?;
        // Waits for a free slot; there is nothing else to do meanwhile.
        let Ok(first) = shared.slots.clone().acquire_owned().await else { return Ok(PAUSE) };
        let free = 1 + shared.slots.available_permits();
        let timers = store::claim(&shared.db, free as u64, &shared.limits).await?;
        let mut slots = vec![first];
        slots.extend((1..timers.len()).map_while(|_| shared.slots.clone().try_acquire_owned().ok()));
        for (timer, slot) in timers.into_iter().zip(slots) {
            let engine = self.clone();
            let work = shutdown.clone().run_until_cancelled_owned(async move { engine.attend(timer).await });
            hands.spawn(async move {
                work.await;
                drop(slot);
            });
        }
        let next = store::next_due(&shared.db).await?;
        let until_next = next.and_then(|next| (next - entity::db::now()).to_std().ok().or(Some(Duration::ZERO)));
        Ok(until_next.unwrap_or(INTERVAL).min(INTERVAL))
    }

    /// Does what a timer is for, and what comes of it at once.
    async fn attend(&self, timer: Timer) {
        let run_id = timer.run_id.clone();
        if let Err(error) = call::attend(&self.shared, timer).await {
            // It is let go of in time, and taken up again.
            tracing::warn!(%error, run_id, "the engine could not write down what it did");
        }
        self.shared.work.notify_one();
    }

    async fn keep_schedules(&self) -> Result<(), entity::Error> {
        let schedule = |(function, cron): &(String, Cron)| {
            let next_at = cron.next(entity::db::now())?;
            Some(Schedule { function: function.clone(), cron: cron.text().to_owned(), next_at })
        };
        let wanted = self.shared.crons.iter().filter_map(schedule).collect();
        store::keep_schedules(&self.shared.db, wanted).await
    }

    async fn fire_schedules(&self) -> Result<(), entity::Error> {
        for due in store::due_schedules(&self.shared.db).await? {
            let cron =
                self.shared.crons.iter().find(|(function, cron)| *function == due.function && cron.text() == due.cron);
            let function = self.shared.functions.get(&due.function);
            let (Some((_, cron)), Some(function)) = (cron, function) else { continue };
            // What was missed while nobody was there is done once.
            let next_at: Option<DateTime<Utc>> = cron.next(entity::db::now());
            if let Some(next_at) = next_at {
                store::fire(&self.shared.db, &due, next_at, start::by_clock(function, &due)).await?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("functions", &self.shared.functions.keys()).finish_non_exhaustive()
    }
}
