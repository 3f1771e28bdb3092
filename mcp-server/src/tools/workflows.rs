//! Durable work: started, watched, ended.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use entity::events::Event;
use entity::ids::RunId;
use entity::reports;
use entity::workflows::{self, Filter, Run, RunStatus, Step, StepStatus, Workflow};
use marketing::report;
use marketing::scanner::page_address;
use rmcp::model::RequestMetaObject;
use rmcp::{Peer, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use super::{Arguments, given, page_size};
use crate::answer::{Answer, Refusal, no_such_run};
use crate::caller::Caller;
use crate::progress::Teller;
use crate::schema;
use crate::server::{App, HeyCmo};
use crate::when::{display, in_list, timestamp};

const DEFAULT_PAGE: u64 = 20;
const MAX_PAGE: u64 = 50;
const DEFAULT_WAIT_SECONDS: i64 = 20;
/// Clients give a call up after a minute.
const MAX_WAIT_SECONDS: i64 = 50;
/// How often to look at a run besides: a step leaves no event.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What customers may start. A workflow that joins is added here.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Startable {
    Onboarding,
    PerformanceSnapshot,
    AnalyticsReport,
    ContentPlan,
    PageWatch,
}

impl From<Startable> for Workflow {
    fn from(startable: Startable) -> Self {
        match startable {
            Startable::Onboarding => Self::Onboarding,
            Startable::PerformanceSnapshot => Self::PerformanceSnapshot,
            Startable::AnalyticsReport => Self::AnalyticsReport,
            Startable::ContentPlan => Self::ContentPlan,
            Startable::PageWatch => Self::PageWatch,
        }
    }
}

/// What to start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StartWorkflowIn {
    /// onboarding: the first steps; waits for the brand interview, then the account is active. performance_snapshot:
    /// keeps the numbers of the last seven days and proposes what follows. analytics_report: what changed against the
    /// days before, which days stand out, and what to do. content_plan: plans the coming weeks. page_watch: scans the
    /// watched pages and tells what got worse. All but onboarding also run every week by themselves.
    workflow: Startable,
    /// What to do it with, where something is to be said.
    input: Option<WorkflowInput>,
    /// How long to wait for the end; 0 does not wait. 20 when left out.
    #[schemars(range(min = 0, max = 50))]
    wait_seconds: Option<i64>,
}

/// What the workflows that may be started are done with.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WorkflowInput {
    /// page_watch: only this page.
    #[schemars(length(max = 2000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// content_plan: the first day, such as 2026-03-30; next Monday when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// content_plan: weeks to plan; 1 when left out.
    #[schemars(range(min = 1, max = 4))]
    #[serde(skip_serializing_if = "Option::is_none")]
    weeks: Option<i64>,
    /// analytics_report: last_7_days when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<ReportPeriod>,
}

/// The days before today, in the brand's time zone.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
enum ReportPeriod {
    #[serde(rename = "last_7_days")]
    Seven,
    #[serde(rename = "last_30_days")]
    Thirty,
}

/// Which run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RunIn {
    /// Id of the run.
    run_id: RunId,
}

/// Which runs to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListWorkflowRunsIn {
    /// Only of this workflow.
    workflow: Option<Workflow>,
    /// Only this status.
    status: Option<RunStatus>,
    /// Runs a page.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<i64>,
    /// From nextCursor of the page before.
    cursor: Option<String>,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RunOut {
    /// Give this to the other tools as runId.
    id: RunId,
    workflow: Workflow,
    status: RunStatus,
    /// What it was asked to do with.
    input: Value,
    /// What came of it, once it is completed.
    output: Value,
    /// Why it failed or was cancelled.
    error: Option<String>,
    /// The run that this one does again.
    retry_of: Option<RunId>,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
}

/// A run with its steps.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WholeRunOut {
    run: RunOut,
    /// The steps that were begun, in order.
    steps: Vec<StepOut>,
    /// What has to happen before it goes on, if it waits.
    waits_for: Option<String>,
}

/// A step.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StepOut {
    name: String,
    status: StepStatus,
    attempts: i64,
    /// Why its last attempt failed.
    error: Option<String>,
    started_at: String,
    ended_at: Option<String>,
}

/// A page of runs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListOut {
    /// Newest first.
    runs: Vec<RunOut>,
    /// Give this as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

#[tool_router(router = workflow_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Start workflow",
        description = "Starts durable work, which goes on without this call, and waits a while for its end. Where it is under way already, nothing is started and that run is shown.",
        input_schema = schema::input::<StartWorkflowIn>(),
        output_schema = schema::output::<WholeRunOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = false, open_world_hint = false)
    )]
    async fn start_workflow(
        &self,
        caller: Caller,
        meta: RequestMetaObject,
        peer: Peer<RoleServer>,
        Arguments(input): Arguments<StartWorkflowIn>,
    ) -> Result<Answer<WholeRunOut>, Refusal> {
        let StartWorkflowIn { workflow, input, wait_seconds } = input;
        let patience = patience(wait_seconds)?;
        let app = self.app();
        let run = workflows::request(
            &app.db,
            &caller.customer_id,
            workflow.into(),
            checked(workflow, input.unwrap_or_default())?,
        )
        .await?;
        let teller = Teller::of(&meta, peer);
        let whole = watched(app, &caller, &run.id, patience, teller).await?;
        Ok(answer(app, &caller, whole).await?)
    }

    #[tool(
        title = "Get workflow run",
        description = "Shows how a run of a workflow stands: its steps, what it waits for, and what came of it.",
        input_schema = schema::input::<RunIn>(),
        output_schema = schema::output::<WholeRunOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_workflow_run(
        &self,
        caller: Caller,
        Arguments(RunIn { run_id }): Arguments<RunIn>,
    ) -> Result<Answer<WholeRunOut>, Refusal> {
        let app = self.app();
        let whole = Whole::read(app, &caller, &run_id).await?;
        Ok(answer(app, &caller, whole).await?)
    }

    #[tool(
        title = "List workflow runs",
        description = "Lists runs of workflows, newest first, by workflow or status. Pages with cursor.",
        input_schema = schema::input::<ListWorkflowRunsIn>(),
        output_schema = schema::output::<ListOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn list_workflow_runs(
        &self,
        caller: Caller,
        Arguments(input): Arguments<ListWorkflowRunsIn>,
    ) -> Result<Answer<ListOut>, Refusal> {
        let db = &self.app().db;
        let limit = page_size(input.limit, DEFAULT_PAGE, MAX_PAGE)?;
        let not_a_cursor = || entity::Error::invalid("cursor", "is not a cursor that list_workflow_runs gave you");
        let cursor =
            given(input.cursor).map(|cursor| cursor.parse::<RunId>().map_err(|_| not_a_cursor())).transpose()?;
        let filter = Filter { workflow: input.workflow, status: input.status };
        let page = workflows::list(db, &caller.customer_id, filter, cursor.as_ref(), limit).await?;
        let zone = caller.time_zone;
        let line = |run: &Run| {
            let (asked, input) = (in_list(run.created_at, zone), about(&run.input()));
            format!("- {} · {} · {} · {asked}{input}", run.id, run.workflow, run.status.as_str())
        };
        let mut lines: Vec<String> = page.runs.iter().map(line).collect();
        lines.push(match lines.len() {
            0 => "No run matches.".to_owned(),
            _ => format!("Times are those of {zone}, when the run was asked for; get_workflow_run shows a run whole."),
        });
        if let Some(next) = &page.next {
            lines.push(format!("There is more: call again with cursor {next}."));
        }
        let data = ListOut {
            runs: page.runs.into_iter().map(RunOut::from).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        };
        Ok(Answer { text: lines.join("\n"), data })
    }

    #[tool(
        title = "Cancel workflow run",
        description = "Ends a run of a workflow for good. What it has done stays; one that is over stays as it is.",
        input_schema = schema::input::<RunIn>(),
        output_schema = schema::output::<WholeRunOut>(),
        annotations(read_only_hint = false, destructive_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn cancel_workflow_run(
        &self,
        caller: Caller,
        Arguments(RunIn { run_id }): Arguments<RunIn>,
    ) -> Result<Answer<WholeRunOut>, Refusal> {
        let app = self.app();
        workflows::cancel(&app.db, &caller.customer_id, &run_id).await.map_err(no_such_run)?;
        let whole = Whole::read(app, &caller, &run_id).await?;
        Ok(answer(app, &caller, whole).await?)
    }
}

/// Refuses what the workflow does not take, before a run is made that can only fail.
fn checked(workflow: Startable, input: WorkflowInput) -> Result<Value, Refusal> {
    let WorkflowInput { url, from, weeks, period } = input;
    let url = given(url).map(|url| page_address(&url)).transpose();
    let url = url.map_err(|error| entity::Error::invalid("input.url", error.to_string()))?.map(String::from);
    let not_a_day = || entity::Error::invalid("input.from", "must be a day such as 2026-03-30");
    let from = given(from).map(|day| day.parse::<NaiveDate>().map_err(|_| not_a_day())).transpose()?;
    if weeks.is_some_and(|weeks| !(1..=4).contains(&weeks)) {
        return Err(entity::Error::invalid("input.weeks", "must be from 1 to 4").into());
    }
    let unwanted = [
        ("input.url", url.is_some() && !matches!(workflow, Startable::PageWatch)),
        ("input.from", from.is_some() && !matches!(workflow, Startable::ContentPlan)),
        ("input.weeks", weeks.is_some() && !matches!(workflow, Startable::ContentPlan)),
        ("input.period", period.is_some() && !matches!(workflow, Startable::AnalyticsReport)),
    ];
    if let Some((field, _)) = unwanted.into_iter().find(|(_, is_unwanted)| *is_unwanted) {
        return Err(entity::Error::invalid(field, "is not for this workflow").into());
    }
    Ok(json!(WorkflowInput { url, from: from.map(|day| day.to_string()), weeks, period }))
}

fn patience(seconds: Option<i64>) -> entity::Result<Duration> {
    let seconds = seconds.unwrap_or(DEFAULT_WAIT_SECONDS);
    let allowed = u64::try_from(seconds).ok().filter(|_| seconds <= MAX_WAIT_SECONDS).map(Duration::from_secs);
    allowed.ok_or_else(|| entity::Error::invalid("waitSeconds", format!("must be from 0 to {MAX_WAIT_SECONDS}")))
}

/// A run with its steps, as read at one moment.
struct Whole {
    run: Run,
    steps: Vec<Step>,
}

impl Whole {
    async fn read(app: &App, caller: &Caller, id: &RunId) -> entity::Result<Self> {
        let run = workflows::get(&app.db, &caller.customer_id, id).await.map_err(no_such_run)?;
        let steps = workflows::steps(&app.db, &run).await?;
        Ok(Self { run, steps })
    }

    /// The step that waits for something or somebody.
    fn waiting(&self) -> Option<&Step> {
        if self.run.status.is_over() {
            return None;
        }
        self.steps.iter().find(|step| step.status == StepStatus::Waiting)
    }

    /// What it waits for, and what the assistant has to do about it.
    fn waits_for(&self) -> Option<String> {
        let step = self.waiting()?;
        Some(match self.run.workflow {
            Workflow::Onboarding => "The brand interview: ask the person what get_brand says is missing, and save the answers with update_brand. It goes on by itself when nothing is missing.".to_owned(),
            Workflow::PublishDue => "The time of the piece; schedule_content changes it.".to_owned(),
            Workflow::PerformanceSnapshot
            | Workflow::AnalyticsReport
            | Workflow::ContentPlan
            | Workflow::PageWatch
            | Workflow::WeeklyRound
            | Workflow::BillingReconcile
            | Workflow::Housekeeping => format!("{}.", step.name),
        })
    }

    /// How far it is, in a line.
    fn progress(&self) -> String {
        let (workflow, status) = (self.run.workflow, self.run.status.as_str());
        match self.steps.last() {
            Some(step) => format!("{workflow} is {status}; {} is {}", step.name, step.status.as_str()),
            None => format!("{workflow} is {status}"),
        }
    }
}

/// Watches a run until it is over, or waits for something, or patience ends, or the process stops. Nothing is lost with the watch: the run
/// goes on.
async fn watched(
    app: &App,
    caller: &Caller,
    id: &RunId,
    patience: Duration,
    mut teller: Option<Teller>,
) -> entity::Result<Whole> {
    let until = Instant::now() + patience;
    // Before the first look, so that nothing falls between the two.
    let mut events = app.feed.subscribe();
    loop {
        let whole = Whole::read(app, caller, id).await?;
        let now = Instant::now();
        let in_time = now < until && !app.shutdown.is_cancelled();
        if whole.run.status.is_over() || whole.waiting().is_some() || !in_time {
            return Ok(whole);
        }
        if let Some(teller) = &mut teller {
            teller.tell(whole.progress()).await;
        }
        // Whichever comes first means: look again.
        tokio::select! {
            () = next_news(&mut events, id) => {}
            () = sleep_until(until.min(now + LOOK_AGAIN)) => {}
            () = app.shutdown.cancelled() => {}
        }
    }
}

/// Ends when something happened to the run, or may have.
async fn next_news(events: &mut Receiver<Arc<Event>>, id: &RunId) {
    loop {
        match events.recv().await {
            Ok(event) if event.data.get("runId").and_then(Value::as_str) == Some(id.as_str()) => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            // Nothing is heard any more; looking again is left.
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

async fn answer(app: &App, caller: &Caller, whole: Whole) -> entity::Result<Answer<WholeRunOut>> {
    let zone = caller.time_zone;
    let Whole { run, steps } = &whole;
    let mut text = format!("Run {} of {} is {}", run.id, run.workflow, run.status.as_str());
    text.push_str(&match (run.ended_at, run.started_at) {
        (Some(ended), _) => format!("; ended {}.", display(ended, zone)),
        (None, Some(started)) => format!("; begun {}.", display(started, zone)),
        (None, None) => format!("; asked for {}.", display(run.created_at, zone)),
    });
    if let Some(error) = &run.error {
        text.push_str(&format!(" {error}"));
    }
    if let Some(earlier) = &run.retry_of {
        text.push_str(&format!(" It does {earlier} again."));
    }
    if run.input() != json!({}) {
        text.push_str(&format!("\nInput: {}", run.input()));
    }
    // Who reads a report wants the report.
    if let Some(report) = report_of(app, caller, run).await? {
        text.push_str(&format!(" It is {}.\n\n{report}", report::uri(run.id.as_str())));
        return Ok(Answer { text, data: whole.into() });
    }
    if let Some(output) = run.output() {
        text.push_str(&format!("\nOutput: {output}"));
    }
    for step in steps {
        let (name, status, time) = (&step.name, step.status.as_str(), step.ended_at.unwrap_or(step.started_at));
        text.push_str(&format!("\n- {name} · {status} · {}", in_list(time, zone)));
        if step.attempts > 1 {
            text.push_str(&format!(" · attempt {}", step.attempts));
        }
        if let Some(error) = &step.error {
            text.push_str(&format!(" · {error}"));
        }
    }
    if let Some(what) = &whole.waits_for() {
        text.push_str(&format!("\nIt waits for this: {what}"));
    } else if !run.status.is_over() {
        text.push_str("\nIt goes on by itself: get_workflow_run tells how it stands.");
    }
    Ok(Answer { text, data: whole.into() })
}

/// The Markdown of the report that a run has made.
async fn report_of(app: &App, caller: &Caller, run: &Run) -> entity::Result<Option<String>> {
    if run.workflow != Workflow::AnalyticsReport || run.status != RunStatus::Completed {
        return Ok(None);
    }
    match reports::get(&app.db, &caller.customer_id, &run.id).await {
        Ok(report) => Ok(Some(report.markdown)),
        Err(entity::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl From<Whole> for WholeRunOut {
    fn from(whole: Whole) -> Self {
        let waits_for = whole.waits_for();
        Self { run: whole.run.into(), steps: whole.steps.into_iter().map(StepOut::from).collect(), waits_for }
    }
}

/// What a run is about, where it says so.
fn about(input: &Value) -> String {
    if *input == json!({}) { String::new() } else { format!(" · {input}") }
}

impl From<Run> for RunOut {
    fn from(run: Run) -> Self {
        Self {
            input: run.input(),
            output: run.output().unwrap_or_default(),
            id: run.id,
            workflow: run.workflow,
            status: run.status,
            error: run.error,
            retry_of: run.retry_of,
            created_at: timestamp(run.created_at),
            started_at: run.started_at.map(timestamp),
            ended_at: run.ended_at.map(timestamp),
        }
    }
}

impl From<Step> for StepOut {
    fn from(step: Step) -> Self {
        Self {
            name: step.name,
            status: step.status,
            attempts: step.attempts.into(),
            error: step.error,
            started_at: timestamp(step.started_at),
            ended_at: step.ended_at.map(timestamp),
        }
    }
}
