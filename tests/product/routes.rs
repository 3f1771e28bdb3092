//! The table of routes in the documentation, held against the description that the gateway gives of itself.

use serde_json::Value;

use crate::support::Product;

const TABLE: &str = include_str!("../../rest-gateway/ROUTES.md");

fn row(path: &str, method: &str, operation: &Value) -> String {
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
    let method = method.to_uppercase();
    format!("| `{method} {path}` | {credential} | {limit} | {} | {} |", list(good), list(errors))
}

#[tokio::test]
async fn the_table_lists_every_route_with_credential_limit_and_errors() {
    let product = Product::start().await;
    let api: Value =
        product.http.get(format!("{}/openapi.json", product.gateway)).send().await.unwrap().json().await.unwrap();
    let mut rows = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            rows.push(row(path, method, operation));
        }
    }
    rows.sort();
    let listed: Vec<&str> = TABLE.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(listed, rows, "ROUTES.md should have these rows:\n{}", rows.join("\n"));
}
