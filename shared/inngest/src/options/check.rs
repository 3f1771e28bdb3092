//! The limits that Inngest sets. A server says no more than that some function is invalid; this says which and why.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{BatchEvents, Concurrency, FunctionOptions, Scope, Trigger, cron};

const MAX_TRIGGERS: usize = 10;
const MAX_EVENT_NAME: usize = 255;
const MAX_RETRIES: u32 = 20;
const MAX_CONCURRENCY: usize = 2;
const MAX_CANCEL_ON: usize = 5;
const BATCH_SIZES: RangeInclusive<u32> = 2..=100;
const SECOND: Duration = Duration::from_secs(1);
const MAX_JITTER: Duration = Duration::from_secs(5 * 60);
const MAX_RATE_LIMIT: Duration = Duration::from_secs(24 * 3600);
const MAX_DEBOUNCE: Duration = Duration::from_secs(7 * 24 * 3600);

/// An option that Inngest would not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidOption {
    /// Which.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

type Checked = Result<(), InvalidOption>;

/// Whether it can be the id of an app or a function: it goes into addresses as it is.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Holds the options against the limits.
pub(crate) fn check(options: &FunctionOptions) -> Checked {
    let FunctionOptions { id, name, triggers, retries, concurrency, throttle, rate_limit, debounce, .. } = options;
    ensure(is_id(id), "id", "must be letters, digits, `-` and `_`")?;
    ensure(name.as_ref().is_none_or(|name| !name.is_empty()), "name", "must not be empty")?;
    ensure(triggers.len() <= MAX_TRIGGERS, "triggers", "must be 10 at most")?;
    triggers.iter().try_for_each(check_trigger)?;
    ensure(retries.is_none_or(|retries| retries <= MAX_RETRIES), "retries", "must be 20 at most")?;
    ensure(concurrency.len() <= MAX_CONCURRENCY, "concurrency", "must be two limits at most")?;
    concurrency.iter().try_for_each(check_concurrency)?;
    if let Some(it) = throttle {
        ensure(it.limit > 0, "throttle.limit", "must be 1 or more")?;
        ensure(it.period >= SECOND, "throttle.period", "must be a second or more")?;
        not_empty(&it.key, "throttle.key")?;
    }
    if let Some(it) = rate_limit {
        ensure(it.limit > 0, "rate_limit.limit", "must be 1 or more")?;
        ensure((SECOND..=MAX_RATE_LIMIT).contains(&it.period), "rate_limit.period", "must be 1 second to 24 hours")?;
        not_empty(&it.key, "rate_limit.key")?;
        ensure(options.idempotency.is_none(), "rate_limit", "must be left out: `idempotency` takes its place")?;
    }
    if let Some(it) = debounce {
        ensure((SECOND..=MAX_DEBOUNCE).contains(&it.period), "debounce.period", "must be 1 second to 7 days")?;
        not_empty(&it.key, "debounce.key")?;
    }
    not_empty(&options.idempotency, "idempotency")?;
    not_empty(&options.priority, "priority")?;
    ensure(options.cancel_on.len() <= MAX_CANCEL_ON, "cancel_on", "must be 5 events at most")?;
    options.cancel_on.iter().try_for_each(|it| check_event_name(&it.event, "cancel_on.event"))?;
    if let Some(it) = &options.singleton {
        not_empty(&it.key, "singleton.key")?;
    }
    options.batch_events.as_ref().map_or(Ok(()), |it| check_batch(it, options))
}

fn check_trigger(trigger: &Trigger) -> Checked {
    match trigger {
        Trigger::Event { event, expression } => {
            check_event_name(event, "triggers.event")?;
            let invoked = event == "inngest/function.invoked";
            ensure(!invoked, "triggers.event", "cannot be `inngest/function.invoked`: every function can be invoked")?;
            not_empty(expression, "triggers.expression")
        }
        Trigger::Cron { cron, jitter } => {
            cron::check(cron).map_err(|problem| InvalidOption { field: "triggers.cron", problem })?;
            let fits = jitter.is_none_or(|jitter| (SECOND..=MAX_JITTER).contains(&jitter));
            ensure(fits, "triggers.jitter", "must be 1 second to 5 minutes")
        }
    }
}

fn check_concurrency(concurrency: &Concurrency) -> Checked {
    ensure(concurrency.limit > 0, "concurrency.limit", "must be 1 or more")?;
    not_empty(&concurrency.key, "concurrency.key")?;
    let is_own = matches!(concurrency.scope, None | Some(Scope::Function));
    ensure(is_own || concurrency.key.is_some(), "concurrency.key", "is needed when others are counted too")
}

fn check_batch(batch: &BatchEvents, options: &FunctionOptions) -> Checked {
    ensure(BATCH_SIZES.contains(&batch.max_size), "batch_events.max_size", "must be 2 to 100")?;
    ensure(batch.timeout >= SECOND, "batch_events.timeout", "must be a second or more")?;
    not_empty(&batch.key, "batch_events.key")?;
    not_empty(&batch.condition, "batch_events.condition")?;
    let others = [
        ("cancel_on", !options.cancel_on.is_empty()),
        ("debounce", options.debounce.is_some()),
        ("priority", options.priority.is_some()),
        ("singleton", options.singleton.is_some()),
    ];
    match others.iter().find(|(_, is_set)| *is_set) {
        Some((other, _)) => ensure(false, "batch_events", &format!("does not go with `{other}`")),
        None => Ok(()),
    }
}

fn check_event_name(name: &str, field: &'static str) -> Checked {
    ensure((1..=MAX_EVENT_NAME).contains(&name.len()), field, "must be a name of 255 bytes at most")
}

fn not_empty(expression: &Option<String>, field: &'static str) -> Checked {
    let is_empty = expression.as_ref().is_some_and(|expression| expression.trim().is_empty());
    ensure(!is_empty, field, "must be an expression or absent")
}

fn ensure(is_so: bool, field: &'static str, problem: &str) -> Checked {
    if is_so { Ok(()) } else { Err(InvalidOption { field, problem: problem.to_owned() }) }
}
