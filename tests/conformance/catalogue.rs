//! What the suite wants listed, and the answers that never change.

use serde_json::{Value, json};

/// A red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// A sound of no length.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// The tools that take no arguments, and what they are for.
const PLAIN_TOOLS: [(&str, &str); 23] = [
    ("test_simple_text", "Answers with a text"),
    ("test_image_content", "Answers with a picture"),
    ("test_audio_content", "Answers with a sound"),
    ("test_embedded_resource", "Answers with a resource"),
    ("test_multiple_content_types", "Answers with a text, a picture and a resource"),
    ("test_error_handling", "Always fails"),
    ("test_tool_with_logging", "Logs while it works"),
    ("test_tool_with_progress", "Tells its progress"),
    ("test_logging_tool", "Logs, if the client asked for logs"),
    ("test_missing_capability", "Needs a client that samples"),
    ("test_elicitation_sep1034_defaults", "Asks for fields that have defaults"),
    ("test_elicitation_sep1330_enums", "Asks for choices of every kind"),
    ("test_streaming_elicitation", "Asks the user, and tells its progress"),
    ("test_trigger_tool_change", "Lets the list of tools change"),
    ("test_trigger_prompt_change", "Lets the list of prompts change"),
    ("test_input_required_result_elicitation", "Asks the user"),
    ("test_input_required_result_sampling", "Asks the model"),
    ("test_input_required_result_list_roots", "Asks for the roots"),
    ("test_input_required_result_request_state", "Asks, and hands out its state"),
    ("test_input_required_result_multiple_inputs", "Asks three things at once"),
    ("test_input_required_result_multi_round", "Asks twice"),
    ("test_input_required_result_tampered_state", "Asks, and trusts only its own state"),
    ("test_input_required_result_capabilities", "Asks what the client can answer"),
];

pub fn tools() -> Value {
    let nothing = json!({ "type": "object", "properties": {} });
    let mut tools: Vec<Value> = PLAIN_TOOLS
        .iter()
        .map(|(name, what)| json!({ "name": name, "description": what, "inputSchema": nothing }))
        .collect();
    let text =
        |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] });
    tools.extend([
        json!({ "name": "test_sampling", "description": "Asks the model", "inputSchema": text("prompt") }),
        json!({ "name": "test_elicitation", "description": "Asks the user", "inputSchema": text("message") }),
        json!({
            "name": "test_custom_header",
            "description": "Has an argument that is a header too",
            "inputSchema": {
                "type": "object",
                "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
            },
        }),
        json!({
            "name": "json_schema_2020_12_tool",
            "description": "Has a schema with newer keywords",
            "inputSchema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "$defs": {
                    "address": {
                        "$anchor": "addressDef",
                        "type": "object",
                        "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
                    },
                },
                "properties": {
                    "name": { "type": "string" },
                    "address": { "$ref": "#/$defs/address" },
                    "contactMethod": { "type": "string", "enum": ["phone", "email"] },
                    "phone": { "type": "string" },
                    "email": { "type": "string" },
                },
                "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
                "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
                "then": { "required": ["phone"] },
                "else": { "required": ["email"] },
                "additionalProperties": false,
            },
        }),
    ]);
    tools.sort_by_key(|tool| tool["name"].as_str().map(str::to_owned));
    Value::Array(tools)
}

/// The answer of a tool that always answers the same.
pub fn answer(tool: &str) -> Option<Value> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let picture = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
    let content = match tool {
        "test_simple_text" => json!([text("This is a simple text response for testing.")]),
        "test_image_content" => json!([picture]),
        "test_audio_content" => json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }]),
        "test_embedded_resource" => {
            let text = "This is an embedded resource content.";
            let resource = json!({ "uri": "test://embedded-resource", "mimeType": "text/plain", "text": text });
            json!([{ "type": "resource", "resource": resource }])
        }
        "test_multiple_content_types" => {
            let data = json!({ "test": "data", "value": 123 }).to_string();
            let uri = "test://mixed-content-resource";
            let resource = json!({ "uri": uri, "mimeType": "application/json", "text": data });
            json!([text("Multiple content types test:"), picture, { "type": "resource", "resource": resource }])
        }
        "test_error_handling" => {
            let content = json!([text("This tool intentionally returns an error for testing")]);
            return Some(json!({ "content": content, "isError": true }));
        }
        "json_schema_2020_12_tool" | "test_custom_header" => json!([text("Done.")]),
        _ => return None,
    };
    Some(json!({ "content": content }))
}

pub fn prompts() -> Value {
    let argument = |name: &str| json!({ "name": name, "description": "For the test", "required": true });
    json!([
        { "name": "test_simple_prompt", "description": "Without arguments" },
        {
            "name": "test_prompt_with_arguments",
            "description": "With arguments",
            "arguments": [argument("arg1"), argument("arg2")],
        },
        {
            "name": "test_prompt_with_embedded_resource",
            "description": "With a resource",
            "arguments": [argument("resourceUri")],
        },
        { "name": "test_prompt_with_image", "description": "With a picture" },
        { "name": "test_input_required_result_prompt", "description": "Asks the user first" },
    ])
}

/// The messages of a prompt.
pub fn messages(prompt: &str, arguments: &Value) -> Option<Value> {
    let text = |text: &str| json!({ "role": "user", "content": { "type": "text", "text": text } });
    let given = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
    let messages = match prompt {
        "test_simple_prompt" => json!([text("This is a simple prompt for testing.")]),
        "test_prompt_with_arguments" => {
            json!([text(&format!("Prompt with arguments: arg1='{}', arg2='{}'", given("arg1"), given("arg2")))])
        }
        "test_prompt_with_embedded_resource" => {
            let words = "Embedded resource content for testing.";
            let resource = json!({ "uri": given("resourceUri"), "mimeType": "text/plain", "text": words });
            let resource = json!({ "role": "user", "content": { "type": "resource", "resource": resource } });
            json!([resource, text("Please process the embedded resource above.")])
        }
        "test_prompt_with_image" => {
            let picture = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
            json!([{ "role": "user", "content": picture }, text("Please analyze the image above.")])
        }
        _ => return None,
    };
    Some(json!({ "messages": messages }))
}

pub fn resources() -> Value {
    let resource = |uri: &str, name: &str, kind: &str| json!({ "uri": uri, "name": name, "description": "For the test", "mimeType": kind });
    json!([
        resource("test://static-text", "static-text", "text/plain"),
        resource("test://static-binary", "static-binary", "image/png"),
        resource("test://watched-resource", "watched-resource", "text/plain"),
    ])
}

pub fn templates() -> Value {
    let uri = "test://template/{id}/data";
    json!([{ "uriTemplate": uri, "name": "template", "description": "For the test", "mimeType": "application/json" }])
}

/// What is behind an address.
pub fn contents(uri: &str) -> Option<Value> {
    let text = |kind: &str, text: String| json!({ "uri": uri, "mimeType": kind, "text": text });
    let content = match uri {
        "test://static-text" => text("text/plain", "This is the content of the static text resource.".to_owned()),
        "test://static-binary" => json!({ "uri": uri, "mimeType": "image/png", "blob": PNG }),
        "test://watched-resource" => text("text/plain", "Watched.".to_owned()),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            text("application/json", data.to_string())
        }
    };
    Some(json!({ "contents": [content] }))
}
