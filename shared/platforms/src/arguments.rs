//! Arguments for tools, as the tool's own schema spells them.
//!
//! Composio flattens the fields of a platform's API in several ways: `settings.subject_line` is `subject_line` below
//! `settings` in one version of a toolkit, `settings__subject__line` or `settings_subject_line` in another. A field
//! that a tool does not know would be dropped silently, and a reply would become a post, so nothing is guessed.

use serde_json::{Map, Value};

/// A field by its place in the platform's own API, such as `reply.in_reply_to_tweet_id`, and its value.
pub(crate) type Field<'a> = (&'a str, Value);

/// The arguments that `schema` asks for; or the first field that it has no place for.
pub(crate) fn fit<'a>(schema: &Value, fields: Vec<Field<'a>>) -> Result<Value, &'a str> {
    let empty = Map::new();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let mut arguments = Map::new();
    for (path, value) in fields {
        if let Some(name) = known.keys().find(|name| bare(name) == bare(path)) {
            arguments.insert(name.clone(), value);
            continue;
        }
        let (outer, inner) = path.split_once('.').ok_or(path)?;
        if !known.contains_key(outer) {
            return Err(path);
        }
        let below = arguments.entry(outer).or_insert_with(|| Value::Object(Map::new()));
        below.as_object_mut().ok_or(path)?.insert(inner.to_owned(), value);
    }
    Ok(Value::Object(arguments))
}

fn bare(name: &str) -> String {
    name.chars().filter(|letter| letter.is_ascii_alphanumeric()).map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(names: &[&str]) -> Value {
        let properties: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        json!({ "type": "object", "properties": properties })
    }

    #[test]
    fn fields_are_spelled_as_the_tool_spells_them() {
        let fields = || vec![("text", json!("Hello")), ("reply.in_reply_to_tweet_id", json!("1"))];
        for (names, expected) in [
            (["text", "reply_in_reply_to_tweet_id"], json!({ "text": "Hello", "reply_in_reply_to_tweet_id": "1" })),
            (
                ["text", "reply__in__reply__to__tweet__id"],
                json!({ "text": "Hello", "reply__in__reply__to__tweet__id": "1" }),
            ),
            (["text", "reply"], json!({ "text": "Hello", "reply": { "in_reply_to_tweet_id": "1" } })),
        ] {
            assert_eq!(fit(&schema(&names), fields()), Ok(expected));
        }
    }

    #[test]
    fn a_field_without_a_place_is_named() {
        assert_eq!(
            fit(&schema(&["text"]), vec![("reply.in_reply_to_tweet_id", json!("1"))]),
            Err("reply.in_reply_to_tweet_id")
        );
        assert_eq!(fit(&Value::Null, vec![("text", json!("Hello"))]), Err("text"));
    }
}
