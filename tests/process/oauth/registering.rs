//! Who apps say they are.

use chrono::Duration;
use entity::db::{DatabaseUrl, Db, now};
use entity::oauth::{self, NewClient};
use harness::process::Launch;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::support::{REDIRECT_URI, Site, answer, assert_error, request, with};

#[tokio::test]
async fn an_app_registers_without_a_secret_whatever_it_asks_for() {
    let site = Site::start().await;
    let about = json!({
        "client_name": "Claude\u{202e} \n\u{3164} Code\u{e0041}", "redirect_uris": [REDIRECT_URI, "cursor://anysphere.cursor-mcp/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post", "scope": "read", "logo_uri": "https://evil.example/logo.png",
    });
    let (status, app) = answer(site.register(&about)).await;
    assert_eq!(status, 201, "{app}");
    assert!(app["client_id"].as_str().unwrap().starts_with("client_"), "{app}");
    assert_eq!((&app["client_name"], &app["token_endpoint_auth_method"]), (&json!("Claude Code"), &json!("none")));
    assert_eq!(app["redirect_uris"], about["redirect_uris"]);
    assert!(app.get("client_secret").is_none() && app["client_id_issued_at"].is_i64(), "{app}");
}

#[tokio::test]
async fn an_app_whose_answers_could_go_astray_is_not_registered() {
    let site = Site::start().await;
    let too_many: Vec<String> = (0..11).map(|n| format!("https://app.example/{n}")).collect();
    for uris in [
        json!([]),
        json!(too_many),
        json!(["http://app.example/callback"]),
        json!(["javascript:alert(1)"]),
        json!(["data:text/html,hello"]),
        json!(["myapp:callback"]),
        json!(["https://app.example/callback#fragment"]),
        json!(["https://good.example/callback", "http://192.168.0.1/callback"]),
        json!([format!("https://app.example/{}", "x".repeat(500))]),
    ] {
        let refused = answer(site.register(&json!({"redirect_uris": uris}))).await;
        assert_error(&refused, 400, "invalid_redirect_uri");
    }
    let good = json!({"redirect_uris": [REDIRECT_URI]});
    for (field, value) in [
        ("grant_types", json!(["client_credentials"])),
        ("response_types", json!(["token"])),
        ("redirect_uris", json!("https://app.example/callback")),
        ("client_name", json!(7)),
        ("padding", json!("x".repeat(17_000))),
    ] {
        let mut about = good.clone();
        about[field] = value;
        assert_error(&answer(site.register(&about)).await, 400, "invalid_client_metadata");
    }
    assert_error(&answer(site.register(&json!([]))).await, 400, "invalid_client_metadata");
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let refused = answer(site.post("/oauth/register", kind, good.to_string())).await;
        assert_error(&refused, 415, "invalid_client_metadata");
    }
    assert_eq!(answer(site.post("/oauth/register", "Application/JSON; charset=utf-8", good.to_string())).await.0, 201);
}

/// Whoever reads an error reads our words, and only the beginning of what somebody else put there.
#[tokio::test]
async fn what_is_wrong_is_said_again_in_short() {
    let site = Site::start().await;
    let long = format!("\u{202e}{}", "x".repeat(5_000));
    let of_app = |about: Value| answer(site.register(&about));
    for (_, refused) in [
        of_app(json!({"redirect_uris": long})).await,
        of_app(json!({"redirect_uris": [long]})).await,
        answer(site.token(&vec![(&long, "a"), (&long, "b")])).await,
    ] {
        let said = refused["error_description"].as_str().unwrap();
        assert!(said.len() < 400 && said.contains("xxx") && !said.contains('\u{202e}'), "{said}");
    }
}

/// An app that is described by a document is let in for some days more when its site is away.
#[tokio::test]
async fn a_document_is_good_for_a_while_without_its_site() {
    // Nobody is there.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let client_id = format!("https://127.0.0.1:{port}/client.json");
    let site = Site::launch(Launch::new("heycmo").env("HEYCMO_SCAN_NETWORKS", "127.0.0.0/8")).await;
    let browser = site.owner().await;
    let asked = with(&request("x"), "client_id", Some(&client_id));
    let file = site.server.process.data_dir().path().join("heycmo.db");
    let db = Db::connect(&DatabaseUrl::Sqlite(file)).await.unwrap();
    for (days, status) in [(None, 400), (Some(6), 200), (Some(8), 400)] {
        if let Some(days) = days {
            let new = NewClient { name: "Known".to_owned(), redirect_uris: vec![REDIRECT_URI.to_owned()] };
            oauth::keep_document(&db, &client_id, new, now() - Duration::days(days)).await.unwrap();
        }
        let response = browser.asked(&asked).await;
        assert_eq!(response.status(), status, "{days:?}");
        assert!(response.text().await.unwrap().contains(if status == 200 { "Known" } else { "cannot be read" }));
    }
    assert!(site.server.process.log().contains("the one from before is used"));
}

#[tokio::test]
async fn nobody_floods_us_with_apps_or_guesses() {
    let launch = Launch::new("heycmo").env("RATE_LIMIT_PREAUTH", "3");
    let site = Site::launch(launch).await;
    let about = json!({"redirect_uris": [REDIRECT_URI]});
    for _ in 0..3 {
        assert_eq!(site.register(&about).send().await.unwrap().status(), 201);
    }
    let response = site.register(&about).send().await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    assert_error(&answer(site.register(&about)).await, 429, "temporarily_unavailable");

    // What is wrong with a request costs nothing; what is guessed does.
    let site = Site::launch(Launch::new("heycmo").env("RATE_LIMIT_PREAUTH", "3")).await;
    assert_error(&answer(site.token(&vec![])).await, 400, "invalid_request");
    let (client_id, guess) = (site.an_app().await, format!("hcmo_rt_{}", "0".repeat(64)));
    assert_error(&site.refresh(&client_id, &guess).await, 400, "invalid_grant");
    assert_error(&site.refresh("client_x", &guess).await, 401, "invalid_client");
    let fields = vec![("grant_type", "refresh_token"), ("client_id", &*client_id), ("refresh_token", &*guess)];
    assert!(site.token(&fields).send().await.unwrap().headers().contains_key("retry-after"));
    assert_error(&answer(site.token(&fields)).await, 429, "temporarily_unavailable");
}

/// An id that is an address is fetched by us: it must lead to nothing that only we can reach.
#[tokio::test]
async fn no_address_of_an_app_makes_us_look_inside_our_own_network() {
    let site = Site::start().await;
    let browser = site.owner().await;
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    for (client_id, said) in [
        (format!("https://127.0.0.1:{port}/client.json"), "is not a public address"),
        (format!("https://localhost:{port}/client.json"), "is not a public address"),
        (format!("https://[::1]:{port}/client.json"), "is not a public address"),
        (format!("https://[::ffff:7f00:1]:{port}/client.json"), "is not a public address"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "is not a public address"),
        ("https://10.0.0.1/client.json".to_owned(), "is not a public address"),
        ("https://metadata.google.internal/client.json".to_owned(), "is not a public address"),
        (format!("http://127.0.0.1:{port}/client.json"), "is not registered here"),
        (format!("https://2130706433:{port}/client.json"), "is not registered here"),
        ("file:///etc/passwd".to_owned(), "is not registered here"),
        ("https://app.example".to_owned(), "is not registered here"),
        ("https://anna@app.example/client.json".to_owned(), "is not registered here"),
        ("client_01M851E88BEZS4E1V4ZSCPXFGH".to_owned(), "is not registered here"),
        ("x'; DROP TABLE customers; --".to_owned(), "is not registered here"),
    ] {
        let response = browser.asked(&with(&request("x"), "client_id", Some(&client_id))).await;
        assert_eq!((response.status().as_u16(), response.headers().get("location")), (400, None), "{client_id}");
        let html = response.text().await.unwrap();
        assert!(html.contains(said), "{client_id}: {html}");
    }
    let nobody_came =
        std::future::poll_fn(|context| std::task::Poll::Ready(inside.poll_accept(context).is_pending())).await;
    assert!(nobody_came);
    // Nor does anybody who is not logged in make us fetch anything.
    let stranger = super::support::Browser::new(&site);
    let response = stranger.asked(&with(&request("x"), "client_id", Some("https://app.example/client.json"))).await;
    assert_eq!(response.status(), 303);
}
