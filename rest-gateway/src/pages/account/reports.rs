//! Reports on the numbers, and the proposals that follow from them.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use entity::customers::Customer;
use entity::db::Db;
use entity::ids::{ProposalId, RunId};
use entity::proposals::{self, Confidence, Part, Proposal, ProposalStatus, Verdict};
use entity::reports::{self, Summary};
use marketing::insights::Severity;
use marketing::optimization::{approve, in_words as held, roll_back};
use marketing::performance::{Unit, metric_words};
use marketing::report::{Anomaly, ChannelMetric, Report};
use marketing::written;
use minijinja::{Value, context};
use serde::Deserialize;
use web::session::{SameOrigin, Visitor, see_other};
use web::{ApiError, timestamp};

use super::said::{Said, Typed, refusal};
use super::{CameFrom, Frame, Section, home, overview};
use crate::Gateway;
use crate::pages::chart::{self, Bar};
use crate::pages::{Site, words};

const PAGE: u64 = 20;
const MAX_PROPOSALS: u64 = 50;
const MAX_REASON_CHARS: usize = 2_000;
/// The rest is in the table.
const MAX_BARS: usize = 8;

/// Which reports, and what was just done.
#[derive(Debug, Deserialize)]
pub struct ReportsQuery {
    before: Option<RunId>,
    said: Option<String>,
}

/// The proposals that wait for a decision, and the reports.
pub async fn list(
    visitor: Visitor,
    Query(query): Query<ReportsQuery>,
    State(gateway): State<Gateway>,
) -> Result<Response, ApiError> {
    let said = Said::done(query.said.as_deref());
    list_page(&gateway, &visitor.customer, query.before.as_ref(), said).await
}

async fn list_page(
    gateway: &Gateway,
    customer: &Customer,
    before: Option<&RunId>,
    said: Said,
) -> Result<Response, ApiError> {
    let (db, id) = (&gateway.db, &customer.id);
    let frame = Frame::read(db, customer, Section::Reports).await?;
    let page = reports::list(db, id, before, PAGE).await?;
    let with_status = async |status| match before {
        None => Ok(proposals::list(db, id, status, None, None, MAX_PROPOSALS).await?.proposals),
        Some(_) => Ok::<_, ApiError>(Vec::new()),
    };
    let open = with_status(ProposalStatus::Open).await?;
    let approved = with_status(ProposalStatus::Approved).await?;
    let values = context! {
        said => said.values(),
        is_first => before.is_none(),
        open => open.iter().map(proposal).collect::<Vec<Value>>(),
        approved => approved.iter().map(proposal).collect::<Vec<Value>>(),
        reports => page.reports.iter().map(row).collect::<Vec<Value>>(),
        next => page.next.map(|id| id.to_string()),
    };
    frame.page(&gateway.site, "reports.html", values)
}

fn row(report: &Summary) -> Value {
    context! {
        id => report.run_id.as_str(),
        headline => report.headline.as_str(),
        from => words::day(report.first_day),
        to => words::day(report.last_day),
    }
}

/// A proposal as pages show it.
pub fn proposal(proposal: &Proposal) -> Value {
    context! {
        id => proposal.id.as_str(),
        title => proposal.title.as_str(),
        change => match proposal.part {
            Part::VoiceDo(_) => "Your brand profile then says so of every text.".to_owned(),
            Part::VoiceDont(_) => "Your brand profile then has it among what no text does.".to_owned(),
            _ => format!("Now {}; then {}.", held(&proposal.part, &proposal.current), held(&proposal.part, &proposal.proposed)),
        },
        evidence => texts(&proposal.evidence.0, |fact| &fact.text),
        expected_effect => proposal.expected_effect.as_str(),
        confidence => match proposal.confidence {
            Confidence::Low => "More than chance, on few examples",
            Confidence::Medium => "Probably so",
            Confidence::High => "Hardly chance",
        },
        decided_by => proposal.decided_by.clone(),
    }
}

/// Which proposal.
#[derive(Debug, Deserialize)]
pub struct ProposalPath {
    proposal_id: String,
}

/// What is to become of a proposal.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    Approve,
    Reject,
    RollBack,
}

/// A decision on a proposal.
#[derive(Debug, Deserialize)]
pub struct DecisionForm {
    decision: Wanted,
    #[serde(default)]
    reason: String,
    from: Option<CameFrom>,
}

/// Decides on a proposal as the owner of the account.
pub async fn decide(
    _: SameOrigin,
    visitor: Visitor,
    Path(path): Path<ProposalPath>,
    State(gateway): State<Gateway>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, ApiError> {
    let id: ProposalId = path.proposal_id.parse().map_err(|_| ApiError::not_found())?;
    let customer = visitor.customer;
    match (decided(&gateway.db, &customer, &id, &form).await, form.from) {
        (Ok(said), None) => Ok(see_other(&format!("{}/reports?said={said}", home(&customer.id)))),
        (Ok(said), Some(CameFrom::Overview)) => Ok(see_other(&format!("{}?said={said}", home(&customer.id)))),
        (Err(error), from) => {
            let problem = refusal(error)?;
            let typed = Typed { id: id.to_string(), form: "reject", text: form.reason };
            let said = Said::refused(&problem, &customer.id).with(typed);
            let page = match from {
                None => list_page(&gateway, &customer, None, said).await?,
                Some(CameFrom::Overview) => overview::page(&gateway, &customer, said).await?,
            };
            Ok((problem.status, page).into_response())
        }
    }
}

/// What was done, as the address says it.
async fn decided(db: &Db, customer: &Customer, id: &ProposalId, form: &DecisionForm) -> Result<&'static str, ApiError> {
    let reason = form.reason.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(ApiError::invalid("reason", format!("must be at most {MAX_REASON_CHARS} characters")));
    }
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    let verdict = Verdict { decided_by: customer.email.clone(), reason };
    Ok(match form.decision {
        Wanted::Approve => approve(db, &customer.id, id, verdict).await.map(|_| "proposal_approved"),
        Wanted::Reject => proposals::reject(db, &customer.id, id, verdict).await.map(|_| "proposal_rejected"),
        Wanted::RollBack => roll_back(db, &customer.id, id, verdict).await.map(|_| "proposal_taken_back"),
    }?)
}

/// Which report.
#[derive(Debug, Deserialize)]
pub struct ReportPath {
    run_id: String,
}

/// One report.
pub async fn show(
    visitor: Visitor,
    Path(path): Path<ReportPath>,
    State(site): State<Site>,
    State(db): State<Db>,
) -> Result<Response, ApiError> {
    let run_id: RunId = path.run_id.parse().map_err(|_| ApiError::not_found())?;
    let frame = Frame::read(&db, &visitor.customer, Section::Reports).await?;
    let kept = reports::get(&db, &visitor.customer.id, &run_id).await?;
    // A report of an earlier version of HeyCMO may be in another form; then its headline is all that can be shown.
    let report: Option<Report> = serde_json::from_value(kept.data).ok();
    let values = context! {
        headline => kept.headline,
        first_day => words::day(kept.first_day),
        last_day => words::day(kept.last_day),
        at => words::time(kept.created_at, frame.zone),
        timestamp => timestamp(kept.created_at),
        report => report.map(|report| whole(&report, frame.zone)),
    };
    frame.page(&site, "report.html", values)
}

fn whole(report: &Report, zone: Tz) -> Value {
    let narrative = report.narrative.as_deref().unwrap_or_default();
    let tables = report.channel_metrics.chunk_by(ChannelMetric::is_shown_with);
    let table = |these: &[ChannelMetric]| {
        let first = these.first()?;
        let rows: Vec<Value> = these.iter().map(number).collect();
        Some(context! {
            name => first.name.as_str(),
            account => first.account.as_str(),
            from => words::day(first.days.from),
            to => words::day(first.days.to),
            read => words::time(first.number.query.fetched_at, zone),
            timestamp => timestamp(first.number.query.fetched_at),
            chart => chart_of(first, these),
            rows,
        })
    };
    context! {
        previous_from => words::day(report.previous.from),
        previous_to => words::day(report.previous.to),
        narrative => narrative.split_terminator("\n\n").map(str::to_owned).collect::<Vec<String>>(),
        recommendations => report.recommendations.iter().map(|advice| context! {
            what => advice.recommendation.as_str(),
            because => advice.because.as_str(),
            place => place(&advice.tool),
        }).collect::<Vec<Value>>(),
        weights => texts(&report.adjusted_weights, |weights| &weights.proposal),
        insights => report.insights.iter().map(|insight| context! {
            text => insight.without_call(),
            is_good => insight.severity == Severity::Positive,
            is_bad => insight.severity == Severity::Negative,
        }).collect::<Vec<Value>>(),
        anomalies => report.anomalies.iter().map(anomaly).collect::<Vec<Value>>(),
        tables => tables.filter_map(table).collect::<Vec<Value>>(),
        missing => texts(&report.missing, |missing| &missing.why),
        gaps => texts(&report.gaps, |gap| &gap.why),
        notes => report.notes.clone(),
    }
}

fn texts<T>(things: &[T], text: impl Fn(&T) -> &String) -> Vec<String> {
    things.iter().map(|thing| text(thing).clone()).collect()
}

/// Where a person does what is advised, by the tool that an assistant begins with: label, and what follows the address
/// of the overview.
fn place(tool: &str) -> Option<[&'static str; 2]> {
    Some(match tool {
        "connect_platform" | "list_connections" => ["Connections", "/connections"],
        "list_scans" | "scan_page" => ["Scans", "/scans"],
        "plan_calendar" => ["Calendar", "/content?view=week"],
        "list_events" => ["Leads", "/activity?kind=leads"],
        _ => return None,
    })
}

/// What is counted, beside what it was; none where there is nothing to compare.
fn chart_of(first: &ChannelMetric, these: &[ChannelMetric]) -> Option<Value> {
    let bars: Vec<Bar> = these.iter().filter_map(bar).take(MAX_BARS).collect();
    let (more, less) = (bars.iter().filter(|bar| bar.now > bar.before), bars.iter().filter(|bar| bar.now < bar.before));
    let title = match (more.count(), less.count()) {
        _ if bars.len() < 2 => return None,
        (0, 0) => format!("{}: as many as before", first.name),
        (more, 0) => format!("{}: more of {more} of {}", first.name, bars.len()),
        (0, less) => format!("{}: less of {less} of {}", first.name, bars.len()),
        (more, less) => format!("{}: more of {more}, less of {less} of {}", first.name, bars.len()),
    };
    let description = "Each number, and below it, lighter, what it was before. The table has all of them.";
    Some(Value::from_safe_string(chart::comparison(&title, description, &bars)))
}

fn bar(metric: &ChannelMetric) -> Option<Bar> {
    let number = &metric.number;
    let (now, before) = (number.value?, number.previous?);
    let is_drawn = number.unit == Unit::Count && now >= 0.0 && before >= 0.0 && now + before > 0.0;
    let name = number.part.clone().unwrap_or_else(|| metric_words(&number.metric));
    is_drawn.then(|| Bar { name, now, before, label: number.unit.written(now) })
}

fn number(metric: &ChannelMetric) -> Value {
    let number = &metric.number;
    context! {
        what => number.part.clone().unwrap_or_else(|| metric_words(&number.metric)),
        value => number.value.map(|value| number.unit.written(value)),
        previous => number.previous.map(|value| number.unit.written(value)),
        change => metric.change_in_words(),
    }
}

fn anomaly(anomaly: &Anomaly) -> Value {
    let outlier = &anomaly.outlier;
    context! {
        day => words::day(outlier.date),
        what => format!("{}, {}", anomaly.name, metric_words(&anomaly.metric)),
        value => written(outlier.value, 0),
        usual => format!("{} to {}", written(outlier.low, 0), written(outlier.high, 0)),
    }
}
