//! What came of the steps of a call, in Inngest's form.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::duration;
use crate::error::StepError;
use crate::execution::{Op, Report, StepId};
use crate::step::{Invoke, Until, WaitForEvent, WaitForSignal};
use chrono::SecondsFormat;

/// One element of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Opcode<'a> {
    id: &'a str,
    op: &'static str,
    name: &'a str,
    display_name: &'a str,
    userland: Userland<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opts: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a StepError>,
    data: &'a Value,
}

/// The step as the function has it.
struct Userland<'a>(&'a StepId);

impl<'a> Opcode<'a> {
    /// `is_final`: a step that failed is not tried again.
    pub(super) fn new(report: &'a Report, is_final: bool) -> Self {
        let Report { step, op } = report;
        let (op, opts) = match op {
            Op::Ran(_) => ("StepRun", None),
            Op::Failed(_) if is_final => ("StepFailed", None),
            Op::Failed(_) => ("StepError", None),
            Op::Planned => ("StepPlanned", None),
            Op::Sleep(until) => ("Sleep", Some(sleep(*until))),
            Op::WaitForEvent(wait) => ("WaitForEvent", Some(wait_for_event(wait))),
            Op::WaitForSignal(wait) => ("WaitForSignal", Some(wait_for_signal(wait))),
            Op::Invoke(invoke) => ("InvokeFunction", Some(invoke_function(invoke))),
        };
        let (data, error) = match &report.op {
            Op::Ran(data) => (data, None),
            Op::Failed(error) => (&Value::Null, Some(&error.error)),
            _ => (&Value::Null, None),
        };
        let name = &step.id;
        Self { id: &step.hash, op, name, display_name: name, userland: Userland(step), opts, error, data }
    }
}

impl Serialize for Userland<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let StepId { id, index, .. } = self.0;
        let index = (*index > 0).then_some(("index", json!(index)));
        serializer.collect_map([("id", json!(id))].into_iter().chain(index))
    }
}

fn options<const N: usize>(options: [(&str, Option<Value>); N]) -> Map<String, Value> {
    options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn sleep(until: Until) -> Map<String, Value> {
    let duration = match until {
        Until::Elapsed(duration) => duration::text(duration),
        Until::Time(time) => time.to_rfc3339_opts(SecondsFormat::Millis, true),
    };
    options([("duration", Some(duration.into()))])
}

fn wait_for_event(wait: &WaitForEvent) -> Map<String, Value> {
    options([
        ("event", Some(wait.event.as_str().into())),
        ("timeout", Some(duration::text(wait.timeout).into())),
        ("if", wait.condition.as_ref().map(|condition| condition.expression().into())),
    ])
}

fn wait_for_signal(wait: &WaitForSignal) -> Map<String, Value> {
    options([
        ("signal", Some(wait.signal.as_str().into())),
        ("timeout", Some(duration::text(wait.timeout).into())),
        ("conflict", Some(if wait.replace { "replace" } else { "fail" }.into())),
    ])
}

fn invoke_function(invoke: &Invoke) -> Map<String, Value> {
    options([
        ("function_id", Some(invoke.function.as_str().into())),
        ("payload", Some(json!({"data": invoke.data}))),
        ("timeout", invoke.timeout.map(|timeout| duration::text(timeout).into())),
    ])
}
