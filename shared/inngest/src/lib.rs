//! An Inngest SDK for axum.

mod condition;
mod error;
mod event;
mod execution;
mod function;
mod options;
mod send;
mod step;

pub use condition::Condition;
pub use error::{Error, NonRetriable, Result, Retry, RetryAfter, StepError};
pub use event::Event;
pub use execution::{Call, Op, Outcome, Report, StepId};
pub use function::{FUNCTION_FAILED, Failure, Function, Input, create_function};
pub use options::{CancelOn, Concurrency, FunctionOptions, Trigger};
pub use send::{SendError, SendEvents};
pub use step::{Invoke, Signal, Step, StepFuture, Until, WaitForEvent, WaitForSignal};
