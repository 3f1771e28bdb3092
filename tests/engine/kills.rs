//! Whatever a function does and whenever the engine dies: the result is the same, and every step is remembered once.

use harness::TestDb;
use inngest::{Function, Input, Step, create_function};
use serde_json::json;

use crate::program::Node;
use crate::support::{Working, are_over, started_by, the_dead_are_given_up, time_passes};
use crate::world::{Dice, World};

const PROGRAMS: u64 = 25;
const SEED: u64 = 0x656e_6769_6e65;

harness::on_each_database!(whatever_a_function_does_it_ends_as_it_should, a_death_after_every_step_changes_nothing);

fn function(world: &World) -> Function {
    let world = world.clone();
    create_function(started_by("test/run"), move |input: Input<Node>, step: Step| {
        let world = world.clone();
        async move { input.event.data.run(&step, &world, String::new()).await }
    })
}

async fn assert_ended(test: &TestDb, program: &Node, id: &str) {
    let row = |what: &str| format!("SELECT {what} FROM engine_runs WHERE event_id = '{id}'");
    assert_eq!(test.texts(&row("status")).await, ["completed"], "{program:?}");
    assert_eq!(test.texts(&row("result")).await, [program.value().to_string()], "{program:?}");
    let run = &test.texts(&row("id")).await[0];
    let of_run = |table: &str| format!("SELECT count(*) FROM {table} WHERE run_id = '{run}'");
    assert_eq!(test.number(&of_run("engine_steps")).await, program.steps(), "{program:?}");
    for table in ["engine_timers", "engine_waits"] {
        assert_eq!(test.number(&of_run(table)).await, 0, "{table} of {program:?}");
    }
}

async fn whatever_a_function_does_it_ends_as_it_should(test: TestDb) {
    let (db, mut dice) = (test.db(), Dice(SEED));
    for run in 1..=PROGRAMS {
        let (program, world, id) = (Node::random(&mut dice, 3), World::default(), format!("run-{run}"));
        let working = Working::start(&db, vec![function(&world)]);
        working.send(&db, &id, "test/run", json!(program)).await;
        are_over(&test, i64::try_from(run).unwrap()).await;
        assert_ended(&test, &program, &id).await;
        assert!(world.effects().values().all(|times| *times == 1), "nothing is done twice: {program:?}");
    }
}

async fn a_death_after_every_step_changes_nothing(test: TestDb) {
    let (db, mut dice) = (test.db(), Dice(SEED));
    for index in 0..PROGRAMS {
        let program = Node::random(&mut dice, 2);
        let world = World::default();
        let id = format!("run-{index}");
        Working::start(&db, vec![function(&world)]).send(&db, &id, "test/run", json!(program)).await;
        let mut deaths = 0;
        while test.number("SELECT count(*) FROM engine_runs WHERE status = 'running'").await > 0 {
            assert!(deaths < 200, "it does not get on: {program:?}");
            let working = Working::start(&db, vec![function(&world)]);
            // Every second one lives long enough to write down what it did. Where steps run side by side that may take
            // all of them, so lives become longer.
            let shutdown = working.shutdown.clone();
            world.kill_after(1 + deaths % 2 + deaths / 20, move || shutdown.cancel());
            harness::eventually("it dies or is done", async || {
                time_passes(&test).await;
                let running = test.number("SELECT count(*) FROM engine_runs WHERE status = 'running'").await;
                (working.shutdown.is_cancelled() || running == 0).then_some(())
            })
            .await;
            working.die().await;
            deaths += 1;
            the_dead_are_given_up(&test).await;
        }
        assert_ended(&test, &program, &id).await;
    }
}
