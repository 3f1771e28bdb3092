//! Asks for what each customer has every week, when it is time where they are.

use chrono::{DateTime, Duration, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
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
const WEEKLY: [(Workflow, Weekday, u32); 4] = [
    (Workflow::PageWatch, Weekday::Mon, 5),
    (Workflow::PerformanceSnapshot, Weekday::Mon, 6),
    (Workflow::AnalyticsReport, Weekday::Mon, 7),
    (Workflow::ContentPlan, Weekday::Thu, 8),
];
/// Who moves to another zone has the week's runs only once.
const SAME_WEEK: Duration = Duration::days(3);
/// What was asked for longer ago no longer matters: by then the next one is due. Clocks change by less than a day.
const REMEMBERED: Duration = Duration::days(8);

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
    let asked = workflows::last_due(db, now - REMEMBERED).await?;
    let mut due = Vec::new();
    for customer in customers::list(db).await? {
        if !customer.status(now).may_use_keys() {
            continue;
        }
        let zone = customer.zone();
        for (workflow, at) in latest_times(zone, now) {
            let last = asked.get(&(customer.id.clone(), workflow));
            let is_new = at > customer.created_at && last.is_none_or(|last| at - *last > SAME_WEEK);
            if is_new && has_use(db, &customer.id, workflow).await? {
                due.push((customer.id.clone(), workflow, at));
            }
        }
    }
    Ok(due)
}

/// When each fell due last. A server that was away makes up for it.
fn latest_times(zone: Tz, now: DateTime<Utc>) -> impl Iterator<Item = (Workflow, DateTime<Utc>)> {
    WEEKLY.into_iter().filter_map(move |(workflow, day, hour)| {
        Some((workflow, latest(zone, day, NaiveTime::from_hms_opt(hour, 0, 0)?, now)))
    })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_weekly_run_is_due_once_a_week_whatever_the_clocks_do() {
        use chrono_tz::{Africa, America, Asia, Australia, Europe};
        let zones = [
            Europe::Berlin,
            America::New_York,
            America::Santiago,
            Australia::Lord_Howe,
            Africa::Casablanca,
            Asia::Kathmandu,
        ];
        for zone in zones {
            let mut due: BTreeMap<&str, Vec<DateTime<Utc>>> = BTreeMap::new();
            let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
            let (mut now, end) = (time("2026-01-01T00:00:00Z"), time("2027-01-01T00:00:00Z"));
            while now < end {
                for (workflow, at) in latest_times(zone, now) {
                    let times = due.entry(workflow.as_str()).or_default();
                    if times.last() != Some(&at) {
                        // Zones differ by whole quarters of an hour, so it is asked for at the very minute.
                        assert!(times.is_empty() || now == at, "{zone}: {workflow} due {at}, seen {now}");
                        times.push(at);
                    }
                }
                now += Duration::minutes(15);
            }
            assert_eq!(due.len(), WEEKLY.len());
            for (workflow, times) in due {
                let local: Vec<_> = times.iter().map(|at| at.with_timezone(&zone).naive_local()).collect();
                assert!(local.windows(2).all(|pair| pair[1] - pair[0] == Duration::days(7)), "{zone}: {workflow}");
                assert!((52..=54).contains(&local.len()), "{zone}: {workflow} {}", local.len());
            }
        }
    }
}
