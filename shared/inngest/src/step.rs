//! Steps: the parts of a function that are done once and remembered.
//!
//! A step is a lazy future. When it is first polled it registers here, under the hash of its id, and stays pending until
//! the driver in [`crate::execution`] releases it with what Inngest remembers of it.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use crate::condition::Condition;
use crate::error::{Result, StepError};
use crate::event::Event;
use crate::execution::StepId;
use crate::function::typed;
use crate::send::SendEvents;

tokio::task_local! {
    /// Which run's function is being polled; what is spawned does not have it.
    static RUN: Arc<Shared>;
}

/// What a function does its steps with.
#[derive(Clone)]
pub struct Step {
    shared: Arc<Shared>,
    sender: Arc<dyn SendEvents>,
}

/// When a sleep or a wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// So long after it began.
    Elapsed(Duration),
    /// At this time.
    Time(DateTime<Utc>),
}

/// An event to wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitForEvent {
    /// Its name.
    pub event: String,
    /// How long to wait.
    pub timeout: Duration,
    /// Which events of this name count.
    pub condition: Option<Condition>,
}

/// A signal to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitForSignal {
    /// Its name.
    pub signal: String,
    /// How long to wait.
    pub timeout: Duration,
    /// Whether to take it over from another run that waits for it; otherwise the wait fails.
    pub replace: bool,
}

/// A function to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoke {
    /// Its id, with that of its app: `app-function`.
    pub function: String,
    /// What it gets as the data of its event; an object.
    pub data: Value,
    /// How long to wait for its end.
    pub timeout: Option<Duration>,
}

/// A signal that came.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Signal {
    /// Its name.
    pub signal: String,
    /// What came with it.
    #[serde(default)]
    pub data: Value,
}

impl Step {
    pub(crate) fn new(shared: Arc<Shared>, sender: Arc<dyn SendEvents>) -> Self {
        Self { shared, sender }
    }

    /// Runs a closure once: when it has succeeded its result is remembered, and it does not run again. It may run more
    /// than once before, also when its success could not be told to Inngest.
    pub fn run<T, F, Fut>(&self, id: impl Into<String>, closure: F) -> StepFuture<T>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        self.run_as(id, |_| closure())
    }

    /// The same with a closure that is told which step it is.
    fn run_as<T, F, Fut>(&self, id: impl Into<String>, closure: F) -> StepFuture<T>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(&StepId) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let closure = |step: &StepId| {
            let running = closure(step);
            async move { Ok(serde_json::to_value(running.await?)?) }.boxed()
        };
        self.step(id, Action::Run(Box::new(closure)), result)
    }

    /// Waits so long. The process may end meanwhile.
    pub fn sleep(&self, id: impl Into<String>, duration: Duration) -> StepFuture<()> {
        self.step(id, Action::Sleep(Until::Elapsed(duration)), |_| Ok(()))
    }

    /// Waits until then.
    pub fn sleep_until(&self, id: impl Into<String>, time: DateTime<Utc>) -> StepFuture<()> {
        self.step(id, Action::Sleep(Until::Time(time)), |_| Ok(()))
    }

    /// Waits for an event that comes after this; None when none came in time.
    pub fn wait_for_event<T: DeserializeOwned>(
        &self,
        id: impl Into<String>,
        wait: WaitForEvent,
    ) -> StepFuture<Option<Event<T>>> {
        self.step(id, Action::WaitForEvent(wait), waited)
    }

    /// Waits for a signal; None when it did not come in time.
    pub fn wait_for_signal(&self, id: impl Into<String>, wait: WaitForSignal) -> StepFuture<Option<Signal>> {
        self.step(id, Action::WaitForSignal(wait), |memo| match memo {
            Value::Null => Ok(None),
            memo => result(memo),
        })
    }

    /// Runs another function and waits for what it returns.
    pub fn invoke<T: DeserializeOwned>(&self, id: impl Into<String>, invoke: Invoke) -> StepFuture<T> {
        self.step(id, Action::Invoke(invoke), result)
    }

    /// Sends events, once; gives the ids that they got. An event without an id gets one of the step's, so that sending
    /// it twice starts nothing twice.
    pub fn send_event(&self, id: impl Into<String>, events: Vec<Event>) -> StepFuture<Vec<String>> {
        let sender = self.sender.clone();
        let run = self.shared.run_id.clone();
        self.run_as(id, move |step| {
            // By its hash, which differs each time an id is used.
            let seed = format!("{run}:{}", step.hash);
            let with_id = move |(index, event): (usize, Event)| match event.id {
                Some(_) => event,
                None => event.with_id(format!("{seed}:{index}")),
            };
            let events = events.into_iter().enumerate().map(with_id).collect();
            async move { Ok(sender.send_events(events).await?) }
        })
    }

    fn step<T>(&self, id: impl Into<String>, action: Action, decode: Decode<T>) -> StepFuture<T> {
        StepFuture { shared: self.shared.clone(), stage: Stage::New(id.into(), action), decode }
    }
}

type Decode<T> = fn(Value) -> Result<T, StepError>;

/// What became of a run-step or an invocation.
fn result<T: DeserializeOwned>(memo: Value) -> Result<T, StepError> {
    let Value::Object(mut memo) = memo else { return Err(unreadable(&memo)) };
    match (memo.remove("data"), memo.remove("error")) {
        (Some(data), None) => decode(data),
        (None, Some(error)) => Err(decode(error)?),
        _ => Err(unreadable(&Value::Object(memo))),
    }
}

/// The event that was waited for, if it came.
fn waited<T: DeserializeOwned>(memo: Value) -> Result<Option<Event<T>>, StepError> {
    if memo.is_null() {
        return Ok(None);
    }
    let event = Event::read(memo)
        .map_err(|error| StepError::new("Error", format!("what is remembered of the step is no event: {error}")))?;
    typed(event).map(Some).map_err(|error| error.error)
}

fn decode<T: DeserializeOwned>(value: Value) -> Result<T, StepError> {
    serde_json::from_value(value)
        .map_err(|error| StepError::new("Error", format!("what is remembered of the step does not fit: {error}")))
}

fn unreadable(memo: &Value) -> StepError {
    StepError::new("Error", format!("what is remembered of the step has neither data nor error: {memo}"))
}

/// A step of a function. It has to be awaited by the function itself; in a spawned task it fails.
#[must_use = "a step does nothing unless it is awaited"]
pub struct StepFuture<T> {
    shared: Arc<Shared>,
    stage: Stage,
    decode: Decode<T>,
}

enum Stage {
    New(String, Action),
    Found(usize),
    Over,
}

impl<T> Future for StepFuture<T> {
    type Output = Result<T, StepError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let is_ours = RUN.try_with(|run| Arc::ptr_eq(run, &self.shared)).unwrap_or(false);
        if !is_ours {
            let message =
                "a step was awaited outside its function: await it in the function itself, not in a spawned task";
            return Poll::Ready(Err(StepError::new("Error", message)));
        }
        let this = &mut *self;
        let index = match std::mem::replace(&mut this.stage, Stage::Over) {
            Stage::New(id, action) => this.shared.lock().register(id, action),
            Stage::Found(index) => index,
            Stage::Over => return Poll::Pending,
        };
        match this.shared.lock().poll(index, context) {
            Poll::Ready(memo) => Poll::Ready((this.decode)(memo)),
            Poll::Pending => {
                this.stage = Stage::Found(index);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for StepFuture<T> {
    fn drop(&mut self) {
        if let Stage::Found(index) = self.stage {
            self.shared.lock().abandon(index);
        }
    }
}

/// The closure of a run-step.
pub(crate) type Job = Box<dyn FnOnce(&StepId) -> BoxFuture<'static, Result<Value>> + Send>;

/// What a step is to do.
pub(crate) enum Action {
    Run(Job),
    Sleep(Until),
    WaitForEvent(WaitForEvent),
    WaitForSignal(WaitForSignal),
    Invoke(Invoke),
}

/// What steps and driver share.
pub(crate) struct Shared {
    run_id: String,
    found: Mutex<Found>,
}

impl Shared {
    /// `memos` is what is remembered, by hash; `stack` is the order in which it came.
    pub(crate) fn new(run_id: String, memos: Map<String, Value>, stack: &[String]) -> Arc<Self> {
        let rank = stack.iter().enumerate().map(|(rank, hash)| (hash.clone(), rank)).collect();
        let found = Found { memos, rank, hashes: HashSet::new(), uses: HashMap::new(), steps: Vec::new() };
        Arc::new(Self { run_id, found: Mutex::new(found) })
    }

    /// What polling the function needs around it.
    pub(crate) fn around<F: Future>(self: &Arc<Self>, future: F) -> impl Future<Output = F::Output> + use<F> {
        RUN.scope(self.clone(), future)
    }

    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The steps that the function has come to, in this order.
pub(crate) struct Found {
    memos: Map<String, Value>,
    rank: HashMap<String, usize>,
    hashes: HashSet<String>,
    uses: HashMap<String, usize>,
    steps: Vec<FoundStep>,
}

struct FoundStep {
    id: StepId,
    state: State,
}

enum State {
    /// Nothing is known of it.
    Unknown(Action),
    /// It is remembered, and the function does not know yet.
    Remembered(Value, Option<Waker>),
    /// The function may have it.
    Released(Value),
    /// The function has it, or has lost interest.
    Over,
}

impl Found {
    fn register(&mut self, id: String, action: Action) -> usize {
        let id = self.name(id);
        let state = match self.memos.remove(&id.hash) {
            // Somebody edited the input of a step that is still to run.
            Some(Value::Object(memo)) if memo.len() == 1 && memo.contains_key("input") => State::Unknown(action),
            Some(memo) => State::Remembered(memo, None),
            None => State::Unknown(action),
        };
        self.steps.push(FoundStep { id, state });
        self.steps.len() - 1
    }

    /// An id that is used again gets a number, and one that somebody else has by then the next.
    fn name(&mut self, id: String) -> StepId {
        let next = self.uses.entry(id.clone()).or_default();
        loop {
            let step = StepId::new(&id, *next);
            *next += 1;
            if self.hashes.insert(step.hash.clone()) {
                return step;
            }
        }
    }

    fn poll(&mut self, index: usize, context: &Context<'_>) -> Poll<Value> {
        let Some(step) = self.steps.get_mut(index) else { return Poll::Pending };
        match &mut step.state {
            State::Remembered(_, waker) => *waker = Some(context.waker().clone()),
            State::Released(memo) => {
                let memo = memo.take();
                step.state = State::Over;
                return Poll::Ready(memo);
            }
            State::Unknown(_) | State::Over => {}
        }
        Poll::Pending
    }

    fn abandon(&mut self, index: usize) {
        if let Some(step) = self.steps.get_mut(index) {
            step.state = State::Over;
        }
    }

    /// Lets the function have what came first of what it waits for. Whether there was anything.
    pub(crate) fn release(&mut self) -> bool {
        let rank = &self.rank;
        let remembered = self.steps.iter_mut().filter(|step| matches!(step.state, State::Remembered(..)));
        let Some(step) = remembered.min_by_key(|step| rank.get(&step.id.hash).copied().unwrap_or(usize::MAX)) else {
            return false;
        };
        if let State::Remembered(memo, waker) = std::mem::replace(&mut step.state, State::Over) {
            step.state = State::Released(memo);
            waker.iter().for_each(Waker::wake_by_ref);
        }
        true
    }

    /// Takes the step with this hash, if the function has come to it and nothing is known of it.
    pub(crate) fn take(&mut self, hash: &str) -> Option<(StepId, Action)> {
        let step = self.steps.iter_mut().find(|step| step.id.hash == hash)?;
        step.take()
    }

    /// Takes the steps that the function has come to and of which nothing is known.
    pub(crate) fn take_unknown(&mut self) -> Vec<(StepId, Action)> {
        self.steps.iter_mut().filter_map(FoundStep::take).collect()
    }

    /// The hashes of what is remembered in this order and the function has not come to.
    pub(crate) fn lost(&self) -> Vec<&str> {
        self.memos.keys().map(String::as_str).filter(|hash| self.rank.contains_key(*hash)).collect()
    }

    /// The hashes of all the steps that the function has come to.
    pub(crate) fn hashes(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.id.hash.clone()).collect()
    }
}

impl FoundStep {
    fn take(&mut self) -> Option<(StepId, Action)> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Unknown(action) => Some((self.id.clone(), action)),
            state => {
                self.state = state;
                None
            }
        }
    }
}

impl StepId {
    /// The `index`-th use of an id.
    #[must_use]
    pub fn new(id: &str, index: usize) -> Self {
        let hashed = if index == 0 { Sha1::digest(id) } else { Sha1::digest(format!("{id}:{index}")) };
        Self { id: id.to_owned(), index, hash: hex::encode(hashed) }
    }
}
