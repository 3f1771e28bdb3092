//! Durable functions on the embedded engine, in this process: runs per second, memory, and how late a timer is.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use entity::db::{DatabaseUrl, Db, now};
use entity::outbox;
use inngest::{Function, FunctionOptions, Input, Step, Trigger, create_function};
use rest_gateway::engine::Engine;
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::Options;
use crate::usage::memory;

const STEPS: usize = 5;
/// Timers of which the lateness is measured.
const TIMERS: usize = 20;
/// Rows of an INSERT.
const ROWS: usize = 500;
/// How often to look whether the runs are over.
const LOOK: Duration = Duration::from_millis(100);

pub async fn measure(options: &Options) {
    let directory = tempfile::tempdir().expect("a directory");
    let url = match &options.database_url {
        Some(url) => url.parse().expect("a database URL"),
        None => DatabaseUrl::Sqlite(directory.path().join("heycmo.db")),
    };
    let db = Db::connect(&url).await.expect("a database");
    migrations::up(&db).await.expect("the schema");
    let lateness = Arc::new(Mutex::new(Vec::new()));
    let engine = Engine::new(db.clone(), vec![five_steps(), late(&lateness)]).expect("functions");
    let shutdown = CancellationToken::new();
    let working = tokio::spawn(engine.clone().work(shutdown.clone()));

    runs(&db, &engine, options.runs).await;
    sleepers(&db, options.sleeping).await;
    timers(&db, &engine, &lateness, options.sleeping).await;
    shutdown.cancel();
    working.await.expect("the engine ends");
}

fn started_by(id: &str) -> FunctionOptions {
    let mut options = FunctionOptions::new(id);
    options.triggers.push(Trigger::Event { event: format!("load/{id}"), expression: None });
    options
}

fn five_steps() -> Function {
    create_function(started_by("steps"), |_: Input, step: Step| async move {
        let mut sum = 0;
        for index in 0..STEPS {
            sum += step.run("step", move || async move { Ok(index) }).await?;
        }
        Ok(sum)
    })
}

#[derive(Clone, Deserialize)]
struct Due {
    due: DateTime<Utc>,
}

fn late(lateness: &Arc<Mutex<Vec<Duration>>>) -> Function {
    let lateness = lateness.clone();
    create_function(started_by("late"), move |input: Input<Due>, step: Step| {
        let lateness = lateness.clone();
        async move {
            let due = input.event.data.due;
            step.sleep_until("nap", due).await?;
            lateness.lock().expect("a list").push((now() - due).to_std().unwrap_or_default());
            Ok(())
        }
    })
}

async fn send(db: &Db, engine: &Engine, id: &str, name: &str, data: serde_json::Value) {
    outbox::send(db, None, id, name, &data).await.expect("the outbox");
    for message in outbox::due(db, 10).await.expect("the outbox") {
        engine.deliver(&message).await.expect("the engine");
    }
}

async fn count(db: &Db, sql: &str) -> i64 {
    let backend = db.connection().get_database_backend();
    let row = db.connection().query_one_raw(sea_orm::Statement::from_string(backend, sql)).await.expect("a count");
    row.expect("a row").try_get_by_index(0).expect("a number")
}

async fn runs(db: &Db, engine: &Engine, runs: usize) {
    let before = memory("self", "VmRSS:");
    let started = Instant::now();
    for run in 0..runs {
        send(db, engine, &format!("load-{run}-{}", started.elapsed().as_nanos()), "load/steps", json!({})).await;
    }
    let sent = started.elapsed();
    while count(db, "SELECT count(*) FROM engine_runs WHERE status = 'running'").await > 0 {
        tokio::time::sleep(LOOK).await;
    }
    let all = started.elapsed();
    let done = count(db, "SELECT count(*) FROM engine_runs WHERE status = 'completed'").await;
    let steps = count(db, "SELECT count(*) FROM engine_steps").await;
    println!(
        "{done} runs, {steps} steps in {:.1} s ({:.1} s to send): {:.0} runs/s",
        all.as_secs_f64(),
        sent.as_secs_f64(),
        runs as f64 / all.as_secs_f64()
    );
    let mib = |kib: u64| kib as f64 / 1_024.0;
    println!("resident {:.1} MiB before, {:.1} MiB at most\n", mib(before), mib(memory("self", "VmHWM:")));
}

/// Runs that sleep, written by hand: beginning so many would take a while.
async fn sleepers(db: &Db, sleeping: usize) {
    let (at, due) = ("2026-01-01T00:00:00+00:00", "2090-01-01T00:00:00+00:00");
    for first in (0..sleeping).step_by(ROWS) {
        let numbers = first..(first + ROWS).min(sleeping);
        let list = |row: &dyn Fn(usize) -> String| numbers.clone().map(row).collect::<Vec<_>>().join(",");
        let runs = list(&|n| format!("('sleeper-{n}','steps','sleeper-{n}','running','[]','','{at}')"));
        let timers = list(&|n| format!("('sleeper-{n}','nap','wake','nap','steps','','{due}',0,0,false)"));
        for sql in [
            format!(
                "INSERT INTO engine_runs (id,function,event_id,status,events,concurrency_key,created_at) VALUES {runs}"
            ),
            format!(
                "INSERT INTO engine_timers (run_id,step,kind,name,function,concurrency_key,due_at,version,attempt,again) \
                 VALUES {timers}"
            ),
        ] {
            db.connection().execute_unprepared(&sql).await.expect("sleepers");
        }
    }
}

async fn timers(db: &Db, engine: &Engine, lateness: &Mutex<Vec<Duration>>, sleeping: usize) {
    for index in 0..TIMERS {
        let due = now() + chrono::Duration::milliseconds(2_000 + 137 * i64::try_from(index).expect("few"));
        send(db, engine, &format!("late-{index}-{}", due.timestamp_micros()), "load/late", json!({ "due": due })).await;
    }
    while lateness.lock().expect("a list").len() < TIMERS {
        tokio::time::sleep(LOOK).await;
    }
    let mut late = lateness.lock().expect("a list").clone();
    late.sort();
    let asleep = count(db, "SELECT count(*) FROM engine_timers").await;
    println!(
        "with {asleep} of {sleeping} asleep, timers are {:.0} ms late (median), {:.0} ms at most",
        late[TIMERS / 2].as_secs_f64() * 1_000.0,
        late[TIMERS - 1].as_secs_f64() * 1_000.0
    );
}
