//! Several engines on one database.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use harness::TestDb;
use inngest::{Concurrency, Function, Input, Step, create_function};
use serde_json::json;

use crate::support::{Working, are_over, started_by};

const RUNS: i64 = 40;

harness::on_each_database!(no_step_runs_twice_at_the_same_time, no_more_steps_run_at_a_time_than_are_allowed);

/// Who is at work now, and the most there ever were.
#[derive(Clone, Default)]
struct Floor(Arc<Mutex<(HashSet<String>, usize)>>);

impl Floor {
    async fn work(&self, name: String) {
        {
            let mut floor = self.0.lock().unwrap();
            assert!(floor.0.insert(name.clone()), "{name} is done twice at the same time");
            floor.1 = floor.1.max(floor.0.len());
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.0.lock().unwrap().0.remove(&name);
    }

    fn most(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

fn function(floor: &Floor, limit: Option<u32>) -> Function {
    let floor = floor.clone();
    let mut options = started_by("test/run");
    options.concurrency.extend(limit.map(Concurrency::new));
    create_function(options, move |input: Input, step: Step| {
        let floor = floor.clone();
        async move {
            let work = |name: &str| {
                let (floor, who) = (floor.clone(), format!("{} {name}", input.run_id));
                step.run(name, move || async move {
                    floor.work(who).await;
                    Ok(())
                })
            };
            work("first").await?;
            futures::try_join!(work("left"), work("right"))?;
            Ok(work("last").await?)
        }
    })
}

async fn run_all(test: &TestDb, floor: &Floor, limit: Option<u32>) {
    let (db, other) = (test.db(), test.another_db().await);
    let one = Working::start(&db, vec![function(floor, limit)]);
    let _two = Working::start(&other, vec![function(floor, limit)]);
    for run in 0..RUNS {
        one.send(&db, &format!("run-{run}"), "test/run", json!({})).await;
    }
    are_over(test, RUNS).await;
    assert_eq!(test.number("SELECT count(*) FROM engine_steps").await, RUNS * 4);
    assert_eq!(test.number("SELECT count(*) FROM engine_runs WHERE status = 'completed'").await, RUNS);
}

async fn no_step_runs_twice_at_the_same_time(test: TestDb) {
    let floor = Floor::default();
    run_all(&test, &floor, None).await;
}

async fn no_more_steps_run_at_a_time_than_are_allowed(test: TestDb) {
    let floor = Floor::default();
    run_all(&test, &floor, Some(2)).await;
    assert!(floor.most() <= 2, "{}", floor.most());
}
