//! Numbers out of what platforms really answer: whole, partial, wrapped, empty and wrong.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use entity::connections::{self, AccountState, Observed, ObservedAccount, Platform};
use entity::ids::CustomerId;
use harness::{Backend, TestDb, a_customer};
use platforms::metrics::{Ga4Query, Period, Reading, SearchQuery, Unit};
use platforms::{Error, Platforms};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use web::config::{ComposioConfig, Environment, Mode, PublicUrl, Secrets};

/// What each tool answers.
type Answers = Arc<HashMap<&'static str, Value>>;

async fn execute(State(answers): State<Answers>, Path(tool): Path<String>) -> Json<Value> {
    let answer = answers.get(tool.as_str()).unwrap_or_else(|| panic!("{tool} was not expected"));
    Json(match answer.get("refused") {
        Some(why) => json!({"data": {}, "error": why, "successful": false}),
        None => json!({"data": answer, "error": null, "successful": true}),
    })
}

async fn tool(Path(slug): Path<String>) -> Json<Value> {
    let names = ["user_fields", "query", "max_results", "tweet_fields"].map(|name| (name.to_owned(), json!({})));
    Json(json!({"slug": slug, "input_parameters": {"properties": BTreeMap::from(names)}}))
}

struct Stage {
    platforms: Platforms,
    customer: CustomerId,
    _test: TestDb,
}

impl Stage {
    async fn with(platform: Platform, answers: &[(&'static str, Value)]) -> Self {
        let answers: Answers = Arc::new(answers.iter().cloned().collect());
        let router = Router::new()
            .route("/tools/execute/{tool}", post(execute))
            .route("/tools/{slug}", axum::routing::get(tool))
            .with_state(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let test = TestDb::migrated(Backend::Sqlite).await;
        let db = test.db();
        let (customer, _) = a_customer(&db).await;
        let account = ObservedAccount { id: "ca_1".to_owned(), state: AccountState::Active, reason: None };
        connections::observe(&db, &customer.id, &[Observed { platform, account: Some(account) }]).await.unwrap();
        let secret = "the-secret-that-keys-are-derived-from";
        let environment = Environment::of(&[("ADMIN_SECRET", secret), ("ENCRYPTION_SECRET", secret)]);
        let secrets = Secrets::load(&environment, Mode::Development, std::path::Path::new(".")).unwrap();
        let config = ComposioConfig {
            api_key: "k".into(),
            base_url,
            webhook_secrets: Vec::new(),
            auth_configs: BTreeMap::new(),
        };
        let platforms = Platforms::new(db, Some(config), PublicUrl::localhost(1), &secrets).unwrap();
        Self { platforms, customer: customer.id, _test: test }
    }

    async fn reading(&self, platform: Platform) -> platforms::Result<Reading> {
        self.platforms.reading(&self.customer, platform, january()).await
    }
}

fn january() -> Period {
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    Period::between("2026-01-01".parse().unwrap(), "2026-01-28".parse().unwrap(), now, chrono_tz::UTC).unwrap()
}

fn totals(reading: &Reading) -> BTreeMap<&str, Option<f64>> {
    reading
        .series
        .iter()
        .filter(|series| series.part.is_none())
        .map(|series| (series.metric.as_str(), series.total))
        .collect()
}

fn accounts() -> [(&'static str, Value); 2] {
    [
        ("GOOGLE_ANALYTICS_LIST_ACCOUNTS", json!({"response_data": {"accounts": [{"name": "accounts/1"}]}})),
        (
            "GOOGLE_ANALYTICS_LIST_PROPERTIES",
            json!({"properties": [
                {"name": "properties/1", "displayName": "Shop", "timeZone": "America/New_York"},
                {"name": "properties/2", "displayName": "Blog"},
            ]}),
        ),
    ]
}

fn query(metrics: &[&str]) -> Ga4Query {
    Ga4Query {
        metrics: metrics.iter().map(|name| (*name).to_owned()).collect(),
        dimension: Some("country".to_owned()),
        period: january(),
        compare: false,
        property: None,
        limit: 10,
    }
}

#[tokio::test]
async fn a_report_is_read_however_it_is_wrapped() {
    let report = json!({
        "metricHeaders": [{"name": "sessions"}, {"name": "engagementRate"}],
        "rows": [
            {"dimensionValues": [{"value": "Norway"}], "metricValues": [{"value": "12"}, {"value": "0.5"}]},
            {"dimensionValues": [{"value": "Chile"}], "metricValues": [{"value": "40"}, {"value": "not a number"}]},
        ],
    });
    for wrapped in [report.clone(), json!({"response_data": report}), json!({"data": {"response_data": report}})] {
        let mut answers = accounts().to_vec();
        answers.push(("GOOGLE_ANALYTICS_RUN_REPORT", wrapped));
        let stage = Stage::with(Platform::GoogleAnalytics, &answers).await;
        let table = stage.platforms.query_ga4(&stage.customer, query(&["sessions", "engagementRate"])).await.unwrap();
        assert_eq!(table.provenance.account, "Shop (properties/1)");
        let notes = table.provenance.notes.join(" ");
        assert!(notes.contains("2 properties") && notes.contains("America/New_York"), "{notes}");
        let rows: Vec<_> =
            table.rows.iter().map(|row| (row.key.as_str(), row.cells[0].value, row.cells[1].value)).collect();
        assert_eq!(rows, [("Chile", Some(40.0), None), ("Norway", Some(12.0), Some(0.5))]);
        assert_eq!(table.rows[0].cells[1].unit, Unit::Ratio);
    }
}

#[tokio::test]
async fn an_empty_report_has_no_zeros_and_a_wrong_one_is_refused() {
    let with = async |answer: Value| {
        let mut answers = accounts().to_vec();
        answers.push(("GOOGLE_ANALYTICS_RUN_REPORT", answer));
        let stage = Stage::with(Platform::GoogleAnalytics, &answers).await;
        let table = stage.platforms.query_ga4(&stage.customer, query(&["sessions"])).await;
        (table, stage.reading(Platform::GoogleAnalytics).await)
    };
    let (table, reading) = with(json!({"metricHeaders": [{"name": "sessions"}], "rowCount": 0})).await;
    let table = table.unwrap();
    assert!(table.rows.is_empty() && table.totals[0].value.is_none(), "{table:?}");
    assert!(reading.unwrap().series.is_empty());
    let (table, reading) = with(json!({"message": "a new kind of answer"})).await;
    assert!(matches!(table, Err(Error::Unexpected(Platform::GoogleAnalytics, _))), "{table:?}");
    assert!(reading.is_err());
    let (table, _) = with(json!({"refused": "User does not have sufficient permissions."})).await;
    let told = table.unwrap_err().to_string();
    assert_eq!(told, "Google Analytics refused: User does not have sufficient permissions.");
}

#[tokio::test]
async fn a_standard_reading_has_days_and_parts() {
    let rows = json!({"metricHeaders": [], "rows": [
        {"dimensionValues": [{"value": "20260102"}], "metricValues": [{"value": "7"}, {"value": "6"}]},
    ]});
    let mut answers = accounts().to_vec();
    answers.push(("GOOGLE_ANALYTICS_RUN_REPORT", rows));
    let stage = Stage::with(Platform::GoogleAnalytics, &answers).await;
    let reading = stage.reading(Platform::GoogleAnalytics).await.unwrap();
    let sessions = reading.series.iter().find(|series| series.metric == "sessions" && series.part.is_none()).unwrap();
    assert_eq!((sessions.points[0].date.to_string().as_str(), sessions.points[0].value), ("2026-01-02", 7.0));
    // Google told nothing of the other three.
    assert_eq!(totals(&reading).keys().copied().collect::<Vec<_>>(), ["sessions", "totalUsers"]);
    assert!(reading.series.iter().any(|series| series.part.is_some()));
}

#[tokio::test]
async fn searches_are_those_of_the_brands_own_site() {
    let stage = Stage::with(
        Platform::SearchConsole,
        &[
            (
                "GOOGLE_SEARCH_CONSOLE_LIST_SITES",
                json!({"siteEntry": [
                    {"siteUrl": "https://other.example/"}, {"siteUrl": "sc-domain:acme.example"},
                ]}),
            ),
            (
                "GOOGLE_SEARCH_CONSOLE_SEARCH_ANALYTICS_QUERY",
                json!({"rows": [
                    {"keys": ["slow pages"], "clicks": 3, "impressions": 60, "ctr": 0.05, "position": 7.5},
                    {"keys": ["fast pages"], "clicks": 0, "impressions": 9, "ctr": 0},
                ]}),
            ),
        ],
    )
    .await;
    let db = stage._test.db();
    let website = |brand: &mut entity::brands::Brand| {
        brand.profile.website = Some("https://www.acme.example/shop".to_owned());
        Ok(())
    };
    entity::brands::update(&db, &stage.customer, website, |_| false).await.unwrap();
    let query =
        SearchQuery { dimension: Some("query".to_owned()), period: january(), compare: false, site: None, limit: 10 };
    let table = stage.platforms.query_search_console(&stage.customer, query.clone()).await.unwrap();
    assert_eq!(table.provenance.account, "sc-domain:acme.example");
    let clicks: Vec<_> =
        table.rows.iter().map(|row| (row.key.as_str(), row.cells[0].value, row.cells[3].value)).collect();
    assert_eq!(clicks, [("slow pages", Some(3.0), Some(7.5)), ("fast pages", Some(0.0), None)]);
    let unknown = SearchQuery { site: Some("sc-domain:nobody.example".to_owned()), ..query };
    let told = stage.platforms.query_search_console(&stage.customer, unknown).await.unwrap_err().to_string();
    assert!(told.starts_with("`site`: is not known") && told.contains("https://other.example/"), "{told}");
}

#[tokio::test]
async fn posts_of_the_period_are_counted_and_what_is_not_told_is_absent() {
    let posts = json!({"data": [
        {"id": "2", "message": "Second\nmore", "created_time": "2026-01-20T10:00:00+0000", "permalink_url": "https://fb.example/2",
            "reactions": {"summary": {"total_count": 0}}, "shares": {"count": 4}},
        {"id": "1", "message": "First", "created_time": "2026-01-03T10:00:00+0000", "shares": {"count": 1}},
        {"id": "0", "message": "Before", "created_time": "2025-12-31T10:00:00+0000", "shares": {"count": 100}},
    ]});
    let stage = Stage::with(
        Platform::Facebook,
        &[
            ("FACEBOOK_LIST_MANAGED_PAGES", json!({"response_data": {"data": [{"id": "9", "name": "Acme"}]}})),
            ("FACEBOOK_GET_PAGE_DETAILS", json!({"id": "9"})),
            ("FACEBOOK_GET_PAGE_POSTS", posts),
        ],
    )
    .await;
    let reading = stage.reading(Platform::Facebook).await.unwrap();
    let ids: Vec<&str> = reading.posts.iter().map(|post| post.id.as_str()).collect();
    assert_eq!(ids, ["2", "1"]);
    assert_eq!(reading.posts[0].text, "Second");
    assert_eq!(reading.posts[1].numbers.get("reactions"), None);
    let expected = BTreeMap::from([("posts", Some(2.0)), ("reactions", Some(0.0)), ("shares", Some(5.0))]);
    assert_eq!(totals(&reading), expected, "no followers and no comments were told of");
}

#[tokio::test]
async fn instagram_keeps_posts_without_insights_and_people_are_not_added_up() {
    let stage = Stage::with(Platform::Instagram, &[
        ("INSTAGRAM_GET_USER_INFO", json!({"id": "17", "username": "acme", "followers_count": 900})),
        ("INSTAGRAM_GET_USER_INSIGHTS", json!({"data": [
            {"name": "reach", "values": [{"value": 5, "end_time": "2026-01-03T08:00:00+0000"}], "total_value": {"value": 8}},
        ]})),
        ("INSTAGRAM_GET_IG_USER_MEDIA", json!({"data": [
            {"id": "1", "caption": "Hi", "timestamp": "2026-01-03T10:00:00+0000", "like_count": 3},
        ]})),
        ("INSTAGRAM_GET_IG_MEDIA_INSIGHTS", json!({"refused": "Media posted before business account conversion"})),
    ])
    .await;
    let reading = stage.reading(Platform::Instagram).await.unwrap();
    assert_eq!(reading.provenance.account, "@acme");
    let by_day = reading.series.iter().find(|series| !series.points.is_empty()).unwrap();
    assert_eq!(
        (by_day.metric.as_str(), by_day.total, by_day.points[0].date.to_string().as_str()),
        ("reach", None, "2026-01-02")
    );
    assert_eq!(reading.posts[0].numbers, BTreeMap::from([("likes", 3.0)]));
}

#[tokio::test]
async fn x_and_youtube_tell_what_they_tell() {
    let stage = Stage::with(
        Platform::X,
        &[
            ("TWITTER_USER_LOOKUP_ME", json!({"data": {"id": "5", "username": "acme"}})),
            ("TWITTER_RECENT_SEARCH", json!({"meta": {"result_count": 0}})),
        ],
    )
    .await;
    let week = Period::last_days(7, chrono::Utc::now(), chrono_tz::UTC);
    let reading = stage.platforms.reading(&stage.customer, Platform::X, week).await.unwrap();
    assert_eq!(totals(&reading), BTreeMap::from([("posts", Some(0.0))]));
    // Of days before that it shows no posts, which does not mean that there were none.
    assert_eq!(totals(&stage.reading(Platform::X).await.unwrap()), BTreeMap::new());
    assert!(reading.provenance.notes[0].contains("last seven days"));

    let stage = Stage::with(Platform::Youtube, &[
        ("YOUTUBE_GET_CHANNEL_STATISTICS", json!({"items": [{"id": "UC1", "snippet": {"title": "Acme"},
            "statistics": {"viewCount": "1200", "hiddenSubscriberCount": true}}]})),
        ("YOUTUBE_LIST_CHANNEL_VIDEOS", json!({"items": [
            {"id": {"videoId": "v1"}, "snippet": {"title": "One", "publishedAt": "2026-01-05T00:00:00Z"}},
        ]})),
        ("YOUTUBE_VIDEO_DETAILS", json!({"items": [
            {"id": "v1", "snippet": {"title": "One", "publishedAt": "2026-01-05T00:00:00Z"}, "statistics": {"viewCount": "40"}},
        ]})),
    ])
    .await;
    let reading = stage.reading(Platform::Youtube).await.unwrap();
    let expected = BTreeMap::from([("channelViews", Some(1_200.0)), ("posts", Some(1.0)), ("views", Some(40.0))]);
    assert_eq!(totals(&reading), expected);
}

#[tokio::test]
async fn where_there_are_no_numbers_it_is_said() {
    let stage = Stage::with(Platform::Linkedin, &[("LINKEDIN_GET_MY_INFO", json!({"name": "Anna"}))]).await;
    let reading = stage.reading(Platform::Linkedin).await.unwrap();
    assert!(reading.series.is_empty() && reading.posts.is_empty());
    assert!(reading.provenance.notes[0].contains("LinkedIn gives no numbers"));
    let told = stage.reading(Platform::Notion).await.unwrap_err().to_string();
    assert_eq!(told, "HeyCMO reads no numbers from Notion.");
}
