//! All content: as a list, a week or a month.

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;
use entity::content::{self, Content, ContentKind, ContentStatus, Filter};
use entity::db::{Db, now};
use entity::ids::ContentId;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded::Serializer;
use web::session::Visitor;
use web::{ApiError, timestamp};

use super::calendar::{self, Span, next_month};
use super::{Frame, Section};
use crate::pages::{Site, words};

const PAGE: u64 = 30;
const MAX_TEXT_CHARS: usize = 200;

const KINDS: [ContentKind; 10] = [
    ContentKind::LinkedinPost,
    ContentKind::XPost,
    ContentKind::XThread,
    ContentKind::InstagramPost,
    ContentKind::FacebookPost,
    ContentKind::BlogPost,
    ContentKind::Newsletter,
    ContentKind::Email,
    ContentKind::LandingPage,
    ContentKind::Ad,
];
const STATUSES: [ContentStatus; 7] = [
    ContentStatus::InReview,
    ContentStatus::ChangesRequested,
    ContentStatus::Draft,
    ContentStatus::Planned,
    ContentStatus::Approved,
    ContentStatus::Published,
    ContentStatus::Rejected,
];

/// How the content is shown, and which.
#[derive(Debug, Deserialize)]
pub struct ContentQuery {
    #[serde(default)]
    view: View,
    /// A day of the week or month.
    day: Option<NaiveDate>,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    text: String,
    before: Option<ContentId>,
}

/// How the content is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum View {
    #[default]
    List,
    Week,
    Month,
}

/// The content as it was asked for.
pub async fn show(
    visitor: Visitor,
    Query(query): Query<ContentQuery>,
    State(site): State<Site>,
    State(db): State<Db>,
) -> Result<Response, ApiError> {
    let frame = Frame::read(&db, &visitor.customer, Section::Content).await?;
    let customer_id = &visitor.customer.id;
    let today = now().with_timezone(&frame.zone).date_naive();
    let day = query.day.unwrap_or(today);
    let values = match query.view {
        View::List => {
            let filter = filter(&query);
            let page = content::list(&db, customer_id, &filter, query.before.as_ref(), PAGE).await?;
            let is_filtered = filter.kind.is_some() || filter.status.is_some() || filter.text.is_some();
            context! {
                view => "list",
                kinds => options(&KINDS, filter.kind, words::kind),
                statuses => options(&STATUSES, filter.status, words::content_status),
                text => filter.text,
                is_filtered,
                is_first => query.before.is_none(),
                pieces => page.pieces.iter().map(|piece| row(piece, frame.zone)).collect::<Vec<Value>>(),
                next => page.next.map(|id| next(&query, &id)),
            }
        }
        View::Week => {
            let span = Span::week_of(day);
            let last = span.end() - Days::new(1);
            context! {
                view => "week",
                title => format!("{} to {}", words::day(span.first), words::day(last)),
                earlier => (span.first - Days::new(7)).to_string(),
                later => span.end().to_string(),
                is_now => span == Span::week_of(today),
                days => calendar::days(&db, customer_id, span, frame.zone, None).await?,
            }
        }
        View::Month => {
            let first = day.with_day(1).unwrap_or(day);
            context! {
                view => "month",
                title => first.format("%B %Y").to_string(),
                earlier => (first - Days::new(1)).to_string(),
                later => next_month(first).to_string(),
                is_now => (first.year(), first.month()) == (today.year(), today.month()),
                days => calendar::days(&db, customer_id, Span::month_of(day), frame.zone, Some(day.month())).await?,
            }
        }
    };
    frame.page(&site, "content.html", values)
}

/// What is not one of ours filters nothing: forms send an empty text for everything.
fn filter(query: &ContentQuery) -> Filter {
    let text: String = query.text.trim().chars().take(MAX_TEXT_CHARS).collect();
    Filter {
        kind: named(&query.kind),
        status: named(&query.status),
        text: (!text.is_empty()).then_some(text),
        ..Filter::default()
    }
}

fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(name.into()).ok()
}

fn options<T: Copy + PartialEq + serde::Serialize>(
    all: &[T],
    chosen: Option<T>,
    label: impl Fn(T) -> &'static str,
) -> Vec<Value> {
    all.iter()
        .map(|it| context! { name => Value::from(Serde(*it)), label => label(*it), is_chosen => chosen == Some(*it) })
        .collect()
}

/// The query of the next page.
fn next(query: &ContentQuery, before: &ContentId) -> String {
    let mut next = Serializer::new(String::new());
    for (name, value) in [("kind", &query.kind), ("status", &query.status), ("text", &query.text)] {
        if !value.is_empty() {
            next.append_pair(name, value);
        }
    }
    next.append_pair("before", before.as_str()).finish()
}

fn row(piece: &Content, zone: Tz) -> Value {
    let is_out = piece.status == ContentStatus::Published;
    context! {
        id => piece.id.as_str(),
        kind => words::kind(piece.kind),
        label => piece.label.as_str(),
        status => words::content_status(piece.status),
        mark => words::mark(piece.status),
        due => piece.scheduled_at.map(|at| words::time(at, zone)),
        due_timestamp => piece.scheduled_at.map(timestamp),
        is_late => piece.scheduled_at.is_some_and(|at| at < now()) && !is_out,
        made => words::time(piece.created_at, zone),
        made_timestamp => timestamp(piece.created_at),
    }
}
