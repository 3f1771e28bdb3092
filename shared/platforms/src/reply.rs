//! Reading what platforms answer, which Composio wraps differently from tool to tool.

use chrono::{DateTime, Utc};
use serde_json::Value;

const WRAPPERS: [&str; 4] = ["data", "response_data", "response", "result"];

/// A field of an answer, wherever it is wrapped.
pub(crate) fn field<'a>(answer: &'a Value, name: &str) -> Option<&'a Value> {
    fn within<'a>(answer: &'a Value, name: &str, depth: u8) -> Option<&'a Value> {
        if let Some(found) = answer.get(name).filter(|value| !value.is_null()) {
            return Some(found);
        }
        if depth == 0 {
            return None;
        }
        WRAPPERS.iter().find_map(|wrapper| within(answer.get(wrapper)?, name, depth - 1))
    }
    within(answer, name, 3)
}

/// The same as a text; numbers are read as such, because ids are both.
pub(crate) fn text(answer: &Value, name: &str) -> Option<String> {
    match field(answer, name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A list in an answer: below one of the names, or the answer itself.
pub(crate) fn list<'a>(answer: &'a Value, names: &[&str]) -> &'a [Value] {
    let named = names.iter().find_map(|name| field(answer, name)?.as_array());
    let wrapped = || field(answer, "data").and_then(Value::as_array);
    named.or_else(wrapped).or_else(|| answer.as_array()).map_or(&[], Vec::as_slice)
}

/// A time as platforms write it.
pub(crate) fn time(text: Option<String>) -> Option<DateTime<Utc>> {
    let text = text?;
    let read = DateTime::parse_from_rfc3339(&text).or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%z"));
    read.ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_platforms_write_them() {
        let expected = DateTime::from_timestamp(1_700_000_000, 0);
        for text in ["2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20+0000", "2023-11-14T22:13:20+00:00"] {
            assert_eq!(time(Some(text.to_owned())), expected, "{text}");
        }
        assert_eq!(time(Some("yesterday".to_owned())), None);
    }
}
