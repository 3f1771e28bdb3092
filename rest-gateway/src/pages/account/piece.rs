//! One piece of content: its words, its versions, and what its owner decides on it.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use entity::brands;
use entity::connections::ConnectionStatus;
use entity::content::{
    self, ContentStatus, Decision, Draft, Finding, Piece, Review, Revision, Schedule, Scheduled, Severity,
};
use entity::customers::Customer;
use entity::db::{Db, now};
use entity::ids::ContentId;
use entity::publications::{self, Publication, PublicationStatus};
use marketing::calendar::instant;
use minijinja::{Value, context};
use platforms::publishing::Outcome;
use platforms::table::platform_of;
use platforms::{Platforms, facts};
use serde::Deserialize;
use web::session::{SameOrigin, Visitor, see_other};
use web::{ApiError, timestamp};

use super::overview::{self, Said};
use super::{Frame, Section, home, in_words, refusal, zone};
use crate::pages::{Site, compare, words};

/// Of revisions and decisions; the assistant reads older ones.
const HISTORY: u64 = 50;
const MAX_REASON_CHARS: usize = 2_000;

/// Which piece.
#[derive(Debug, Deserialize)]
pub struct PiecePath {
    content_id: String,
}

impl PiecePath {
    fn content_id(&self) -> Result<ContentId, ApiError> {
        self.content_id.parse().map_err(|_| ApiError::not_found())
    }
}

/// Which version the current one is compared with, and what was just done.
#[derive(Debug, Deserialize)]
pub struct PieceQuery {
    compare: Option<i64>,
    said: Option<String>,
}

/// A piece.
pub async fn show(
    visitor: Visitor,
    Path(path): Path<PiecePath>,
    Query(query): Query<PieceQuery>,
    State(site): State<Site>,
    State(db): State<Db>,
    State(platforms): State<Platforms>,
) -> Result<Response, ApiError> {
    let desk = Desk { site, db, platforms, customer: visitor.customer, id: path.content_id()? };
    let said = Said { message: query.said.as_deref().and_then(said), problem: None };
    desk.page(query.compare, said).await
}

/// In our own words what was done here, by its name in the address.
pub fn said(name: &str) -> Option<&'static str> {
    Some(match name {
        "approved" => "Approved. Give it a time, or publish it now.",
        "approved_due" => "Approved. It goes out at its time.",
        "rejected" => "Rejected. It will not go out.",
        "revised" => "Your assistant finds what you want changed with the piece.",
        "scheduled" => "It has its time.",
        "unscheduled" => "It has no time any more.",
        "published" => "It is out.",
        "busy" => "It is on its way out. Look again in a minute.",
        "settled" => "Noted.",
        _ => return None,
    })
}

/// A decision.
#[derive(Debug, Deserialize)]
pub struct ReviewForm {
    decision: Decision,
    revision: i32,
    #[serde(default)]
    reason: String,
    /// The page that it comes from, when that is not the piece's own.
    from: Option<CameFrom>,
}

/// A page that pieces are decided on.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CameFrom {
    Overview,
}

/// Records a decision of the owner's.
pub async fn review(
    _: SameOrigin,
    visitor: Visitor,
    Path(path): Path<PiecePath>,
    State(site): State<Site>,
    State(db): State<Db>,
    State(platforms): State<Platforms>,
    Form(form): Form<ReviewForm>,
) -> Result<Response, ApiError> {
    let desk = Desk { site, db, platforms, customer: visitor.customer, id: path.content_id()? };
    let from = form.from;
    match (desk.review(form).await, from) {
        (Ok(said), None) => Ok(see_other(&format!("{}?said={said}", desk.address()))),
        (Ok(said), Some(CameFrom::Overview)) => Ok(see_other(&format!("{}?said={said}", home(&desk.customer.id)))),
        (Err(error), None) => desk.refused(error).await,
        (Err(error), Some(CameFrom::Overview)) => {
            let problem = refusal(error)?;
            let said = Said { message: None, problem: Some(&in_words(&problem)) };
            let page = overview::page(&desk.site, &desk.db, &desk.platforms, &desk.customer, said).await?;
            Ok((problem.status, page).into_response())
        }
    }
}

/// A time of day on a day, as browsers send it; none takes the time away.
#[derive(Debug, Deserialize)]
pub struct ScheduleForm {
    #[serde(default)]
    at: String,
}

/// Gives a piece its time, or takes it away.
pub async fn schedule(
    _: SameOrigin,
    visitor: Visitor,
    Path(path): Path<PiecePath>,
    State(site): State<Site>,
    State(db): State<Db>,
    State(platforms): State<Platforms>,
    Form(form): Form<ScheduleForm>,
) -> Result<Response, ApiError> {
    let desk = Desk { site, db, platforms, customer: visitor.customer, id: path.content_id()? };
    match desk.schedule(form.at.trim()).await {
        Ok(said) => Ok(see_other(&format!("{}?said={said}", desk.address()))),
        Err(error) => desk.refused(error).await,
    }
}

/// What the owner saw on the platform, where nobody else knows whether the piece is out.
#[derive(Debug, Deserialize)]
pub struct PublishForm {
    is_out: Option<bool>,
}

/// Publishes an approved piece now.
pub async fn publish(
    _: SameOrigin,
    visitor: Visitor,
    Path(path): Path<PiecePath>,
    State(site): State<Site>,
    State(db): State<Db>,
    State(platforms): State<Platforms>,
    Form(form): Form<PublishForm>,
) -> Result<Response, ApiError> {
    let desk = Desk { site, db, platforms, customer: visitor.customer, id: path.content_id()? };
    match desk.publish(form.is_out).await {
        Ok(Ok(said)) => Ok(see_other(&format!("{}?said={said}", desk.address()))),
        Ok(Err(problem)) => desk.told(StatusCode::BAD_GATEWAY, &problem).await,
        Err(error) => desk.refused(error).await,
    }
}

/// A piece, and what it takes to do something with it.
struct Desk {
    site: Site,
    db: Db,
    platforms: Platforms,
    customer: Customer,
    id: ContentId,
}

impl Desk {
    fn address(&self) -> String {
        format!("{}/content/{}", home(&self.customer.id), self.id)
    }

    /// What was done, as the address says it.
    async fn review(&self, form: ReviewForm) -> Result<&'static str, ApiError> {
        let reason = form.reason.trim();
        if reason.chars().count() > MAX_REASON_CHARS {
            return Err(ApiError::invalid("reason", format!("must be at most {MAX_REASON_CHARS} characters")));
        }
        if reason.is_empty() && form.decision != Decision::Approved {
            return Err(ApiError::invalid("reason", "must say why, so that the next version can be better"));
        }
        let brand = brands::get(&self.db, &self.customer.id).await?;
        let Piece { content, current } = content::get(&self.db, &self.customer.id, &self.id).await?;
        let review = Review {
            revision: form.revision,
            decision: form.decision,
            decided_by: self.customer.email.clone(),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            // The brand may have forbidden something since the piece was saved.
            findings: marketing::check(content.kind, &current.draft, &brand.profile),
        };
        let reviewed = content::review(&self.db, &self.customer.id, &self.id, review).await?;
        Ok(match form.decision {
            Decision::Approved if reviewed.piece.content.scheduled_at.is_some_and(|at| at > now()) => "approved_due",
            Decision::Approved => "approved",
            Decision::Rejected => "rejected",
            Decision::Revised => "revised",
        })
    }

    async fn schedule(&self, at: &str) -> Result<&'static str, ApiError> {
        let zone = zone(&self.customer);
        let piece = content::get(&self.db, &self.customer.id, &self.id).await?.content;
        let spacing = marketing::guide(piece.channel).min_spacing;
        let wanted = if at.is_empty() { None } else { Some(Schedule { at: instant(zone, local(at)?), spacing }) };
        match content::schedule(&self.db, &self.customer.id, &self.id, wanted).await? {
            Scheduled::Done(_) if wanted.is_some() => Ok("scheduled"),
            Scheduled::Done(_) => Ok("unscheduled"),
            Scheduled::TooClose { neighbour, next_free } => Err(ApiError::new(
                StatusCode::CONFLICT,
                "too_close",
                format!(
                    "“{}” goes out on {} close to that time. The next free time is {}.",
                    neighbour.label,
                    marketing::guide(piece.channel).name,
                    words::time(next_free, zone)
                ),
            )),
        }
    }

    /// What was done, or why the piece is not out.
    async fn publish(&self, is_out: Option<bool>) -> Result<Result<&'static str, String>, ApiError> {
        if let Some(is_out) = is_out {
            self.platforms.resolve(&self.customer.id, &self.id, is_out).await?;
            if is_out {
                return Ok(Ok("settled"));
            }
        }
        Ok(match self.platforms.publish(&self.customer.id, &self.id).await? {
            Outcome::Published { .. } => Ok("published"),
            Outcome::Busy(_) => Ok("busy"),
            // The page itself shows how it stands and what to do.
            Outcome::Unknown(_) => Err("It is not known whether it is out: look on the platform.".to_owned()),
            Outcome::Failed { publication, .. } => {
                Err(format!("It is not out. {}", publication.error.unwrap_or_default()))
            }
        })
    }

    async fn refused(&self, error: ApiError) -> Result<Response, ApiError> {
        let problem = refusal(error)?;
        self.told(problem.status, &in_words(&problem)).await
    }

    async fn told(&self, status: StatusCode, problem: &str) -> Result<Response, ApiError> {
        let page = self.page(None, Said { message: None, problem: Some(problem) }).await?;
        Ok((status, page).into_response())
    }

    async fn page(&self, compare: Option<i64>, Said { message, problem }: Said<'_>) -> Result<Response, ApiError> {
        let (db, customer_id) = (&self.db, &self.customer.id);
        let frame = Frame::read(db, &self.customer, Section::Content).await?;
        let zone = frame.zone;
        let piece = content::get(db, customer_id, &self.id).await?;
        let history = content::history(db, customer_id, &self.id, HISTORY).await?;
        let publications = publications::of_content(db, customer_id, &self.id).await?;
        let older = match compare.filter(|number| *number != i64::from(piece.content.revision)) {
            Some(number) => Some(content::revision(db, customer_id, &self.id, number).await?),
            None => None,
        };
        let decisions: Vec<Value> = history
            .decisions
            .iter()
            .map(|record| {
                context! {
                    who => record.decided_by.as_str(),
                    what => words::decision(record.decision),
                    reason => record.reason.clone(),
                    revision => record.revision,
                    at => words::time(record.created_at, zone),
                    timestamp => timestamp(record.created_at),
                }
            })
            .collect();
        let revisions: Vec<Value> = history.revisions.iter().map(|it| revision_values(it, zone)).collect();
        let values = context! {
            message,
            problem,
            piece => values(&piece, zone),
            place => self.place(&piece).await?,
            publications => publications.iter().map(|it| publication_values(it, zone)).collect::<Vec<Value>>(),
            decisions,
            revisions,
            comparison => older.map(|older| comparison(&older, &piece.current)),
        };
        frame.page(&self.site, "piece.html", values)
    }

    /// Where the piece goes out, if HeyCMO can put it there.
    async fn place(&self, piece: &Piece) -> Result<Value, ApiError> {
        let Some(platform) = platform_of(piece.content.channel) else { return Ok(Value::from(())) };
        let known = self.platforms.last_known(&self.customer.id).await?;
        let is_connected =
            known.iter().any(|it| it.facts.platform == platform && it.status == ConnectionStatus::Connected);
        Ok(context! { name => facts(platform).name, is_connected })
    }
}

/// What `datetime-local` sends; some browsers add seconds.
fn local(text: &str) -> Result<NaiveDateTime, ApiError> {
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let read = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    read.ok_or_else(|| ApiError::invalid("at", "must be a day and a time such as 2026-11-24T09:00"))
}

/// A piece as pages show it.
pub fn values(piece: &Piece, zone: Tz) -> Value {
    let Piece { content, current } = piece;
    let is_decidable = matches!(
        content.status,
        ContentStatus::InReview | ContentStatus::ChangesRequested | ContentStatus::Approved | ContentStatus::Rejected
    );
    context! {
        id => content.id.as_str(),
        kind => words::kind(content.kind),
        label => content.label.as_str(),
        status => words::content_status(content.status),
        mark => words::mark(content.status),
        revision => content.revision,
        pillar => content.pillar.clone(),
        brief => content.brief.clone(),
        is_decidable,
        is_draft => content.status == ContentStatus::Draft,
        is_planned => content.status == ContentStatus::Planned,
        is_approved => content.status == ContentStatus::Approved,
        is_rejected => content.status == ContentStatus::Rejected,
        is_published => content.status == ContentStatus::Published,
        due => content.scheduled_at.map(|at| words::time(at, zone)),
        due_timestamp => content.scheduled_at.map(timestamp),
        due_input => content.scheduled_at.map(|at| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()),
        is_overdue => content.scheduled_at.is_some_and(|at| at < now()) && content.status != ContentStatus::Published,
        draft => draft_values(&current.draft),
        findings => current.findings.0.iter().map(finding_values).collect::<Vec<Value>>(),
    }
}

fn draft_values(draft: &Draft) -> Value {
    let media = draft.media.iter().map(|media| context! { url => media.url.as_str(), alt => media.alt.clone() });
    context! {
        title => draft.title.clone(),
        subject => draft.subject.clone(),
        preheader => draft.preheader.clone(),
        description => draft.description.clone(),
        link => draft.link.clone(),
        body => draft.body.as_str(),
        media => media.collect::<Vec<Value>>(),
    }
}

fn finding_values(finding: &Finding) -> Value {
    let (severity, mark) = match finding.severity {
        Severity::Blocking => ("In the way", "bad"),
        Severity::Warning => ("Better changed", "warn"),
        Severity::Note => ("Worth knowing", "off"),
    };
    context! {
        severity,
        mark,
        message => finding.message.as_str(),
        fix => finding.fix.as_str(),
        source => finding.source.clone(),
    }
}

fn revision_values(revision: &Revision, zone: Tz) -> Value {
    context! {
        number => revision.number,
        note => revision.note.clone(),
        at => words::time(revision.created_at, zone),
        timestamp => timestamp(revision.created_at),
    }
}

fn publication_values(publication: &Publication, zone: Tz) -> Value {
    let status = match publication.status {
        PublicationStatus::Publishing => "publishing",
        PublicationStatus::Published => "published",
        PublicationStatus::Failed => "failed",
        PublicationStatus::Unknown => "unknown",
    };
    context! {
        platform => facts(publication.platform).name,
        status,
        url => publication.url.clone(),
        error => publication.error.clone(),
        at => publication.published_at.map(|at| words::time(at, zone)),
        timestamp => publication.published_at.map(timestamp),
    }
}

/// Each field that either version has, the older one at the left.
fn comparison(older: &Revision, current: &Revision) -> Value {
    let fields = |draft: &Draft| {
        let media: Vec<&str> = draft.media.iter().map(|media| media.url.as_str()).collect();
        [
            ("Title", draft.title.clone().unwrap_or_default()),
            ("Subject", draft.subject.clone().unwrap_or_default()),
            ("Preview", draft.preheader.clone().unwrap_or_default()),
            ("Text", draft.body.clone()),
            ("Meta description", draft.description.clone().unwrap_or_default()),
            ("Leads to", draft.link.clone().unwrap_or_default()),
            ("With", media.join("\n")),
        ]
    };
    let pairs = fields(&older.draft).into_iter().zip(fields(&current.draft));
    let fields: Vec<Value> = pairs
        .filter(|((_, old), (_, new))| !(old.is_empty() && new.is_empty()))
        .map(|((name, old), (_, new))| {
            let (before, after) = compare::sides(&old, &new);
            context! { name, before, after, is_same => old == new }
        })
        .collect();
    context! { older => older.number, current => current.number, fields }
}
