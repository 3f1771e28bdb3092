//! What goes over the wire, against a server that answers as it is told.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use composio::{AccountFilter, AccountStatus, Composio, Error, Execution, LinkRequest};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Answer = (u16, Vec<(&'static str, &'static str)>, String);

/// What was sent, and what is to be answered.
#[derive(Clone, Default)]
struct Told {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    sent: Arc<Mutex<Vec<Value>>>,
}

async fn answer(State(told): State<Told>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    told.sent.lock().unwrap().push(json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path_and_query().unwrap().as_str(),
        "key": parts.headers["x-api-key"].to_str().unwrap(),
        "body": serde_json::from_slice::<Value>(&body).unwrap_or_default(),
    }));
    let (status, headers, body) = told.answers.lock().unwrap().pop_front().expect("one more call than expected");
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

struct Stage {
    composio: Composio,
    told: Told,
}

impl Stage {
    async fn with(answers: impl IntoIterator<Item = Answer>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let told = Told::default();
        told.answers.lock().unwrap().extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api/v3.1", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(answer).with_state(told.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let composio = Composio::new(reqwest::Client::builder().no_proxy(), base, "the-key".into()).unwrap();
        Self { composio, told }
    }

    fn sent(&self) -> Vec<Value> {
        self.told.sent.lock().unwrap().clone()
    }
}

fn ok(body: Value) -> Answer {
    (200, Vec::new(), body.to_string())
}

fn error(status: u16, headers: &[(&'static str, &'static str)]) -> Answer {
    let body = json!({"error": {"message": "No.", "request_id": "req_of_theirs"}});
    (status, headers.to_vec(), body.to_string())
}

fn post() -> Execution<'static> {
    Execution { tool: "POST_IT", user_id: "anna", account_id: "ca_1", arguments: json!({"text": "Hello"}) }
}

#[tokio::test]
async fn a_call_is_sent_as_documented() {
    let link = json!({"link_token": "t", "redirect_url": "https://connect.example/ln_1", "connected_account_id": "ca_1",
        "expires_at": "2026-01-15T10:30:00.000Z", "new": {"field": 1}});
    let stage =
        Stage::with([(201, Vec::new(), link.to_string()), ok(json!({"data": {"id": 7}, "successful": true}))]).await;
    let wanted = LinkRequest { auth_config_id: "ac_1", user_id: "anna", callback_url: "https://app.example/back" };
    let link = stage.composio.link(&wanted).await.unwrap();
    assert_eq!(
        (link.redirect_url.as_str(), link.connected_account_id.as_str()),
        ("https://connect.example/ln_1", "ca_1")
    );
    assert_eq!(stage.composio.execute_once(&post()).await.unwrap(), json!({"id": 7}));
    let sent = stage.sent();
    assert_eq!(
        sent[0],
        json!({"method": "POST", "path": "/api/v3.1/connected_accounts/link", "key": "the-key",
        "body": {"auth_config_id": "ac_1", "user_id": "anna", "callback_url": "https://app.example/back"}})
    );
    assert_eq!(
        sent[1],
        json!({"method": "POST", "path": "/api/v3.1/tools/execute/POST_IT", "key": "the-key",
        "body": {"user_id": "anna", "connected_account_id": "ca_1", "arguments": {"text": "Hello"}, "version": "latest"}})
    );
}

#[tokio::test]
async fn accounts_are_read_from_all_pages_and_tolerantly() {
    let token = "ya29.secret-token-of-a-platform-that-nobody-may-keep";
    let account = |id: &str, status: &str| {
        json!({"id": id, "status": status, "toolkit": {"slug": "twitter"},
        "state": {"val": {"access_token": token}}, "data": {"access_token": token}})
    };
    let stage = Stage::with([
        ok(json!({"items": [account("ca_1", "ACTIVE"), account("ca_2", "SLEEPING")], "next_cursor": "2"})),
        ok(json!({"items": [account("ca_3", "REVOKED")], "next_cursor": null})),
    ])
    .await;
    let filter = AccountFilter { user_id: Some("a&b"), ..AccountFilter::default() };
    let accounts = stage.composio.accounts(filter).await.unwrap();
    let statuses: Vec<AccountStatus> = accounts.iter().map(|account| account.status.clone()).collect();
    assert_eq!(
        statuses,
        [AccountStatus::Active, AccountStatus::Unknown("SLEEPING".to_owned()), AccountStatus::Revoked]
    );
    assert!(!format!("{accounts:?} {:?}", stage.composio).contains(token));
    assert!(!format!("{:?}", stage.composio).contains("the-key"));
    let paths: Vec<Value> = stage.sent().iter().map(|sent| sent["path"].clone()).collect();
    let first = "/api/v3.1/connected_accounts?limit=100&user_ids=a%26b";
    assert_eq!(paths, [json!(first), json!(format!("{first}&cursor=2"))]);
}

#[tokio::test]
async fn what_may_help_is_tried_again_but_nothing_that_acts() {
    let soon = [("retry-after-ms", "1")];
    let toolkit = || ok(json!({"slug": "linkedin", "name": "LinkedIn"}));
    let html = || (200, Vec::new(), "<html>Please wait</html>".to_owned());
    for (answers, calls) in [
        (vec![error(429, &soon), error(503, &soon), toolkit()], 3),
        (vec![html(), toolkit()], 2),
        (vec![error(400, &[("x-should-retry", "true"), ("retry-after-ms", "1")]), toolkit()], 2),
    ] {
        let stage = Stage::with(answers).await;
        assert_eq!(stage.composio.toolkit("linkedin").await.unwrap().name, "LinkedIn");
        assert_eq!(stage.sent().len(), calls);
    }
    // Asked to wait for longer than anybody would, or told not to.
    for (answer, status) in [
        (error(429, &[("retry-after", "600")]), 429),
        (error(500, &[("x-should-retry", "false")]), 500),
        (error(404, &[]), 404),
    ] {
        let stage = Stage::with([answer]).await;
        let error = stage.composio.toolkit("linkedin").await.unwrap_err();
        let Error::Refused { status: found, request_id, .. } = &error else { panic!("{error}") };
        assert_eq!((found.as_u16(), request_id.as_deref()), (status, Some("req_of_theirs")));
        assert_eq!((stage.sent().len(), error.is_not_found()), (1, status == 404));
    }
    for (answer, may_be_done) in [(error(429, &soon), false), (error(503, &soon), true), (html(), true)] {
        let stage = Stage::with([answer]).await;
        let error = stage.composio.execute_once(&post()).await.unwrap_err();
        assert_eq!((error.may_have_been_done(), stage.sent().len()), (may_be_done, 1), "{error}");
    }
}

#[tokio::test]
async fn a_tool_that_failed_says_so_although_the_call_went_well() {
    let failed = |body: Value| ok(body);
    for (body, message, may_be_done) in [
        (json!({"data": {}, "error": "Duplicate post", "successful": false}), "Duplicate post", false),
        (
            json!({"data": {"message": "Upstream", "status_code": 502}, "error": null, "successful": false}),
            "Upstream",
            true,
        ),
        (
            json!({"data": {}, "error": {"message": "Request timed out"}, "successful": false}),
            "Request timed out",
            true,
        ),
    ] {
        let stage = Stage::with([failed(body)]).await;
        let error = stage.composio.execute_once(&post()).await.unwrap_err();
        assert_eq!(
            (error.to_string(), error.may_have_been_done()),
            (format!("the platform refused: {message}"), may_be_done)
        );
        assert_eq!(stage.composio.health().failing, None, "that is not Composio's failure");
    }
}

#[tokio::test]
async fn an_outage_is_remembered_until_it_ends() {
    let away = [("x-should-retry", "false")];
    let stage = Stage::with([error(503, &away), error(502, &away), ok(json!({"slug": "x"}))]).await;
    stage.composio.toolkit("x").await.unwrap_err();
    let first = stage.composio.health().failing.unwrap();
    stage.composio.toolkit("x").await.unwrap_err();
    let second = stage.composio.health().failing.unwrap();
    assert_eq!(first.since, second.since);
    assert!(second.error.contains("502"), "{}", second.error);
    stage.composio.toolkit("x").await.unwrap();
    let health = stage.composio.health();
    assert!(health.failing.is_none() && health.answered_at.is_some());
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let composio = Composio::new(reqwest::Client::builder().no_proxy(), base, "k".into()).unwrap();
    let error = composio.execute_once(&post()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)) && !error.may_have_been_done(), "{error}");
}
