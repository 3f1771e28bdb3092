//! The durable functions, one file each. They are the same on Inngest and on the embedded engine.

mod analytics_report;
mod billing_reconcile;
mod content_plan;
mod housekeeping;
mod onboarding;
mod page_watch;
mod performance_snapshot;
mod publish_due;
mod run;
mod runner;
mod weekly_round;

use entity::db::Db;
use entity::workflows::{CANCELLED, Workflow};
use inngest::{CancelOn, Concurrency, Function, FunctionOptions};
use marketing::scanner::Scanner;
use model::Model;
use platforms::Platforms;

use crate::billing::Billing;

pub use runner::Runner;

/// The id of the app at Inngest.
const APP: &str = "heycmo";

/// All of them.
fn functions(
    db: &Db,
    billing: &Billing,
    platforms: &Platforms,
    scanner: &Scanner,
    model: Option<Model>,
) -> Vec<Function> {
    vec![
        onboarding::function(db.clone(), scanner.clone()),
        content_plan::function(db.clone(), model.clone()),
        page_watch::function(db.clone(), scanner.clone()),
        performance_snapshot::function(db.clone(), platforms.clone()),
        analytics_report::function(db.clone(), platforms.clone(), model),
        publish_due::function(db.clone(), platforms.clone()),
        weekly_round::function(db.clone()),
        billing_reconcile::function(db.clone(), billing.clone()),
        housekeeping::function(db.clone()),
    ]
}

/// What all functions have: they begin with the event that asks for them, and end when their run is cancelled.
fn options(workflow: Workflow) -> FunctionOptions {
    let cancel = CancelOn::event(CANCELLED).matching("data.runId");
    FunctionOptions::new(workflow.as_str()).event(workflow.event()).cancel_on(cancel)
}

/// The same for what the clock starts too, and of which one is enough at a time.
fn options_by_clock(workflow: Workflow, cron: &str) -> FunctionOptions {
    options(workflow).cron(cron).concurrency(Concurrency::new(1))
}
