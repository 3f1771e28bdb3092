//! Reports on the numbers of the last days, from all connected sources; told by the model where there is one.

mod own;
mod source;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::connections::Platform;
use entity::db::{Db, now};
use entity::ids::{CustomerId, RunId};
use entity::proposals::{self, ProposalStatus};
use entity::reports::{self, NewReport};
use entity::snapshots;
use entity::workflows::Workflow;
use entity::{Result as Stored, brands};
use futures::future::{try_join, try_join_all};
use inngest::{Function, Input, Result, Step, create_function};
use marketing::narrative::narrate;
use marketing::optimization::renew_proposals;
use marketing::performance::Numbers;
use marketing::report::{AdjustedWeights, Days, Missing, Report, Source, markdown, uri};
use model::Model;
use platforms::metrics::Period;
use platforms::{Platforms, facts};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::options;
use super::run::{Asked, Run, durable, failed};

/// More is in the report itself.
const INSIGHTS_IN_OUTPUT: usize = 5;
/// Snapshots of the same days that are looked through.
const SNAPSHOTS: u64 = 20;

/// Open proposals that are looked through for weights: more never wait.
const PROPOSALS: u64 = 100;

/// For when; for now when nothing is said.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    due_at: Option<DateTime<Utc>>,
    #[serde(default)]
    period: Wide,
}

/// How many days.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
enum Wide {
    #[default]
    #[serde(rename = "last_7_days")]
    Seven,
    #[serde(rename = "last_30_days")]
    Thirty,
}

/// Which days: all steps look at the same ones, whatever the clock and the brand say meanwhile.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Chosen {
    at: DateTime<Utc>,
    zone: String,
    wide: Wide,
}

impl Chosen {
    fn zone(&self) -> Tz {
        self.zone.parse().unwrap_or(Tz::UTC)
    }

    fn period(&self) -> Period {
        let days = match self.wide {
            Wide::Seven => 7,
            Wide::Thirty => 30,
        };
        Period::last_days(days, self.at, self.zone())
    }
}

/// What came of reading a source.
type Read = std::result::Result<Source, Missing>;

pub fn function(db: Db, platforms: Platforms, model: Option<Model>) -> Function {
    let on_failure = db.clone();
    create_function(options(Workflow::AnalyticsReport), move |input: Input<Asked<Wanted>>, step| {
        report(db.clone(), platforms.clone(), model.clone(), input, step)
    })
    .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn report(
    db: Db,
    platforms: Platforms,
    model: Option<Model>,
    input: Input<Asked<Wanted>>,
    step: Step,
) -> Result<Value> {
    let Asked { run_id, customer_id, input: Wanted { due_at, period } } = input.event.data;
    let Some(run) = Run::begin(&db, &run_id, &input.run_id, step).await? else { return Ok(Value::Null) };
    let chosen: Chosen = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        let choose = move || async move {
            let zone = durable(brands::get(&db, &customer_id).await)?.time_zone.name().to_owned();
            Ok(Chosen { at: due_at.unwrap_or_else(now), zone, wide: period })
        };
        run.step("choose_days", choose).await?
    };
    let (days, zone) = (chosen.period(), chosen.zone());
    let of_platforms = Platform::ALL.into_iter().filter(|platform| facts(*platform).metrics).map(|platform| {
        let (db, platforms, customer_id) = (db.clone(), platforms.clone(), customer_id.clone());
        let read = move || async move { source::read(&db, &platforms, &customer_id, platform, days).await };
        run.step(format!("read {platform}"), read)
    });
    let own = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        let read = move || async move { durable(own::read(&db, &customer_id, days, zone).await) };
        run.step("read heycmo", read)
    };
    let (of_platforms, own): (Vec<Read>, Source) = try_join(try_join_all(of_platforms), own).await?;
    let weights: Vec<AdjustedWeights> = {
        let (db, customer_id) = (db.clone(), customer_id.clone());
        let propose = move || async move { durable(adjusted_weights(&db, &customer_id).await) };
        run.step("adjust_weights", propose).await?
    };
    let mut report = made(&chosen, of_platforms, own);
    report.adjusted_weights = weights;
    if let Some(model) = model {
        let (db, customer_id, facts) = (db.clone(), customer_id.clone(), report.facts());
        let narrate = move || async move {
            let brand = durable(brands::get(&db, &customer_id).await)?;
            Ok(narrate(&model, &facts, &brand).await)
        };
        report.narrative = run.step("narrate", narrate).await?;
    }
    let keep = move || async move { durable(keep(&db, &customer_id, run_id, chosen.period(), report).await) };
    let output = run.step("keep", keep).await?;
    run.complete(output).await
}

/// What the posts say of weights now, as proposals that wait for a decision.
async fn adjusted_weights(db: &Db, customer_id: &CustomerId) -> Stored<Vec<AdjustedWeights>> {
    renew_proposals(db, customer_id).await?;
    let open = proposals::list(db, customer_id, ProposalStatus::Open, None, None, PROPOSALS).await?;
    Ok(open.proposals.iter().filter_map(AdjustedWeights::of).collect())
}

/// The report of what was read; the same of the same.
fn made(chosen: &Chosen, of_platforms: Vec<Read>, own: Source) -> Report {
    let (mut sources, mut missing) = (Vec::new(), Vec::new());
    for read in of_platforms {
        match read {
            Ok(source) => sources.push(source),
            Err(source) => missing.push(source),
        }
    }
    sources.push(own);
    let period = chosen.period();
    Report::of(days(period), days(period.previous()), &chosen.zone, &sources, missing)
}

async fn keep(db: &Db, customer_id: &CustomerId, run_id: RunId, period: Period, report: Report) -> Stored<Value> {
    let new = NewReport {
        run_id: run_id.clone(),
        first_day: period.first(),
        last_day: period.last(),
        headline: report.headline.clone(),
        data: json!(report),
        markdown: markdown(&report),
    };
    reports::save(db, customer_id, new).await?;
    Ok(json!({
        "uri": uri(run_id.as_str()),
        "from": period.first(),
        "to": period.last(),
        "headline": report.headline,
        "anomalies": report.anomalies.len(),
        "insights": report.insights.iter().take(INSIGHTS_IN_OUTPUT).collect::<Vec<_>>(),
        "recommendations": report.recommendations,
        "adjustedWeights": report.adjusted_weights,
        "missing": report.missing,
    }))
}

/// What was kept of these very days when they had just ended: numbers that are only told as of now.
async fn kept(db: &Db, customer_id: &CustomerId, period: Period) -> Stored<Option<Numbers>> {
    let kept = snapshots::list(db, customer_id, Some(period.last()), SNAPSHOTS).await?;
    let is_of_these = |it: &&snapshots::Snapshot| (it.first_day, it.last_day) == (period.first(), period.last());
    Ok(kept.iter().find(is_of_these).map(Numbers::of))
}

const fn days(period: Period) -> Days {
    Days { from: period.first(), to: period.last() }
}
