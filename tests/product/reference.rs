//! The reference in docs/reference, and what the gateway says of the tools: both made of what the servers list.
//!
//! A tool or route that changes without them fails here; `INSTA_UPDATE=always cargo test --test product reference`
//! writes them anew, like the snapshots.

use std::fmt::Write;
use std::path::Path;

use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::{Assistant, Product, in_time};

const CATALOGUE: &str = "rest-gateway/src/discovery/catalogue.json";
const TOOLS: &str = "docs/reference/tools.md";
const API: &str = "docs/reference/api.md";

#[track_caller]
fn is_up_to_date(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&file, text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "{path} is out of date: INSTA_UPDATE=always cargo test --test product reference writes it");
}

/// What the MCP server lists.
struct Listed {
    tools: Vec<Value>,
    prompts: Vec<Value>,
    /// Those that everybody has, and the templates of the others.
    resources: Vec<Value>,
}

impl Listed {
    async fn by(assistant: &Assistant) -> Self {
        let mut tools: Vec<Value> = assistant.tools.values().cloned().collect();
        tools.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
        let client = &assistant.client;
        let prompts = json!(in_time("prompts/list", client.list_all_prompts()).await.unwrap());
        let templates = json!(in_time("templates", client.list_all_resource_templates()).await.unwrap());
        let templates = templates.as_array().unwrap().clone();
        let resources = json!(in_time("resources", client.list_all_resources()).await.unwrap());
        let is_its_own = |resource: &Value| {
            let uri = resource["uri"].as_str().unwrap();
            !templates.iter().any(|it| uri.starts_with(it["uriTemplate"].as_str().unwrap().split('{').next().unwrap()))
        };
        let fixed: Vec<Value> = resources.as_array().unwrap().iter().filter(|it| is_its_own(it)).cloned().collect();
        let mut resources = fixed;
        resources.extend(templates);
        Self { tools, prompts: prompts.as_array().unwrap().clone(), resources }
    }
}

fn uri(resource: &Value) -> &Value {
    resource.get("uri").unwrap_or(&resource["uriTemplate"])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text is expected: {value}"))
}

#[tokio::test]
async fn the_gateway_knows_what_the_mcp_server_lists() {
    let product = Product::start().await;
    let listed = Listed::by(&product.assistant(&product.customer().await.key).await).await;
    let named = |it: &Value| json!({"name": it["name"], "title": it["title"], "description": it["description"]});
    let tool = |it: &Value| {
        let mut tool = named(it);
        tool["readOnly"] = it["annotations"]["readOnlyHint"].clone();
        tool
    };
    let resource = |it: &Value| json!({"uri": uri(it), "title": it["title"], "description": it["description"]});
    let versions: Vec<String> = ProtocolVersion::KNOWN_VERSIONS.iter().map(ToString::to_string).collect();
    let catalogue = json!({
        "protocolVersions": versions,
        "tools": listed.tools.iter().map(tool).collect::<Vec<Value>>(),
        "prompts": listed.prompts.iter().map(named).collect::<Vec<Value>>(),
        "resources": listed.resources.iter().map(resource).collect::<Vec<Value>>(),
    });
    is_up_to_date(CATALOGUE, &format!("{catalogue:#}\n"));
}

#[tokio::test]
async fn the_reference_of_the_tools() {
    let product = Product::start().await;
    let listed = Listed::by(&product.assistant(&product.customer().await.key).await).await;
    let mut page =
        "# Tools, prompts and resources\n\nMade from what the MCP server lists. A field without “yes” may be \
                    left out. Every answer is a text to read and the same as structured content.\n"
            .to_owned();
    for tool in &listed.tools {
        let (name, title) = (text(&tool["name"]), text(&tool["title"]));
        write!(page, "\n## {name}\n\n{title}. {}\n\n{}\n", text(&tool["description"]), hints(&tool["annotations"]))
            .unwrap();
        let mut rows = Vec::new();
        arguments(&tool["inputSchema"], "", &mut rows);
        if !rows.is_empty() {
            write!(page, "\n| field | type | required | |\n| --- | --- | --- | --- |\n{}", rows.concat()).unwrap();
        }
    }
    page.push_str("\n## Prompts\n\n| prompt | arguments | |\n| --- | --- | --- |\n");
    for prompt in &listed.prompts {
        let arguments = prompt["arguments"].as_array().into_iter().flatten();
        let arguments: Vec<String> = arguments.map(|it| format!("`{}`", text(&it["name"]))).collect();
        let (name, description) = (text(&prompt["name"]), text(&prompt["description"]));
        writeln!(page, "| `{name}` | {} | {description} |", arguments.join(", ")).unwrap();
    }
    page.push_str(
        "\n## Resources\n\nAll are Markdown; subscribers are told when they change.\n\n| resource | |\n| --- | --- |\n",
    );
    for resource in &listed.resources {
        writeln!(page, "| `{}` | {} |", text(uri(resource)), text(&resource["description"])).unwrap();
    }
    is_up_to_date(TOOLS, &page);
}

/// What a tool may do, in words.
fn hints(annotations: &Value) -> String {
    let is = |hint: &str| annotations[hint] == true;
    let mut words = vec![if is("readOnlyHint") { "Only reads" } else { "Writes" }];
    if is("destructiveHint") {
        words.push("cannot be taken back");
    }
    if !is("readOnlyHint") && is("idempotentHint") {
        words.push("may be repeated");
    }
    if is("openWorldHint") {
        words.push("asks others than this server");
    }
    format!("{}.", words.join(", "))
}

/// A row for each field, with those of objects in it behind a dot.
fn arguments(schema: &Value, prefix: &str, rows: &mut Vec<String>) {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let needed = if required(name) { "yes" } else { "" };
        // Only the fields of a tool itself have to have one.
        let description = field["description"].as_str().unwrap_or_default().replace('|', "\\|").replace('\n', " ");
        rows.push(format!("| `{path}` | {} | {needed} | {description} |\n", kind(field)));
        for inner in alternatives(field) {
            arguments(inner, &format!("{path}."), rows);
            arguments(&inner["items"], &format!("{path}[]."), rows);
        }
    }
}

/// The schema itself, or those of which one has to fit.
fn alternatives(schema: &Value) -> Vec<&Value> {
    schema["anyOf"].as_array().map_or_else(|| vec![schema], |all| all.iter().collect())
}

fn kind(schema: &Value) -> String {
    let of_one = |schema: &Value| match (schema["enum"].as_array(), schema["type"].as_str()) {
        (Some(words), _) => {
            words.iter().map(|word| format!("`{}`", word.as_str().unwrap_or("null"))).collect::<Vec<_>>().join(" ")
        }
        (None, Some("array")) => format!("list of {}", kind(&schema["items"])),
        (None, Some(name)) => name.to_owned(),
        (None, None) => "any".to_owned(),
    };
    let all: Vec<String> = alternatives(schema).into_iter().map(of_one).collect();
    all.join(" or ")
}

#[tokio::test]
async fn the_reference_of_the_api() {
    let product = Product::start().await;
    let api = product.http.get(format!("{}/openapi.json", product.gateway)).send().await.unwrap();
    let api: Value = api.json().await.unwrap();
    let mut page =
        "# The REST API\n\nMade from the description that the gateway gives of itself at `/openapi.json`, which \
                    says more. Bodies are JSON. Every error is an object with `error`, `code` and `requestId`, and \
                    `fields` where an input is wrong.\n"
            .to_owned();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let summary = text(&operation["summary"]);
            write!(page, "\n## {} {path}\n\n{summary} {}\n", method.to_uppercase(), credential(operation)).unwrap();
            describe_input(&api, operation, &mut page);
            page.push_str("\n| answer | |\n| --- | --- |\n");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let description = text(&answer["description"]).replace('|', "\\|");
                let body = answer["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
                let fields = if body.ends_with("/ErrorOut") { String::new() } else { fields(&api, body) };
                writeln!(page, "| {status} | {description}{fields} |").unwrap();
            }
        }
    }
    is_up_to_date(API, &page);
}

fn credential(operation: &Value) -> &'static str {
    match operation["security"][0].as_object().and_then(|schemes| schemes.keys().next()) {
        Some(scheme) if scheme == "adminSecret" => "Needs the admin secret, as `Authorization: Bearer …`.",
        Some(_) => "Needs an API key of this customer, as `Authorization: Bearer …`.",
        None => "Needs no credential in `Authorization`.",
    }
}

fn describe_input(api: &Value, operation: &Value, page: &mut String) {
    let mut rows = String::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let needed = if parameter["required"] == true { "yes" } else { "" };
        let description = parameter["description"].as_str().unwrap_or_default();
        writeln!(rows, "| `{name}` | {place} | {needed} | {description} |").unwrap();
    }
    let body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
    let schema = named(api, body);
    for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
        let needed = schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
        writeln!(rows, "| `{name}` | body | {} | |", if needed { "yes" } else { "" }).unwrap();
    }
    if !rows.is_empty() {
        write!(page, "\n| input | in | required | |\n| --- | --- | --- | --- |\n{rows}").unwrap();
    }
}

/// The schema that a reference leads to.
fn named<'a>(api: &'a Value, reference: &str) -> &'a Value {
    &api["components"]["schemas"][reference.rsplit('/').next().unwrap()]
}

/// The names of an answer's fields.
fn fields(api: &Value, reference: &str) -> String {
    let properties = named(api, reference)["properties"].as_object();
    let names: Vec<String> = properties.into_iter().flatten().map(|(name, _)| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}
