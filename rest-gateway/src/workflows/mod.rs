//! The durable functions, one file each. They are the same on Inngest and on the embedded engine.

mod billing_reconcile;
mod housekeeping;
mod onboarding;
mod publish_due;
mod run;

use entity::db::Db;
use entity::workflows::{CANCELLED, Workflow};
use inngest::{CancelOn, Concurrency, Condition, Function, FunctionOptions, Trigger};

use crate::billing::Billing;

/// The id of the app at Inngest.
pub const APP: &str = "heycmo";

/// All of them.
#[must_use]
pub fn functions(db: &Db, billing: &Billing) -> Vec<Function> {
    vec![
        onboarding::function(db.clone()),
        publish_due::function(db.clone()),
        billing_reconcile::function(db.clone(), billing.clone()),
        housekeeping::function(db.clone()),
    ]
}

/// What all functions have: they begin with the event that asks for them, and end when their run is cancelled.
fn options(workflow: Workflow) -> FunctionOptions {
    let cancel = CancelOn {
        event: CANCELLED.to_owned(),
        condition: Some(Condition::Match("data.runId".to_owned())),
        timeout: None,
    };
    let mut options = FunctionOptions::new(workflow.as_str());
    options.triggers.push(Trigger::Event { event: workflow.event().to_owned(), expression: None });
    options.cancel_on.push(cancel);
    options
}

/// The same for what the clock starts too, and of which one is enough at a time.
fn options_by_clock(workflow: Workflow, cron: &str) -> FunctionOptions {
    let mut options = options(workflow);
    options.triggers.push(Trigger::Cron { cron: cron.to_owned(), jitter: None });
    options.concurrency.push(Concurrency { limit: 1, key: None });
    options
}
