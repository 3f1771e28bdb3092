//! PUT: out of band and in band.

use axum::http::Method;
use inngest::{App, Function, FunctionOptions, Inngest, Input, Step, create_function};
use serde_json::{Value, json};

use crate::support::{Answer, Endpoint, FALLBACK, KEY, SDK, Scripted, bearer, client, config, http, nowhere};

const IN_BAND: (&str, &str) = ("x-inngest-sync-kind", "in_band");

fn functions() -> [Function; 1] {
    [create_function(FunctionOptions::new("test").event("a/b"), |_: Input, _: Step| async { Ok(()) })]
}

fn registered() -> Value {
    json!({"ok": true, "modified": true, "sync_id": "s", "app_id": "a"})
}

async fn put(endpoint: &Endpoint, query: &str, headers: &[(&str, &str)]) -> Answer {
    let answer = endpoint.ask(Method::PUT, query, headers, "").await;
    answer.assert_of_sdk();
    assert_eq!(answer.header("x-inngest-sync-kind"), Some("out_of_band"));
    answer
}

fn dev(origin: &str) -> Endpoint {
    Endpoint::new(client(&[("INNGEST_DEV", origin)]), functions())
}

fn message(message: &str) -> Value {
    json!({"message": message, "modified": false})
}

#[tokio::test]
async fn the_app_registers_itself() {
    let inngest = Scripted::start(&[(200, registered())]).await;
    let answer = put(&dev(&inngest.origin), "", &[("x-inngest-server-kind", "dev")]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({"message": "Successfully registered", "modified": true}))
    );
    let asked = &inngest.asked()[0];
    assert_eq!((asked.method.as_str(), asked.uri.as_str()), ("POST", "/fn/register"));
    assert_eq!(asked.header("x-inngest-expected-server-kind"), Some("dev"));
    assert_eq!(asked.header("x-inngest-sync-kind"), Some("out_of_band"));
    assert_eq!(asked.header("x-inngest-sdk"), Some(SDK));
    assert_eq!(asked.header("x-inngest-req-version"), Some("2"));
    assert_eq!(asked.header("user-agent"), Some(SDK));
    assert_eq!(asked.header("authorization"), None);
    let mut body = asked.json();
    let functions = body.as_object_mut().unwrap().remove("functions").unwrap();
    assert_eq!(functions[0]["id"], "my-app-test");
    let expected = json!({
        "url": "http://app.test:3000/api/inngest", "deployType": "ping", "framework": "axum", "appName": "my-app",
        "sdk": SDK, "v": "0.1", "capabilities": {"trust_probe": "v1", "in_band_sync": "v1"},
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn nothing_new_is_said_so() {
    let inngest = Scripted::start(&[(200, json!({"ok": true}))]).await;
    let answer = put(&dev(&inngest.origin), "", &[]).await;
    assert_eq!(answer.json()["modified"], false);
    assert_eq!(inngest.asked()[0].header("x-inngest-expected-server-kind"), None);
}

#[tokio::test]
async fn a_refusal_is_passed_on() {
    let refusal = json!({"error": "At least one function is invalid", "data": null, "status": 400});
    let inngest = Scripted::start(&[(400, refusal), (401, json!("Authentication failed"))]).await;
    let endpoint = dev(&inngest.origin);
    let answer = put(&endpoint, "", &[]).await;
    let expected = message("Inngest answered 400 Bad Request: At least one function is invalid");
    assert_eq!((answer.status.as_u16(), answer.json()), (500, expected));
    let answer = put(&endpoint, "", &[]).await;
    let expected = message("Inngest answered 401 Unauthorized: Authentication failed");
    assert_eq!((answer.status.as_u16(), answer.json()), (500, expected));
}

#[tokio::test]
async fn an_inngest_that_is_not_there() {
    let answer = put(&dev(&nowhere().await), "", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (500, message("Inngest cannot be reached")));
}

#[tokio::test]
async fn the_deploy_id_moves_and_other_parameters_stay() {
    let inngest = Scripted::start(&[(200, registered())]).await;
    put(&dev(&inngest.origin), "?deployId=d1&tenant=t%26x", &[]).await;
    let asked = &inngest.asked()[0];
    assert_eq!(asked.uri, "/fn/register?deployId=d1");
    let body = asked.json();
    assert_eq!(body["url"], "http://app.test:3000/api/inngest?tenant=t%26x");
    let url = &body["functions"][0]["steps"]["step"]["runtime"]["url"];
    assert_eq!(url, "http://app.test:3000/api/inngest?tenant=t%26x&fnId=my-app-test&stepId=step");
}

#[tokio::test]
async fn the_public_address_is_configured_or_that_of_the_request() {
    let inngest = Scripted::start(&[(200, registered())]).await;
    let dev = ("INNGEST_DEV", inngest.origin.as_str());
    put(&Endpoint::new(client(&[dev]), functions()), "", &[("x-forwarded-proto", "https, http")]).await;
    let served = [dev, ("INNGEST_SERVE_ORIGIN", "https://public.test"), ("INNGEST_SERVE_PATH", "/in/ngest")];
    put(&Endpoint::new(client(&served[..2]), functions()), "?x=1", &[]).await;
    put(&Endpoint::new(client(&served), functions()), "", &[]).await;
    put(&Endpoint::new(client(&[dev, served[2]]), functions()), "", &[]).await;
    let urls: Vec<_> = inngest.asked().iter().map(|asked| asked.json()["url"].clone()).collect();
    let expected = [
        "https://app.test:3000/api/inngest",
        "https://public.test/api/inngest?x=1",
        "https://public.test/in/ngest",
        "http://app.test:3000/in/ngest",
    ];
    assert_eq!(urls, expected);
}

#[tokio::test]
async fn a_nested_route_is_registered_with_its_whole_path() {
    let inngest = Scripted::start(&[(200, registered())]).await;
    put(&Endpoint::nested(client(&[("INNGEST_DEV", &inngest.origin)]), functions()), "", &[]).await;
    assert_eq!(inngest.asked()[0].json()["url"], "http://app.test:3000/api/inngest");
}

#[tokio::test]
async fn the_fallback_key_is_tried_when_the_first_is_not_known() {
    for refused in [401, 403] {
        let inngest = Scripted::start(&[(refused, json!("no")), (200, registered())]).await;
        let variables = [
            ("INNGEST_BASE_URL", inngest.origin.as_str()),
            ("INNGEST_SIGNING_KEY", KEY),
            ("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK),
            ("INNGEST_ENV", "branch"),
        ];
        let endpoint = Endpoint::new(client(&variables), functions());
        let answer = endpoint.ask_signed(KEY, Method::PUT, "", &[], r#"{"url":"http://x/"}"#).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("x-inngest-signature").is_some());
        let asked = inngest.asked();
        let bearers: Vec<_> = asked.iter().map(|asked| asked.header("authorization").unwrap()).collect();
        assert_eq!(bearers, [bearer(KEY), bearer(FALLBACK)]);
        assert_eq!(asked[1].header("x-inngest-env"), Some("branch"));
        assert_eq!(asked[0].body, asked[1].body);
    }
}

#[tokio::test]
async fn a_stranger_may_ask_for_it_only_where_that_is_safe() {
    let inngest = Scripted::start(&[(200, registered())]).await;
    let cloud = [("INNGEST_BASE_URL", inngest.origin.as_str()), ("INNGEST_SIGNING_KEY", KEY)];
    let put = async |more: &[(&'static str, &'static str)]| {
        let variables: Vec<_> = cloud.iter().chain(more).copied().collect();
        Endpoint::new(client(&variables), functions()).ask(Method::PUT, "", &[], "").await
    };
    // The Host header is the stranger's.
    put(&[]).await.assert_refused();
    let origin = ("INNGEST_SERVE_ORIGIN", "https://public.test");
    put(&[origin, ("INNGEST_ENABLE_UNAUTHED_SYNC", "0")]).await.assert_refused();
    assert_eq!(inngest.asked().len(), 0);
    assert_eq!(put(&[origin]).await.status, 200);
    assert_eq!(put(&[("INNGEST_ENABLE_UNAUTHED_SYNC", "1")]).await.status, 200);
    assert_eq!(inngest.asked()[0].json()["url"], "https://public.test/api/inngest");
}

#[tokio::test]
async fn a_forged_sync_is_refused_in_any_case() {
    let inngest = Scripted::start(&[(200, registered())]).await;
    let variables = [
        ("INNGEST_BASE_URL", inngest.origin.as_str()),
        ("INNGEST_SIGNING_KEY", KEY),
        ("INNGEST_ENABLE_UNAUTHED_SYNC", "1"),
    ];
    let endpoint = Endpoint::new(client(&variables), functions());
    endpoint.ask_signed(FALLBACK, Method::PUT, "", &[], "").await.assert_refused();
    endpoint.ask_signed(FALLBACK, Method::PUT, "", &[IN_BAND], r#"{"url":"http://x/"}"#).await.assert_refused();
    assert_eq!(inngest.asked().len(), 0);
}

#[tokio::test]
async fn without_a_key_the_cloud_is_not_believed() {
    let endpoint = Endpoint::new(client(&[("INNGEST_SERVE_ORIGIN", "https://public.test")]), functions());
    let answer = endpoint.ask(Method::PUT, "", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (500, json!({"code": "internal_server_error"})));
}

#[tokio::test]
async fn in_band_the_answer_says_it_all_and_is_signed() {
    let client = Inngest::new("my-app", config(&[("INNGEST_SIGNING_KEY", KEY)]), http()).with_app_version("v7");
    let endpoint = Endpoint::new(client, functions());
    let body = r#"{"url":"https://given.test/api/inngest?deployId=d"}"#;
    let answer = endpoint.ask_signed(KEY, Method::PUT, "", &[IN_BAND], body).await;
    assert_eq!(answer.status, 200);
    answer.assert_of_sdk();
    assert_eq!(answer.header("x-inngest-sync-kind"), Some("in_band"));
    assert!(answer.header("x-inngest-signature").is_some());
    let mut body = answer.json();
    let inspection = body.as_object_mut().unwrap().remove("inspection").unwrap();
    assert_eq!(inspection, endpoint.ask_signed(KEY, Method::GET, "", &[], "").await.json());
    let url = "https://given.test/api/inngest?fnId=my-app-test&stepId=step";
    let expected = json!({
        "app_id": "my-app", "env": null, "framework": "axum", "platform": null, "sdk_author": "community",
        "sdk_language": "rust", "sdk_version": env!("CARGO_PKG_VERSION"), "sdk": SDK, "appVersion": "v7",
        "url": "https://given.test/api/inngest", "capabilities": {"trust_probe": "v1", "in_band_sync": "v1"},
        "functions": [{
            "id": "my-app-test", "name": "test", "triggers": [{"event": "a/b"}],
            "steps": {"step": {"id": "step", "name": "step", "runtime": {"type": "http", "url": url}}},
        }],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn in_band_the_configured_address_goes_before_the_given_one() {
    let variables = [("INNGEST_DEV", "1"), ("INNGEST_SERVE_ORIGIN", "https://public.test")];
    let endpoint = Endpoint::new(client(&variables), functions());
    let answer = endpoint.ask(Method::PUT, "", &[IN_BAND], r#"{"url":"https://given.test/given"}"#).await;
    assert_eq!(answer.json()["url"], "https://public.test/given");
}

#[tokio::test]
async fn in_band_unsigned_is_refused() {
    let allowed = [("INNGEST_SIGNING_KEY", KEY), ("INNGEST_ENABLE_UNAUTHED_SYNC", "1")];
    let endpoint = Endpoint::new(client(&allowed), functions());
    endpoint.ask(Method::PUT, "", &[IN_BAND], r#"{"url":"https://given.test/"}"#).await.assert_refused();
}

#[tokio::test]
async fn in_band_without_an_address_is_a_bad_request() {
    for body in ["", "{", "{}", r#"{"url":"no address"}"#] {
        let answer = Endpoint::cloud(functions()).ask_signed(KEY, Method::PUT, "", &[IN_BAND], body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["code"], "invalid_body");
        assert!(answer.json()["message"].is_string());
    }
}

#[tokio::test]
async fn an_app_may_register_itself_unasked() {
    let inngest = Scripted::start(&[(200, registered()), (400, json!({"error": "App ID required"}))]).await;
    let client = client(&[("INNGEST_DEV", inngest.origin.as_str())]).with_app_version("v7");
    let app = App::new(client, functions()).unwrap();
    let url = "http://localhost:3000/api/inngest".parse().unwrap();
    assert_eq!(app.register(&url).await, Ok(true));
    let body = inngest.asked()[0].json();
    assert_eq!((&body["url"], &body["appVersion"]), (&json!("http://localhost:3000/api/inngest"), &json!("v7")));
    let error = app.register(&url).await.unwrap_err().to_string();
    assert!(error.contains("App ID required"), "{error}");
}
