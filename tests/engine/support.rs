//! What these tests share.

use entity::db::Db;
use entity::outbox;
use harness::TestDb;
use inngest::{Function, FunctionOptions};
use rest_gateway::engine::Engine;
use sea_orm::ConnectionTrait;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Options of a function that an event of this name starts.
pub fn started_by(event: &str) -> FunctionOptions {
    FunctionOptions::new("test").event(event)
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
