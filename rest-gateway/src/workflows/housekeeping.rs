//! Throws away what nobody needs any more.

use chrono::Duration;
use entity::db::{Db, now};
use entity::workflows::{self, Workflow};
use entity::{connections, engine, mcp_sessions, oauth};
use inngest::{Function, Input, Result, Step, create_function};
use serde_json::{Value, json};

use super::options_by_clock;
use super::run::{AskedOrNot, Run, durable, failed};

const NIGHTLY: &str = "41 3 * * *";
/// How long what the engine remembers of a run is kept after its end, for whoever looks into it.
const KEPT: Duration = Duration::days(7);
/// Much longer than the interview is waited for.
const ONBOARDING_AT_MOST: Duration = Duration::days(30);
/// How long runs of the service itself are kept.
const SERVICE_RUNS_KEPT: Duration = Duration::days(30);

pub fn function(db: Db) -> Function {
    let on_failure = db.clone();
    let options = options_by_clock(Workflow::Housekeeping, NIGHTLY);
    create_function(options, move |input: Input<AskedOrNot>, step| clean(db.clone(), input, step))
        .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn clean(db: Db, input: Input<AskedOrNot>, step: Step) -> Result<Value> {
    let begun = Run::begin_for_service(&db, Workflow::Housekeeping, &input, step).await?;
    let Some(run) = begun else { return Ok(Value::Null) };
    let sessions = {
        let db = db.clone();
        run.step("mcp_sessions", move || async move { durable(mcp_sessions::forget_abandoned(&db).await) }).await?
    };
    let executions = {
        let db = db.clone();
        run.step("executions", move || async move { durable(engine::forget(&db, now() - KEPT).await) }).await?
    };
    let stale = {
        let db = db.clone();
        let give_up = move || async move {
            durable(workflows::give_up_stale(&db, Workflow::Onboarding, now() - ONBOARDING_AT_MOST).await)
        };
        run.step("stale_runs", give_up).await?
    };
    let links = {
        let db = db.clone();
        run.step("links", move || async move { durable(connections::forget_old_states(&db).await) }).await?
    };
    let webhooks = {
        let db = db.clone();
        run.step("webhooks", move || async move { durable(connections::forget_old_webhooks(&db).await) }).await?
    };
    let apps = {
        let db = db.clone();
        run.step("apps", move || async move { durable(oauth::forget_dead(&db).await) }).await?
    };
    let forget = move || async move { durable(workflows::forget_service_runs(&db, now() - SERVICE_RUNS_KEPT).await) };
    let runs = run.step("service_runs", forget).await?;
    run.complete(json!({ "mcpSessions": sessions, "executions": executions, "staleRuns": stale, "serviceRuns": runs, "links": links, "apps": apps, "webhooks": webhooks }))
        .await
}
