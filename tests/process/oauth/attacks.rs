//! What somebody tries who has more than they should, or wants more than they have.

use harness::process::Launch;
use serde_json::json;

use super::support::{
    REDIRECT_URI, Site, VERIFIER, answer, assert_error, encoded, location, redemption, request, with,
};
use crate::support::again;

/// A page of somebody else's cannot press a button of ours with the person's own cookie.
#[tokio::test]
async fn consent_is_not_pressed_from_elsewhere() {
    let site = Site::start().await;
    let client_id = site.an_app().await;
    let browser = site.owner().await;
    let asked = request(&client_id);
    for (name, value) in [
        ("x-nothing", "neither is said"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let response = browser.pressed(&asked, "allow", "read").header(name, value).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().get("location")), (403, None), "{name}: {value}");
    }
    assert!(browser.apps().await.contains("No app yet"));
    // By an address nothing is pressed either.
    let response = browser.asked(&with(&asked, "decision", Some("allow"))).await;
    assert_eq!((response.status().as_u16(), response.headers().get("location")), (200, None));
    assert!(browser.apps().await.contains("No app yet"));
}

#[tokio::test]
async fn no_answer_goes_to_an_address_that_is_not_the_apps() {
    let site = Site::start().await;
    let client_id = site.an_app().await;
    let browser = site.owner().await;
    for wrong in [
        None,
        Some("https://evil.example/callback"),
        Some("http://127.0.0.1:3000/callback/../evil"),
        Some("http://127.0.0.1:3000/callback?next=https://evil.example"),
        Some("http://127.0.0.1:3000@evil.example/callback"),
        Some("http://127.0.0.1.evil.example:3000/callback"),
        Some("http://localhost:3000/callback"),
        Some("javascript:alert(1)"),
    ] {
        let asked = with(&request(&client_id), "redirect_uri", wrong);
        for response in [
            browser.asked(&asked).await,
            browser.presses(&asked, "allow", "read").await,
            browser.presses(&asked, "deny", "").await,
        ] {
            assert_eq!((response.status().as_u16(), response.headers().get("location")), (400, None), "{wrong:?}");
            let html = response.text().await.unwrap();
            assert!(!html.contains("evil.example"), "{html}");
        }
    }
    // The port is the one that the app listens at this time (RFC 8252).
    let asked = with(&request(&client_id), "redirect_uri", Some("http://127.0.0.1:49152/callback"));
    let response = browser.presses(&asked, "allow", "read").await;
    assert!(location(&response).starts_with("http://127.0.0.1:49152/callback?code="));
}

#[tokio::test]
async fn nothing_is_said_twice() {
    let site = Site::start().await;
    let app = site.let_in("read").await;
    let browser = site.owner().await;
    for name in ["redirect_uri", "client_id", "state", "resource"] {
        let mut asked = request(&app.client_id);
        asked.extend([(name, REDIRECT_URI), (name, "https://evil.example/callback")]);
        let response = browser.asked(&asked).await;
        assert_eq!((response.status().as_u16(), response.headers().get("location")), (400, None), "{name}");
    }
    let mut fields = redemption(&app.client_id, &app.code);
    fields.push(("client_id", &app.client_id));
    assert_error(&answer(site.token(&fields)).await, 400, "invalid_request");
}

/// Whoever has somebody else's code has not what it was asked for with.
#[tokio::test]
async fn a_code_is_worth_nothing_to_who_did_not_ask_for_it() {
    let site = Site::start().await;
    let (client_id, thief) = (site.an_app().await, site.an_app().await);
    let code = site.owner().await.allow(&request(&client_id), "read").await;
    let good = redemption(&client_id, &code);
    let another = "x".repeat(43);
    for (name, value, error) in [
        ("client_id", Some(thief.as_str()), "invalid_grant"),
        ("redirect_uri", Some("http://127.0.0.1:3001/callback"), "invalid_grant"),
        ("code_verifier", Some(another.as_str()), "invalid_grant"),
        ("code_verifier", None, "invalid_request"),
        ("code_verifier", Some("short"), "invalid_request"),
        ("resource", Some("https://evil.example/mcp"), "invalid_target"),
        ("client_id", None, "invalid_request"),
        ("grant_type", Some("client_credentials"), "unsupported_grant_type"),
        ("grant_type", Some("password"), "unsupported_grant_type"),
        ("code", Some("hcmo_ac_0"), "invalid_grant"),
    ] {
        assert_error(&answer(site.token(&with(&good, name, value))).await, 400, error);
    }
    let with_secret = site.token(&good).basic_auth(&client_id, Some("secret"));
    assert_error(&answer(with_secret).await, 401, "invalid_client");
    let as_json = site.post("/oauth/token", "application/json", encoded(&good));
    assert_error(&answer(as_json).await, 400, "invalid_request");
    assert_eq!(answer(site.token(&good)).await.0, 200);
}

#[tokio::test]
async fn a_code_that_comes_again_shuts_the_app_out_at_once() {
    let site = Site::start().await;
    let app = site.let_in("read").await;
    let mut open = site.assistant(app.access()).connect_sse().await.unwrap();
    // Who has no more than the code, from a history or a log, can do the app no harm either.
    let another = "x".repeat(43);
    let found = with(&redemption(&app.client_id, &app.code), "code_verifier", Some(&another));
    assert_error(&answer(site.token(&found)).await, 400, "invalid_grant");
    assert_eq!(site.status(app.access()).await, 200);
    assert_error(&site.redeem(&app.client_id, &app.code).await, 400, "invalid_grant");
    open.events.end().await.unwrap();
    assert_eq!(site.status(app.access()).await, 401);
    assert_error(&site.refresh(&app.client_id, app.refresh()).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_stolen_refresh_token_gives_itself_away() {
    let site = Site::start().await;
    // The thief is first, and the app comes with what it has.
    let app = site.let_in("read").await;
    let (_, of_thief) = site.refresh(&app.client_id, app.refresh()).await;
    assert_eq!(site.status(of_thief["access_token"].as_str().unwrap()).await, 200);
    site.notes_a_use().await;
    assert_error(&site.refresh(&app.client_id, app.refresh()).await, 400, "invalid_grant");
    for token in [app.access(), of_thief["access_token"].as_str().unwrap()] {
        assert_eq!(site.status(token).await, 401);
    }
    assert_error(
        &site.refresh(&app.client_id, of_thief["refresh_token"].as_str().unwrap()).await,
        400,
        "invalid_grant",
    );
    let page = site.owner().await;
    let activity = page.get(location(&page.get("/login").await)).await.text().await.unwrap();
    assert!(activity.contains("was shut out"), "{activity}");

    // With the id of another app it is worth nothing.
    let app = site.let_in("read").await;
    let other = site.an_app().await;
    assert_error(&site.refresh(&other, app.refresh()).await, 400, "invalid_grant");
    let theirs = vec![("token", app.refresh()), ("client_id", other.as_str())];
    assert_error(&answer(site.revoke(&theirs)).await, 400, "invalid_grant");
    assert_eq!(site.refresh(&app.client_id, app.refresh()).await.0, 200);
}

#[tokio::test]
async fn an_app_gets_no_more_by_asking_again() {
    let site = Site::start().await;
    let app = site.let_in("read").await;
    let fields = vec![("grant_type", "refresh_token"), ("client_id", &app.client_id), ("refresh_token", app.refresh())];
    for scope in ["read write", "publish", "everything"] {
        let refused = answer(site.token(&with(&fields, "scope", Some(scope)))).await;
        // A word that we do not know is left out, as at the consent.
        assert_error(&refused, 400, "invalid_scope");
    }
    assert_eq!(answer(site.token(&with(&fields, "scope", Some("read")))).await.1["scope"], "read");
}

/// Tokens of others, and ours of another server, are worth nothing here.
#[tokio::test]
async fn only_tokens_for_this_server_are_taken() {
    let site = Site::start().await;
    let app = site.let_in("read").await;
    let jwt = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJoZXljbW8iLCJzY29wZSI6InJlYWQifQ.";
    let nobodys = format!("hcmo_at_{}", "0".repeat(64));
    for token in [jwt, "ya29.a0AfH6SMB", &nobodys, app.refresh(), &app.code, &app.access().to_uppercase()] {
        assert_eq!(site.status(token).await, 401, "{token}");
    }
    assert_eq!(site.status(app.access()).await, 200);
    // The same data under another address is another server.
    let launch = again(&site.server).env("MCP_PUBLIC_URL", "https://mcp.elsewhere.example");
    let mcp = site.server.mcp.clone();
    let data = site.server.process.data_dir();
    site.server.process.stop().await;
    drop(data);
    let host = mcp.trim_start_matches("http://").to_owned();
    let mut moved = Site::launch(launch.env("ALLOWED_HOSTS", &host)).await;
    moved.server.mcp = mcp;
    assert_eq!(moved.status(app.access()).await, 401);
}

/// A session is its customer's, whoever learns its id.
#[tokio::test]
async fn a_session_is_not_taken_over_by_somebody_elses_app() {
    let site = Site::start().await;
    let app = site.let_in("read write").await;
    let ben = site.another_customers_key().await;
    let client_id = site.an_app().await;
    let code = site.browser(&ben).await.allow(&request(&client_id), "read write").await;
    let (_, tokens) = site.redeem(&client_id, &code).await;
    let thief = tokens["access_token"].as_str().unwrap();

    let mut session = site.assistant(app.access()).connect().await.unwrap();
    let own = session.caller.clone();
    session.caller = own.with_key(thief);
    let refused = session.call("log_lead", json!({"source": "a thief", "name": "Lea"})).await.unwrap_err();
    assert!(refused.starts_with("404"), "{refused}");
    assert!(session.listen().await.is_err());
    session.caller = own;
    session.call("log_lead", json!({"source": "a fair", "name": "Lea"})).await.unwrap();
    // Nor is somebody else's app seen or taken back.
    assert!(site.owner().await.apps().await.matches("<li ").count() == 1);
    let browser = site.browser(&ben).await;
    let apps = site.owner().await.apps().await;
    let grant = apps.split("id=\"grant_").nth(1).unwrap().split('"').next().unwrap();
    let home = location(&browser.get("/login").await).to_owned();
    assert_eq!(browser.post(&format!("{home}/apps/grant_{grant}/revoke")).await.status(), 404);
    assert_eq!(site.status(app.access()).await, 200);
}

/// Whoever reads an address in a history finds a code that is used up, and no token.
#[tokio::test]
async fn a_code_in_an_address_is_of_no_use_later() {
    let site = Site::launch(Launch::new("heycmo")).await;
    let client_id = site.an_app().await;
    let browser = site.owner().await;
    let response = browser.presses(&request(&client_id), "allow", "read").await;
    let address = location(&response);
    assert!(!address.contains("hcmo_at_") && !address.contains("hcmo_rt_") && !address.contains(VERIFIER), "{address}");
    assert!(!address.contains('#'), "{address}");
}
