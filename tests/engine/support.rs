//! What these tests share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use entity::db::Db;
use entity::outbox;
use harness::TestDb;
use inngest::{Function, FunctionOptions, Result, Trigger};
use rest_gateway::engine::Engine;
use sea_orm::ConnectionTrait;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Pseudo-random numbers, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// Less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What steps do to the world outside, which no engine remembers.
#[derive(Clone, Default)]
pub struct World(Arc<Mutex<Effects>>);

#[derive(Default)]
struct Effects {
    attempts: HashMap<String, u32>,
    done: HashMap<String, u32>,
    /// Dies after so many effects.
    kill: Option<(usize, CancellationToken)>,
}

impl World {
    /// Counts the attempts at something, from one.
    pub fn attempt(&self, name: &str) -> u32 {
        let mut effects = self.0.lock().unwrap();
        let attempts = effects.attempts.entry(name.to_owned()).or_default();
        *attempts += 1;
        *attempts
    }

    /// Does something; whoever did it may die of it.
    pub async fn done(&self, name: &str, gives: i64) -> Result<i64> {
        {
            let mut effects = self.0.lock().unwrap();
            *effects.done.entry(name.to_owned()).or_default() += 1;
            if let Some((left, token)) = &mut effects.kill {
                *left -= 1;
                if *left == 0 {
                    token.cancel();
                    effects.kill = None;
                }
            }
        }
        // Where a task that is cancelled is dropped.
        tokio::task::yield_now().await;
        Ok(gives)
    }

    /// Cancels after so many more effects.
    pub fn kill_after(&self, effects: usize, token: CancellationToken) {
        self.0.lock().unwrap().kill = Some((effects, token));
    }

    /// How often each thing was done.
    pub fn effects(&self) -> HashMap<String, u32> {
        self.0.lock().unwrap().done.clone()
    }
}

/// Options of a function that an event of this name starts.
pub fn started_by(event: &str) -> FunctionOptions {
    let mut options = FunctionOptions::new("test");
    options.triggers.push(Trigger::Event { event: event.to_owned(), expression: None });
    options
}

/// An engine that works until it is dropped or killed.
pub struct Working {
    pub engine: Engine,
    pub shutdown: CancellationToken,
    working: Option<JoinHandle<()>>,
}

impl Working {
    pub fn start(db: &Db, functions: Vec<Function>) -> Self {
        let engine = Engine::new(db.clone(), functions).unwrap();
        let shutdown = CancellationToken::new();
        let working = tokio::spawn(engine.clone().work(shutdown.clone()));
        Self { engine, shutdown, working: Some(working) }
    }

    /// Ends it where it stands.
    pub async fn die(mut self) {
        self.shutdown.cancel();
        self.working.take().unwrap().await.unwrap();
    }

    /// Sends an event.
    pub async fn send(&self, db: &Db, id: &str, name: &str, data: Value) {
        outbox::send(db, None, id, name, &data).await.unwrap();
        self.carry(db).await;
    }

    /// Carries what is in the outbox.
    pub async fn carry(&self, db: &Db) {
        for message in outbox::due(db, 1_000).await.unwrap() {
            self.engine.deliver(&message).await.unwrap();
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Time passes: what nobody works on is due.
pub async fn time_passes(test: &TestDb) {
    let sql = "UPDATE engine_timers SET due_at = '2020-01-01T00:00:00+00:00' \
               WHERE taken_until IS NULL AND due_at > '2020-01-02T00:00:00+00:00'";
    // Locks rows in any order, so a deadlock with the engine may end it; it is done again and again.
    let _ = test.db().connection().execute_unprepared(sql).await;
}

/// Time passes: whoever died is given up.
pub async fn the_dead_are_given_up(test: &TestDb) {
    test.execute("UPDATE engine_timers SET due_at = '2020-01-01T00:00:00+00:00', taken_until = NULL").await;
}

/// Waits until so many runs are over.
pub async fn are_over(test: &TestDb, runs: i64) {
    harness::eventually("the runs end", async || {
        time_passes(test).await;
        let over = test.number("SELECT count(*) FROM engine_runs WHERE status <> 'running'").await;
        (over >= runs).then_some(())
    })
    .await;
}
