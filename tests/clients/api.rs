//! A tester of APIs that goes by their description.

use harness::process::{HeyCmo, Launch};
use serde_json::{Value, json};

use crate::script::python;

const ADMIN_SECRET: &str = "the-operators-secret-of-these-tests";

/// What it sends and what it holds the answers against is in `python/schemathesis.toml`.
#[tokio::test]
async fn the_api_is_as_described() {
    let server = HeyCmo::launch(Launch::new("heycmo").env("ADMIN_SECRET", ADMIN_SECRET)).await;
    let http = web::http_client().no_proxy().build().expect("a client");
    let provision = http.post(format!("{}/api/admin/provision", server.gateway)).bearer_auth(ADMIN_SECRET);
    let answer = provision.json(&json!({"email": "anna@example.com"})).send().await.expect("an answer");
    let customer: Value = answer.json().await.expect("JSON");
    let tested = python("tools", "schemathesis")
        .args(["--config-file", "schemathesis.toml", "run"])
        .arg(format!("{}/openapi.json", server.gateway))
        .env("ADMIN_SECRET", ADMIN_SECRET)
        .env("API_KEY", customer["apiKey"].as_str().expect("a key"))
        .env("CUSTOMER_ID", customer["customerId"].as_str().expect("an id"))
        .kill_on_drop(true)
        .output()
        .await
        .expect("it starts");
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
}
