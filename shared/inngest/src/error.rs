//! What can go wrong in a function, and whether to try again.

use std::any::Any;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What functions and the closures of steps return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a function or step failed. Any `std::error::Error` becomes one with `?` and is tried again, but
/// [`NonRetriable`] and a [`StepError`] are not, and [`RetryAfter`] says when.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// What is told to Inngest.
    pub error: StepError,
    /// Whether to try again.
    pub retry: Retry,
}

/// Whether and when to try again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// After the usual pause, unless it was the last attempt.
    #[default]
    Later,
    /// Not before this time, unless it was the last attempt.
    At(DateTime<Utc>),
    /// It would fail again.
    Never,
}

impl Error {
    /// A failure that may pass.
    pub fn new(message: impl Into<String>) -> Self {
        Self { error: StepError::new("Error", message), retry: Retry::Later }
    }

    /// What a panic said.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let said = payload.downcast_ref::<&str>().copied().or_else(|| Some(payload.downcast_ref::<String>()?.as_str()));
        Self { error: StepError::new("Panic", said.unwrap_or("it panicked")), retry: Retry::Later }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let text = StepError::new("Error", error.to_string()).caused_by(error.source());
        let any: Box<dyn Any> = Box::new(error);
        let any = match any.downcast::<StepError>() {
            Ok(error) => return Self { error: *error, retry: Retry::Never },
            Err(any) => any,
        };
        if any.is::<NonRetriable>() {
            return Self { error: StepError { name: "NonRetriableError".to_owned(), ..text }, retry: Retry::Never };
        }
        match any.downcast::<RetryAfter>() {
            Ok(it) => Self { error: StepError { name: "RetryAfterError".to_owned(), ..text }, retry: Retry::At(it.at) },
            Err(_) => Self { error: text, retry: Retry::Later },
        }
    }
}

/// A failure that trying again cannot mend.
#[derive(Debug)]
pub struct NonRetriable {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl NonRetriable {
    /// With these words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// Because of this error.
    pub fn from_error(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { message: error.to_string(), source: Some(Box::new(error)) }
    }
}

impl fmt::Display for NonRetriable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NonRetriable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Its words are ours already.
        self.source.as_ref()?.source()
    }
}

/// A failure that says when to try again.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct RetryAfter {
    message: String,
    at: DateTime<Utc>,
}

impl RetryAfter {
    /// At this time.
    pub fn at(message: impl Into<String>, at: DateTime<Utc>) -> Self {
        Self { message: message.into(), at }
    }

    /// This much later.
    pub fn after(message: impl Into<String>, pause: std::time::Duration) -> Self {
        let pause = chrono::Duration::from_std(pause).unwrap_or(chrono::Duration::MAX);
        Self::at(message, Utc::now().checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

/// An error as Inngest carries it. A step that failed for good gives it to the function, which may catch it; if it does
/// not, the function has failed for good too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// Its kind, such as `Error`.
    pub name: String,
    /// What happened.
    pub message: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// Why; anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<Value>>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<Value>>,
}

impl StepError {
    /// An error of this kind with this message.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), message: message.into(), ..Self::default() }
    }

    fn caused_by(mut self, source: Option<&(dyn std::error::Error + 'static)>) -> Self {
        self.cause = source.and_then(|source| {
            let cause = Self::new("Error", source.to_string()).caused_by(source.source());
            serde_json::to_value(cause).ok().map(Box::new)
        });
        self
    }
}

/// Other SDKs and servers leave out what they like.
impl<'de> Deserialize<'de> for StepError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = |field: &str| Some(value.get(field)?.as_str()?.to_owned());
        let any = |field: &str| value.get(field).filter(|value| !value.is_null()).cloned().map(Box::new);
        Ok(Self {
            name: text("name").unwrap_or_else(|| "Error".to_owned()),
            message: text("message")
                .or_else(|| text("error"))
                .or_else(|| value.as_str().map(str::to_owned))
                .unwrap_or_else(|| "Unknown error".to_owned()),
            stack: text("stack"),
            cause: any("cause"),
            data: any("data"),
        })
    }
}
