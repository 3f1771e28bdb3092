//! Events: what starts functions, and what they wait for.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event<T = Value> {
    /// What happened, such as `shop/order.paid`. Names that begin with `inngest/` are Inngest's own.
    pub name: String,
    /// What there is to say about it; a JSON object.
    pub data: T,
    /// Events with the same id start a function once only, within a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it happened, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    /// Who did it.
    #[serde(default, deserialize_with = "or_empty", skip_serializing_if = "Map::is_empty")]
    pub user: Map<String, Value>,
    /// The version of the shape of `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v: Option<String>,
}

/// `null` is as good as absent.
fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl<T> Event<T> {
    /// An event that happens now.
    pub fn new(name: impl Into<String>, data: T) -> Self {
        Self { name: name.into(), data, id: None, ts: None, user: Map::new(), v: None }
    }

    /// The same event with an id, so that sending it again does nothing.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same event about something else.
    pub(crate) fn map<U>(self, data: U) -> Event<U> {
        Event { name: self.name, data, id: self.id, ts: self.ts, user: self.user, v: self.v }
    }
}

impl Event {
    /// Reads one as it comes from Inngest, where one that was sent without data may have none.
    pub(crate) fn read(mut event: Value) -> serde_json::Result<Self> {
        if let Some(event) = event.as_object_mut() {
            event.entry("data").or_insert(Value::Null);
        }
        serde_json::from_value(event)
    }
}
