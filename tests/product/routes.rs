//! The description that the gateway gives of itself, held against the documentation and against the routes.

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::snapshots::settings;
use crate::support::{ADMIN_SECRET, Account, Product, assert_refused, error_of};

const TABLE: &str = include_str!("../../rest-gateway/ROUTES.md");

fn row(path: &str, method: &Method, operation: &Value) -> String {
    let credential = match operation["security"][0].as_object().and_then(|schemes| schemes.keys().next()) {
        Some(scheme) if scheme == "adminSecret" => "admin secret",
        Some(_) => "API key",
        None => "none",
    };
    let responses = operation["responses"].as_object().unwrap();
    let limit = responses.get("429").map_or("none", |response| {
        let description = response["description"].as_str().unwrap();
        description.split('`').nth(1).expect("the description names the limit")
    });
    let (good, errors): (Vec<&String>, Vec<&String>) = responses.keys().partition(|status| status.starts_with('2'));
    let list = |statuses: Vec<&String>| statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ");
    format!("| `{method} {path}` | {credential} | {limit} | {} | {} |", list(good), list(errors))
}

async fn description(product: &Product) -> Value {
    product.http.get(format!("{}/openapi.json", product.gateway)).send().await.unwrap().json().await.unwrap()
}

/// Path, method and description of every operation.
fn operations(api: &Value) -> Vec<(&str, Method, &Value)> {
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((path.as_str(), method.to_uppercase().parse().unwrap(), operation));
        }
    }
    all
}

#[tokio::test]
async fn the_table_lists_every_route_with_credential_limit_and_errors() {
    let product = Product::start().await;
    let api = description(&product).await;
    let mut rows: Vec<String> =
        operations(&api).into_iter().map(|(path, method, operation)| row(path, &method, operation)).collect();
    rows.sort();
    let listed: Vec<&str> = TABLE.lines().filter(|line| line.starts_with("| `") && line.contains(" /api/")).collect();
    assert_eq!(listed, rows, "ROUTES.md should have these rows:\n{}", rows.join("\n"));
}

/// A change of the API shows here before a program sees it. `cargo insta review` accepts it.
#[tokio::test]
async fn the_description() {
    let product = Product::start().await;
    let api = description(&product).await;
    settings().bind(|| insta::assert_json_snapshot!("openapi", api));
    for (path, method, operation) in operations(&api) {
        let named = operation["operationId"].is_string() && operation["summary"].is_string();
        assert!(named && operation["tags"].is_array(), "{method} {path}");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            assert!(answer["description"].is_string(), "OpenAPI requires it: {method} {path} {status}");
        }
    }
}

/// A request to a documented path of this customer's.
fn to(product: &Product, customer: &Account, key: &str, path: &str, method: Method) -> RequestBuilder {
    let filled = path
        .replace("{customer_id}", customer.id.as_str())
        .replace("{key_id}", key)
        .replace("{session_id}", "cs_test_nobody")
        .replace("{platform}", "linkedin");
    assert!(!filled.contains('{'), "there is no value for {path}");
    let credential = if path.starts_with("/api/admin/") { ADMIN_SECRET } else { &customer.key };
    product.http.request(method, format!("{}{filled}", product.gateway)).bearer_auth(credential)
}

/// What each operation answers that is called as described, where there is neither Stripe nor Composio.
fn expected(path: &str, method: &Method) -> u16 {
    match (method.as_str(), path) {
        ("POST", "/api/admin/provision" | "/api/customer/{customer_id}/keys") => 201,
        ("POST", "/api/billing/portal/{customer_id}" | "/api/checkout" | "/api/webhooks/stripe")
        | ("GET", "/api/session/{session_id}")
        | ("POST", "/api/connect/{customer_id}" | "/api/webhooks/composio")
        | ("GET", "/api/connections/{customer_id}")
        | ("DELETE", "/api/connections/{customer_id}/{platform}") => 503,
        // Nobody but GitHub can sign; tests/process has a stand-in.
        ("POST", "/api/secret-scanning/github") => 400,
        ("DELETE", _) => 204,
        _ => 200,
    }
}

async fn key_of_another_assistant(product: &Product, customer: &Account) -> String {
    let keys = to(product, customer, "", "/api/customer/{customer_id}/keys", Method::POST);
    let made: Value = keys.json(&json!({"label": "another"})).send().await.unwrap().json().await.unwrap();
    made["id"].as_str().expect("the id of a key").to_owned()
}

#[tokio::test]
async fn what_is_described_is_served() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let api = description(&product).await;
    let operations = operations(&api);
    assert!(operations.len() > 10, "{operations:?}");
    for (path, method, operation) in operations {
        let key = key_of_another_assistant(&product, &customer).await;
        let request = to(&product, &customer, &key, path, method.clone());
        let request = match (path, operation["requestBody"].is_object()) {
            ("/api/admin/provision" | "/api/checkout", _) => request.json(&json!({"email": "ben@example.com"})),
            ("/api/connect/{customer_id}", _) => request.json(&json!({"platforms": ["linkedin"]})),
            (_, true) => request.json(&json!({"label": "one more"})),
            (_, false) => request,
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(status, expected(path, &method), "{method} {path}: {}", response_text(path, response).await);
        assert!(operation["responses"][status.to_string()].is_object(), "{method} {path}: {status} is not described");
    }
}

/// The log as a stream never ends.
async fn response_text(path: &str, response: Response) -> String {
    if path.ends_with("/stream") { String::new() } else { response.text().await.unwrap() }
}

#[tokio::test]
async fn what_is_not_described_is_refused_with_what_is() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let api = description(&product).await;
    let operations = operations(&api);
    let paths: BTreeSet<&str> = operations.iter().map(|(path, ..)| *path).collect();
    for path in paths {
        let mut described: BTreeSet<&str> =
            operations.iter().filter(|(other, ..)| *other == path).map(|(_, method, _)| method.as_str()).collect();
        if described.contains("GET") {
            described.insert("HEAD");
        }
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            if described.contains(method.as_str()) {
                continue;
            }
            let response = to(&product, &customer, "key_x", path, method.clone()).send().await.unwrap();
            let allowed = response.headers().get("allow").map(|methods| methods.to_str().unwrap().to_owned());
            let allowed = allowed.unwrap_or_default();
            let allowed: BTreeSet<&str> = allowed.split(',').map(str::trim).collect();
            assert_eq!(allowed, described, "{method} {path}");
            assert_refused(&error_of(response).await, 405, "method_not_allowed");
        }
    }
}
