//! Whole runs, over the network, against the fake Inngest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use inngest::{
    BatchEvents, CancelOn, Condition, Error, Event, Failure, Function, FunctionOptions, Inngest, Input, Invoke,
    NonRetriable, Result, RetryAfter, Step, StepError, StepId, WaitForEvent, WaitForSignal, create_function, serve,
};
use serde_json::{Value, json};

use crate::fake::{EVENT_KEY, Fake, Status};
use crate::program::Node;
use crate::support::{KEY, PATH, client, listen};
use crate::world::{Dice, World};

const TEST: &str = "my-app-test";

/// An app that is served and registered; signed, unless it is said otherwise.
async fn lab(functions: impl IntoIterator<Item = Function>) -> Fake {
    lab_with(Some(KEY), functions).await.0
}

async fn lab_with(key: Option<&'static str>, functions: impl IntoIterator<Item = Function>) -> (Fake, Inngest) {
    let (fake, origin) = Fake::start(key).await;
    let client = match key {
        Some(key) => {
            client(&[("INNGEST_BASE_URL", &origin), ("INNGEST_SIGNING_KEY", key), ("INNGEST_EVENT_KEY", EVENT_KEY)])
        }
        None => client(&[("INNGEST_DEV", &origin)]),
    };
    let router = Router::new().route(PATH, serve(client.clone(), functions).unwrap());
    let app = listen(router).await;
    fake.sync(&format!("{app}{PATH}")).await;
    (fake, client)
}

fn options() -> FunctionOptions {
    FunctionOptions::new("test").event("a/b")
}

fn test<R, F, Fut>(body: F) -> Function
where
    R: serde::Serialize,
    F: Fn(Input, Step) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
{
    create_function(options(), body)
}

fn event() -> Value {
    json!({"name": "a/b", "data": {"x": 1}})
}

async fn number(step: &Step, id: &str, number: i64) -> Result<i64, StepError> {
    step.run(id, move || async move { Ok(number) }).await
}

fn wait(event: &str) -> WaitForEvent {
    let condition = Some(Condition::Match("data.x".into()));
    WaitForEvent { event: event.into(), timeout: Duration::from_secs(60), condition }
}

/// The one run of `my-app-test`, after an event and all that comes of it.
async fn output(fake: &Fake) -> Value {
    fake.send(event());
    fake.finish().await;
    let run = fake.run(TEST);
    assert_eq!(run.status, Status::Completed, "{run:?}");
    run.output
}

/// What counts in the functions below, which may run more than once.
fn counter() -> (Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    (count.clone(), count)
}

#[tokio::test]
async fn serial_signed_and_unsigned() {
    for key in [Some(KEY), None] {
        let function = test(|input, step| async move {
            let a = number(&step, "a", input.event.data["x"].as_i64().unwrap()).await?;
            step.sleep("nap", Duration::from_secs(3600)).await?;
            Ok(number(&step, "b", a + 1).await?)
        });
        let (fake, client) = lab_with(key, [function]).await;
        client.send(vec![Event::new("a/b", json!({"x": 5}))]).await.unwrap();
        fake.finish().await;
        let run = fake.run(TEST);
        assert_eq!((run.status, run.output), (Status::Completed, json!(6)));
        let calls: Vec<_> = fake.calls().into_iter().map(|call| (call.status, call.ops)).collect();
        let ran = |op: &str| (206, vec![op.to_owned()]);
        assert_eq!(calls, [ran("StepRun"), ran("Sleep"), ran("StepRun"), (200, vec![])]);
        assert_eq!((fake.calls()[2].at - fake.calls()[1].at).num_seconds(), 3600);
    }
}

#[tokio::test]
async fn parallel_steps_are_planned_together_and_called_for_at_once() {
    let (count, ran) = counter();
    let fake = lab([test(move |_, step| {
        let count = count.clone();
        async move {
            let counted = |id, value: i64| {
                let count = count.clone();
                step.run(id, move || async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    Ok(value)
                })
            };
            let branch = async {
                let first = counted("a", 1).await?;
                counted("b", first + 1).await
            };
            let (b, c, d) = futures::try_join!(branch, counted("c", 3), counted("d", 4))?;
            let after = number(&step, "after", b + c + d).await?;
            Ok::<_, Error>(after)
        }
    })])
    .await;
    assert_eq!(output(&fake).await, json!(9));
    assert_eq!(ran.load(Ordering::Relaxed), 4);
    let calls = fake.calls();
    assert_eq!(calls[0].ops, ["StepPlanned"; 3]);
    let planned: Vec<_> = calls[1..4].iter().map(|call| (call.step.len(), call.disable_immediate_execution)).collect();
    assert_eq!(planned, [(40, true); 3]);
    // The discovery after the group still may not run anything, but it ends the group.
    assert_eq!((calls[4].disable_immediate_execution, &*calls[4].ops), (true, &["StepPlanned".to_owned()][..]));
    assert!(!calls[5].disable_immediate_execution);
}

#[tokio::test]
async fn a_race_has_the_same_winner_in_every_call() {
    let fake = lab([test(|_, step| async move {
        let nap = async {
            step.sleep("nap", Duration::from_secs(10)).await?;
            Ok::<_, StepError>("nap")
        };
        let quick = async {
            number(&step, "quick", 1).await?;
            Ok::<_, StepError>("quick")
        };
        let winner = tokio::select! {
            biased;
            nap = nap => nap?,
            quick = quick => quick?,
        };
        number(&step, "after", 1).await?;
        number(&step, "and again", 1).await?;
        Ok(winner)
    })])
    .await;
    assert_eq!(output(&fake).await, json!("quick"));
    let stack = fake.run(TEST).stack;
    assert_eq!(stack[0], StepId::new("quick", 0).hash);
    assert_eq!(stack[1], StepId::new("nap", 0).hash);
}

#[tokio::test]
async fn a_loop_uses_one_id_many_times() {
    let fake = lab([test(|_, step| async move {
        let mut sum = 0;
        for it in 0..4 {
            sum += number(&step, "loop", it).await?;
        }
        Ok(sum)
    })])
    .await;
    assert_eq!(output(&fake).await, json!(6));
    let expected: Vec<_> = (0..4).map(|index| StepId::new("loop", index).hash).collect();
    assert_eq!(fake.run(TEST).stack, expected);
}

fn waiting() -> Function {
    test(|_, step| async move {
        let event: Option<Event> = step.wait_for_event("wait", wait("c/d")).await?;
        Ok(event.map(|event| event.data["y"].clone()))
    })
}

#[tokio::test]
async fn an_event_that_is_waited_for_comes() {
    let fake = lab([waiting()]).await;
    fake.send(event());
    fake.settle().await;
    fake.send(json!({"name": "c/d", "data": {"x": 2, "y": "of another"}}));
    fake.settle().await;
    assert_eq!(fake.run(TEST).status, Status::Running);
    fake.send(json!({"name": "c/d", "data": {"x": 1, "y": "ours"}}));
    fake.settle().await;
    assert_eq!(fake.run(TEST).output, json!("ours"));
}

#[tokio::test]
async fn an_event_that_is_waited_for_does_not_come() {
    let fake = lab([waiting()]).await;
    assert_eq!(output(&fake).await, Value::Null);
}

#[tokio::test]
async fn a_signal_that_is_waited_for() {
    let function = || {
        test(|_, step| async move {
            let wait = WaitForSignal { signal: "sig-1".into(), timeout: Duration::from_secs(60), replace: false };
            Ok(step.wait_for_signal("wait", wait).await?.map(|signal| signal.data))
        })
    };
    let fake = lab([function()]).await;
    fake.send(event());
    fake.settle().await;
    assert!(fake.signal("sig-1", &json!({"y": 1})));
    fake.settle().await;
    assert_eq!(fake.run(TEST).output, json!({"y": 1}));
    assert_eq!(output(&lab([function()]).await).await, Value::Null);
}

fn invoking(function: &'static str, timeout: Option<Duration>) -> Function {
    test(move |input, step| async move {
        let data = json!({"n": input.event.data["x"]});
        let invoked = step.invoke::<Value>("invoke", Invoke { function: function.into(), data, timeout }).await;
        Ok(invoked.unwrap_or_else(|error| json!([error.name, error.message])))
    })
}

fn other<R, F, Fut>(body: F) -> Function
where
    R: serde::Serialize,
    F: Fn(Input, Step) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
{
    create_function(FunctionOptions::new("other").retries(0), body)
}

#[tokio::test]
async fn an_invoked_function_gets_its_data_and_gives_its_result() {
    let other = other(|input, step| async move {
        number(&step, "a", 1).await?;
        Ok(json!({"got": input.event.data}))
    });
    let fake = lab([invoking("my-app-other", None), other]).await;
    assert_eq!(output(&fake).await, json!({"got": {"n": 1}}));
}

#[tokio::test]
async fn an_invocation_that_fails() {
    let failing = || other(|_, _| async { Err::<(), _>(Error::new("no luck")) });
    let fake = lab([invoking("my-app-other", None), failing()]).await;
    assert_eq!(output(&fake).await, json!(["Error", "no luck"]));
    let fake = lab([invoking("my-app-none", None)]).await;
    assert_eq!(output(&fake).await, json!(["Error", "could not find function with ID: my-app-none"]));
    let sleeping = other(|_, step| async move { Ok(step.sleep("nap", Duration::from_secs(3600)).await?) });
    let fake = lab([invoking("my-app-other", Some(Duration::from_secs(60))), sleeping]).await;
    assert_eq!(output(&fake).await, json!(["InngestInvokeTimeoutError", "timed out"]));
}

#[tokio::test]
async fn a_step_is_tried_again_and_the_next_one_has_all_its_attempts() {
    let (count, ran) = counter();
    let fake = lab([test(move |_, step| {
        let count = count.clone();
        async move {
            let flaky = move || async move {
                if count.fetch_add(1, Ordering::Relaxed) < 2 { Err(Error::new("no luck")) } else { Ok(1) }
            };
            let first = step.run("flaky", flaky).await?;
            Ok(number(&step, "next", first + 1).await?)
        }
    })])
    .await;
    assert_eq!(output(&fake).await, json!(2));
    assert_eq!(ran.load(Ordering::Relaxed), 3);
    let attempts: Vec<_> = fake.calls().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [0, 1, 2, 0, 0]);
}

#[tokio::test]
async fn a_step_that_keeps_failing_is_an_error_that_can_be_caught() {
    let function = |catches: bool| {
        test(move |_, step| async move {
            let tried = step.run("fails", || async { Err::<(), _>(Error::new("no luck")) }).await;
            match tried {
                Err(error) if catches => Ok(number(&step, &error.message, 7).await?),
                tried => Ok(tried.map(|()| 0)?),
            }
        })
    };
    let fake = lab([function(true)]).await;
    assert_eq!(output(&fake).await, json!(7));
    assert_eq!(fake.calls().iter().filter(|call| call.ops == ["StepError"]).count(), 4);
    let fake = lab([function(false)]).await;
    fake.send(event());
    fake.finish().await;
    let run = fake.run(TEST);
    assert_eq!((run.status, run.output), (Status::Failed, json!({"name": "Error", "message": "no luck"})));
    // Trying the function again could not help.
    assert_eq!(fake.calls().iter().filter(|call| call.status == 400).count(), 1);
}

#[tokio::test]
async fn a_planned_step_that_fails_is_tried_again_alone() {
    let (count, ran) = counter();
    let fake = lab([test(move |_, step| {
        let count = count.clone();
        async move {
            let flaky = step.run("flaky", move || async move {
                if count.fetch_add(1, Ordering::Relaxed) < 1 { Err(Error::new("no luck")) } else { Ok(1) }
            });
            let hopeless = step.run("hopeless", || async { Err::<i64, _>(NonRetriable::new("no use").into()) });
            let (flaky, hopeless) = futures::join!(flaky, hopeless);
            Ok(json!([flaky?, hopeless.unwrap_err().message]))
        }
    })])
    .await;
    assert_eq!(output(&fake).await, json!([1, "no use"]));
    assert_eq!(ran.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_function_is_tried_again_with_its_steps_remembered() {
    let (count, ran) = counter();
    let fake = lab([test(move |input, step| {
        let count = count.clone();
        async move {
            let counted = move || async move { Ok(count.fetch_add(1, Ordering::Relaxed)) };
            step.run("a", counted).await?;
            if input.attempt < 2 { Err(Error::new("no luck")) } else { Ok(input.attempt) }
        }
    })])
    .await;
    assert_eq!(output(&fake).await, json!(2));
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_failure_may_say_when_to_try_again() {
    let fake = lab([test(|input, _| async move {
        if input.attempt == 0 {
            return Err(RetryAfter::after("busy", Duration::from_secs(7200)).into());
        }
        Ok(())
    })])
    .await;
    output(&fake).await;
    let calls = fake.calls();
    // The one clock is real; what is rounded and what passes meanwhile is far less than the default pause.
    let pause = (calls[1].at - calls[0].at).num_minutes();
    assert!((119..=120).contains(&pause), "{pause}");
}

#[tokio::test]
async fn what_handles_failures_is_told_once_a_run_has_failed() {
    let failing = create_function(options().retries(1), |_: Input, _| async { Err::<(), _>(Error::new("no luck")) });
    let failing = failing.on_failure(|input: Input<Failure>, step: Step| async move {
        let failure = input.event.data;
        number(&step, "tidy up", 1).await?;
        Ok(json!([failure.function_id, failure.error.message, failure.event.data]))
    });
    let fake = lab([failing]).await;
    fake.send(event());
    fake.finish().await;
    assert_eq!(fake.run(TEST).status, Status::Failed);
    let handled = fake.run("my-app-test-failure");
    assert_eq!((handled.status, handled.output), (Status::Completed, json!(["my-app-test", "no luck", {"x": 1}])));
}

#[tokio::test]
async fn what_handles_failures_hears_of_no_other_function() {
    let quiet = test(|_, _| async { Ok(()) }).on_failure(|_, _| async { Ok(()) });
    let failing = create_function(FunctionOptions::new("other").event("a/b").retries(0), |_: Input, _: Step| async {
        Err::<(), _>(Error::new("no luck"))
    });
    let fake = lab([quiet, failing]).await;
    output(&fake).await;
    assert_eq!(fake.run("my-app-other").status, Status::Failed);
    assert_eq!(fake.runs("my-app-test-failure").len(), 0);
}

#[tokio::test]
async fn an_event_cancels_the_runs_that_it_is_about() {
    let (count, ran) = counter();
    let options = options().cancel_on(CancelOn::event("a/cancel").matching("data.x"));
    let fake = lab([create_function(options, move |_: Input, step: Step| {
        let count = count.clone();
        async move {
            step.sleep("nap", Duration::from_secs(60)).await?;
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    })])
    .await;
    fake.send(event());
    fake.send(json!({"name": "a/b", "data": {"x": 2}}));
    fake.settle().await;
    fake.send(json!({"name": "a/cancel", "data": {"x": 1}}));
    fake.finish().await;
    let status: Vec<_> = fake.runs(TEST).iter().map(|run| run.status).collect();
    assert_eq!(status, [Status::Cancelled, Status::Completed]);
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_batch_is_run_when_it_is_full_or_its_time_is_over() {
    let batch = BatchEvents { max_size: 3, timeout: Duration::from_secs(5), key: None, condition: None };
    let fake = lab([create_function(options().batch_events(batch), |input: Input, step: Step| async move {
        let sum = input.events.iter().map(|event| event.data["x"].as_i64().unwrap()).sum();
        Ok(number(&step, "sum", sum).await?)
    })])
    .await;
    for x in 1..=4 {
        fake.send(json!({"name": "a/b", "data": {"x": x}}));
    }
    fake.settle().await;
    assert_eq!(fake.run(TEST).output, json!(6));
    fake.finish().await;
    let outputs: Vec<_> = fake.runs(TEST).into_iter().map(|run| run.output).collect();
    assert_eq!(outputs, [json!(6), json!(4)]);
}

#[tokio::test]
async fn a_cron_function_runs_when_it_is_time() {
    let options = FunctionOptions::new("test").cron("TZ=Europe/Paris 0 9 * * 1");
    let fake = lab([create_function(options, |input: Input, step: Step| async move {
        number(&step, "a", 1).await?;
        Ok(json!([input.event.name, input.event.data["cron"]]))
    })])
    .await;
    fake.fire_cron(TEST);
    fake.finish().await;
    assert_eq!(fake.run(TEST).output, json!(["inngest/scheduled.timer", "TZ=Europe/Paris 0 9 * * 1"]));
}

#[tokio::test]
async fn an_event_that_a_step_sends_starts_a_function_once() {
    let sending = test(|_, step| async move {
        let ids = step.send_event("send", vec![Event::new("c/d", json!({"y": 1}))]).await?;
        Ok(ids.len())
    });
    let other = create_function(FunctionOptions::new("other").event("c/d"), |input: Input, _: Step| async move {
        Ok(input.event.data)
    });
    let fake = lab([sending, other]).await;
    assert_eq!(output(&fake).await, json!(1));
    assert_eq!(fake.run("my-app-other").output, json!({"y": 1}));
}

#[tokio::test]
async fn an_event_with_the_same_id_starts_a_function_once() {
    let (fake, client) = lab_with(Some(KEY), [test(|_, _| async { Ok(()) })]).await;
    for _ in 0..2 {
        client.send(vec![Event::new("a/b", json!({})).with_id("once")]).await.unwrap();
    }
    fake.finish().await;
    assert_eq!(fake.runs(TEST).len(), 1);
}

#[tokio::test]
async fn five_megabytes_of_state_are_fetched_and_nothing_is_done_twice() {
    let (count, ran) = counter();
    let fake = lab([test(move |_, step| {
        let count = count.clone();
        async move {
            let mut length = 0;
            for _ in 0..2 {
                let count = count.clone();
                let large = step.run("large", move || async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    Ok("x".repeat(2_500_000))
                });
                length += large.await?.len();
            }
            Ok(number(&step, "length", i64::try_from(length)?).await?)
        }
    })])
    .await;
    assert_eq!(output(&fake).await, json!(5_000_000));
    assert_eq!(ran.load(Ordering::Relaxed), 2);
    let use_api: Vec<_> = fake.calls().iter().map(|call| call.use_api).collect();
    assert_eq!((use_api, fake.fetches()), (vec![false, false, true, true], 2));
}

#[tokio::test]
async fn code_may_change_between_calls() {
    let (version, deployed) = counter();
    let fake = lab([test(move |_, step| {
        let version = version.clone();
        async move {
            let is_new = version.load(Ordering::Relaxed) > 0;
            let a = number(&step, "a", 1).await?;
            if !is_new {
                number(&step, "was here", 2).await?;
            }
            let nap = if is_new { number(&step, "new", 3).await? } else { 0 };
            step.sleep("nap", Duration::from_secs(60)).await?;
            Ok(json!([a, nap]))
        }
    })])
    .await;
    fake.send(event());
    fake.settle().await;
    deployed.fetch_add(1, Ordering::Relaxed);
    fake.finish().await;
    // What is remembered is kept, what is gone is left out, what is new is done.
    assert_eq!(fake.run(TEST).output, json!([1, 3]));
}

#[tokio::test]
async fn a_planned_step_that_is_gone_is_asked_for_until_it_is_back() {
    let (version, deployed) = counter();
    let fake = lab([test(move |_, step| {
        let version = version.clone();
        async move {
            // The second call comes to code that has neither step.
            if version.fetch_add(1, Ordering::Relaxed) == 1 {
                return Ok((0, 0));
            }
            Ok(futures::try_join!(number(&step, "a", 1), number(&step, "b", 2))?)
        }
    })])
    .await;
    assert_eq!(output(&fake).await, json!([1, 2]));
    assert_eq!(deployed.load(Ordering::Relaxed), 5);
    assert_eq!(fake.calls().iter().filter(|call| call.status == 500).count(), 1);
}

/// The same functions as on the embedded engine of HeyCMO, where they die in between.
#[tokio::test]
async fn whatever_a_function_does_it_ends_as_it_should() {
    let mut dice = Dice(0x656e_6769_6e65);
    for _ in 0..25 {
        let (program, world) = (Node::random(&mut dice, 3), World::default());
        let of_function = world.clone();
        let body = move |input: Input<Node>, step: Step| {
            let world = of_function.clone();
            async move { input.event.data.run(&step, &world, String::new()).await }
        };
        let fake = lab([create_function(options(), body)]).await;
        fake.send(json!({"name": "a/b", "data": program}));
        fake.finish().await;
        let run = fake.run(TEST);
        assert_eq!((run.status, run.output), (Status::Completed, json!(program.value())), "{program:?}");
        assert_eq!(run.steps.len(), usize::try_from(program.steps()).unwrap(), "{program:?}");
        assert!(world.effects().values().all(|times| *times == 1), "nothing is done twice: {program:?}");
    }
}
