//! Reports on the numbers, and the proposals that follow from them.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use entity::customers::Customer;
use entity::db::Db;
use entity::ids::{ProposalId, RunId};
use entity::proposals::{self, Confidence, Proposal, ProposalStatus, Verdict};
use entity::reports::{self, Summary};
use marketing::insights::Severity;
use marketing::optimization::{approve, in_words as held, roll_back};
use marketing::performance::metric_words;
use marketing::report::{Anomaly, ChannelMetric, Report};
use minijinja::{Value, context};
use serde::Deserialize;
use web::session::{SameOrigin, Visitor, see_other};
use web::{ApiError, timestamp};

use super::{Frame, Section, home, in_words, refusal};
use crate::pages::{Site, words};

const PAGE: u64 = 20;
const MAX_PROPOSALS: u64 = 50;
const MAX_REASON_CHARS: usize = 2_000;

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
    State(site): State<Site>,
    State(db): State<Db>,
) -> Result<Response, ApiError> {
    let message = query.said.as_deref().and_then(said);
    list_page(&site, &db, &visitor.customer, query.before.as_ref(), (message, None)).await
}

/// What was just done with a proposal, in words.
fn said(code: &str) -> Option<&'static str> {
    Some(match code {
        "approved" => "The brand profile is changed. The calendar follows when it is planned next.",
        "rejected" => "It is left as it is. The same is not proposed again for eight weeks, unless more speaks for it.",
        "taken_back" => "The brand profile is as it was before.",
        _ => return None,
    })
}

async fn list_page(
    site: &Site,
    db: &Db,
    customer: &Customer,
    before: Option<&RunId>,
    (message, problem): (Option<&str>, Option<&str>),
) -> Result<Response, ApiError> {
    let frame = Frame::read(db, customer, Section::Reports).await?;
    let page = reports::list(db, &customer.id, before, PAGE).await?;
    let with_status = async |status| proposals::list(db, &customer.id, status, None, None, MAX_PROPOSALS).await;
    let (open, approved) = match before {
        None => {
            (with_status(ProposalStatus::Open).await?.proposals, with_status(ProposalStatus::Approved).await?.proposals)
        }
        Some(_) => (Vec::new(), Vec::new()),
    };
    let values = context! {
        message,
        problem,
        is_first => before.is_none(),
        open => open.iter().map(proposal).collect::<Vec<Value>>(),
        approved => approved.iter().map(proposal).collect::<Vec<Value>>(),
        reports => page.reports.iter().map(row).collect::<Vec<Value>>(),
        next => page.next.map(|id| id.to_string()),
    };
    frame.page(site, "reports.html", values)
}

fn row(report: &Summary) -> Value {
    context! {
        id => report.run_id.as_str(),
        headline => report.headline.as_str(),
        from => words::day(report.first_day),
        to => words::day(report.last_day),
    }
}

fn proposal(proposal: &Proposal) -> Value {
    context! {
        id => proposal.id.as_str(),
        title => proposal.title.as_str(),
        current => held(&proposal.part, &proposal.current),
        proposed => held(&proposal.part, &proposal.proposed),
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
}

/// Decides on a proposal as the owner of the account.
pub async fn decide(
    _: SameOrigin,
    visitor: Visitor,
    Path(path): Path<ProposalPath>,
    State(site): State<Site>,
    State(db): State<Db>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, ApiError> {
    let id: ProposalId = path.proposal_id.parse().map_err(|_| ApiError::not_found())?;
    match decided(&db, &visitor.customer, &id, form).await {
        Ok(code) => Ok(see_other(&format!("{}/reports?said={code}", home(&visitor.customer.id)))),
        Err(error) => {
            let problem = refusal(error)?;
            let page = list_page(&site, &db, &visitor.customer, None, (None, Some(&in_words(&problem)))).await?;
            Ok((problem.status, page).into_response())
        }
    }
}

async fn decided(db: &Db, customer: &Customer, id: &ProposalId, form: DecisionForm) -> Result<&'static str, ApiError> {
    let reason = form.reason.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(ApiError::invalid("reason", format!("must be at most {MAX_REASON_CHARS} characters")));
    }
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    let verdict = Verdict { decided_by: customer.email.clone(), reason };
    Ok(match form.decision {
        Wanted::Approve => approve(db, &customer.id, id, verdict).await.map(|_| "approved"),
        Wanted::Reject => proposals::reject(db, &customer.id, id, verdict).await.map(|_| "rejected"),
        Wanted::RollBack => roll_back(db, &customer.id, id, verdict).await.map(|_| "taken_back"),
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
        report => report.map(|report| whole(&report)),
    };
    frame.page(&site, "report.html", values)
}

fn whole(report: &Report) -> Value {
    let narrative = report.narrative.as_deref().unwrap_or_default();
    let mut tables: Vec<(&ChannelMetric, Vec<Value>)> = Vec::new();
    for metric in &report.channel_metrics {
        match tables.last_mut().filter(|(first, _)| first.is_shown_with(metric)) {
            Some((_, rows)) => rows.push(number(metric)),
            None => tables.push((metric, vec![number(metric)])),
        }
    }
    let table = |(first, rows): &(&ChannelMetric, Vec<Value>)| {
        context! {
            name => first.name.as_str(),
            account => first.account.as_str(),
            from => words::day(first.days.from),
            to => words::day(first.days.to),
            call => first.number.query.call(),
            rows,
        }
    };
    context! {
        previous_from => words::day(report.previous.from),
        previous_to => words::day(report.previous.to),
        narrative => narrative.split_terminator("\n\n").map(str::to_owned).collect::<Vec<String>>(),
        recommendations => report.recommendations.iter().map(|advice| context! {
            what => advice.recommendation.as_str(),
            because => advice.because.as_str(),
        }).collect::<Vec<Value>>(),
        weights => texts(&report.adjusted_weights, |weights| &weights.proposal),
        insights => report.insights.iter().map(|insight| context! {
            text => insight.without_call(),
            is_good => insight.severity == Severity::Positive,
            is_bad => insight.severity == Severity::Negative,
        }).collect::<Vec<Value>>(),
        anomalies => report.anomalies.iter().map(anomaly).collect::<Vec<Value>>(),
        tables => tables.iter().map(table).collect::<Vec<Value>>(),
        missing => texts(&report.missing, |missing| &missing.why),
        gaps => texts(&report.gaps, |gap| &gap.why),
        notes => report.notes.clone(),
    }
}

fn texts<T>(things: &[T], text: impl Fn(&T) -> &String) -> Vec<String> {
    things.iter().map(|thing| text(thing).clone()).collect()
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
        value => format!("{:.0}", outlier.value),
        usual => format!("{:.0} to {:.0}", outlier.low, outlier.high),
    }
}
