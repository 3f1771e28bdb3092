//! Functions of plain Rust, called again and again as Inngest does.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "test code")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use inngest::{
    Call, Error, Event, Function, FunctionOptions, Input, NonRetriable, Op, Outcome, Result, SendError, SendEvents,
    Step, StepError, StepId, Until, WaitForEvent, create_function,
};
use serde_json::{Map, Value, json};

/// Gives every event an id.
struct Sent(Mutex<Vec<Event>>);

impl SendEvents for Sent {
    fn send_events(&self, events: Vec<Event>) -> BoxFuture<'_, Result<Vec<String>, SendError>> {
        let ids = events.iter().map(|event| event.id.clone().unwrap()).collect();
        self.0.lock().unwrap().extend(events);
        async { Ok(ids) }.boxed()
    }
}

/// What Inngest does, without time and network: every wait times out, every failure is final.
struct Run {
    function: Function,
    sender: Arc<Sent>,
    steps: Map<String, Value>,
    stack: Vec<String>,
    calls: usize,
}

impl Run {
    fn of<R, F, Fut>(body: F) -> Self
    where
        R: serde::Serialize,
        F: Fn(Input, Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        let function = create_function(FunctionOptions::new("test"), body);
        Self { function, sender: Arc::new(Sent(Mutex::default())), steps: Map::new(), stack: Vec::new(), calls: 0 }
    }

    async fn call(&mut self, target: Option<&str>, group: bool) -> Outcome {
        self.calls += 1;
        assert!(self.calls < 100, "it does not end");
        let call = Call {
            run_id: "run".to_owned(),
            events: vec![Event::new("test/event", json!({"x": 1}))],
            steps: self.steps.clone(),
            stack: self.stack.clone(),
            target: target.map(str::to_owned),
            disable_immediate_execution: group,
            ..Call::default()
        };
        self.function.call(call, self.sender.clone()).await
    }

    fn remember(&mut self, hash: &str, memo: Value) {
        assert!(self.steps.insert(hash.to_owned(), memo).is_none(), "twice");
        self.stack.push(hash.to_owned());
    }

    async fn end(&mut self) -> Result<Value, Error> {
        let mut group = false;
        loop {
            match self.call(None, group).await {
                Outcome::Completed(value) => return Ok(value),
                Outcome::Failed(error) => return Err(error),
                Outcome::TargetNotFound { .. } => panic!("nothing was asked for"),
                Outcome::Steps(reports) => {
                    group = reports.len() > 1;
                    // What came last is done first: no function may depend on the order.
                    for report in reports.into_iter().rev() {
                        self.settle(report.step.hash, report.op).await;
                    }
                }
            }
        }
    }

    async fn settle(&mut self, hash: String, op: Op) {
        match op {
            Op::Ran(value) => self.remember(&hash, json!({"data": value})),
            Op::Failed(error) => self.remember(&hash, json!({"error": error.error})),
            Op::Planned => {
                let outcome = self.call(Some(&hash), true).await;
                let Outcome::Steps(mut reports) = outcome else { panic!("{outcome:?}") };
                assert_eq!((reports.len(), &reports[0].step.hash), (1, &hash));
                Box::pin(self.settle(hash, reports.remove(0).op)).await;
            }
            Op::Sleep(_) | Op::WaitForEvent(_) | Op::WaitForSignal(_) => self.remember(&hash, Value::Null),
            Op::Invoke(invoke) => self.remember(&hash, json!({"data": invoke.data})),
        }
    }
}

async fn number(step: &Step, id: &str, number: i64) -> Result<i64, StepError> {
    step.run(id, move || async move { Ok(number) }).await
}

#[tokio::test]
async fn one_after_the_other_each_in_a_call() {
    let mut run = Run::of(|input, step| async move {
        let x = input.event.data["x"].as_i64().unwrap();
        let mut sum = 0;
        for it in 0..3 {
            sum += number(&step, "loop", it + x).await?;
        }
        Ok(sum)
    });
    assert_eq!(run.end().await, Ok(json!(6)));
    assert_eq!(run.calls, 4);
    assert_eq!(run.stack[0], "1df823e482339eb6067f4134408b0b8b28411a78");
    assert_eq!(run.stack[1], "a0cb75f0a464ed6731caadd18aa9932daf00bb50");
}

#[tokio::test]
async fn branches_are_planned_together() {
    let mut run = Run::of(|_, step| async move {
        let branch = async {
            let first = number(&step, "a", 1).await?;
            number(&step, "b", first + 1).await
        };
        let (a, c) = futures::try_join!(branch, number(&step, "c", 3))?;
        let many = futures::stream::iter(0..3).map(|it| number(&step, "many", it)).buffered(3).try_collect::<Vec<_>>();
        Ok((a, c, many.await?))
    });
    assert_eq!(run.end().await, Ok(json!([2, 3, [0, 1, 2]])));
}

#[tokio::test]
async fn the_first_to_come_wins_each_time() {
    let mut run = Run::of(|_, step| async move {
        let winner = tokio::select! {
            biased;
            a = number(&step, "a", 1) => a?,
            b = number(&step, "b", 2) => b?,
        };
        number(&step, "after", winner * 10).await?;
        Ok(winner)
    });
    assert_eq!(run.end().await, Ok(json!(2)));
}

#[tokio::test]
async fn what_is_no_step_is_waited_for() {
    let mut run = Run::of(|_, step| async move {
        tokio::task::yield_now().await;
        let (a, b) = futures::try_join!(number(&step, "a", 1), async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            number(&step, "b", 2).await
        })?;
        Ok(a + b)
    });
    assert_eq!(run.end().await, Ok(json!(3)));
}

#[tokio::test]
async fn a_failure_can_be_caught_and_ends_the_function_otherwise() {
    async fn fails(step: &Step) -> Result<(), StepError> {
        step.run("fails", || async { Err(NonRetriable::new("no use").into()) }).await
    }
    let mut run = Run::of(|_, step| async move {
        let error = fails(&step).await.unwrap_err();
        Ok(error.message)
    });
    assert_eq!(run.end().await, Ok(json!("no use")));
    let mut run = Run::of(|_, step| async move { Ok(fails(&step).await?) });
    let error = run.end().await.unwrap_err();
    assert_eq!((error.error.message.as_str(), error.retry), ("no use", inngest::Retry::Never));
}

#[tokio::test]
async fn panics_stay_inside() {
    let mut run = Run::of(|_, step| async move {
        let caught = step.run("panics", || async { if true { panic!("oh") } else { Ok(()) } }).await;
        assert_eq!(caught.unwrap_err().message, "oh");
        if true { panic!("and again") } else { Ok(()) }
    });
    assert_eq!(run.end().await.unwrap_err().error.message, "and again");
}

#[tokio::test]
async fn what_is_waited_for() {
    let mut run = Run::of(|_, step| async move {
        step.sleep("nap", Duration::from_secs(60)).await?;
        let wait = WaitForEvent { event: "a/b".into(), timeout: Duration::from_secs(5), condition: None };
        let event: Option<Event> = step.wait_for_event("wait", wait).await?;
        let sent = step.send_event("send", vec![Event::new("c/d", json!({}))]).await?;
        Ok((event.is_none(), sent))
    });
    let first = run.call(None, false).await;
    let Outcome::Steps(reports) = first else { panic!("{first:?}") };
    assert_eq!(reports[0].op, Op::Sleep(Until::Elapsed(Duration::from_secs(60))));
    let id = format!("run:{}:0", StepId::new("send", 0).hash);
    assert_eq!(run.end().await, Ok(json!([true, [id]])));
}

#[tokio::test]
async fn each_sending_in_a_loop_is_another() {
    let mut run = Run::of(|_, step| async move {
        let mut sent = Vec::new();
        for _ in 0..2 {
            sent.extend(
                step.send_event("send", vec![Event::new("c/d", json!({})), Event::new("c/e", json!({}))]).await?,
            );
        }
        Ok(sent)
    });
    let ids = run.end().await.unwrap();
    let different: std::collections::HashSet<_> = ids.as_array().unwrap().iter().collect();
    assert_eq!(different.len(), 4, "{ids}");
}

#[tokio::test]
async fn a_step_in_a_spawned_task_fails_instead_of_hanging() {
    let mut run = Run::of(|_, step| async move {
        let spawned = tokio::spawn(async move { number(&step, "a", 1).await });
        Ok(spawned.await??)
    });
    let error = run.end().await.unwrap_err();
    assert!(error.error.message.contains("spawned task"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_gone_is_not_found() {
    let mut run = Run::of(|_, step| async move { Ok(number(&step, "a", 1).await?) });
    let outcome = run.call(Some("e7d8a2f140845095749d60246ff1110c9d01d76a"), true).await;
    assert_eq!(outcome, Outcome::TargetNotFound { found: vec!["86f7e437faa5a7fce15d1ddcb9eaeaea377667b8".into()] });
}
