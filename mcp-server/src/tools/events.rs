//! The event log.

use entity::events::{self, Event, TypeFilter};
use entity::ids::EventId;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Arguments, given, page_size};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::{in_list, timestamp};

const DEFAULT_PAGE: u64 = 20;
const MAX_PAGE: u64 = 50;
/// What an event is about is shown up to here; the data beside the text has it whole.
const MAX_DATA_CHARS: usize = 130;

/// Which events to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListEventsIn {
    /// Only this type, such as content.approved, or all that begin alike, such as content.*.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Events a page.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<i64>,
    /// From nextCursor of the page before.
    cursor: Option<String>,
}

/// A page of the log.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListOut {
    /// Newest first.
    events: Vec<EventOut>,
    /// Give this as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EventOut {
    id: EventId,
    #[serde(rename = "type")]
    event_type: &'static str,
    timestamp: String,
    /// What it was about.
    data: Value,
}

#[tool_router(router = event_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "List events",
        description = "Lists what happened in this account, newest first: brand changes, content and decisions, leads, keys. Pages with cursor.",
        input_schema = schema::input::<ListEventsIn>(),
        output_schema = schema::output::<ListOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn list_events(
        &self,
        caller: Caller,
        Arguments(input): Arguments<ListEventsIn>,
    ) -> Result<Answer<ListOut>, Refusal> {
        let db = &self.app().db;
        let limit = page_size(input.limit, DEFAULT_PAGE, MAX_PAGE)?;
        let Ok(types) = given(input.event_type).map_or(Ok(TypeFilter::Any), |text| text.parse());
        let cursor =
            given(input.cursor).map(|cursor| cursor.parse::<EventId>().map_err(|_| not_a_cursor())).transpose()?;
        let page =
            events::list(db, &caller.customer_id, &types, cursor.as_ref(), limit).await.map_err(
                |error| match error {
                    entity::Error::Invalid(_) => not_a_cursor(),
                    other => other,
                },
            )?;
        let zone = caller.time_zone;
        let mut lines: Vec<String> = page
            .events
            .iter()
            .map(|event| {
                format!("- {} · {} · {}", in_list(event.created_at, zone), event.event_type, beginning(&event.data))
            })
            .collect();
        lines.push(match lines.len() {
            0 => "No event matches.".to_owned(),
            _ => format!("Times are those of {zone}."),
        });
        if let Some(next) = &page.next {
            lines.push(format!("There is more: call again with cursor {next}."));
        }
        let data = ListOut {
            events: page.events.into_iter().map(EventOut::from).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        };
        Ok(Answer { text: lines.join("\n"), data })
    }
}

fn beginning(data: &Value) -> String {
    let text = serde_json::to_string(data).unwrap_or_default();
    match text.char_indices().nth(MAX_DATA_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn not_a_cursor() -> entity::Error {
    entity::Error::invalid("cursor", "is not a cursor that list_events gave you")
}

impl From<Event> for EventOut {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            event_type: event.event_type.as_str(),
            timestamp: timestamp(event.created_at),
            data: event.data,
        }
    }
}
