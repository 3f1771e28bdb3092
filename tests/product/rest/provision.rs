use std::collections::BTreeSet;

use harness::{TestDb, an_email, on_each_database};
use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::support::{ADMIN_SECRET, MCP_URL, Product, assert_refused, json_of, keys, refusal};

on_each_database!(an_operator_provisions_a_customer, an_email_address_has_one_customer);

async fn an_operator_provisions_a_customer(test: TestDb) {
    let product = Product::on(test).await;
    let email = an_email();
    let body = json!({"email": format!("  {} ", email.to_uppercase()), "plan": "team", "brandName": " Acme Corp ", "website": "acme.example"});
    let response = product.provision(&body).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = response.json().await.unwrap();
    assert_eq!(keys(&body), BTreeSet::from(["apiKey", "customerId", "email", "mcpEndpoint", "plan", "status"]));
    let key = body["apiKey"].as_str().unwrap();
    let hex = key.strip_prefix("hcmo_live_").unwrap();
    assert!(hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{key}");
    assert_eq!(body["mcpEndpoint"], format!("{MCP_URL}/mcp/sse?token={key}"));
    assert_eq!((&body["email"], &body["plan"], &body["status"]), (&json!(email), &json!("team"), &json!("onboarding")));

    let id = body["customerId"].as_str().unwrap();
    let customer = json_of(product.get(&format!("/api/customer/{id}"), key)).await;
    assert_eq!(customer["brandName"], "Acme Corp");
    let log = json_of(product.get(&format!("/api/events/{id}"), key)).await;
    let types: Vec<&str> =
        log["events"].as_array().unwrap().iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(types, ["key.created", "customer.created"]);
    let assistant = product.assistant(key).await;
    assert_eq!(assistant.call("get_brand", json!({})).await.data["website"], "https://acme.example");
}

async fn an_email_address_has_one_customer(test: TestDb) {
    let product = Product::on(test).await;
    let email = an_email();
    json_of(product.provision(&json!({"email": email}))).await;
    let before = product.test.dump().await;
    let again = refusal(product.provision(&json!({"email": email.to_uppercase()}))).await;
    assert_refused(&again, 409, "email_taken");
    assert_eq!(product.test.dump().await, before);
}

#[tokio::test]
async fn only_operators_provision() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let before = product.test.dump().await;
    let request = |header: Option<String>| {
        let request = product.http.post(format!("{}/api/admin/provision", product.gateway));
        let request = request.json(&json!({"email": an_email()}));
        header.into_iter().fold(request, |request, header| request.header(AUTHORIZATION, header))
    };
    let wrong = [
        None,
        Some(String::new()),
        Some("Bearer ".to_owned()),
        Some("Bearer wrong".to_owned()),
        Some(ADMIN_SECRET.to_owned()),
        Some(format!("Basic {ADMIN_SECRET}")),
        Some(format!("Bearer {ADMIN_SECRET}x")),
        Some(format!("Bearer {}", customer.key)),
    ];
    for header in wrong {
        assert_refused(&refusal(request(header)).await, 401, "invalid_admin_secret");
    }
    assert_eq!(product.test.dump().await, before);
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let product = Product::start().await;
    let before = product.test.dump().await;
    let long = "x".repeat(200);
    let email = an_email();
    for (body, field) in [
        (json!({"email": ""}), "email"),
        (json!({"email": "anna"}), "email"),
        (json!({"email": "anna@localhost"}), "email"),
        (json!({"email": "anna@example.com\u{0}"}), "email"),
        (json!({"email": "Anna <anna@example.com>"}), "email"),
        (json!({"email": format!("{long}@example.com")}), "email"),
        (json!({"email": 5}), "email"),
        (json!({"email": null}), "email"),
        (json!({"email": ["a@example.com"]}), "email"),
        (json!({"email": email, "plan": ""}), "plan"),
        (json!({"email": email, "plan": "Big Plan"}), "plan"),
        (json!({"email": email, "plan": long}), "plan"),
        (json!({"email": email, "plan": true}), "plan"),
        (json!({"email": email, "brandName": long}), "brandName"),
        (json!({"email": email, "brandName": "a\u{0}b"}), "brandName"),
        (json!({"email": email, "brandName": {}}), "brandName"),
        (json!({"email": email, "website": "not a website"}), "website"),
        (json!({"email": email, "website": "ftp://example.com"}), "website"),
        (json!({"email": email, "website": "https://example.com/\u{0}"}), "website"),
        (json!({"email": email, "website": 1.5}), "website"),
        (json!({"email": email, "admin": true}), "admin"),
    ] {
        let refused = refusal(product.provision(&body)).await;
        assert_refused(&refused, 400, "invalid_input");
        assert_eq!(keys(&refused.1["fields"]), BTreeSet::from([field]), "{body}");
        assert!(refused.1["error"].as_str().unwrap().contains(field), "{}", refused.1);
    }
    assert_eq!(product.test.dump().await, before);
}

#[tokio::test]
async fn a_body_that_is_not_the_json_that_is_wanted_is_refused() {
    let product = Product::start().await;
    let before = product.test.dump().await;
    let post = |body: Vec<u8>| -> RequestBuilder {
        let request = product.http.post(format!("{}/api/admin/provision", product.gateway)).bearer_auth(ADMIN_SECRET);
        request.header(CONTENT_TYPE, "application/json").body(body)
    };
    let deep = |levels: usize| format!("{}{}", r#"{"email":"#.repeat(levels), "1").into_bytes();
    for (what, body, status, code) in [
        ("empty", Vec::new(), 400, "invalid_json"),
        ("no JSON", b"email=a@example.com".to_vec(), 400, "invalid_json"),
        ("cut off", br#"{"email":"a@exam"#.to_vec(), 400, "invalid_json"),
        ("more than one", br#"{"email":"a@example.com"}{}"#.to_vec(), 400, "invalid_json"),
        ("a list", b"[]".to_vec(), 400, "invalid_json"),
        ("a text", br#""a@example.com""#.to_vec(), 400, "invalid_json"),
        ("null", b"null".to_vec(), 400, "invalid_json"),
        ("nothing in it", b"{}".to_vec(), 400, "invalid_json"),
        ("twice", br#"{"email":"a@example.com","email":"b@example.com"}"#.to_vec(), 400, "invalid_json"),
        ("invalid UTF-8", b"{\"email\":\"\xff\xfe@example.com\"}".to_vec(), 400, "invalid_json"),
        ("a lone surrogate", br#"{"email":"\ud800@example.com"}"#.to_vec(), 400, "invalid_json"),
        ("deep", deep(1_000), 400, "invalid_input"),
        ("a deep list", [b"{\"email\":".to_vec(), b"[".repeat(1_000)].concat(), 400, "invalid_input"),
        ("large", format!(r#"{{"email":"{}"}}"#, "x".repeat(64 * 1024)).into_bytes(), 413, "body_too_large"),
    ] {
        let refused = refusal(post(body)).await;
        assert_refused(&refused, status, code);
        let error = refused.1["error"].as_str().unwrap();
        assert!(!error.contains("ProvisionIn"), "{what}: {error}");
    }
    for empty in ["", " \n"] {
        let refused = refusal(post(empty.into())).await;
        assert_eq!(refused.1["error"], "The body is empty; send a JSON object.");
    }
    let missing = refusal(post(b"{}".to_vec())).await;
    assert!(missing.1["error"].as_str().unwrap().contains("email"), "{}", missing.1);
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let request = product.http.post(format!("{}/api/admin/provision", product.gateway)).bearer_auth(ADMIN_SECRET);
        let request = request.header(CONTENT_TYPE, content_type).body(r#"{"email":"a@example.com"}"#);
        assert_refused(&refusal(request).await, 415, "unsupported_media_type");
    }
    assert_eq!(product.test.dump().await, before);
}
