//! Holding a value against a JSON Schema, as far as our tools' schemas go.

use serde_json::Value;

/// Where the value is not what the schema says.
pub fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(alternatives) = schema["anyOf"].as_array()
        && !alternatives.iter().any(|one| problems(one, value).is_empty())
    {
        found.push(format!("{at}: {value} is none of {alternatives:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{at}: {value} is none of {words:?}"));
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        None => true,
        Some(other) => panic!("{at}: the type {other} is not known here"),
    };
    if !fits {
        found.push(format!("{at}: {value} is not of type {}", schema["type"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => check(schema, value, &format!("{at}/{name}"), found),
            // Where more is welcome the schema says so.
            None if schema["additionalProperties"] == true => {}
            None if schema.get("properties").is_some() => found.push(format!("{at}: {name} is not in the schema")),
            None => {}
        }
    }
    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], value, &format!("{at}/{index}"), found);
    }
}
