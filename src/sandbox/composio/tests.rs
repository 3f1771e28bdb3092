//! The stand-in as callers and people see it. Composio's own client drives it in tests/clients.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use chrono::Utc;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Sandbox, WebhookTarget};
use crate::sandbox::is_composio_wanted;

struct Stage {
    router: Router,
    _directory: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    location: Option<String>,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let webhook = WebhookTarget { url: "http://127.0.0.1:9".parse().unwrap(), secret: "secret".into() };
        let sandbox = Sandbox::open(&directory.path().join(super::FILE), "http://sandbox".to_owned(), webhook).unwrap();
        Self { router: sandbox.router(), _directory: directory }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("x-api-key", "k");
        let request = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.status();
        let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, location, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn connect(&self, toolkit: &str) -> String {
        let made = self.send("POST", "/api/v3.1/auth_configs", Some(json!({"toolkit": {"slug": toolkit}}))).await;
        let id = made.json()["auth_config"]["id"].clone();
        let link = json!({"auth_config_id": id, "user_id": "anna", "callback_url": "http://app/back?state=s"});
        let link = self.send("POST", "/api/v3.1/connected_accounts/link", Some(link)).await.json();
        let path = format!("/composio/connect/{}", link["link_token"].as_str().unwrap());
        assert_eq!(link["redirect_url"], format!("http://sandbox{path}"));
        let page = self.send("GET", &path, None).await;
        assert!(page.text.contains("Allow") && page.text.contains("Deny"), "{}", page.text);
        let back = self.send("POST", &format!("{path}/allow"), None).await;
        let account = link["connected_account_id"].as_str().unwrap().to_owned();
        let expected = format!("http://app/back?state=s&status=success&connected_account_id={account}");
        assert_eq!((back.status, back.location), (StatusCode::SEE_OTHER, Some(expected)));
        let again = self.send("POST", &format!("{path}/allow"), None).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST);
        account
    }

    async fn execute(&self, tool: &str, arguments: Value) -> Value {
        let body = json!({"user_id": "anna", "arguments": arguments});
        self.send("POST", &format!("/api/v3.1/tools/execute/{tool}"), Some(body)).await.json()
    }
}

#[tokio::test]
async fn an_account_is_connected_used_and_ended() {
    let stage = Stage::new();
    let unconnected = stage.execute("TWITTER_USER_LOOKUP_ME", json!({})).await;
    assert!(unconnected["error"]["message"].as_str().unwrap().contains("No connected account"), "{unconnected}");
    let account = stage.connect("twitter").await;
    let path = format!("/api/v3.1/connected_accounts/{account}");
    let shown = stage.send("GET", &path, None).await.json();
    assert_eq!(
        (&shown["status"], &shown["state"]["val"]["access_token"]),
        (&json!("ACTIVE"), &json!(format!("sandbox-token-{account}")))
    );
    let posted = stage.execute("TWITTER_CREATION_OF_A_POST", json!({"text": "Hello"})).await;
    assert_eq!((&posted["successful"], &posted["data"]["data"]["text"]), (&json!(true), &json!("Hello")), "{posted}");
    let page = stage.send("GET", "/composio", None).await;
    assert!(page.text.contains("ACTIVE") && page.text.contains("Hello"), "{}", page.text);
    stage.send("POST", &format!("/composio/accounts/{account}/revoke"), None).await;
    let ended = stage.execute("TWITTER_USER_LOOKUP_ME", json!({})).await;
    assert!(ended["error"]["message"].as_str().unwrap().contains("REVOKED"), "{ended}");
    assert_eq!(stage.send("DELETE", &path, None).await.json(), json!({"success": true}));
    assert_eq!(stage.send("GET", &path, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_report_adds_up_over_dimensions_and_days() {
    let stage = Stage::new();
    stage.connect("google_analytics").await;
    let report = async |dimensions: Value| {
        let arguments = json!({
            "property": "properties/424242",
            "dateRanges": [{"startDate": "90daysAgo", "endDate": "yesterday"}],
            "dimensions": dimensions,
            "metrics": [{"name": "sessions"}, {"name": "engagedSessions"}],
        });
        let report = stage.execute("GOOGLE_ANALYTICS_RUN_REPORT", arguments).await;
        let sum = |metric: usize| {
            let rows = report["data"]["rows"].as_array().unwrap().iter();
            rows.map(|row| row["metricValues"][metric]["value"].as_str().unwrap().parse::<i64>().unwrap()).sum::<i64>()
        };
        (sum(0), sum(1), report["data"]["rowCount"].as_i64().unwrap())
    };
    let (sessions, engaged, _) = report(json!([])).await;
    assert!(sessions > 5_000 && engaged < sessions, "{sessions} {engaged}");
    for (dimensions, rows) in [
        (json!([{"name": "date"}]), 90),
        (json!([{"name": "sessionDefaultChannelGroup"}]), 6),
        (json!([{"name": "country"}, {"name": "deviceCategory"}]), 15),
    ] {
        assert_eq!(report(dimensions.clone()).await, (sessions, engaged, rows), "{dimensions}");
    }
}

#[tokio::test]
async fn a_post_gains_numbers_and_searches_lag() {
    let stage = Stage::new();
    stage.connect("google_search_console").await;
    let today = Utc::now().date_naive();
    let day = |back: u64| (today - chrono::Days::new(back)).to_string();
    let arguments = json!({
        "site_url": "sc-domain:sandbox.example", "start_date": day(6), "end_date": day(0), "dimensions": ["date"],
    });
    let searches = stage.execute("GOOGLE_SEARCH_CONSOLE_SEARCH_ANALYTICS_QUERY", arguments).await;
    let rows = searches["data"]["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[3]["keys"][0]), (4, &json!(day(3))));
}

#[test]
fn production_has_none() {
    use web::config::{Config, Environment};
    let is_wanted = |variables: &[(&str, &str)]| {
        is_composio_wanted(&Config::from_environment(&Environment::of(variables)).unwrap())
    };
    assert!(is_wanted(&[]));
    assert!(!is_wanted(&[("COMPOSIO_API_KEY", "k")]));
    assert!(!is_wanted(&[("HEYCMO_ENV", "production"), ("PUBLIC_URL", "https://heycmo.example")]));
}
