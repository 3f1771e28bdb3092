//! What begins runs, and what ends them.

use chrono::Duration;
use entity::engine::{Cancel, EngineRun, Schedule, Start, value_at};
use entity::ids::CustomerId;
use entity::outbox::Message;
use inngest::{CancelOn, Concurrency, Condition, FUNCTION_FAILED, Function, Scope, StepError, Timeouts, Trigger};
use serde_json::{Value, json};

/// What comes after the id of a function for the one that is run when it has failed.
const FAILURE: &str = "-failure";

/// Whether the engine can do all that a function wants.
///
/// # Errors
///
/// When it cannot; says what.
pub fn require_supported(function: &Function) -> Result<(), String> {
    let options = function.options();
    let has_expression = |trigger: &Trigger| matches!(trigger, Trigger::Event { expression: Some(_), .. });
    let has_jitter = |trigger: &Trigger| matches!(trigger, Trigger::Cron { jitter: Some(_), .. });
    let is_expression = |cancel: &CancelOn| matches!(cancel.condition, Some(Condition::Expression(_)));
    let is_wide = |limit: &Concurrency| limit.scope.is_some_and(|scope| scope != Scope::Function);
    let missing = if options.triggers.iter().any(has_expression) || options.cancel_on.iter().any(is_expression) {
        "expressions"
    } else if options.triggers.iter().any(has_jitter) {
        "jitter"
    } else if options.concurrency.len() > 1 || options.concurrency.iter().any(is_wide) {
        "more than one limit of concurrency, or one across functions"
    } else if options.throttle.is_some() || options.rate_limit.is_some() || options.debounce.is_some() {
        "to be throttled, limited or debounced"
    } else if options.idempotency.is_some() || options.singleton.is_some() || options.priority.is_some() {
        "idempotency, a singleton or priority"
    } else if options.batch_events.is_some() || options.timeouts != Timeouts::default() {
        "batches or timeouts"
    } else {
        return Ok(());
    };
    Err(format!("the function `{}` wants {missing}, which only Inngest has", function.id()))
}

pub fn is_started_by(function: &Function, name: &str) -> bool {
    function.options().triggers.iter().any(|trigger| matches!(trigger, Trigger::Event { event, .. } if event == name))
}

pub fn by_event(function: &Function, message: &Message, event: &Value) -> Start {
    start(function, message.customer_id.clone(), &message.event_id, event)
}

pub fn by_clock(function: &Function, schedule: &Schedule) -> Start {
    let at = schedule.next_at;
    let id = format!("{}@{}", schedule.cron, at.to_rfc3339());
    let event = json!({
        "name": "inngest/scheduled.timer",
        "data": { "cron": schedule.cron, "scheduledAt": at },
        "id": id,
        "ts": at.timestamp_millis(),
    });
    start(function, None, &id, &event)
}

/// The run of another function for a step of this run.
pub fn by_invocation(function: &Function, run: &EngineRun, step: &str, data: Value) -> Start {
    let id = format!("{}:{step}", run.id);
    let event = json!({ "name": "inngest/function.invoked", "data": data, "id": id });
    start(function, run.customer_id.clone(), &id, &event)
}

/// The run that is begun because this one has failed for good.
pub fn by_failure(function: &Function, run: &EngineRun, error: &StepError) -> Option<Start> {
    if !function.handles_failures() {
        return None;
    }
    let events: Value = serde_json::from_str(&run.events).unwrap_or_default();
    let data = json!({
        "error": error,
        "event": events.get(0),
        "events": events,
        "function_id": run.function,
        "run_id": run.id,
    });
    let id = format!("{}:failed", run.id);
    Some(Start {
        function: format!("{}{FAILURE}", run.function),
        customer_id: run.customer_id.clone(),
        events: json!([{ "name": FUNCTION_FAILED, "data": data, "id": id }]),
        event_id: id,
        cancels: Vec::new(),
        concurrency_key: String::new(),
    })
}

/// The function whose failure this one is run for, if it is one of those.
pub fn failed_function(id: &str) -> Option<&str> {
    id.strip_suffix(FAILURE)
}

fn start(function: &Function, customer_id: Option<CustomerId>, event_id: &str, event: &Value) -> Start {
    let options = function.options();
    let key = options.concurrency.first().and_then(|limit| limit.key.as_deref());
    Start {
        function: function.id().to_owned(),
        customer_id,
        event_id: event_id.to_owned(),
        events: json!([event]),
        cancels: options.cancel_on.iter().map(|cancel| cancelled_by(cancel, event)).collect(),
        // A key is an expression; the engine knows those that name a field of the event.
        concurrency_key: key.map_or_else(String::new, |key| value_at(event, key.trim_start_matches("event."))),
    }
}

fn cancelled_by(cancel: &CancelOn, event: &Value) -> Cancel {
    let field = field(cancel.condition.as_ref()).unwrap_or_default().to_owned();
    let timeout = cancel.timeout.and_then(|timeout| Duration::from_std(timeout).ok());
    Cancel {
        event: cancel.event.clone(),
        value: value_at(event, &field),
        field,
        ends_at: timeout.and_then(|timeout| entity::db::now().checked_add_signed(timeout)),
    }
}

/// The field that has to be the same in both events; none for a condition that the engine does not know.
pub fn field(condition: Option<&Condition>) -> Option<&str> {
    match condition {
        None => Some(""),
        Some(Condition::Match(field)) => Some(field),
        Some(Condition::Expression(_)) => None,
    }
}
