//! One piece of content: its words, its versions, and what its owner decides on it.

pub mod shown;

use axum::Form;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDateTime;
use entity::brands;
use entity::connections::ConnectionStatus;
use entity::content::{self, Decision, Piece, Review, Schedule, Scheduled};
use entity::customers::Customer;
use entity::db::now;
use entity::ids::ContentId;
use entity::publications;
use entity::scopes::{Scope, Scopes};
use marketing::calendar::instant;
use minijinja::{Value, context};
use platforms::facts;
use platforms::publishing::Outcome;
use platforms::table::platform_of;
use serde::Deserialize;
use web::ApiError;
use web::auth::require;
use web::session::{NoVisitor, SameOrigin, Visitor, see_other};

use super::said::{Said, Typed, refusal};
use super::{CameFrom, Frame, Section, home, overview};
use crate::Gateway;
use crate::pages::words;

/// Of revisions and decisions; the assistant reads older ones.
const HISTORY: u64 = 50;
const MAX_REASON_CHARS: usize = 2_000;

/// Which version the current one is compared with, and what was just done.
#[derive(Debug, Deserialize)]
pub struct PieceQuery {
    compare: Option<i64>,
    said: Option<String>,
}

/// A piece.
pub async fn show(desk: Desk, Query(query): Query<PieceQuery>) -> Result<Response, ApiError> {
    desk.page(query.compare, Said::done(query.said.as_deref())).await
}

/// A decision.
#[derive(Debug, Deserialize)]
pub struct ReviewForm {
    decision: Decision,
    revision: i32,
    #[serde(default)]
    reason: String,
    from: Option<CameFrom>,
}

/// Records a decision of the owner's.
pub async fn review(_: SameOrigin, desk: Desk, Form(form): Form<ReviewForm>) -> Result<Response, ApiError> {
    match (desk.review(&form).await, form.from) {
        (Ok(said), None) => Ok(see_other(&format!("{}?said={said}", desk.address()))),
        (Ok(said), Some(CameFrom::Overview)) => Ok(see_other(&format!("{}?said={said}", home(&desk.customer.id)))),
        (Err(error), from) => {
            let typed = Typed { id: desk.id.to_string(), form: name(form.decision), text: form.reason };
            desk.refused(error, typed, from).await
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
pub async fn schedule(_: SameOrigin, desk: Desk, Form(form): Form<ScheduleForm>) -> Result<Response, ApiError> {
    match desk.schedule(form.at.trim()).await {
        Ok(said) => Ok(see_other(&format!("{}?said={said}", desk.address()))),
        Err(error) => {
            let typed = Typed { id: desk.id.to_string(), form: "schedule", text: form.at };
            desk.refused(error, typed, None).await
        }
    }
}

/// What the owner saw on the platform, where nobody else knows whether the piece is out.
#[derive(Debug, Deserialize)]
pub struct PublishForm {
    is_out: Option<bool>,
}

/// Publishes an approved piece now.
pub async fn publish(_: SameOrigin, desk: Desk, Form(form): Form<PublishForm>) -> Result<Response, ApiError> {
    match desk.publish(form.is_out).await {
        Ok(Ok(said)) => Ok(see_other(&format!("{}?said={said}", desk.address()))),
        Ok(Err(problem)) => {
            let page = desk.page(None, Said::problem(problem)).await?;
            Ok((StatusCode::BAD_GATEWAY, page).into_response())
        }
        Err(error) => desk.refused(error, Typed::default(), None).await,
    }
}

/// A piece that the address names, and what it takes to do something with it.
pub struct Desk {
    gateway: Gateway,
    customer: Customer,
    /// What whoever is here may do.
    scopes: Scopes,
    id: ContentId,
}

/// Which piece.
#[derive(Debug, Deserialize)]
struct PiecePath {
    content_id: String,
}

impl FromRequestParts<Gateway> for Desk {
    type Rejection = NoVisitor;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, NoVisitor> {
        let Visitor { customer, key, .. } = Visitor::from_request_parts(parts, gateway).await?;
        let path = Path::<PiecePath>::from_request_parts(parts, gateway).await;
        let id = path.ok().and_then(|Path(path)| path.content_id.parse().ok());
        let id = id.ok_or_else(ApiError::not_found)?;
        Ok(Self { gateway: gateway.clone(), customer, scopes: key.scopes, id })
    }
}

impl Desk {
    fn address(&self) -> String {
        format!("{}/content/{}", home(&self.customer.id), self.id)
    }

    /// What was done, as the address says it.
    async fn review(&self, form: &ReviewForm) -> Result<&'static str, ApiError> {
        if form.decision == Decision::Approved {
            require(self.scopes, Scope::Publish)?;
        }
        let (db, customer_id) = (&self.gateway.db, &self.customer.id);
        let reason = form.reason.trim();
        if reason.chars().count() > MAX_REASON_CHARS {
            return Err(ApiError::invalid("reason", format!("must be at most {MAX_REASON_CHARS} characters")));
        }
        if reason.is_empty() && form.decision != Decision::Approved {
            return Err(ApiError::invalid("reason", "must say why, so that the next version can be better"));
        }
        let brand = brands::get(db, customer_id).await?;
        let Piece { content, current } = content::get(db, customer_id, &self.id).await?;
        let review = Review {
            revision: form.revision,
            decision: form.decision,
            decided_by: self.customer.email.clone(),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            // The brand may have forbidden something since the piece was saved.
            findings: marketing::check(content.kind, &current.draft, &brand.profile),
        };
        let reviewed = content::review(db, customer_id, &self.id, review).await?;
        Ok(match form.decision {
            Decision::Approved if reviewed.piece.content.scheduled_at.is_some_and(|at| at > now()) => "approved_due",
            decision => name(decision),
        })
    }

    async fn schedule(&self, at: &str) -> Result<&'static str, ApiError> {
        require(self.scopes, Scope::Publish)?;
        let (db, customer_id, zone) = (&self.gateway.db, &self.customer.id, self.customer.zone());
        let piece = content::get(db, customer_id, &self.id).await?.content;
        let guide = marketing::guide(piece.channel);
        let at = if at.is_empty() { None } else { Some(instant(zone, local(at)?)) };
        if at.is_some_and(|at| at <= now()) {
            let problem = format!("must be in the future; it is {} there now", words::time(now(), zone));
            return Err(ApiError::invalid("at", problem));
        }
        let wanted = at.map(|at| Schedule { at, spacing: guide.min_spacing });
        match content::schedule(db, customer_id, &self.id, wanted).await? {
            Scheduled::Done(_) if wanted.is_some() => Ok("scheduled"),
            Scheduled::Done(_) => Ok("unscheduled"),
            Scheduled::TooClose { neighbour, next_free } => {
                let (label, name, free) = (neighbour.label, guide.name, words::time(next_free, zone));
                let problem = format!("“{label}” goes out on {name} close to that time. The next free time is {free}.");
                Err(ApiError::new(StatusCode::CONFLICT, "too_close", problem))
            }
        }
    }

    /// What was done, or why the piece is not out.
    async fn publish(&self, is_out: Option<bool>) -> Result<Result<&'static str, String>, ApiError> {
        require(self.scopes, Scope::Publish)?;
        let (platforms, customer_id) = (&self.gateway.platforms, &self.customer.id);
        if let Some(is_out) = is_out {
            platforms.resolve(customer_id, &self.id, is_out).await?;
            if is_out {
                return Ok(Ok("settled"));
            }
        }
        Ok(match platforms.publish(customer_id, &self.id).await? {
            Outcome::Published { .. } => Ok("published"),
            Outcome::Busy(_) => Ok("busy"),
            // The page itself shows how it stands and what to do.
            Outcome::Unknown(_) => Err("It is not known whether it is out: look on the platform.".to_owned()),
            Outcome::Failed { publication, .. } => {
                Err(format!("It is not out. {}", publication.error.unwrap_or_default()))
            }
        })
    }

    /// The page that the person came from, with why it was refused and what they had typed.
    async fn refused(&self, error: ApiError, typed: Typed, from: Option<CameFrom>) -> Result<Response, ApiError> {
        let problem = refusal(error)?;
        let said = Said::refused(&problem, &self.customer.id).with(typed);
        let page = match from {
            None => self.page(None, said).await?,
            Some(CameFrom::Overview) => overview::page(&self.gateway, &self.customer, said).await?,
        };
        Ok((problem.status, page).into_response())
    }

    async fn page(&self, compare: Option<i64>, said: Said) -> Result<Response, ApiError> {
        let (db, customer_id) = (&self.gateway.db, &self.customer.id);
        let frame = Frame::read(db, &self.customer, Section::Content).await?;
        let zone = frame.zone;
        let piece = content::get(db, customer_id, &self.id).await?;
        let history = content::history(db, customer_id, &self.id, HISTORY).await?;
        let publications = publications::of_content(db, customer_id, &self.id).await?;
        let older = match compare.filter(|number| *number != i64::from(piece.content.revision)) {
            Some(number) => Some(content::revision(db, customer_id, &self.id, number).await?),
            None => None,
        };
        let values = context! {
            said => said.values(),
            piece => shown::piece(&piece, zone),
            place => self.place(&piece).await?,
            publications => publications.iter().map(|it| shown::publication(it, zone)).collect::<Vec<Value>>(),
            decisions => history.decisions.iter().map(|it| shown::decision(it, zone)).collect::<Vec<Value>>(),
            revisions => history.revisions.iter().map(|it| shown::revision(it, zone)).collect::<Vec<Value>>(),
            comparison => older.map(|older| shown::comparison(&older, &piece.current)),
        };
        frame.page(&self.gateway.site, "piece.html", values)
    }

    /// Where the piece goes out, if HeyCMO can put it there.
    async fn place(&self, piece: &Piece) -> Result<Value, ApiError> {
        let Some(platform) = platform_of(piece.content.channel) else { return Ok(Value::from(())) };
        let known = self.gateway.platforms.last_known(&self.customer.id).await?;
        let is_connected =
            known.iter().any(|it| it.facts.platform == platform && it.status == ConnectionStatus::Connected);
        Ok(context! { name => facts(platform).name, is_connected })
    }
}

/// A decision, as forms and addresses have it.
const fn name(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "approved",
        Decision::Rejected => "rejected",
        Decision::Revised => "revised",
    }
}

/// What `datetime-local` sends; some browsers add seconds.
fn local(text: &str) -> Result<NaiveDateTime, ApiError> {
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let read = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    read.ok_or_else(|| ApiError::invalid("at", "must be a day and a time such as 2026-11-24T09:00"))
}
