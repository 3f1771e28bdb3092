//! Arguments take no other shape than the tool's listed schema gives them.
//!
//! Reading them would be more lenient: it drops fields that it does not know, takes a list of values for an object, and
//! an object for a word. Whoever misspelt a field would never learn that it was lost. What is stored stays readable,
//! because this looks at arguments only.

use rmcp::model::JsonObject;
use serde_json::Value;

/// Says no to fields that the schema does not list, and to lists and objects in the wrong places.
///
/// All other types and all limits are left to reading.
pub(super) fn require_listed(schema: &JsonObject, arguments: &JsonObject) -> Result<(), String> {
    fields(schema, arguments, "")
}

fn fields(schema: &JsonObject, object: &JsonObject, at: &str) -> Result<(), String> {
    let Some(known) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    for (name, given) in object {
        match known.get(name) {
            Some(schema) => value(schema, given, &below(at, name))?,
            None => return Err(format!("`{}`: unknown field; {}.", below(at, name), expected(known, at))),
        }
    }
    Ok(())
}

fn value(schema: &Value, given: &Value, at: &str) -> Result<(), String> {
    let Some(schema) = schema.as_object() else { return Ok(()) };
    match (schema.get("type").and_then(Value::as_str), given) {
        (Some("object"), Value::Object(object)) => fields(schema, object, at),
        (Some("object"), Value::Array(_)) => Err(format!("`{at}`: invalid type: list, expected an object.")),
        (Some("string"), Value::Object(_)) => Err(format!("`{at}`: invalid type: object, expected a string.")),
        (Some("array"), Value::Array(entries)) => match schema.get("items") {
            Some(items) => {
                entries.iter().enumerate().try_for_each(|(n, entry)| value(items, entry, &format!("{at}[{n}]")))
            }
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn below(at: &str, name: &str) -> String {
    let name = web::body::beginning(name);
    if at.is_empty() { name } else { format!("{at}.{name}") }
}

fn expected(known: &JsonObject, at: &str) -> String {
    let names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] if at.is_empty() => "this tool takes no arguments".to_owned(),
        [] => format!("`{at}` takes no fields"),
        [only] => format!("expected {only}"),
        several => format!("expected one of {}", several.join(", ")),
    }
}
