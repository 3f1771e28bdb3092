//! The event log of a customer, in pages and live.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use entity::db::{Db, now};
use entity::events::{self, Event, EventType, TypeFilter};
use entity::feed::Feed;
use entity::ids::{CustomerId, EventId};
use futures::StreamExt;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use web::auth::Owner;
use web::{ApiError, timestamp};

use super::NO_STORE;
use crate::tail::Tail;

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 200;
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// For proxies: what is sent is to arrive.
pub const UNBUFFERED: [(HeaderName, HeaderValue); 1] =
    [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageOut {
    events: Vec<EventOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "evt_01M851E88BEZS4E1V4ZSCPXFGH")]
    next_cursor: Option<EventId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EventOut {
    #[schema(value_type = String, example = "evt_01M851E88BEZS4E1V4ZSCPXFGH")]
    id: EventId,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "content.approved")]
    event_type: EventType,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    timestamp: String,
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

impl From<Event> for EventOut {
    fn from(event: Event) -> Self {
        Self { id: event.id, event_type: event.event_type, timestamp: timestamp(event.created_at), data: event.data }
    }
}

/// What the query asks for.
#[derive(Debug)]
struct EventQuery {
    limit: u64,
    before: Option<EventId>,
    types: TypeFilter,
}

impl EventQuery {
    fn read(query: &BTreeMap<String, String>) -> Result<Self, ApiError> {
        let limit =
            match query.get("limit") {
                None => DEFAULT_LIMIT,
                Some(text) => text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                    ApiError::invalid("limit", format!("must be a whole number from 1 to {MAX_LIMIT}"))
                })?,
            };
        let before = query
            .get("before")
            .map(|text| text.parse().map_err(|error| ApiError::invalid("before", format!("{error}"))))
            .transpose()?;
        Ok(Self { limit, before, types: type_filter(query)? })
    }
}

fn type_filter(query: &BTreeMap<String, String>) -> Result<TypeFilter, ApiError> {
    let Some(text) = query.get("type") else { return Ok(TypeFilter::Any) };
    let Ok(filter) = text.parse();
    if text.is_empty() {
        return Err(ApiError::invalid(
            "type",
            "must be an event type such as content.created, or a prefix such as content.*",
        ));
    }
    Ok(filter)
}

/// A page of the log, newest first.
#[utoipa::path(
    get,
    path = "/api/events/{customer_id}",
    tag = "Account",
    operation_id = "listEvents",
    params(("customer_id" = String, Path, description = "Your own id"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "How many; 50 when absent"),
        ("before" = Option<String>, Query, description = "The `nextCursor` of the page before"),
        ("type" = Option<String>, Query, min_length = 1, description = "A type, or the beginning of types with a star: `content.*`")),
    responses((status = 200, body = PageOut)),
    security(("apiKey" = [])),
)]
pub async fn list(
    Owner(holder): Owner,
    State(db): State<Db>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<impl IntoResponse, ApiError> {
    let query = EventQuery::read(&query)?;
    let page = events::list(&db, &holder.customer.id, &query.types, query.before.as_ref(), query.limit).await?;
    let body = PageOut { events: page.events.into_iter().map(EventOut::from).collect(), next_cursor: page.next };
    Ok((NO_STORE, Json(body)))
}

/// The log from now on, or from `Last-Event-ID` on, as server-sent events.
///
/// The stream ends with the process, with the key, and when the customer may no longer use it.
#[utoipa::path(
    get,
    path = "/api/events/{customer_id}/stream",
    tag = "Account",
    operation_id = "followEvents",
    params(("customer_id" = String, Path, description = "Your own id"),
        ("type" = Option<String>, Query, min_length = 1, description = "As for the pages"),
        ("Last-Event-ID" = Option<String>, Header, description = "Where to go on")),
    responses((status = 200, body = String, content_type = "text/event-stream")),
    security(("apiKey" = [])),
)]
pub async fn stream(
    Owner(holder): Owner,
    State(db): State<Db>,
    State(feed): State<Feed>,
    State(shutdown): State<CancellationToken>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let types = type_filter(&query)?;
    // Subscribed before the log is read, so that nothing falls between the two.
    let live = feed.subscribe();
    let customer_id = holder.customer.id;
    let last = match last_event_id(&headers)? {
        Some(id) => id,
        None => newest_id(&db, &customer_id).await?,
    };
    let events = Tail::new(db, holder.key, types, last, live).into_stream(shutdown).map(to_sse);
    Ok((NO_STORE, UNBUFFERED, Sse::new(events).keep_alive(KeepAlive::new().interval(PING_INTERVAL))))
}

/// Where the client wants to go on.
pub fn last_event_id(headers: &HeaderMap) -> Result<Option<EventId>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| ApiError::invalid("Last-Event-ID", "must be the id of an event"))
}

fn to_sse(event: Event) -> Result<sse::Event, axum::Error> {
    let id = event.id.to_string();
    let name = event.event_type.as_str();
    sse::Event::default().id(id).event(name).json_data(EventOut::from(event))
}

/// Where a client begins that has seen nothing yet.
pub async fn newest_id(db: &Db, customer_id: &CustomerId) -> Result<EventId, ApiError> {
    let newest = events::latest(db, customer_id).await?;
    Ok(newest.map_or_else(|| EventId::first_at(now()), |event| event.id))
}
