//! Functions: what runs when an event comes.

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{NonRetriable, Result, StepError};
use crate::event::Event;
use crate::execution::{self, Call, Outcome};
use crate::options::FunctionOptions;
use crate::send::SendEvents;
use crate::step::{Shared, Step};

/// The name of the event that starts what handles a failure.
pub const FUNCTION_FAILED: &str = "inngest/function.failed";

/// What a function gets.
#[derive(Clone, Debug)]
pub struct Input<T = Value> {
    /// What started the run; the first one of a batch.
    pub event: Event<T>,
    /// All that started the run.
    pub events: Vec<Event<T>>,
    /// The run.
    pub run_id: String,
    /// How often this call failed before.
    pub attempt: u32,
}

/// The data of the event that tells of a failed run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Why it failed.
    pub error: StepError,
    /// What had started it.
    pub event: Event,
    /// The function that failed, with the id of its app.
    pub function_id: String,
    /// The run that failed.
    pub run_id: String,
}

type Handler = Arc<dyn Fn(Call, Step) -> Result<BoxFuture<'static, Result<Value>>> + Send + Sync>;

/// A function with its options.
#[derive(Clone)]
pub struct Function {
    options: Arc<FunctionOptions>,
    handler: Handler,
    on_failure: Option<Handler>,
}

/// Makes a function. `handler` gets what started it and the handle to do steps with.
pub fn create_function<T, R, F, Fut>(options: FunctionOptions, handler: F) -> Function
where
    T: DeserializeOwned + Clone + Send + 'static,
    R: Serialize,
    F: Fn(Input<T>, Step) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
{
    Function { options: Arc::new(options), handler: erase(handler), on_failure: None }
}

impl Function {
    /// The same function with another one that is run when a run has failed for good.
    #[must_use]
    pub fn on_failure<R, F, Fut>(self, handler: F) -> Self
    where
        R: Serialize,
        F: Fn(Input<Failure>, Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        Self { on_failure: Some(erase(handler)), ..self }
    }

    /// Its id, without that of its app.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.options.id
    }

    /// Its options.
    #[must_use]
    pub fn options(&self) -> &FunctionOptions {
        &self.options
    }

    /// Whether there is one for failures.
    #[must_use]
    pub fn handles_failures(&self) -> bool {
        self.on_failure.is_some()
    }

    /// Runs it until there is something to answer.
    pub async fn call(&self, call: Call, sender: Arc<dyn SendEvents>) -> Outcome {
        execute(&self.handler, call, sender).await
    }

    /// The same with the function for failures; None when there is none.
    pub async fn call_on_failure(&self, call: Call, sender: Arc<dyn SendEvents>) -> Option<Outcome> {
        Some(execute(self.on_failure.as_ref()?, call, sender).await)
    }
}

async fn execute(handler: &Handler, mut call: Call, sender: Arc<dyn SendEvents>) -> Outcome {
    let shared = Shared::new(call.run_id.clone(), std::mem::take(&mut call.steps), &call.stack);
    let step = Step::new(shared.clone(), sender);
    let (target, immediately) = (call.target.clone(), !call.disable_immediate_execution);
    let run_id = call.run_id.clone();
    let outcome = match handler(call, step) {
        Ok(body) => execution::drive(body, shared.clone(), target.as_deref(), immediately).await,
        Err(error) => return Outcome::Failed(error),
    };
    if target.is_none() && matches!(outcome, Outcome::Completed(_) | Outcome::Steps(_)) {
        let found = shared.lock();
        let lost = found.lost();
        if !lost.is_empty() {
            tracing::warn!(run_id, ?lost, "a function does not come to steps that it came to before: has it changed?");
        }
    }
    outcome
}

fn erase<T, R, F, Fut>(handler: F) -> Handler
where
    T: DeserializeOwned + Clone + Send + 'static,
    R: Serialize,
    F: Fn(Input<T>, Step) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
{
    let handler = Arc::new(handler);
    Arc::new(move |call, step| {
        let input = input(call)?;
        let handler = handler.clone();
        // Within the future, so that a handler that panics before its first await is contained too.
        Ok(async move { Ok(serde_json::to_value(handler(input, step).await?)?) }.boxed())
    })
}

fn input<T: DeserializeOwned + Clone>(call: Call) -> Result<Input<T>> {
    let events = call.events.into_iter().map(typed).collect::<Result<Vec<_>>>()?;
    let event = events.first().cloned().ok_or_else(|| NonRetriable::new("the call has no event"))?;
    Ok(Input { event, events, run_id: call.run_id, attempt: call.attempt })
}

/// The event with its data as a `T`; without data it has an empty object.
pub(crate) fn typed<T: DeserializeOwned>(mut event: Event) -> Result<Event<T>> {
    let mut data = match event.data.take() {
        Value::Object(data) => data,
        // An event without data.
        _ => Map::new(),
    };
    // How a function came to be invoked is Inngest's business.
    data.remove("_inngest");
    let typed = serde_json::from_value(Value::Object(data))
        .map_err(|error| NonRetriable::new(format!("the data of event `{}` does not fit: {error}", event.name)))?;
    Ok(event.map(typed))
}
