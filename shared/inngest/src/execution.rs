//! One call of a function: what it is told, and what comes of it.
//!
//! A function runs from its top on each call. The steps that are remembered give back what is remembered, in the order
//! in which they came, one at a time, so that `select!` and the like see the same winner each time. A call ends with the
//! function's end, with the steps that it came to and that nothing is known of, or with one of those, done. Then the
//! function is dropped where it stands.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::error::{Error, Result, Retry};
use crate::event::Event;
use crate::step::{Action, Found, Invoke, Job, Shared, Until, WaitForEvent, WaitForSignal};

/// How long a function may take to come to the step that it is called for.
const SEARCH: Duration = Duration::from_secs(10);

/// What a function is told when it is called.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The run.
    pub run_id: String,
    /// How often this very call failed before.
    pub attempt: u32,
    /// How often it may be tried, with the first time.
    pub max_attempts: Option<u32>,
    /// What started the run; the first of them for a batch.
    pub events: Vec<Event>,
    /// What is remembered of the steps, by their hashes.
    pub steps: Map<String, Value>,
    /// The hashes of what is remembered, in the order in which it came.
    pub stack: Vec<String>,
    /// The hash of the only step to do, if there is one.
    pub target: Option<String>,
    /// Whether a step that is found may not be done in this very call.
    pub disable_immediate_execution: bool,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The function ended with this.
    Completed(Value),
    /// The function failed.
    Failed(Error),
    /// The function came to these steps.
    Steps(Vec<Report>),
    /// The function did not come to the step that was asked for.
    TargetNotFound {
        /// The hashes of those it came to.
        found: Vec<String>,
    },
}

/// Which step of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StepId {
    /// Its id, as the function has it.
    pub id: String,
    /// How many steps with this id came before it.
    pub index: usize,
    /// What Inngest knows it by: SHA-1 of both, in hexadecimal.
    pub hash: String,
}

/// What there is to say of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Which.
    pub step: StepId,
    /// What it did or what is to be done for it.
    pub op: Op,
}

/// What a step did, or what is to be done for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// It ran and gave this.
    Ran(Value),
    /// It ran and failed.
    Failed(Error),
    /// It is to run: call again with its hash as the target.
    Planned,
    /// It sleeps.
    Sleep(Until),
    /// It waits for an event.
    WaitForEvent(WaitForEvent),
    /// It waits for a signal.
    WaitForSignal(WaitForSignal),
    /// It waits for another function.
    Invoke(Invoke),
}

/// What to do when the function waits.
enum Next {
    Poll,
    Run(StepId, Job),
    Report(Vec<Report>),
}

type Body = BoxFuture<'static, Result<Value>>;

/// Polls the function until there is something to answer.
pub(crate) async fn drive(body: Body, shared: Arc<Shared>, target: Option<&str>, immediately: bool) -> Outcome {
    let mut body = Box::pin(shared.around(AssertUnwindSafe(body).catch_unwind()));
    let step = loop {
        let polled = poll_fn(|context| match body.poll_unpin(context) {
            Poll::Ready(ended) => Poll::Ready(Ok(ended)),
            Poll::Pending => match next(&mut shared.lock(), target, immediately) {
                Some(next) => Poll::Ready(Err(next)),
                None => Poll::Pending,
            },
        });
        let polled = match target {
            None => polled.await,
            Some(_) => match tokio::time::timeout(SEARCH, polled).await {
                Ok(polled) => polled,
                Err(_) => return not_found(&shared),
            },
        };
        match polled {
            Ok(_) if target.is_some() => return not_found(&shared),
            Ok(Ok(Ok(value))) => return Outcome::Completed(value),
            Ok(Ok(Err(error))) => return Outcome::Failed(error),
            Ok(Err(panic)) => return Outcome::Failed(Error::of_panic(&*panic)),
            Err(Next::Poll) => {}
            Err(Next::Report(reports)) => return Outcome::Steps(reports),
            Err(Next::Run(id, job)) => break (id, job),
        }
    };
    drop(body);
    let (step, job) = step;
    let op = run(&step, job).await;
    Outcome::Steps(vec![Report { step, op }])
}

fn not_found(shared: &Shared) -> Outcome {
    Outcome::TargetNotFound { found: shared.lock().hashes() }
}

/// None when the function waits for something that is no step.
fn next(found: &mut Found, target: Option<&str>, immediately: bool) -> Option<Next> {
    if let Some((id, action)) = target.and_then(|hash| found.take(hash)) {
        return Some(of_step(id, action, true));
    }
    if found.release() {
        return Some(Next::Poll);
    }
    if target.is_some() {
        return None;
    }
    let mut steps = found.take_unknown();
    match (steps.len(), steps.pop()) {
        (1, Some((id, action))) => Some(of_step(id, action, immediately)),
        (_, Some(last)) => Some(Next::Report(steps.into_iter().chain([last]).map(plan).collect())),
        (_, None) => None,
    }
}

fn of_step(id: StepId, action: Action, immediately: bool) -> Next {
    match action {
        Action::Run(job) if immediately => Next::Run(id, job),
        action => Next::Report(vec![plan((id, action))]),
    }
}

fn plan((step, action): (StepId, Action)) -> Report {
    let op = match action {
        Action::Run(_) => Op::Planned,
        Action::Sleep(until) => Op::Sleep(until),
        Action::WaitForEvent(wait) => Op::WaitForEvent(wait),
        Action::WaitForSignal(wait) => Op::WaitForSignal(wait),
        Action::Invoke(invoke) => Op::Invoke(invoke),
    };
    Report { step, op }
}

async fn run(step: &StepId, job: Job) -> Op {
    let running = async move { job(step).await };
    match AssertUnwindSafe(running).catch_unwind().await {
        Ok(Ok(value)) => Op::Ran(value),
        Ok(Err(error)) => Op::Failed(error),
        Err(panic) => Op::Failed(Error::of_panic(&*panic)),
    }
}

impl Error {
    /// Whether it is to be tried again after this attempt of a call.
    #[must_use]
    pub fn is_final(&self, call: &Call) -> bool {
        self.retry == Retry::Never || call.max_attempts.is_some_and(|max| call.attempt.saturating_add(1) >= max)
    }
}
