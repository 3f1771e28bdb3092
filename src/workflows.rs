//! What an operator does about durable work.

use entity::db::Db;
use entity::ids::RunId;
use entity::workflows::{self, Filter, Run, RunStatus, Workflow};
use serde_json::json;
use web::config::Environment;
use web::timestamp;

use crate::cli::ListRuns;
use crate::operator::{find, open, sentence};
use crate::print::say;

/// Whose a run is that is no customer's.
const SERVICE: &str = "the service";

pub async fn list(environment: &Environment, arguments: ListRuns) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let ListRuns { workflow, status, customer, limit } = arguments;
    let customer = match customer {
        Some(customer) => Some(find(&db, &customer).await?.id),
        None => None,
    };
    let filter = Filter { workflow, status };
    let runs = workflows::list_all(&db, customer.as_ref(), filter, limit.into()).await.map_err(sentence)?;
    say!("{:<30}  {:<17}  {:<9}  {:<24}  {:<24}  whose", "id", "workflow", "status", "asked for", "ended");
    for run in runs {
        let ended = run.ended_at.map_or_else(|| "not yet".to_owned(), timestamp);
        say!(
            "{:<30}  {:<17}  {:<9}  {:<24}  {ended:<24}  {}",
            run.id.as_str(),
            run.workflow.as_str(),
            run.status.as_str(),
            timestamp(run.created_at),
            whose(&run)
        );
    }
    Ok(())
}

fn whose(run: &Run) -> &str {
    run.customer_id.as_ref().map_or(SERVICE, |id| id.as_str())
}

pub async fn show(environment: &Environment, id: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let run = find_run(&db, id).await?;
    say!("{}  {}", run.id, run.workflow);
    say!("  status       {}", run.status.as_str());
    say!("  whose        {}", whose(&run));
    say!("  asked for    {}", timestamp(run.created_at));
    if let Some(at) = run.started_at {
        say!("  begun        {}", timestamp(at));
    }
    if let Some(at) = run.ended_at {
        say!("  ended        {}", timestamp(at));
    }
    say!("  input        {}", run.input);
    if let Some(output) = &run.output {
        say!("  output       {output}");
    }
    if let Some(error) = &run.error {
        say!("  error        {error}");
    }
    if let Some(earlier) = &run.retry_of {
        say!("  retry of     {earlier}");
    }
    for step in workflows::steps(&db, &run).await.map_err(sentence)? {
        let ended = step.ended_at.map_or_else(String::new, |at| format!(", ended {}", timestamp(at)));
        let again = if step.attempts > 1 { format!(", attempt {}", step.attempts) } else { String::new() };
        let error = step.error.map_or_else(String::new, |error| format!(": {error}"));
        let (name, status, begun) = (step.name, step.status.as_str(), timestamp(step.started_at));
        say!("  step         {name} {status}, begun {begun}{ended}{again}{error}");
    }
    Ok(())
}

pub async fn run(environment: &Environment, workflow: Workflow, customer: Option<&str>) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let run = match (workflow, customer) {
        (Workflow::PublishDue, _) => {
            return Err(
                "publish_due begins by itself when a piece of content gets its time; schedule the piece, or try \
                        a failed run again with `heycmo workflows retry RUN`"
                    .to_owned(),
            );
        }
        (workflow, None) if workflow.is_for_service() => workflows::request_for_service(&db, workflow).await,
        (workflow, Some(_)) if workflow.is_for_service() => {
            return Err(format!("{workflow} is no customer's: say `heycmo workflows run {workflow}`"));
        }
        (workflow, None) => {
            return Err(format!(
                "{workflow} is run for a customer: say `heycmo workflows run {workflow} CUSTOMER`, with the e-mail \
                 address or the id"
            ));
        }
        (workflow, Some(customer)) => {
            let customer = find(&db, customer).await?;
            workflows::request(&db, &customer.id, workflow, json!({})).await
        }
    };
    tell(&run.map_err(sentence)?);
    Ok(())
}

pub async fn cancel(environment: &Environment, id: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let before = find_run(&db, id).await?;
    let run = workflows::cancel_any(&db, &before.id, "The operator cancelled it.").await.map_err(sentence)?;
    match run.status {
        RunStatus::Cancelled => say!("Run {} of {} is cancelled.", run.id, run.workflow),
        over => say!("Run {} of {} was over already: it is {}.", run.id, run.workflow, over.as_str()),
    }
    Ok(())
}

pub async fn retry(environment: &Environment, id: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let before = find_run(&db, id).await?;
    let run = workflows::retry(&db, &before.id).await.map_err(sentence)?;
    tell(&run);
    Ok(())
}

fn tell(run: &Run) {
    say!(
        "Run {} of {} is {}; a running gateway does it, `heycmo workflows show {0}` says how far it is.",
        run.id,
        run.workflow,
        run.status.as_str()
    );
}

async fn find_run(db: &Db, id: &str) -> Result<Run, String> {
    let unknown = || format!("there is no run `{id}`; `heycmo workflows list` shows the ids");
    let id: RunId = id.parse().map_err(|_| unknown())?;
    workflows::get_any(db, &id).await.map_err(|error| match error {
        entity::Error::NotFound(_) => unknown(),
        other => sentence(other),
    })
}
