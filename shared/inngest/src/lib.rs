#![doc = include_str!("../README.md")]

mod client;
mod condition;
mod config;
mod duration;
mod error;
mod event;
mod execution;
mod function;
mod options;
mod send;
mod serve;
mod signature;
mod step;

pub use client::Inngest;
pub use condition::Condition;
pub use config::{Config, ConfigError, Mode};
pub use error::{Error, NonRetriable, Result, Retry, RetryAfter, StepError};
pub use event::Event;
pub use execution::{Call, Op, Outcome, Report, StepId};
pub use function::{FUNCTION_FAILED, Failure, Function, Input, create_function};
pub use options::{
    BatchEvents, CancelOn, Concurrency, Debounce, FunctionOptions, InvalidOption, RateLimit, Scope, Singleton,
    SingletonMode, Throttle, Timeouts, Trigger,
};
pub use send::{SendError, SendEvents};
pub use serve::{App, AppError, RegisterError, serve};
pub use signature::{InvalidSigningKey, SignatureError, SigningKey, event_key_hash};
pub use step::{Invoke, Signal, Step, StepFuture, Until, WaitForEvent, WaitForSignal};
