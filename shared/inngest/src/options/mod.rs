//! What functions are started by, and how they are run.

mod check;
mod config;
mod cron;

use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::condition::Condition;
use crate::duration;

pub use check::InvalidOption;
pub(crate) use check::{check, is_id};
pub(crate) use config::FunctionConfig;

/// How a function is run. What is absent is as Inngest has it.
///
/// Expressions are CEL: `event` is what started the run, `async` a later event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionOptions {
    pub(crate) id: String,
    /// What people call it; its id unless said.
    pub name: Option<String>,
    /// What starts it, at most 10. Nothing: it is invoked only.
    pub triggers: Vec<Trigger>,
    /// How often to try again, at most 20; 4 unless said.
    pub retries: Option<u32>,
    /// How many steps may run at the same time, in at most two ways.
    pub concurrency: Vec<Concurrency>,
    /// How many runs may start in a time; others start later.
    pub throttle: Option<Throttle>,
    /// How many runs may start in a time; others do not start.
    pub rate_limit: Option<RateLimit>,
    /// Starts a run only when no event came for a while.
    pub debounce: Option<Debounce>,
    /// Starts one run for each value of this expression, in 24 hours.
    pub idempotency: Option<String>,
    /// An expression that gives a number of seconds, -600 to 600, by which runs go before others.
    pub priority: Option<String>,
    /// What ends its runs, at most 5.
    pub cancel_on: Vec<CancelOn>,
    /// Runs with several events at once.
    pub batch_events: Option<BatchEvents>,
    /// One run at a time.
    pub singleton: Option<Singleton>,
    /// How long runs may take.
    pub timeouts: Timeouts,
}

/// What starts a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Trigger {
    /// An event of this name, if the CEL expression is true of it.
    Event {
        /// The event's name.
        event: String,
        /// The expression.
        #[serde(skip_serializing_if = "Option::is_none")]
        expression: Option<String>,
    },
    /// A time, as five fields of cron with an optional `TZ=Zone ` before them.
    Cron {
        /// The fields.
        cron: String,
        /// At most this much later, 1 second to 5 minutes, so that not all begin at once.
        #[serde(serialize_with = "duration::option::serialize", skip_serializing_if = "Option::is_none")]
        jitter: Option<Duration>,
    },
}

/// How many steps may run at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Concurrency {
    /// So many.
    pub limit: u32,
    /// For each value of this expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whose steps are counted; the function's unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// Whose steps are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Scope {
    /// The function's.
    #[serde(rename = "fn")]
    Function,
    /// Those of all functions of the environment that have the same key.
    #[serde(rename = "env")]
    Environment,
    /// Those of all functions of the account that have the same key.
    #[serde(rename = "account")]
    Account,
}

/// How many runs may start in a time; others start later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Throttle {
    /// So many.
    pub limit: u32,
    /// In this time, from 1 second.
    #[serde(serialize_with = "duration::serialize")]
    pub period: Duration,
    /// So many more at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// For each value of this expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// How many runs may start in a time; others do not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// So many.
    pub limit: u32,
    /// In this time, 1 second to 24 hours.
    #[serde(serialize_with = "duration::serialize")]
    pub period: Duration,
    /// For each value of this expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Starts a run, with the last event, only when no event came for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Debounce {
    /// So long, 1 second to 7 days.
    #[serde(serialize_with = "duration::serialize")]
    pub period: Duration,
    /// For each value of this expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// After this time a run starts in any case.
    #[serde(serialize_with = "duration::option::serialize", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
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

/// Runs with several events at once. Goes with neither `cancel_on`, `debounce`, `priority` nor `singleton`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchEvents {
    /// So many at most, 2 to 100.
    pub max_size: u32,
    /// After this time a run starts with fewer; from 1 second.
    #[serde(serialize_with = "duration::serialize")]
    pub timeout: Duration,
    /// For each value of this expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Which events are put together; others start a run each.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// One run at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Singleton {
    /// What becomes of a second one.
    pub mode: SingletonMode,
    /// For each value of this expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What becomes of a second run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SingletonMode {
    /// It does not start.
    Skip,
    /// It starts, and the first one is cancelled.
    Cancel,
}

/// How long runs may take before they are cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timeouts {
    /// Until they start.
    #[serde(serialize_with = "duration::option::serialize", skip_serializing_if = "Option::is_none")]
    pub start: Option<Duration>,
    /// From their start to their end.
    #[serde(serialize_with = "duration::option::serialize", skip_serializing_if = "Option::is_none")]
    pub finish: Option<Duration>,
}

impl FunctionOptions {
    /// With this id: letters, digits, `-` and `_`. It is what a function is known by: with another id it is another
    /// function.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// Sets what people call it.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds something that starts it.
    #[must_use]
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.triggers.push(trigger);
        self
    }

    /// Adds an event that starts it.
    #[must_use]
    pub fn event(self, name: impl Into<String>) -> Self {
        self.trigger(Trigger::event(name))
    }

    /// Adds times that start it: five fields of cron, such as `0 9 * * 1`, after an optional `TZ=Europe/Paris `.
    #[must_use]
    pub fn cron(self, cron: impl Into<String>) -> Self {
        self.trigger(Trigger::cron(cron))
    }

    /// Sets how often to try again.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Adds a limit of steps that run at the same time.
    #[must_use]
    pub fn concurrency(mut self, concurrency: Concurrency) -> Self {
        self.concurrency.push(concurrency);
        self
    }

    /// Sets how many runs may start in a time.
    #[must_use]
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Sets how many runs may start in a time; others do not start.
    #[must_use]
    pub fn rate_limit(mut self, rate_limit: RateLimit) -> Self {
        self.rate_limit = Some(rate_limit);
        self
    }

    /// Starts it only when no event came for a while.
    #[must_use]
    pub fn debounce(mut self, debounce: Debounce) -> Self {
        self.debounce = Some(debounce);
        self
    }

    /// Starts it once for each value of this expression, in 24 hours.
    #[must_use]
    pub fn idempotency(mut self, key: impl Into<String>) -> Self {
        self.idempotency = Some(key.into());
        self
    }

    /// Sets the expression for which runs go before others.
    #[must_use]
    pub fn priority(mut self, seconds: impl Into<String>) -> Self {
        self.priority = Some(seconds.into());
        self
    }

    /// Adds an event that ends its runs.
    #[must_use]
    pub fn cancel_on(mut self, cancel_on: CancelOn) -> Self {
        self.cancel_on.push(cancel_on);
        self
    }

    /// Runs it with several events at once.
    #[must_use]
    pub fn batch_events(mut self, batch_events: BatchEvents) -> Self {
        self.batch_events = Some(batch_events);
        self
    }

    /// Lets one run at a time.
    #[must_use]
    pub fn singleton(mut self, singleton: Singleton) -> Self {
        self.singleton = Some(singleton);
        self
    }

    /// Sets how long runs may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
}

impl Trigger {
    /// An event of this name.
    pub fn event(name: impl Into<String>) -> Self {
        Self::Event { event: name.into(), expression: None }
    }

    /// An event of this name, if the CEL expression is true of it.
    pub fn event_if(name: impl Into<String>, expression: impl Into<String>) -> Self {
        Self::Event { event: name.into(), expression: Some(expression.into()) }
    }

    /// Times.
    pub fn cron(cron: impl Into<String>) -> Self {
        Self::Cron { cron: cron.into(), jitter: None }
    }
}

impl Concurrency {
    /// So many steps of the function.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit, key: None, scope: None }
    }

    /// The same for each value of this expression.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same, counted with the steps of others. Needs a key unless it is the function's.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }
}

impl CancelOn {
    /// Any event of this name.
    pub fn event(name: impl Into<String>) -> Self {
        Self { event: name.into(), condition: None, timeout: None }
    }

    /// Only an event that has the same in this field, such as `data.orderId`, as the one that started the run.
    #[must_use]
    pub fn matching(mut self, field: impl Into<String>) -> Self {
        self.condition = Some(Condition::Match(field.into()));
        self
    }
}

/// As Inngest has it.
impl Serialize for CancelOn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event", &self.event)?;
        if let Some(condition) = &self.condition {
            map.serialize_entry("if", &condition.expression())?;
        }
        if let Some(timeout) = self.timeout {
            map.serialize_entry("timeout", &duration::text(timeout))?;
        }
        map.end()
    }
}
