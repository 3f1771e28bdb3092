//! POST: one call of a function.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::opcode::Opcode;
use super::{Answer, App, Served, parameter};
use crate::client::Traced;
use crate::error::{Error, Retry};
use crate::event::Event;
use crate::execution::{Call, Op, Outcome, Report};

/// The step of a call that is for no certain one.
const ANY_STEP: &str = "step";
/// What a call passes on to what it causes.
const TRACE: [&str; 2] = ["traceparent", "tracestate"];

/// What Inngest sends. It leaves out what it likes, or says `null`.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Body {
    #[serde(deserialize_with = "or_default")]
    ctx: Context,
    #[serde(deserialize_with = "or_default")]
    event: Option<Value>,
    #[serde(deserialize_with = "or_default")]
    events: Vec<Value>,
    #[serde(deserialize_with = "or_default")]
    steps: Map<String, Value>,
    #[serde(deserialize_with = "or_default")]
    use_api: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    #[serde(deserialize_with = "or_default")]
    run_id: String,
    #[serde(deserialize_with = "or_default")]
    attempt: u32,
    max_attempts: Option<u32>,
    #[serde(deserialize_with = "or_default")]
    stack: Stack,
    #[serde(deserialize_with = "or_default")]
    disable_immediate_execution: bool,
    #[serde(deserialize_with = "or_default")]
    use_api: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stack {
    #[serde(deserialize_with = "or_default")]
    stack: Vec<String>,
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

pub(super) async fn call(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Answer::unread(&rejection).finish(&app, None),
    };
    let caller = Caller::of(&app, &headers, &body);
    let answer = match (caller.refusal(), parameter(&uri, "probe").as_deref()) {
        (Some(refusal), _) => refusal,
        (None, Some("trust")) => Answer::json(StatusCode::OK, &json!({})),
        (None, Some(_)) => {
            Answer::json(StatusCode::BAD_REQUEST, &json!({"message": "Unknown probe"})).retry(Retry::Never)
        }
        (None, None) => app.answer(&uri, &headers, &body).await.unwrap_or_else(|problem| {
            tracing::warn!(%problem, "a call was not answered");
            Answer::failure(&problem)
        }),
    };
    answer.finish(&app, caller.key())
}

impl App {
    async fn answer(&self, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Answer, String> {
        let id = parameter(uri, "fnId").ok_or("the query must have fnId")?;
        let served = self.functions.get(&id).ok_or_else(|| format!("there is no function `{id}`"))?;
        let body = serde_json::from_slice(body).map_err(|error| format!("the body cannot be read: {error}"))?;
        let body = self.complete(body).await?;
        let call = body.into_call(parameter(uri, "stepId").filter(|step| step != ANY_STEP))?;
        let budget = Call { attempt: call.attempt, max_attempts: call.max_attempts, ..Call::default() };
        let target = call.target.clone();
        let sender = Arc::new(Traced { client: self.client.clone(), trace: trace(headers) });
        let outcome = match served {
            Served::Function(function) => function.call(call, sender).await,
            Served::FailuresOf(function) => {
                let outcome = function.call_on_failure(call, sender).await;
                outcome.ok_or_else(|| format!("there is no function `{id}`"))?
            }
        };
        Ok(match outcome {
            Outcome::Completed(value) => Answer::json(StatusCode::OK, &value),
            Outcome::Failed(error) => failed(&error, &budget),
            Outcome::Steps(reports) => steps(&reports, &budget),
            Outcome::TargetNotFound { found } => not_found(target.as_deref().unwrap_or_default(), &found),
        })
    }

    /// Fetches what was too large to be sent. Without it the function would begin anew.
    async fn complete(&self, mut body: Body) -> Result<Body, String> {
        if body.use_api || body.ctx.use_api {
            let run = body.ctx.run_id.as_str();
            let problem = |problem| format!("the state of the run cannot be fetched: {problem}");
            body.steps = self.client.get(&["v0", "runs", run, "actions"]).await.map_err(problem)?;
            body.events = self.client.get(&["v0", "runs", run, "batch"]).await.map_err(problem)?;
        }
        Ok(body)
    }
}

impl Body {
    fn into_call(self, target: Option<String>) -> Result<Call, String> {
        let Self { ctx, event, events, steps, .. } = self;
        let events = if events.is_empty() { Vec::from_iter(event) } else { events };
        let events = events.into_iter().map(Event::read).collect::<Result<_, _>>();
        Ok(Call {
            run_id: ctx.run_id,
            attempt: ctx.attempt,
            max_attempts: ctx.max_attempts,
            events: events.map_err(|error| format!("an event cannot be read: {error}"))?,
            steps,
            stack: ctx.stack.stack,
            target,
            disable_immediate_execution: ctx.disable_immediate_execution,
        })
    }
}

fn trace(headers: &HeaderMap) -> HeaderMap {
    let values = TRACE.iter().filter_map(|name| Some((name.parse().ok()?, headers.get(*name)?.clone())));
    values.collect()
}

/// Whether and when to try again, when so many attempts are left.
fn retry(error: &Error, budget: &Call) -> Retry {
    if error.is_final(budget) { Retry::Never } else { error.retry }
}

fn failed(error: &Error, budget: &Call) -> Answer {
    let retry = retry(error, budget);
    let status = if retry == Retry::Never { StatusCode::BAD_REQUEST } else { StatusCode::INTERNAL_SERVER_ERROR };
    Answer::json(status, &error.error).retry(retry)
}

fn steps(reports: &[Report], budget: &Call) -> Answer {
    let failure = reports.iter().find_map(|report| match &report.op {
        Op::Failed(error) => Some(retry(error, budget)),
        _ => None,
    });
    let opcodes: Vec<_> = reports.iter().map(|report| Opcode::new(report, failure == Some(Retry::Never))).collect();
    let answer = Answer::json(StatusCode::PARTIAL_CONTENT, &opcodes);
    failure.into_iter().fold(answer, Answer::retry)
}

/// The code may have changed since the step was planned, and may change back.
fn not_found(target: &str, found: &[String]) -> Answer {
    let message = format!("Could not find step {target}");
    let body =
        json!({"name": "Error", "message": message, "error": message, "requestedStep": target, "foundSteps": found});
    Answer::json(StatusCode::INTERNAL_SERVER_ERROR, &body).retry(Retry::Later)
}
