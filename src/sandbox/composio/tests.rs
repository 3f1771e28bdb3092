//! The stand-in as callers and people see it. Composio's own client drives it in tests/clients.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::post;
use chrono::Utc;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::webhooks::signature;
use super::{Sandbox, WebhookTarget};
use crate::sandbox::is_composio_wanted;

struct Stage {
    router: Router,
    sandbox: Sandbox,
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
        Self::with_webhook("http://127.0.0.1:9")
    }

    fn with_webhook(url: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let webhook = WebhookTarget { url: url.parse().unwrap(), secret: "secret".into() };
        let sandbox = Sandbox::open(&directory.path().join(super::FILE), "http://sandbox".to_owned(), webhook).unwrap();
        Self { router: sandbox.router(), sandbox, _directory: directory }
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

    /// A link for somebody, its page and its account.
    async fn link(&self, toolkit: &str, user: &str) -> (String, String) {
        let made = self.send("POST", "/api/v3.1/auth_configs", Some(json!({"toolkit": {"slug": toolkit}}))).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let id = made.json()["auth_config"]["id"].clone();
        let link = json!({"auth_config_id": id, "user_id": user, "callback_url": "http://app/back?state=s"});
        let link = self.send("POST", "/api/v3.1/connected_accounts/link", Some(link)).await.json();
        let path = format!("/composio/connect/{}", link["link_token"].as_str().unwrap());
        assert_eq!(link["redirect_url"], format!("http://sandbox{path}"));
        (path, link["connected_account_id"].as_str().unwrap().to_owned())
    }

    async fn connect(&self, toolkit: &str) -> String {
        self.connect_for(toolkit, "anna").await
    }

    async fn connect_for(&self, toolkit: &str, user: &str) -> String {
        let (path, account) = self.link(toolkit, user).await;
        let page = self.send("GET", &path, None).await;
        assert!(page.text.contains("Allow") && page.text.contains("Deny"), "{}", page.text);
        let back = self.send("POST", &format!("{path}/allow"), None).await;
        let expected = format!("http://app/back?state=s&status=success&connected_account_id={account}");
        assert_eq!((back.status, back.location), (StatusCode::SEE_OTHER, Some(expected)));
        let again = self.send("POST", &format!("{path}/allow"), None).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST);
        account
    }

    async fn execute(&self, tool: &str, arguments: Value) -> Value {
        self.execute_for("anna", tool, arguments).await
    }

    async fn execute_for(&self, user: &str, tool: &str, arguments: Value) -> Value {
        let body = json!({"user_id": user, "arguments": arguments});
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

/// The numbers of a report, row by row.
fn rows(report: &Value) -> Vec<Vec<f64>> {
    let of_row = |row: &Value| {
        let values = row["metricValues"].as_array().unwrap().iter();
        values.map(|value| value["value"].as_str().unwrap().parse().unwrap()).collect()
    };
    report["data"]["rows"].as_array().unwrap().iter().map(of_row).collect()
}

#[tokio::test]
async fn no_two_numbers_contradict_each_other() {
    let stage = Stage::new();
    for number in 0..25 {
        let user = format!("user {number}");
        for toolkit in ["google_analytics", "google_search_console", "instagram", "twitter", "youtube"] {
            stage.connect_for(toolkit, &user).await;
        }
        let names =
            ["sessions", "totalUsers", "activeUsers", "newUsers", "engagedSessions", "keyEvents", "engagementRate"];
        let report = json!({
            "property": "properties/424242",
            "dateRanges": [{"startDate": "14daysAgo", "endDate": "yesterday"}],
            "dimensions": [{"name": "date"}, {"name": "country"}, {"name": "deviceCategory"}],
            "metrics": names.map(|name| json!({"name": name})),
        });
        for row in rows(&stage.execute_for(&user, "GOOGLE_ANALYTICS_RUN_REPORT", report).await) {
            let [sessions, total, active, new, engaged, key, rate] = row[..] else { panic!("{row:?}") };
            assert!(sessions >= total && total >= active && active >= new, "{user}: {row:?}");
            assert!(sessions >= engaged && engaged >= key && rate <= 1.0, "{user}: {row:?}");
        }
        let today = Utc::now().date_naive();
        let day = |back: u64| (today - chrono::Days::new(back)).to_string();
        let query = json!({
            "site_url": "sc-domain:sandbox.example", "start_date": day(20), "end_date": day(3),
            "dimensions": ["date", "query", "country"],
        });
        let searches = stage.execute_for(&user, "GOOGLE_SEARCH_CONSOLE_SEARCH_ANALYTICS_QUERY", query).await;
        for row in searches["data"]["rows"].as_array().unwrap() {
            assert!(row["clicks"].as_i64() <= row["impressions"].as_i64(), "{user}: {row}");
        }
        let me = stage.execute_for(&user, "INSTAGRAM_GET_USER_INFO", json!({})).await["data"]["id"].clone();
        let media = stage.execute_for(&user, "INSTAGRAM_GET_IG_USER_MEDIA", json!({"ig_user_id": me})).await;
        for post in media["data"]["data"].as_array().unwrap() {
            let wanted =
                json!({"ig_media_id": post["id"], "metric": ["reach", "views", "likes", "total_interactions"]});
            let insights = stage.execute_for(&user, "INSTAGRAM_GET_IG_MEDIA_INSIGHTS", wanted).await;
            let of = |index: usize| insights["data"]["data"][index]["values"][0]["value"].as_i64().unwrap();
            assert!(of(1) >= of(0) && of(0) >= of(3) && of(3) >= of(2), "{user}: {insights}");
            assert_eq!(post["like_count"], of(2), "the list of posts and their insights say the same");
        }
        let videos =
            stage.execute_for(&user, "YOUTUBE_LIST_CHANNEL_VIDEOS", json!({"channelId": "c", "maxResults": 50}));
        let ids: Vec<Value> =
            videos.await["data"]["items"].as_array().unwrap().iter().map(|it| it["id"]["videoId"].clone()).collect();
        let ids = ids.iter().map(|id| id.as_str().unwrap()).collect::<Vec<_>>().join(",");
        let videos = stage.execute_for(&user, "YOUTUBE_VIDEO_DETAILS", json!({"id": ids})).await;
        let count = |value: &Value| value.as_str().unwrap().parse::<i64>().unwrap();
        let seen: i64 =
            videos["data"]["items"].as_array().unwrap().iter().map(|it| count(&it["statistics"]["viewCount"])).sum();
        let channel = stage.execute_for(&user, "YOUTUBE_GET_CHANNEL_STATISTICS", json!({})).await;
        assert!(count(&channel["data"]["items"][0]["statistics"]["viewCount"]) >= seen, "{user}: {channel}");
    }
}

/// The day, `back` days ago.
fn ago(back: i64) -> chrono::NaiveDate {
    Utc::now().date_naive() - chrono::Duration::days(back)
}

/// A metric of the last nine months, by day.
async fn daily(stage: &Stage, user: &str, what: &str) -> marketing::anomalies::Daily {
    let (first, last) = (ago(270).to_string(), ago(0).to_string());
    let row = |day: &str, value: &Value| (day.parse().unwrap(), value.to_string().trim_matches('"').parse().unwrap());
    match what {
        "sessions" => {
            let asked = json!({
                "property": "properties/424242", "metrics": [{"name": what}], "dimensions": [{"name": "date"}],
                "dateRanges": [{"startDate": first, "endDate": last}],
            });
            let report = stage.execute_for(user, "GOOGLE_ANALYTICS_RUN_REPORT", asked).await;
            let rows = report["data"]["rows"].as_array().unwrap().iter();
            rows.map(|it| {
                let day = it["dimensionValues"][0]["value"].as_str().unwrap();
                row(&format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]), &it["metricValues"][0]["value"])
            })
            .collect()
        }
        "impressions" => {
            let asked = json!({
                "site_url": "sc-domain:sandbox.example", "start_date": first, "end_date": last, "dimensions": ["date"],
            });
            let found = stage.execute_for(user, "GOOGLE_SEARCH_CONSOLE_SEARCH_ANALYTICS_QUERY", asked).await;
            let rows = found["data"]["rows"].as_array().unwrap().iter();
            rows.map(|it| row(it["keys"][0].as_str().unwrap(), &it[what])).collect()
        }
        _ => {
            let me = stage.execute_for(user, "INSTAGRAM_GET_USER_INFO", json!({})).await["data"]["id"].clone();
            let asked = json!({"ig_user_id": me, "metric": [what], "period": "day", "since": first, "until": last});
            let insights = stage.execute_for(user, "INSTAGRAM_GET_USER_INSIGHTS", asked).await;
            let values = insights["data"]["data"][0]["values"].as_array().unwrap().iter();
            let day = |it: &Value| it["end_time"].as_str().unwrap()[..10].parse::<chrono::NaiveDate>().unwrap();
            values.map(|it| row(&day(it).pred_opt().unwrap().to_string(), &it["value"])).collect()
        }
    }
}

#[tokio::test]
async fn over_six_months_exactly_the_days_on_which_something_happened_stand_out() {
    let stage = Stage::new();
    for number in 0..5 {
        let user = format!("user {number}");
        for toolkit in ["google_analytics", "google_search_console", "instagram"] {
            stage.connect_for(toolkit, &user).await;
        }
        for what in ["sessions", "impressions", "reach"] {
            let series = daily(&stage, &user, what).await;
            let judgement = marketing::anomalies::judge(&series, ago(182), ago(1));
            assert!(judgement.judged >= 180 && judgement.too_early == 0, "{user} {what}: {judgement:?}");
            let found: Vec<_> = judgement.outliers.iter().map(|outlier| outlier.date).collect();
            let of_it = super::numbers::EVENTS.iter().filter(|(of, _, _)| *of == what);
            let mut expected: Vec<_> = of_it.map(|(_, back, _)| ago(*back)).collect();
            expected.sort();
            assert_eq!(found, expected, "{user} {what}");
        }
    }
}

#[tokio::test]
async fn ids_never_come_back_and_nobody_deletes_what_is_not_theirs() {
    let stage = Stage::new();
    stage.connect_for("twitter", "anna").await;
    stage.connect_for("twitter", "ben").await;
    let post = async |text: &str| {
        let posted = stage.execute("TWITTER_CREATION_OF_A_POST", json!({"text": text})).await;
        posted["data"]["data"]["id"].as_str().unwrap().to_owned()
    };
    let delete = async |user: &str, id: &str| {
        stage.execute_for(user, "TWITTER_POST_DELETE_BY_POST_ID", json!({"id": id})).await["successful"].clone()
    };
    let (first, second) = (post("One").await, post("Two").await);
    assert_eq!(delete("ben", &second).await, false);
    assert_eq!(delete("anna", "12345").await, false);
    assert_eq!(delete("anna", &second).await, true);
    assert_eq!(delete("anna", &second).await, false, "it is gone");
    let third = post("Three").await;
    assert!(third != second && third != first);
    let found = async |query: &str| {
        let found = stage.execute("TWITTER_RECENT_SEARCH", json!({"query": query, "max_results": 100})).await;
        let texts = found["data"]["data"].as_array().into_iter().flatten().map(|post| post["text"].clone());
        texts.filter(|text| ["One", "Two", "Three"].iter().any(|known| text == known)).collect::<Vec<_>>()
    };
    assert_eq!(found("from:sandbox -is:retweet").await, ["Three", "One"]);
    assert_eq!(found("from:sandbox three").await, ["Three"]);
    assert_eq!(found("from:somebody").await, [""; 0]);
}

#[tokio::test]
async fn what_is_not_asked_for_rightly_is_refused_in_composios_words() {
    let stage = Stage::new();
    let account = stage.connect("twitter").await;
    let execute = "/api/v3.1/tools/execute/TWITTER_CREATION_OF_A_POST";
    let status = format!("/api/v3.1/connected_accounts/{account}/status");
    for (method, path, body, code, expected) in [
        ("POST", execute, json!({"arguments": {"text": "x"}}), 400, "user_id"),
        ("POST", execute, json!({"user_id": "anna", "arguments": {}}), 400, "missing: {'text'}"),
        ("POST", execute, json!({"user_id": "anna", "arguments": {"text": 7}}), 400, "text must be of the type string"),
        ("POST", execute, json!({"user_id": "anna", "arguments": {"text": "x", "mood": "y"}}), 400, "no argument mood"),
        ("POST", execute, json!({"user_id": "ben", "arguments": {"text": "x"}}), 400, "No connected account"),
        ("POST", "/api/v3.1/connected_accounts/link", json!({"user_id": "anna"}), 400, "auth_config_id"),
        ("PATCH", &status, json!({"enabled": "yes"}), 400, "enabled"),
        ("DELETE", "/api/v3.1/auth_configs/ac_none", Value::Null, 404, "ac_none"),
        ("DELETE", "/api/v3.1/webhook_subscriptions/ws_none", Value::Null, 404, "ws_none"),
        ("GET", "/api/v3.1/nothing", Value::Null, 404, "Unrecognized request URL"),
    ] {
        let refused = stage.send(method, path, Some(body)).await;
        assert_eq!(refused.status.as_u16(), code, "{path}: {}", refused.text);
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(expected), "{path}: {message}");
    }
    let bad = Request::get("/api/v3.1/toolkits").header("x-api-key", "bad").body(Body::empty()).unwrap();
    assert_eq!(stage.router.clone().oneshot(bad).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let none = Request::get("/api/v3.1/toolkits").body(Body::empty()).unwrap();
    assert_eq!(stage.router.clone().oneshot(none).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    stage.send("POST", &format!("/api/v3.1/connected_accounts/{account}/revoke"), None).await;
    let revived = stage.send("PATCH", &status, Some(json!({"enabled": true}))).await;
    assert_eq!(revived.status, StatusCode::BAD_REQUEST, "what was revoked must be connected anew");
}

#[tokio::test]
async fn a_link_that_is_denied_or_not_followed_connects_nothing() {
    let stage = Stage::new();
    let (path, account) = stage.link("linkedin", "anna").await;
    let back = stage.send("POST", &format!("{path}/deny"), None).await.location.unwrap();
    assert!(back.contains("status=failed") && back.contains(&account), "{back}");
    let shown = stage.send("GET", &format!("/api/v3.1/connected_accounts/{account}"), None).await.json();
    assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("FAILED"), &json!("The user denied access")));

    let (path, account) = stage.link("linkedin", "anna").await;
    stage.sandbox.live().state.links.last_mut().unwrap().expires_at = Utc::now();
    assert_eq!(stage.send("GET", &path, None).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(stage.send("POST", &format!("{path}/allow"), None).await.status, StatusCode::BAD_REQUEST);
    let shown = stage.send("GET", &format!("/api/v3.1/connected_accounts/{account}"), None).await.json();
    assert_eq!(shown["status"], "EXPIRED");
}

#[tokio::test]
async fn lists_come_in_pages_and_by_filters() {
    let stage = Stage::new();
    for toolkit in ["twitter", "linkedin", "facebook"] {
        stage.connect(toolkit).await;
    }
    stage.connect_for("twitter", "ben").await;
    let list =
        async |query: &str| stage.send("GET", &format!("/api/v3.1/connected_accounts?{query}"), None).await.json();
    let first = list("user_ids=anna&limit=2").await;
    assert_eq!((first["items"].as_array().unwrap().len(), &first["total_items"]), (2, &json!(3)));
    let next = list(&format!("user_ids=anna&limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((next["items"].as_array().unwrap().len(), &next["next_cursor"]), (1, &Value::Null));
    assert_eq!(list("user_ids=anna,ben&toolkit_slugs=twitter").await["total_items"], 2);
    assert_eq!(list("user_ids=anna&user_ids=ben&statuses=EXPIRED").await["total_items"], 0);
}

#[tokio::test]
async fn calls_go_wrong_as_asked_for() {
    let stage = Stage::new();
    stage.connect("twitter").await;
    let fail = async |faults: Value| {
        let answer = stage.send("POST", "/composio/sandbox/faults", Some(faults)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    let post = async || {
        let body = json!({"user_id": "anna", "arguments": {"text": "Hello"}});
        stage.send("POST", "/api/v3.1/tools/execute/TWITTER_CREATION_OF_A_POST", Some(body)).await
    };
    let posts =
        async || stage.send("GET", "/composio/sandbox/posts", None).await.json()["posts"].as_array().unwrap().len();
    for (kind, status) in [("429", 429), ("500", 500), ("503", 503), ("401", 401), ("html", 200), ("failed", 200)] {
        fail(json!({"kind": kind, "next": 1})).await;
        let page = stage.send("GET", "/composio", None).await.text;
        assert!(page.contains("Going wrong") && page.contains(kind), "{page}");
        let answer = post().await;
        assert_eq!(answer.status.as_u16(), status, "{kind}");
        assert!(!answer.text.contains("\"successful\":true"), "{kind}: {}", answer.text);
    }
    assert_eq!(posts().await, 0);
    fail(json!({"kind": "500", "next": 1, "after": true, "path": "TWITTER_CREATION"})).await;
    assert_eq!(stage.send("GET", "/api/v3.1/toolkits", None).await.status, StatusCode::OK, "it is not what was meant");
    assert_eq!(post().await.status.as_u16(), 500);
    assert_eq!(posts().await, 1, "only the answer was lost");
    fail(json!({"kind": "503", "next": 9})).await;
    stage.send("POST", "/composio/faults/clear", None).await;
    assert_eq!(post().await.json()["successful"], true);
    let requests = stage.send("GET", "/composio/sandbox/requests", None).await.json();
    let struck = requests["requests"].as_array().unwrap().iter().filter(|request| !request["fault"].is_null()).count();
    assert_eq!(struck, 7);
}

#[tokio::test]
async fn a_picture_goes_to_instagram_in_two_steps_and_a_campaign_to_everybody_in_three() {
    let stage = Stage::new();
    stage.connect("instagram").await;
    stage.connect("mailchimp").await;
    let refusal = async |tool: &str, arguments: Value| {
        stage.execute(tool, arguments).await["error"].as_str().map(str::to_owned).unwrap_or_default()
    };
    let me = stage.execute("INSTAGRAM_GET_USER_INFO", json!({})).await["data"]["id"].clone();
    let media = json!({"ig_user_id": me, "image_url": "https://example.com/a.jpg", "caption": "Look"});
    let other = json!({"ig_user_id": "1", "image_url": "https://example.com/a.jpg"});
    assert!(refusal("INSTAGRAM_CREATE_MEDIA_CONTAINER", other).await.contains("cannot be used"));
    let id = stage.execute("INSTAGRAM_CREATE_MEDIA_CONTAINER", media).await["data"]["id"].clone();
    let publish = json!({"ig_user_id": me, "creation_id": id});
    assert!(refusal("INSTAGRAM_CREATE_POST", publish.clone()).await.contains("not ready"));
    let looked = stage.execute("INSTAGRAM_GET_POST_STATUS", json!({"creation_id": id})).await;
    assert_eq!(looked["data"]["status_code"], "FINISHED");
    assert_eq!(stage.execute("INSTAGRAM_CREATE_POST", publish.clone()).await["successful"], true);
    assert!(refusal("INSTAGRAM_CREATE_POST", publish).await.contains("already published"));

    let list = stage.execute("MAILCHIMP_GET_LISTS_INFO", json!({})).await["data"]["lists"][0]["id"].clone();
    let campaign = json!({"type": "regular", "recipients__list__id": list, "settings__subject__line": "News"});
    let id = stage.execute("MAILCHIMP_ADD_CAMPAIGN", campaign).await["data"]["id"].clone();
    let campaign = json!({"campaign_id": id});
    assert!(refusal("MAILCHIMP_SEND_CAMPAIGN", campaign.clone()).await.contains("no content"));
    stage.execute("MAILCHIMP_SET_CAMPAIGN_CONTENT", json!({"campaign_id": id, "html": "<p>Hello</p>"})).await;
    assert_eq!(stage.execute("MAILCHIMP_SEND_CAMPAIGN", campaign.clone()).await["successful"], true);
    assert!(refusal("MAILCHIMP_SEND_CAMPAIGN", campaign).await.contains("already sent"));
    let reports = stage.execute("MAILCHIMP_LIST_CAMPAIGN_REPORTS", json!({})).await;
    assert_eq!(
        (&reports["data"]["total_items"], &reports["data"]["reports"][0]["subject_line"]),
        (&json!(1), &json!("News"))
    );
    let posts = stage.send("GET", "/composio/sandbox/posts", None).await.json();
    assert_eq!(posts["posts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let stage = Stage::new();
    let account = stage.connect("twitter").await;
    let request = Request::post(format!("/composio/accounts/{account}/delete"));
    let request =
        request.header(header::HOST, "sandbox").header(header::ORIGIN, "http://elsewhere").body(Body::empty());
    let refused = stage.router.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let shown = stage.send("GET", &format!("/api/v3.1/connected_accounts/{account}"), None).await;
    assert_eq!(shown.status, StatusCode::OK);
}

#[tokio::test]
async fn an_expired_account_is_told_of_until_somebody_listens_and_signed_as_composio_does() {
    // The vector that Composio's own verifier takes.
    let body = r#"{"id":"msg_1","type":"composio.connected_account.expired","metadata":{"project_id":"pr_1","org_id":"ok_1"},"data":{"id":"ca_1","toolkit":{"slug":"gmail"},"auth_config":{"id":"ac_1","auth_scheme":"OAUTH2"},"status":"EXPIRED"},"timestamp":"2026-02-06T12:00:00.000Z"}"#;
    let signed = signature(&"composio_test_secret".into(), "msg_1", "1700000000", body.as_bytes());
    assert_eq!(signed, "v1,FusqCgY/0qu747JwYZJOOGhZXXCvufju4a+UDNh799U=");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stage = Stage::with_webhook(&format!("http://{}/hook", listener.local_addr().unwrap()));
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let hook = Router::new().route(
        "/hook",
        post(async move |headers: HeaderMap, body: String| {
            let attempt = headers["x-composio-delivery-attempt"].to_str().unwrap().to_owned();
            let of = |name: &str| headers[name].to_str().unwrap().to_owned();
            heard
                .send((attempt.clone(), of("webhook-id"), of("webhook-timestamp"), of("webhook-signature"), body))
                .unwrap();
            if attempt == "1" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        }),
    );
    tokio::spawn(axum::serve(listener, hook).into_future());
    let account = stage.connect("twitter").await;
    stage.send("POST", &format!("/composio/accounts/{account}/expire"), None).await;
    let (first, second) = (hears.recv().await.unwrap(), hears.recv().await.unwrap());
    assert_eq!((&*first.0, &*second.0, &first.1, &first.4), ("1", "2", &second.1, &second.4));
    for (_, id, at, signed, body) in [first, second] {
        assert_eq!(signature(&"secret".into(), &id, &at, body.as_bytes()), signed);
        let event: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (&event["id"], &event["data"]["id"], &event["data"]["status"]),
            (&json!(id), &json!(account), &json!("EXPIRED"))
        );
    }
}

#[tokio::test]
async fn searches_lag() {
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
