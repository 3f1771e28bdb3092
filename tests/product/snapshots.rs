//! Every word that assistants read before they call: names, descriptions, schemas, prompts. `routes` adds what programs
//! read of the REST API.
//!
//! A change shows here before a customer sees it. `cargo insta review` accepts it.

use std::collections::BTreeSet;
use std::fs;

use insta::Settings;
use serde_json::{Value, json};

use crate::support::{Assistant, Product, in_time};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/product/snapshots");
/// What all tools together may cost an assistant before its first word.
const MAX_TOKENS: usize = 14_000;

pub fn settings() -> Settings {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(DIRECTORY);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_sort_maps(true);
    settings
}

async fn an_assistant(product: &Product) -> Assistant {
    product.assistant(&product.customer().await.key).await
}

/// About what a model takes it for.
fn tokens(value: &Value) -> usize {
    value.to_string().chars().count() / 4
}

#[tokio::test]
async fn the_tools() {
    let product = Product::start().await;
    let assistant = an_assistant(&product).await;
    let mut names: Vec<&String> = assistant.tools.keys().collect();
    names.sort();
    settings().bind(|| {
        for name in &names {
            insta::assert_json_snapshot!(format!("tool_{name}"), assistant.tools[*name]);
        }
        let sizes: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).clone(), json!(tokens(&assistant.tools[*name])))).collect();
        let total: usize = assistant.tools.values().map(tokens).sum();
        assert!(total < MAX_TOKENS, "tools/list takes about {total} tokens");
        insta::assert_json_snapshot!("tools_tokens", json!({"tools": sizes, "total": total}));
    });
}

#[tokio::test]
async fn the_schemas_are_such_as_strict_clients_take() {
    let product = Product::start().await;
    let assistant = an_assistant(&product).await;
    assert!(assistant.tools.len() <= 30);
    for (name, tool) in &assistant.tools {
        for field in ["title", "description"] {
            assert!(tool[field].as_str().is_some_and(|text| text.len() > 5), "{name} has no {field}");
        }
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} has no {hint}");
        }
        let is_described = |schema: &Value| {
            schema["properties"]
                .as_object()
                .is_none_or(|fields| fields.values().all(|field| field["description"].is_string()))
        };
        assert!(is_described(&tool["inputSchema"]), "{name}: a field has no description");
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(tool[schema]["type"], "object", "{name} {schema}");
            is_plain(&tool[schema], &format!("{name} {schema}"));
        }
        is_closed(&tool["inputSchema"], name);
    }
}

/// No object takes fields that it does not list.
fn is_closed(schema: &Value, at: &str) {
    if schema["type"] == "object" {
        assert!(schema["properties"].is_object(), "{at} lists no fields");
        assert_eq!(schema["additionalProperties"], false, "{at} takes what it does not know");
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        is_closed(field, &format!("{at}.{name}"));
    }
    if let Some(items) = schema.get("items") {
        is_closed(items, &format!("{at}[]"));
    }
}

/// No references, no formats of integers, no lists of types.
fn is_plain(schema: &Value, at: &str) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(!name.starts_with("$ref") && name != "$defs", "{at}: {name}");
                assert!(name != "type" || value.is_string() || value.is_object(), "{at}: type {value}");
                let format = value.as_str().filter(|_| name == "format").unwrap_or_default();
                assert!(!format.starts_with("int") && !format.starts_with("uint"), "{at}: format {format}");
                is_plain(value, &format!("{at}/{name}"));
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| is_plain(entry, at)),
        _ => {}
    }
}

#[tokio::test]
async fn the_lists_of_prompts_and_resources() {
    let product = Product::start().await;
    let assistant = an_assistant(&product).await;
    let prompts = in_time("prompts/list", assistant.client.list_all_prompts()).await.unwrap();
    let templates = in_time("templates", assistant.client.list_all_resource_templates()).await.unwrap();
    let resources = in_time("resources", assistant.client.list_all_resources()).await.unwrap();
    let server = serde_json::to_value(assistant.peer().peer_info()).unwrap();
    let about = json!({"capabilities": server["capabilities"], "instructions": server["instructions"]});
    settings().bind(|| {
        insta::assert_json_snapshot!("prompts", prompts);
        insta::assert_json_snapshot!("resource_templates", templates);
        insta::assert_json_snapshot!("resources", resources);
        insta::assert_json_snapshot!("server", about);
    });
}

async fn tell_of_the_brand(assistant: &Assistant) {
    let brand = json!({
        "name": "Quick Pages", "website": "quickpages.example", "timeZone": "Europe/Berlin",
        "offering": "We find the slow pages of a shop and say what to change first.",
        "audience": "Owners of small online shops who run marketing themselves.",
        "voice": {"adjectives": ["plain", "warm"], "do": ["say you"], "dont": ["hype"]},
        "pillars": [{"name": "Speed", "weight": 50, "description": "Why it matters"}, {"name": "Shops", "weight": 30}],
        "competitors": [{"name": "SlowCheck", "url": "https://slowcheck.example"}], "goals": ["20 trials a week by June"],
        "forbiddenClaims": ["guaranteed results"], "cadence": [{"channel": "linkedin", "perWeek": 2}],
    });
    assistant.call("update_brand", brand).await;
}

#[tokio::test]
async fn the_prompts_and_resources_as_read() {
    let product = Product::start().await;
    let (empty, assistant) = (an_assistant(&product).await, an_assistant(&product).await);
    tell_of_the_brand(&assistant).await;
    let draft = json!({"kind": "linkedin_post", "title": "Fast", "link": "https://quickpages.example",
        "body": "We cut the load time in half.\n\nHere is how: guaranteed results.", "pillar": "Speed",
        "media": [{"url": "https://cdn.example/a.jpg", "type": "image"}]});
    let id = assistant.call("create_content", draft).await.content_id();
    let texts = [
        ("prompt_brand_interview_at_first", empty.prompt("brand_interview", json!({})).await.unwrap()),
        ("prompt_brand_interview", assistant.prompt("brand_interview", json!({})).await.unwrap()),
        (
            "prompt_write_content",
            assistant.prompt("write_content", json!({"kind": "x_thread", "topic": "Slow fonts"})).await.unwrap(),
        ),
        ("prompt_review_draft", assistant.prompt("review_draft", json!({"contentId": id})).await.unwrap()),
        ("prompt_fix_page", assistant.prompt("fix_page", json!({"url": "quickpages.example/prices"})).await.unwrap()),
        (
            "prompt_performance_review",
            assistant.prompt("performance_review", json!({"period": "last_30_days"})).await.unwrap(),
        ),
        (
            "prompt_competitor_teardown",
            assistant.prompt("competitor_teardown", json!({"url": "https://slowcheck.example"})).await.unwrap(),
        ),
        (
            "prompt_launch_plan",
            assistant
                .prompt("launch_plan", json!({"product": "A check by phone", "date": "2999-03-01"}))
                .await
                .unwrap(),
        ),
        ("resource_calendar", assistant.read("heycmo://calendar/2030-W01").await.unwrap()),
        ("resource_brand", assistant.read("heycmo://brand").await.unwrap()),
        ("resource_content", assistant.read(&format!("heycmo://content/{id}")).await.unwrap()),
        ("resource_playbook", assistant.read("heycmo://playbook/linkedin").await.unwrap()),
    ];
    settings().bind(|| {
        for (name, text) in texts {
            insta::assert_snapshot!(name, text.replace(&id, "cnt_ID"));
        }
    });
}

/// What is not looked at any more is not kept.
#[tokio::test]
async fn no_snapshot_is_left_over() {
    let product = Product::start().await;
    let assistant = an_assistant(&product).await;
    let tools = assistant.tools.keys().map(|name| format!("tool_{name}"));
    let others = [
        "openapi",
        "tools_tokens",
        "prompts",
        "resource_templates",
        "resources",
        "server",
        "prompt_brand_interview_at_first",
        "prompt_brand_interview",
        "prompt_write_content",
        "prompt_review_draft",
        "prompt_fix_page",
        "prompt_performance_review",
        "prompt_competitor_teardown",
        "prompt_launch_plan",
        "resource_calendar",
        "resource_brand",
        "resource_content",
        "resource_playbook",
    ];
    let expected: BTreeSet<String> =
        tools.chain(others.map(str::to_owned)).map(|name| format!("{name}.snap")).collect();
    let names = fs::read_dir(DIRECTORY).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // What insta writes beside a snapshot that differs is for the developer to look at.
    let kept: BTreeSet<String> = names.filter(|name| !name.ends_with(".new")).collect();
    assert_eq!(kept, expected);
}
