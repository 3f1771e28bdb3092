//! All that has happened, newest first.

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::db::{Db, now};
use entity::events::{self, Event, TypeFilter};
use entity::ids::EventId;
use minijinja::{Value, context};
use serde::Deserialize;
use web::session::Visitor;
use web::{ApiError, timestamp};

use super::{Frame, Section};
use crate::pages::{Site, words};

const PAGE: u64 = 50;

/// What can be looked at alone: name in the address, label, and how the types begin.
const KINDS: [(&str, &str, &[&str]); 7] = [
    ("content", "Content", &["content."]),
    ("scans", "Scans", &["scan.", "page."]),
    ("connections", "Connections", &["connection."]),
    ("leads", "Leads", &["lead."]),
    ("work", "Work", &["workflow.", "snapshot.", "onboarding."]),
    ("brand", "Brand", &["brand."]),
    ("account", "Account", &["customer.", "subscription.", "payment.", "key.", "session.", "grant."]),
];

/// Which part of the log.
#[derive(Debug, Deserialize)]
pub struct ActivityQuery {
    kind: Option<String>,
    before: Option<EventId>,
}

/// A page of the log; the first one goes on live.
pub async fn show(
    visitor: Visitor,
    Query(query): Query<ActivityQuery>,
    State(site): State<Site>,
    State(db): State<Db>,
) -> Result<Response, ApiError> {
    let customer = visitor.customer;
    let frame = Frame::read(&db, &customer, Section::Activity).await?;
    let kind = KINDS.iter().find(|(name, ..)| query.kind.as_deref() == Some(name));
    let filter = kind.map_or(TypeFilter::Any, |(_, _, prefixes)| beginning_with(prefixes));
    let page = events::list(&db, &customer.id, &filter, query.before.as_ref(), PAGE).await?;
    let now = now();
    let kinds: Vec<Value> = KINDS.iter().map(|(name, label, _)| context! { name => *name, label => *label }).collect();
    let page_values = context! {
        kinds,
        kind => kind.map(|(name, ..)| *name),
        label => kind.map(|(_, label, _)| *label),
        is_first => query.before.is_none(),
        // Which topics belong to the list as it is filtered; all when it is not.
        topics => kind.map(|(_, _, prefixes)| prefixes.iter().map(|it| it.trim_end_matches('.')).collect::<Vec<_>>().join(" ")),
        events => page.events.iter().map(|event| values(event, now, frame.zone)).collect::<Vec<Value>>(),
        next => page.next.map(|id| id.to_string()),
    };
    frame.page(&site, "activity.html", page_values)
}

fn beginning_with(prefixes: &[&str]) -> TypeFilter {
    let is_wanted = |it: &&events::EventType| prefixes.iter().any(|prefix| it.as_str().starts_with(prefix));
    TypeFilter::Only(events::EventType::ALL.iter().filter(is_wanted).copied().collect())
}

/// An event as pages show it.
pub fn values(event: &Event, now: DateTime<Utc>, zone: Tz) -> Value {
    context! {
        id => event.id.as_str(),
        sentence => words::sentence(event, zone),
        when => words::time_or_ago(event.created_at, now, zone),
        exact => words::time(event.created_at, zone),
        timestamp => timestamp(event.created_at),
    }
}
