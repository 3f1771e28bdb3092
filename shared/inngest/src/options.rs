//! What functions are started by, and how.

use std::time::Duration;

use crate::condition::Condition;

/// How a function is run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionOptions {
    pub(crate) id: String,
    /// What starts it. Nothing: it is invoked only.
    pub triggers: Vec<Trigger>,
    /// How often to try again; 4 unless said.
    pub retries: Option<u32>,
    /// How many steps may run at the same time.
    pub concurrency: Vec<Concurrency>,
    /// What ends its runs.
    pub cancel_on: Vec<CancelOn>,
}

/// What starts a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An event of this name, if the CEL expression is true of it.
    Event {
        /// The event's name.
        event: String,
        /// The expression.
        expression: Option<String>,
    },
    /// A time, as five fields of cron with an optional `TZ=Zone ` before them.
    Cron {
        /// The fields.
        cron: String,
        /// At most this much later, so that not all begin at once.
        jitter: Option<Duration>,
    },
}

/// How many steps may run at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// So many.
    pub limit: u32,
    /// For each value of this expression.
    pub key: Option<String>,
}

/// An event that ends runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelOn {
    /// Its name.
    pub event: String,
    /// Which runs it ends.
    pub condition: Option<Condition>,
    /// How long after the start of the run it counts.
    pub timeout: Option<Duration>,
}

impl FunctionOptions {
    /// With this id: letters, digits, `-` and `_`.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }
}
