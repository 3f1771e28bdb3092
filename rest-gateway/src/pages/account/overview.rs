//! The first page of an account: what needs a decision, what goes out this week, how things stand.

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::brands::{self, Brand};
use entity::connections::ConnectionStatus;
use entity::content::{self, ContentStatus, Counts, Filter};
use entity::customers::{Customer, SubscriptionState};
use entity::db::{Db, now};
use entity::events::{self, Event, EventType, TypeFilter};
use entity::ids::CustomerId;
use entity::keys;
use entity::proposals::{self, ProposalStatus};
use entity::snapshots::{self, Snapshot};
use entity::workflows::{self, Run, RunStatus, StepStatus, Workflow};
use marketing::performance::Numbers;
use minijinja::{Value, context};
use platforms::Platforms;
use serde::Deserialize;
use web::session::Visitor;
use web::{ApiError, timestamp};

use super::calendar::{self, Span};
use super::piece::shown;
use super::said::Said;
use super::{Frame, Section, activity, reports};
use crate::Gateway;
use crate::pages::{chart, words};

/// More than that are counted, not shown.
const PIECES: u64 = 10;
const PROPOSALS: u64 = 5;
const EVENTS: u64 = 12;
const QUESTIONS: usize = 3;
const RUNS: u64 = 5;
/// So many weeks are drawn.
const WEEKS: u64 = 12;

/// What was just done here.
#[derive(Debug, Deserialize)]
pub struct OverviewQuery {
    said: Option<String>,
}

/// The overview.
pub async fn show(
    visitor: Visitor,
    Query(query): Query<OverviewQuery>,
    State(gateway): State<Gateway>,
) -> Result<Response, ApiError> {
    page(&gateway, &visitor.customer, Said::done(query.said.as_deref())).await
}

/// The page, with something to say.
pub async fn page(gateway: &Gateway, customer: &Customer, said: Said) -> Result<Response, ApiError> {
    let (db, id) = (&gateway.db, &customer.id);
    let frame = Frame::read(db, customer, Section::Overview).await?;
    let (now, zone) = (now(), frame.zone);
    let brand = brands::get(db, id).await?;
    let counts = content::counts(db, id, now).await?;
    let in_review = Filter { status: Some(ContentStatus::InReview), ..Filter::default() };
    let waiting = content::list(db, id, &in_review, None, PIECES).await?.pieces;
    let waiting = content::with_words(db, id, waiting).await?;
    let proposals = proposals::list(db, id, ProposalStatus::Open, None, None, PROPOSALS).await?.proposals;
    let events = events::list(db, id, &TypeFilter::Any, None, EVENTS).await?.events;
    let leaks = keys::leaked_lately(db, id).await?;
    let week = Span::week_of(now.with_timezone(&zone).date_naive());
    let kept = snapshots::list(db, id, None, WEEKS).await?;
    let values = context! {
        said => said.values(),
        leaks => leaks.iter().map(|leak| leak_values(leak, zone)).collect::<Vec<Value>>(),
        is_past_due => customer.subscription == SubscriptionState::PastDue,
        counts => counted(counts),
        more_waiting => counts.in_review.saturating_sub(PIECES),
        waiting => waiting.iter().map(|it| shown::piece(it, zone)).collect::<Vec<Value>>(),
        proposals => proposals.iter().map(reports::proposal).collect::<Vec<Value>>(),
        week => calendar::days(db, id, week, zone, None).await?,
        numbers => numbers(&kept),
        connections => needing_attention(&gateway.platforms, id).await?,
        runs => running(db, id, zone).await?,
        brand => completeness(&brand),
        events => events.iter().map(|event| activity::values(event, now, zone)).collect::<Vec<Value>>(),
    };
    frame.page(&gateway.site, "overview.html", values)
}

fn leak_values(leak: &Event, zone: Tz) -> Value {
    context! { sentence => words::sentence(leak, zone), is_of_app => leak.event_type == EventType::GrantLeaked }
}

fn completeness(brand: &Brand) -> Value {
    let found = marketing::brand::completeness(&brand.profile, brand.name.as_deref());
    let missing: Vec<Value> = found.missing.iter().map(|question| Value::from(words::field(question.field))).collect();
    let questions: Vec<Value> =
        found.missing.iter().take(QUESTIONS).map(|question| Value::from(question.question)).collect();
    context! { percent => found.percent, missing, questions }
}

fn counted(counts: Counts) -> Value {
    context! {
        in_review => counts.in_review,
        changes_requested => counts.changes_requested,
        drafts => counts.drafts,
        scheduled_unapproved => counts.scheduled_unapproved,
        missed => counts.missed,
    }
}

/// A number of the overview: its label, where it comes from, and how it is read from a week's snapshot.
struct Key {
    label: &'static str,
    source: &'static str,
    /// Where to go to see more, after the address of the overview.
    href: &'static str,
    /// What to do while it is not known.
    missing: &'static str,
    read: fn(&Numbers) -> Option<f64>,
}

const KEYS: [Key; 4] = [
    Key {
        label: "Published",
        source: "HeyCMO",
        href: "/content?status=published",
        missing: "Counted from the first Monday on",
        read: |numbers| {
            // What was published nowhere is not in the list: a week that was counted had none.
            let published = numbers.measures.iter().filter(|measure| measure.metric == "published");
            Some(published.map(|measure| measure.value).sum())
        },
    },
    Key {
        label: "Visits",
        source: "Google Analytics",
        href: "/connections",
        missing: "Connect Google Analytics to see them",
        read: |numbers| numbers.value("google_analytics", "sessions"),
    },
    Key {
        label: "Leads",
        source: "HeyCMO",
        href: "/activity?kind=leads",
        missing: "Counted from the first Monday on",
        read: |numbers| numbers.value("heycmo", "leads"),
    },
    Key {
        label: "Page score",
        source: "Scans",
        href: "/scans",
        missing: "Scan a page to see it",
        read: |numbers| numbers.value("heycmo", "findings_score"),
    },
];

/// Each number of the newest week against the week before. Of several snapshots of the same days the newest counts.
fn numbers(kept: &[Snapshot]) -> Value {
    let mut weeks: Vec<(&Snapshot, Numbers)> = Vec::new();
    for snapshot in kept {
        if weeks.iter().all(|(known, _)| known.last_day != snapshot.last_day) {
            weeks.push((snapshot, Numbers::of(snapshot)));
        }
    }
    let cards: Vec<Value> = KEYS.iter().map(|key| card(key, &weeks)).collect();
    let rows: Vec<Value> = weeks
        .iter()
        .map(|(snapshot, numbers)| {
            let cells: Vec<Option<String>> = KEYS.iter().map(|key| (key.read)(numbers).map(words::number)).collect();
            context! { days => format!("{} to {}", words::day(snapshot.first_day), words::day(snapshot.last_day)), cells }
        })
        .collect();
    context! { cards, rows, labels => KEYS.map(|key| key.label) }
}

fn card(key: &Key, weeks: &[(&Snapshot, Numbers)]) -> Value {
    let mut values: Vec<f64> = weeks.iter().filter_map(|(_, numbers)| (key.read)(numbers)).collect();
    let now = weeks.first().and_then(|(_, numbers)| (key.read)(numbers));
    let before = weeks.get(1).and_then(|(_, numbers)| (key.read)(numbers));
    values.reverse();
    let change = now.zip(before).map(|(now, before)| change(now, before));
    context! {
        label => key.label,
        source => key.source,
        href => key.href,
        missing => key.missing,
        value => now.map(words::number),
        change,
        picture => (values.len() > 1 && now.is_some()).then(|| Value::from_safe_string(chart::sparkline(&values))),
    }
}

/// In words, and which way.
fn change(now: f64, before: f64) -> Value {
    let (text, way) = match now - before {
        0.0 => (format!("as the week before ({})", words::number(before)), "same"),
        more if more > 0.0 => (format!("{} more than the week before", words::number(more)), "up"),
        less => (format!("{} less than the week before", words::number(-less)), "down"),
    };
    context! { text, way }
}

/// The platforms that stopped to work or wait for the person, as we last knew, and those that work. The page of
/// connections asks.
async fn needing_attention(platforms: &Platforms, customer_id: &CustomerId) -> Result<Value, ApiError> {
    if !platforms.is_configured() {
        return Ok(context! { is_configured => false });
    }
    let standings = platforms.last_known(customer_id).await?;
    let needing = standings
        .iter()
        .filter(|it| matches!(it.status, ConnectionStatus::NeedsReconnect | ConnectionStatus::Pending))
        .map(|it| {
            context! {
                platform => it.facts.platform.as_str(),
                name => it.facts.name,
                is_lost => it.status == ConnectionStatus::NeedsReconnect,
                reason => it.reason.clone(),
            }
        });
    let needing: Vec<Value> = needing.collect();
    let connected = standings.iter().filter(|it| it.status == ConnectionStatus::Connected);
    let connected: Vec<&str> = connected.map(|it| it.facts.name).collect();
    Ok(context! { is_configured => true, needing, connected })
}

/// What is under way. Pieces that wait for their time are in the calendar.
async fn running(db: &Db, customer_id: &CustomerId, zone: Tz) -> Result<Vec<Value>, ApiError> {
    let mut running = Vec::new();
    for status in [RunStatus::Running, RunStatus::Queued] {
        let filter = workflows::Filter { workflow: None, status: Some(status) };
        let runs = workflows::list(db, customer_id, filter, None, RUNS * 4).await?.runs;
        let shown = runs.into_iter().filter(|run| run.workflow != Workflow::PublishDue);
        for run in shown.take(usize::try_from(RUNS).unwrap_or_default()) {
            running.push(run_values(db, &run, zone).await?);
        }
    }
    Ok(running)
}

async fn run_values(db: &Db, run: &Run, zone: Tz) -> Result<Value, ApiError> {
    let steps = workflows::steps(db, run).await?;
    let done = steps.iter().filter(|step| step.status == StepStatus::Completed).count();
    let current = steps.iter().rev().find(|step| step.status != StepStatus::Completed);
    let since: DateTime<Utc> = run.started_at.unwrap_or(run.created_at);
    Ok(context! {
        id => run.id.as_str(),
        name => words::work(run.workflow),
        is_queued => run.status == RunStatus::Queued,
        is_waiting => current.is_some_and(|step| step.status == StepStatus::Waiting),
        step => current.map(|step| words::step(&step.name)),
        done,
        since => words::time(since, zone),
        timestamp => timestamp(since),
    })
}
