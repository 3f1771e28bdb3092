//! Compares everything with Stripe, for when webhooks were lost.

use entity::db::Db;
use entity::workflows::Workflow;
use inngest::{Error, Function, Input, NonRetriable, Result, Step, create_function};
use serde_json::{Value, json};

use super::options_by_clock;
use super::run::{AskedOrNot, Run, failed};
use crate::billing::Billing;

/// Not on the hour, when everybody does everything.
const HOURLY: &str = "17 * * * *";

pub fn function(db: Db, billing: Billing) -> Function {
    let on_failure = db.clone();
    let options = options_by_clock(Workflow::BillingReconcile, HOURLY);
    create_function(options, move |input: Input<AskedOrNot>, step| reconcile(db.clone(), billing.clone(), input, step))
        .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn reconcile(db: Db, billing: Billing, input: Input<AskedOrNot>, step: Step) -> Result<Value> {
    // Whoever asked for it is told; the clock is not.
    if !billing.is_configured() && input.event.data.is_by_clock() {
        return Ok(Value::Null);
    }
    let begun = Run::begin_for_service(&db, Workflow::BillingReconcile, &input, step).await?;
    let Some(run) = begun else { return Ok(Value::Null) };
    if !billing.is_configured() {
        return Err(NonRetriable::new("There is nothing to compare with: no Stripe account is configured.").into());
    }
    let compare = move || async move {
        let result = billing.reconcile().await.map_err(Error::new)?;
        if let Some((what, problem)) = result.failed.first() {
            return Err(Error::new(format!("{} could not be compared; {what}: {problem}", result.failed.len())));
        }
        Ok(json!({
            "compared": result.compared,
            "corrected": result.corrected,
            "found": result.found,
            "graceEnded": result.grace_ended,
        }))
    };
    let output = run.step("compare", compare).await?;
    run.complete(output).await
}
