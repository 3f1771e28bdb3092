//! Asks for what each customer has every week, when it is time where they are.

use chrono::{DateTime, Duration, NaiveTime, Utc, Weekday};
use entity::customers;
use entity::db::{Db, now};
use entity::ids::CustomerId;
use entity::workflows::{self, Workflow};
use entity::{Result as Stored, brands, pages};
use inngest::{Function, Input, Result, Step, create_function};
use marketing::calendar::latest;
use serde_json::{Value, json};

use super::options_by_clock;
use super::run::{AskedOrNot, Run, durable, failed};

/// Zones differ by whole quarters of an hour.
const QUARTERLY: &str = "*/15 * * * *";
/// What each customer has every week: local day and hour.
const WEEKLY: [(Workflow, Weekday, u32); 3] = [
    (Workflow::PageWatch, Weekday::Mon, 5),
    (Workflow::PerformanceSnapshot, Weekday::Mon, 6),
    (Workflow::ContentPlan, Weekday::Thu, 8),
];
/// A server that was away makes up for what fell due meanwhile, unless the next one is near.
const LATE_AT_MOST: Duration = Duration::days(3);

pub fn function(db: Db) -> Function {
    let on_failure = db.clone();
    let options = options_by_clock(Workflow::WeeklyRound, QUARTERLY);
    create_function(options, move |input: Input<AskedOrNot>, step| go_round(db.clone(), input, step))
        .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn go_round(db: Db, input: Input<AskedOrNot>, step: Step) -> Result<Value> {
    let find = {
        let db = db.clone();
        move || async move { durable(due(&db, now()).await) }
    };
    let due: Vec<Due> = step.run("find", find).await?;
    // Most quarters of an hour nothing is due, and nobody has to read that.
    if due.is_empty() && input.event.data.is_by_clock() {
        return Ok(Value::Null);
    }
    let begun = Run::begin_for_service(&db, Workflow::WeeklyRound, &input, step).await?;
    let Some(run) = begun else { return Ok(Value::Null) };
    let ask = move || async move {
        let mut asked = 0;
        for (customer_id, workflow, due_at) in due {
            let run = workflows::request_due(&db, &customer_id, workflow, json!({ "dueAt": due_at }), due_at).await;
            match run {
                Ok(run) => asked += u32::from(run.is_some()),
                // They were deleted meanwhile.
                Err(entity::Error::NotFound(_)) => {}
                Err(error) => return durable(Err(error)),
            }
        }
        Ok(asked)
    };
    let asked = run.step("ask", ask).await?;
    run.complete(json!({ "asked": asked })).await
}

type Due = (CustomerId, Workflow, DateTime<Utc>);

/// What has fallen due and was not asked for.
async fn due(db: &Db, now: DateTime<Utc>) -> Stored<Vec<Due>> {
    let asked = workflows::asked_for_since(db, now - LATE_AT_MOST).await?;
    let mut due = Vec::new();
    for customer in customers::list(db).await? {
        if !customer.status(now).may_use_keys() {
            continue;
        }
        let zone = customer.time_zone.parse().unwrap_or(chrono_tz::UTC);
        for (workflow, day, hour) in WEEKLY {
            let Some(time) = NaiveTime::from_hms_opt(hour, 0, 0) else { continue };
            let at = latest(zone, day, time, now);
            let is_missed = at > now - LATE_AT_MOST && at > customer.created_at;
            if is_missed
                && !asked.contains(&(customer.id.clone(), workflow, at))
                && has_use(db, &customer.id, workflow).await?
            {
                due.push((customer.id.clone(), workflow, at));
            }
        }
    }
    Ok(due)
}

/// Whether it would do anything for the customer.
async fn has_use(db: &Db, customer_id: &CustomerId, workflow: Workflow) -> Stored<bool> {
    Ok(match workflow {
        Workflow::PageWatch => !pages::watched(db, customer_id).await?.is_empty(),
        Workflow::ContentPlan => {
            let cadence = brands::get(db, customer_id).await?.profile.cadence;
            cadence.iter().any(|cadence| cadence.per_week > 0)
        }
        _ => true,
    })
}
