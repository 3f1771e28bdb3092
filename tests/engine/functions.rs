//! What functions can do: wait, be cancelled, invoke, fail, begin by the clock.

use std::time::Duration;

use harness::TestDb;
use inngest::{
    CancelOn, Condition, Error, Event, Failure, Function, FunctionOptions, Input, Invoke, NonRetriable, RetryAfter,
    Step, Trigger, WaitForEvent, WaitForSignal, create_function,
};
use rest_gateway::engine::Engine;
use serde_json::{Value, json};

use crate::support::{Working, are_over, started_by, time_passes};

harness::on_each_database!(
    an_event_wakes_whoever_waits_for_it,
    a_wait_ends_without_its_event,
    an_event_starts_a_function_once,
    a_run_is_cancelled_by_its_event,
    a_function_invokes_another,
    a_signal_reaches_its_run,
    what_fails_for_good_is_handled,
    what_says_when_is_tried_then,
    the_clock_starts_functions_once,
    the_first_of_a_race_wins,
    steps_send_events_once,
);

fn wait(timeout: u64) -> WaitForEvent {
    let condition = Some(Condition::Match("data.order".to_owned()));
    WaitForEvent { event: "test/paid".to_owned(), timeout: Duration::from_secs(timeout), condition }
}

fn waiting() -> Function {
    create_function(started_by("test/run"), |_: Input, step: Step| async move {
        let paid: Option<Event> = step.wait_for_event("paid", wait(3_600)).await?;
        Ok(paid.map(|paid| paid.data))
    })
}

async fn results(test: &TestDb) -> Vec<String> {
    test.texts("SELECT coalesce(result, '') FROM engine_runs ORDER BY id").await
}

async fn waits(test: &TestDb, count: i64) {
    harness::eventually("it waits", async || {
        (test.number("SELECT count(*) FROM engine_waits WHERE kind <> 'cancel'").await == count).then_some(())
    })
    .await;
}

async fn an_event_wakes_whoever_waits_for_it(test: TestDb) {
    let db = test.db();
    let working = Working::start(&db, vec![waiting()]);
    working.send(&db, "a", "test/run", json!({"order": 1})).await;
    working.send(&db, "b", "test/run", json!({"order": 2})).await;
    waits(&test, 2).await;
    working.send(&db, "c", "test/paid", json!({"order": "1"})).await;
    working.send(&db, "d", "test/paid", json!({"order": 1, "amount": 5})).await;
    harness::eventually("the first run ends", async || {
        (test.number("SELECT count(*) FROM engine_runs WHERE status = 'completed'").await == 1).then_some(())
    })
    .await;
    assert_eq!(results(&test).await, [r#"{"amount":5,"order":1}"#, ""]);
}

async fn a_wait_ends_without_its_event(test: TestDb) {
    let db = test.db();
    let working = Working::start(&db, vec![waiting()]);
    working.send(&db, "a", "test/run", json!({"order": 1})).await;
    waits(&test, 1).await;
    time_passes(&test).await;
    are_over(&test, 1).await;
    assert_eq!(results(&test).await, ["null"]);
    working.send(&db, "b", "test/paid", json!({"order": 1})).await;
    assert_eq!(test.number("SELECT count(*) FROM engine_steps").await, 1);
}

async fn an_event_starts_a_function_once(test: TestDb) {
    let db = test.db();
    let function = create_function(started_by("test/run"), |_: Input, _: Step| async move { Ok(()) });
    let working = Working::start(&db, vec![function]);
    for _ in 0..3 {
        working.send(&db, "same", "test/run", json!({})).await;
    }
    are_over(&test, 1).await;
    assert_eq!(test.number("SELECT count(*) FROM engine_runs").await, 1);
    assert_eq!(test.number("SELECT count(*) FROM outbox").await, 0);
}

async fn a_run_is_cancelled_by_its_event(test: TestDb) {
    let db = test.db();
    let mut options = started_by("test/run");
    let condition = Some(Condition::Match("data.order".to_owned()));
    options.cancel_on.push(CancelOn { event: "test/stop".to_owned(), condition, timeout: None });
    let function = create_function(options, |_: Input, step: Step| async move {
        Ok(step.sleep("long", Duration::from_secs(3_600)).await?)
    });
    let working = Working::start(&db, vec![function]);
    working.send(&db, "a", "test/run", json!({"order": 1})).await;
    working.send(&db, "b", "test/run", json!({"order": 2})).await;
    working.send(&db, "c", "test/stop", json!({"order": 1})).await;
    are_over(&test, 2).await;
    let states = test.texts("SELECT status FROM engine_runs ORDER BY id").await;
    assert_eq!(states, ["cancelled", "completed"]);
    assert_eq!(test.number("SELECT count(*) FROM engine_timers").await, 0);
}

async fn a_function_invokes_another(test: TestDb) {
    let db = test.db();
    let double = create_function(FunctionOptions::new("double"), |input: Input, _: Step| async move {
        let number = input.event.data["number"].as_i64().ok_or_else(|| NonRetriable::new("a number is needed"))?;
        Ok(number * 2)
    });
    let caller = create_function(started_by("test/run"), |_: Input, step: Step| async move {
        let invoke = |function: &str, data: Value| Invoke { function: function.to_owned(), data, timeout: None };
        let doubled: i64 = step.invoke("double", invoke("app-double", json!({"number": 21}))).await?;
        let failed = step.invoke::<i64>("fails", invoke("app-double", json!({}))).await.unwrap_err();
        let unknown = step.invoke::<i64>("unknown", invoke("app-nothing", json!({}))).await.unwrap_err();
        Ok((doubled, failed.message, unknown.message))
    });
    let working = Working::start(&db, vec![caller, double]);
    working.send(&db, "a", "test/run", json!({})).await;
    are_over(&test, 3).await;
    let result = test.texts("SELECT result FROM engine_runs WHERE function = 'test'").await;
    assert_eq!(result, [r#"[42,"a number is needed","could not find function with ID: app-nothing"]"#]);
}

async fn a_signal_reaches_its_run(test: TestDb) {
    let db = test.db();
    let function = create_function(started_by("test/run"), |_: Input, step: Step| async move {
        let wait = WaitForSignal { signal: "go".to_owned(), timeout: Duration::from_secs(3_600), replace: false };
        Ok(step.wait_for_signal("go", wait).await?.map(|signal| signal.data))
    });
    let working = Working::start(&db, vec![function]);
    assert!(!entity::engine::signal(&db, "go", &json!(1)).await.unwrap(), "nobody waits");
    working.send(&db, "a", "test/run", json!({})).await;
    waits(&test, 1).await;
    // One run at a time waits for a signal.
    working.send(&db, "b", "test/run", json!({})).await;
    harness::eventually("the second run fails", async || {
        (test.number("SELECT count(*) FROM engine_runs WHERE status = 'failed'").await == 1).then_some(())
    })
    .await;
    assert!(entity::engine::signal(&db, "go", &json!(7)).await.unwrap());
    are_over(&test, 2).await;
    let states = test.texts("SELECT status FROM engine_runs ORDER BY id").await;
    assert_eq!(states, ["completed", "failed"]);
    assert_eq!(results(&test).await[0], "7");
}

async fn what_fails_for_good_is_handled(test: TestDb) {
    let db = test.db();
    let function = create_function(started_by("test/run"), |_: Input, step: Step| async move {
        Ok(step.run("fails", || async { Err::<(), _>(Error::new("it rains")) }).await?)
    });
    let function = function.on_failure(|input: Input<Failure>, _: Step| async move {
        let failure = input.event.data;
        Ok((failure.error.message, failure.event.data, failure.function_id))
    });
    let working = Working::start(&db, vec![function]);
    working.send(&db, "a", "test/run", json!({"order": 1})).await;
    are_over(&test, 2).await;
    let states = test.texts("SELECT status FROM engine_runs ORDER BY id").await;
    assert_eq!(states, ["failed", "completed"]);
    assert_eq!(results(&test).await[1], r#"["it rains",{"order":1},"test"]"#);
}

async fn what_says_when_is_tried_then(test: TestDb) {
    let db = test.db();
    let function = create_function(started_by("test/run"), |input: Input, _: Step| async move {
        if input.attempt == 0 {
            let at = "2090-01-02T03:04:05Z".parse().unwrap();
            return Err(RetryAfter::at("later", at).into());
        }
        Ok(input.attempt)
    });
    let working = Working::start(&db, vec![function]);
    working.send(&db, "a", "test/run", json!({})).await;
    harness::eventually("it failed once", async || {
        let due = test.texts("SELECT CAST(due_at AS TEXT) FROM engine_timers WHERE attempt = 1").await;
        due.first().is_some_and(|due| due.starts_with("2090-01-02")).then_some(())
    })
    .await;
    are_over(&test, 1).await;
    assert_eq!(results(&test).await, ["1"]);
}

async fn the_clock_starts_functions_once(test: TestDb) {
    let db = test.db();
    let function = || {
        let mut options = FunctionOptions::new("test");
        options.triggers.push(Trigger::Cron { cron: "0 0 1 1 *".to_owned(), jitter: None });
        create_function(options, |input: Input, _: Step| async move { Ok(input.event.name) })
    };
    let (_one, _two) = (Working::start(&db, vec![function()]), Working::start(&db, vec![function()]));
    harness::eventually("it is planned", async || {
        (test.number("SELECT count(*) FROM engine_schedules").await == 1).then_some(())
    })
    .await;
    test.execute("UPDATE engine_schedules SET next_at = '2020-01-01T00:00:00+00:00'").await;
    are_over(&test, 1).await;
    assert_eq!(results(&test).await, [r#""inngest/scheduled.timer""#]);
    assert_eq!(
        test.number("SELECT count(*) FROM engine_schedules WHERE next_at > '2026-01-01T00:00:00+00:00'").await,
        1
    );

    let mut unknown = started_by("test/run");
    unknown.triggers.push(Trigger::Cron { cron: "never".to_owned(), jitter: None });
    let function = create_function(unknown, |_: Input, _: Step| async move { Ok(()) });
    assert!(Engine::new(db, vec![function]).unwrap_err().contains("never"));
}

async fn the_first_of_a_race_wins(test: TestDb) {
    let db = test.db();
    let function = create_function(started_by("test/run"), |_: Input, step: Step| async move {
        let winner = tokio::select! {
            paid = step.wait_for_event::<Value>("paid", wait(3_600)) => paid?.map_or("timeout", |_| "paid"),
            slept = step.sleep("long", Duration::from_secs(7_200)) => { slept?; "slept" }
        };
        step.run("after", || async { Ok(()) }).await?;
        Ok(winner)
    });
    let working = Working::start(&db, vec![function]);
    working.send(&db, "a", "test/run", json!({"order": 1})).await;
    waits(&test, 1).await;
    working.send(&db, "b", "test/paid", json!({"order": 1})).await;
    are_over(&test, 1).await;
    assert_eq!(results(&test).await, [r#""paid""#]);
}

async fn steps_send_events_once(test: TestDb) {
    let db = test.db();
    let sender = create_function(started_by("test/run"), |_: Input, step: Step| async move {
        Ok(step.send_event("tell", vec![Event::new("test/told", json!({"n": 1}))]).await?)
    });
    let mut options = FunctionOptions::new("listener");
    options.triggers.push(Trigger::Event { event: "test/told".to_owned(), expression: None });
    let listener = create_function(options, |input: Input, _: Step| async move { Ok(input.event.data) });
    let working = Working::start(&db, vec![sender, listener]);
    working.send(&db, "a", "test/run", json!({})).await;
    are_over(&test, 1).await;
    working.carry(&db).await;
    are_over(&test, 2).await;
    assert_eq!(results(&test).await[1], r#"{"n":1}"#);
}
