//! Calling functions for a timer, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::db::now;
use entity::engine::{
    self as store, After, EngineRun, Execution, Invocation, LEASE, Memo, NewTimer, NewWait, Progress, RunState, Timer,
    TimerKind, WaitKind, value_at,
};
use entity::ids::CustomerId;
use entity::outbox;
use futures::FutureExt;
use futures::future::BoxFuture;
use inngest::{
    Call, Error, Event, Invoke, Op, Outcome, Report, Retry, SendError, SendEvents, StepError, Until, WaitForEvent,
};
use serde_json::{Map, Value, json};

use super::{Shared, start};

/// Retries of functions that do not say how many.
const RETRIES: u32 = 4;
/// How long to wait before each retry, in seconds; the last for all that follow. As Inngest has it.
const BACKOFF: [i64; 10] = [15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200];
/// At most this much longer, so that what failed together is not tried together, in milliseconds.
const JITTER: u32 = 30_000;

/// Shorter in all than a timer is kept.
const WRITE_AGAIN_AFTER: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(4)];

/// Does what a timer is for, again and again as long as it leads from step to step.
pub(super) async fn attend(shared: &Shared, mut timer: Timer) -> Result<(), entity::Error> {
    loop {
        let Some(execution) = store::load(&shared.db, &timer).await? else { return Ok(()) };
        let Some(progress) = what_comes(shared, &timer, execution).await? else { return Ok(()) };
        let goes_on = matches!(progress.after, After::Keep);
        let is_ours = write(shared, &timer, progress).await?;
        if !(goes_on && is_ours) {
            return Ok(());
        }
        timer.attempt = 0;
    }
}

/// Writes down what came of it. It was done, so losing it for a fault that passes would be a pity.
async fn write(shared: &Shared, timer: &Timer, progress: Progress) -> Result<bool, entity::Error> {
    for pause in WRITE_AGAIN_AFTER {
        match store::progress(&shared.db, timer, progress.clone()).await {
            Ok(is_ours) => return Ok(is_ours),
            Err(error) => tracing::debug!(%error, run_id = timer.run_id, "what was done is written down again"),
        }
        tokio::time::sleep(pause).await;
    }
    store::progress(&shared.db, timer, progress).await
}

/// None when somebody else has taken the timer meanwhile.
async fn what_comes(shared: &Shared, timer: &Timer, execution: Execution) -> Result<Option<Progress>, entity::Error> {
    let remembered = |memo| Progress { memos: vec![memo_of(timer, memo)], ..Progress::only(After::Done) };
    match timer.kind {
        TimerKind::Wake | TimerKind::Timeout => Ok(Some(remembered(Value::Null))),
        TimerKind::InvokeTimeout => {
            let error = StepError::new("InngestInvokeTimeoutError", "the invoked function did not end in time");
            Ok(Some(remembered(json!({ "error": error }))))
        }
        TimerKind::Call | TimerKind::Step => {
            let Some((call, outcome)) = kept_while(shared, timer, call(shared, timer, &execution)).await? else {
                return Ok(None);
            };
            Ok(Some(Reading { shared, timer, run: &execution.run, call: &call }.progress(outcome)))
        }
    }
}

/// Does something and keeps the timer meanwhile; none when it was taken away.
async fn kept_while<T>(
    shared: &Shared,
    timer: &Timer,
    work: impl Future<Output = T>,
) -> Result<Option<T>, entity::Error> {
    let third = (LEASE / 3).to_std().unwrap_or(Duration::from_secs(10));
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(third, &mut work).await {
            Ok(done) => return Ok(Some(done)),
            Err(_) if store::renew(&shared.db, timer).await? => {}
            Err(_) => return Ok(None),
        }
    }
}

fn memo_of(timer: &Timer, memo: Value) -> Memo {
    Memo { step: timer.step.clone(), name: timer.name.clone(), memo }
}

async fn call(shared: &Shared, timer: &Timer, execution: &Execution) -> (Call, Outcome) {
    let run = &execution.run;
    let failed = start::failed_function(&run.function);
    let Some(function) = shared.functions.get(failed.unwrap_or(&run.function)) else {
        let error = Error::new(format!("there is no function `{}` (any more)", run.function));
        return (Call::default(), Outcome::Failed(error));
    };
    let events: Vec<Event> = match serde_json::from_str(&run.events) {
        Ok(events) => events,
        Err(error) => return (Call::default(), Outcome::Failed(error.into())),
    };
    let retries = if failed.is_some() { 1 } else { function.options().retries.unwrap_or(RETRIES) };
    let mut call = Call {
        run_id: run.id.clone(),
        attempt: timer.attempt.unsigned_abs(),
        max_attempts: Some(retries + 1),
        events,
        stack: execution.steps.iter().map(|step| step.hash.clone()).collect(),
        target: (!timer.is_whole()).then(|| timer.step.clone()),
        disable_immediate_execution: execution.has_others,
        ..Call::default()
    };
    let memo = |step: &store::EngineStep| (step.hash.clone(), serde_json::from_str(&step.memo).unwrap_or_default());
    let steps: Map<String, Value> = execution.steps.iter().map(memo).collect();
    let sender = Arc::new(Outbox { db: shared.db.clone(), customer_id: run.customer_id.clone() });
    let told = Call { steps, ..call.clone() };
    call.events.clear();
    let outcome = match failed {
        None => function.call(told, sender).await,
        Some(_) => function.call_on_failure(told, sender).await.unwrap_or(Outcome::Completed(Value::Null)),
    };
    (call, outcome)
}

/// Reads the outcome of a call.
struct Reading<'a> {
    shared: &'a Shared,
    timer: &'a Timer,
    run: &'a EngineRun,
    call: &'a Call,
}

impl Reading<'_> {
    fn progress(&self, outcome: Outcome) -> Progress {
        match outcome {
            Outcome::Completed(result) => {
                Progress::only(After::End { state: RunState::Completed, result, start: None })
            }
            Outcome::Failed(error) => Progress::only(self.failure(error)),
            Outcome::TargetNotFound { .. } => {
                let message = format!("the function no longer comes to the step `{}`", self.timer.name);
                Progress::only(self.failure(Error::new(message)))
            }
            Outcome::Steps(reports) => self.steps(reports),
        }
    }

    /// The whole run fails, or the call is made again.
    fn failure(&self, error: Error) -> After {
        if !error.is_final(self.call) {
            return self.again(&error);
        }
        let function = self.shared.functions.get(&self.run.function);
        let start = function.and_then(|function| start::by_failure(function, self.run, &error.error));
        tracing::warn!(run_id = self.run.id, function = self.run.function, error = %error, "a run has failed");
        let result = json!(error.error);
        After::End { state: RunState::Failed, result, start: start.map(Box::new) }
    }

    fn again(&self, error: &Error) -> After {
        let at = match error.retry {
            Retry::At(at) => at.max(now()),
            Retry::Later | Retry::Never => now() + pause(self.timer.attempt),
        };
        After::Retry { at, error: error.error.message.clone() }
    }

    fn steps(&self, reports: Vec<Report>) -> Progress {
        let mut progress = Progress::only(After::Done);
        for report in reports {
            self.step(report, &mut progress);
        }
        progress
    }

    fn step(&self, report: Report, progress: &mut Progress) {
        let Report { step, op } = report;
        let timer = |kind, due_at| NewTimer { step: step.hash.clone(), name: step.id.clone(), kind, due_at };
        let memo = |memo| Memo { step: step.hash.clone(), name: step.id.clone(), memo };
        match op {
            Op::Ran(value) => {
                progress.memos.push(memo(json!({ "data": value })));
                progress.after = self.done();
            }
            Op::Failed(error) if error.is_final(self.call) => {
                progress.memos.push(memo(json!({ "error": error.error })));
                progress.after = self.done();
            }
            Op::Failed(error) => progress.after = self.again(&error),
            Op::Planned => progress.timers.push(timer(TimerKind::Step, now())),
            Op::Sleep(until) => progress.timers.push(timer(TimerKind::Wake, time(until))),
            Op::WaitForEvent(wait) => match self.wait(&wait) {
                Some((field, value)) => progress.waits.push(NewWait {
                    step: step.hash,
                    name: step.id,
                    kind: WaitKind::Event,
                    of: wait.event,
                    field,
                    value,
                    until: time(Until::Elapsed(wait.timeout)),
                    replace: false,
                }),
                None => {
                    let error = StepError::new("Error", "only Inngest can wait for what an expression says");
                    progress.memos.push(memo(json!({ "error": error })));
                    progress.after = After::Keep;
                }
            },
            Op::WaitForSignal(wait) => progress.waits.push(NewWait {
                step: step.hash,
                name: step.id,
                kind: WaitKind::Signal,
                of: wait.signal,
                field: String::new(),
                value: String::new(),
                until: time(Until::Elapsed(wait.timeout)),
                replace: wait.replace,
            }),
            Op::Invoke(invoke) => match self.invocation(&invoke, &step.hash) {
                Some(start) => progress.invocations.push(Invocation {
                    step: step.hash,
                    name: step.id,
                    start,
                    until: invoke.timeout.map(|timeout| time(Until::Elapsed(timeout))),
                }),
                None => {
                    let message = format!("could not find function with ID: {}", invoke.function);
                    progress.memos.push(memo(json!({ "error": StepError::new("Error", message) })));
                    progress.after = After::Keep;
                }
            },
        }
    }

    /// A step is done: the function goes on at once, or whoever calls all of it hears of it.
    fn done(&self) -> After {
        if self.timer.is_whole() { After::Keep } else { After::Done }
    }

    fn wait(&self, wait: &WaitForEvent) -> Option<(String, String)> {
        let field = start::field(wait.condition.as_ref())?;
        let events: Value = serde_json::from_str(&self.run.events).unwrap_or_default();
        Some((field.to_owned(), value_at(events.get(0).unwrap_or(&Value::Null), field)))
    }

    fn invocation(&self, invoke: &Invoke, step: &str) -> Option<store::Start> {
        // Functions are named with their app; there is one.
        let id = self.shared.functions.keys().find(|id| {
            invoke.function == **id || invoke.function.strip_suffix(id.as_str()).is_some_and(|app| app.ends_with('-'))
        })?;
        let function = self.shared.functions.get(id)?;
        Some(start::by_invocation(function, self.run, step, invoke.data.clone()))
    }
}

fn time(until: Until) -> DateTime<Utc> {
    match until {
        Until::Time(time) => time,
        Until::Elapsed(duration) => chrono::Duration::from_std(duration)
            .ok()
            .and_then(|duration| now().checked_add_signed(duration))
            .unwrap_or(DateTime::<Utc>::MAX_UTC),
    }
}

/// How long to wait before the next attempt, after so many before.
fn pause(attempt: i32) -> chrono::Duration {
    let attempt = usize::try_from(attempt).unwrap_or(0).min(BACKOFF.len() - 1);
    let seconds = BACKOFF.get(attempt).copied().unwrap_or(7_200);
    let jitter = getrandom::u32().unwrap_or(0) % JITTER;
    chrono::Duration::seconds(seconds) + chrono::Duration::milliseconds(jitter.into())
}

/// Takes the events of steps.
struct Outbox {
    db: entity::db::Db,
    customer_id: Option<CustomerId>,
}

impl SendEvents for Outbox {
    fn send_events(&self, events: Vec<Event>) -> BoxFuture<'_, Result<Vec<String>, SendError>> {
        async move {
            let mut ids = Vec::new();
            for event in events {
                let id = event.id.unwrap_or_default();
                outbox::send(&self.db, self.customer_id.as_ref(), &id, &event.name, &event.data)
                    .await
                    .map_err(|error| SendError(error.to_string()))?;
                ids.push(id);
            }
            Ok(ids)
        }
        .boxed()
    }
}
