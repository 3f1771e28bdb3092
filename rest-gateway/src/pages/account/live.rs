//! What happens, told to open pages as it happens.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use chrono_tz::Tz;
use entity::db::{Db, now};
use entity::events::{Event, TypeFilter};
use entity::feed::Feed;
use entity::ids::EventId;
use futures::StreamExt;
use minijinja::context;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use web::ApiError;
use web::session::Visitor;

use super::activity;
use crate::pages::Site;
use crate::routes::NO_STORE;
use crate::routes::events::{UNBUFFERED, last_event_id, newest_id};
use crate::tail::Tail;

const PING_INTERVAL: Duration = Duration::from_secs(15);

/// Where the page stands.
#[derive(Debug, Deserialize)]
pub struct LiveQuery {
    /// The newest event that it shows.
    after: Option<EventId>,
}

/// An event as the script of our pages reads it.
#[derive(Serialize)]
struct Told {
    /// What it is about: what stands before the dot of its type.
    topic: &'static str,
    /// Its line of the activity.
    html: String,
}

/// The events after those that the page shows, until the session or its key is over, or the process stops. Browsers
/// come back by themselves, and are told then whether they may.
pub async fn stream(
    visitor: Visitor,
    State(site): State<Site>,
    State(db): State<Db>,
    State(feed): State<Feed>,
    State(shutdown): State<CancellationToken>,
    Query(query): Query<LiveQuery>,
    headers: axum::http::HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let zone = visitor.customer.zone();
    // Subscribed before the log is read, so that nothing falls between the two.
    let live = feed.subscribe();
    let last = match last_event_id(&headers)?.or(query.after) {
        Some(id) => id,
        None => newest_id(&db, &visitor.customer.id).await?,
    };
    let tail = Tail::new(db, visitor.key, TypeFilter::Any, last, live).of_session(visitor.session_id);
    let events = tail.into_stream(shutdown).map(move |event| told(&site, &event, zone));
    Ok((NO_STORE, UNBUFFERED, Sse::new(events).keep_alive(KeepAlive::new().interval(PING_INTERVAL))))
}

fn told(site: &Site, event: &Event, zone: Tz) -> Result<sse::Event, axum::Error> {
    let name = event.event_type.as_str();
    let values = context! { event => activity::values(event, now(), zone) };
    let html = site.render("parts/event_row.html", values).map_err(|error| axum::Error::new(error.message))?;
    let topic = name.split_once('.').map_or(name, |(topic, _)| topic);
    sse::Event::default().id(event.id.to_string()).event("event").json_data(Told { topic, html })
}
