//! GET, and what is no method.

use axum::http::Method;
use inngest::{Function, FunctionOptions, Input, Step, create_function};
use serde_json::{Value, json};

use crate::support::{Endpoint, FALLBACK, KEY, client};

fn functions() -> [Function; 1] {
    [create_function(FunctionOptions::new("test").event("a/b"), |_: Input, _: Step| async { Ok(()) })]
}

fn endpoint() -> Endpoint {
    let variables = [
        ("INNGEST_SIGNING_KEY", KEY),
        ("INNGEST_EVENT_KEY", "deadbeefcafe"),
        ("INNGEST_ENV", "branch"),
        ("INNGEST_SERVE_PATH", "/api/inngest"),
    ];
    Endpoint::new(client(&variables), functions())
}

fn summary(authenticated: Value) -> Value {
    json!({
        "authentication_succeeded": authenticated, "capabilities": {"in_band_sync": "v1", "trust_probe": "v1"},
        "extra": {}, "function_count": 1, "has_event_key": true, "has_signing_key": true,
        "has_signing_key_fallback": false, "mode": "cloud", "schema_version": "2024-05-24",
    })
}

#[tokio::test]
async fn anybody_may_know_a_little() {
    let answer = endpoint().ask(Method::GET, "", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, summary(Value::Null)));
    assert_eq!(answer.header("x-inngest-signature"), None);
    answer.assert_of_sdk();
    assert_eq!(answer.header("x-inngest-env"), Some("branch"));
}

#[tokio::test]
async fn a_bad_signature_is_told_so() {
    let answer = endpoint().ask_signed(FALLBACK, Method::GET, "", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, summary(json!(false))));
    assert_eq!(answer.header("x-inngest-signature"), None);
}

#[tokio::test]
async fn inngest_may_know_more_and_nothing_secret() {
    let answer = endpoint().ask_signed(KEY, Method::GET, "", &[], "").await;
    assert!(answer.header("x-inngest-signature").is_some());
    let mut expected = summary(json!(true));
    let more = json!({
        "api_origin": "https://api.inngest.com/", "app_id": "my-app", "env": "branch",
        "event_api_origin": "https://inn.gs/",
        "event_key_hash": "21f5297fc4ea1163ce5442f91ce8504e2f902fead936face4f941fd4e2df5603",
        "framework": "axum", "sdk_language": "rust", "sdk_version": env!("CARGO_PKG_VERSION"),
        "serve_origin": null, "serve_path": "/api/inngest", "signing_key_hash": "4884fdaafea4",
        "signing_key_fallback_hash": null,
    });
    expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(answer.json(), expected);
    assert!(!answer.text().contains("deadbeefcafe") && !answer.text().contains(&KEY[13..]));
}

#[tokio::test]
async fn dev_mode_says_so() {
    let answer = Endpoint::dev(functions()).ask(Method::GET, "", &[], "").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["mode"], &body["has_signing_key"]), (&json!("dev"), &json!(false)));
    assert_eq!(body["authentication_succeeded"], Value::Null);
}

#[tokio::test]
async fn a_health_check_is_answered() {
    assert_eq!(endpoint().ask(Method::HEAD, "", &[], "").await.status, 200);
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    for method in [Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = endpoint().ask(method, "", &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.json()), (405, json!({"message": "Method not allowed"})));
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, PUT"));
    }
}
