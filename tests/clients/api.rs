//! A tester of APIs that goes by their description.

use harness::process::{HeyCmo, Launch};

use crate::script::{python, succeeds};

const ADMIN_SECRET: &str = "the-operators-secret-of-these-tests";

/// What it sends and what it holds the answers against is in `python/schemathesis.toml`.
#[tokio::test]
async fn the_api_is_as_described() {
    let server = HeyCmo::launch(Launch::new("heycmo").env("ADMIN_SECRET", ADMIN_SECRET)).await;
    let http = web::http_client().no_proxy().build().expect("a client");
    let description = http.get(format!("{}/openapi.json", server.gateway)).send().await.expect("an answer");
    assert!(description.status().is_success());
    let mut schemathesis = python("tools", "python");
    schemathesis
        .arg("api.py")
        .arg(format!("{}/openapi.json", server.gateway))
        .env("ADMIN_SECRET", ADMIN_SECRET)
        .env("API_KEY", &server.key);
    succeeds(schemathesis, server).await;
}
