//! JSON Schemas that strict clients accept: no references, no formats of Rust's integers, no lists of types.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of a tool's arguments. An optional field may be left out; that it may also be null is not said, because
/// some clients take no list of types.
pub fn input<T: JsonSchema>() -> Arc<JsonObject> {
    let settings = settings(SchemaSettings::draft2020_12()).with_transform(RecursiveTransform(drop_null));
    schema::<T>(settings.with_transform(RecursiveTransform(closed)))
}

/// The schema of a tool's structured answer.
pub fn output<T: JsonSchema>() -> Arc<JsonObject> {
    let settings = settings(SchemaSettings::draft2020_12().for_serialize());
    let settings = settings.with_transform(RecursiveTransform(without_descriptions));
    let settings = settings.with_transform(RecursiveTransform(null_as_alternative));
    schema::<T>(settings.with_transform(RecursiveTransform(words_as_text)))
}

fn settings(settings: SchemaSettings) -> SchemaSettings {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.with_transform(RecursiveTransform(words_as_enum)).with_transform(RecursiveTransform(tidy))
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Arc<JsonObject> {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("description");
    match schema.to_value() {
        Value::Object(object) => Arc::new(object),
        // `true`, the schema of anything.
        _ => Arc::default(),
    }
}

/// `["string", "null"]` becomes `"string"`, an alternative to null becomes the other one.
fn drop_null(schema: &mut Schema) {
    let without_null = schema
        .get("type")
        .and_then(Value::as_array)
        .map(|types| types.iter().filter(|name| *name != "null").cloned().collect::<Vec<_>>());
    if let Some([only]) = without_null.as_deref() {
        let only = only.clone();
        schema.insert("type".to_owned(), only);
    }
    let alternatives = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
    if let [Value::Object(one), null] | [null, Value::Object(one)] = alternatives.as_slice()
        && *null == json!({ "type": "null" })
    {
        schema.remove("anyOf");
        for (keyword, value) in one {
            if schema.get(keyword).is_none() {
                schema.insert(keyword.clone(), value.clone());
            }
        }
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
}

/// An object takes the fields that it lists and no other.
fn closed(schema: &mut Schema) {
    if schema.get("type").is_some_and(|kind| kind == "object") && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        // Some clients want the list even where it is empty.
        schema.ensure_object().entry("properties").or_insert_with(|| json!({}));
    }
}

/// `{"type": ["string", "null"], …}` becomes `{"anyOf": [{"type": "string", …}, {"type": "null"}]}`.
fn null_as_alternative(schema: &mut Schema) {
    let types = schema.get("type").and_then(Value::as_array).cloned().unwrap_or_default();
    let [one, null] = types.as_slice() else { return };
    if null != "null" {
        return;
    }
    let Some(object) = schema.as_object_mut() else { return };
    let mut alternative = std::mem::take(object);
    alternative.insert("type".to_owned(), one.clone());
    object.insert("anyOf".to_owned(), json!([alternative, { "type": "null" }]));
}

/// Alternatives that are single words become one list of words; what each means is said once, where the field is.
fn words_as_enum(schema: &mut Schema) {
    let alternatives = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let words: Vec<Value> = alternatives.iter().filter_map(|one| one.get("const").cloned()).collect();
    if words.is_empty() || words.len() != alternatives.len() {
        return;
    }
    schema.remove("oneOf");
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("enum".to_owned(), Value::Array(words));
}

/// Which words a field of an answer may hold is said where they are arguments; a reader copes with new ones.
fn words_as_text(schema: &mut Schema) {
    if schema.remove("enum").is_some() {
        schema.insert("type".to_owned(), json!("string"));
    }
}

/// The names of an answer's fields say enough; what they mean is in the text beside them.
fn without_descriptions(schema: &mut Schema) {
    schema.remove("description");
    schema.remove("pattern");
}

/// Rust's integer formats mean nothing to others, and titles repeat the names.
fn tidy(schema: &mut Schema) {
    schema.remove("title");
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    if format.starts_with("int") || format.starts_with("uint") {
        schema.remove("format");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Example {
        /// How many.
        count: Option<u32>,
        name: String,
        nested: Option<Nested>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Nested {
        id: i64,
    }

    #[test]
    fn arguments_name_one_type_each() {
        let schema = Value::Object((*input::<Example>()).clone());
        assert_eq!(
            schema["properties"]["count"],
            json!({ "type": "integer", "minimum": 0, "description": "How many." })
        );
        assert_eq!(schema["properties"]["nested"]["properties"]["id"], json!({ "type": "integer" }));
        assert_eq!(schema["required"], json!(["name"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["nested"]["additionalProperties"], json!(false));
        assert!(!schema.to_string().contains("$ref"));
    }

    #[test]
    fn no_arguments_are_an_object_without_fields() {
        #[derive(JsonSchema)]
        struct Nothing {}
        let schema = Value::Object((*input::<Nothing>()).clone());
        assert_eq!(schema, json!({ "type": "object", "properties": {}, "additionalProperties": false }));
    }

    #[test]
    fn answers_say_where_null_may_be() {
        let schema = Value::Object((*output::<Example>()).clone());
        assert_eq!(schema["properties"]["count"]["anyOf"][1], json!({ "type": "null" }));
        assert!(!schema.to_string().contains("\"format\""));
        assert!(!schema.to_string().contains("additionalProperties"));
    }
}
