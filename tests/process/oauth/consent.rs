//! The page on which a person lets an app in.

use super::support::{Browser, CHALLENGE, REDIRECT_URI, Site, location, request, said_in, with};

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_where_the_answer_goes() {
    let site = Site::start().await;
    let client_id = site.an_app().await;
    let browser = site.owner().await;
    let response = browser.asked(&request(&client_id)).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    // Nobody puts it into a frame, and its form leads to the app and nowhere else.
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:3000;"), "{policy}");
    let html = response.text().await.unwrap();
    for said in [
        "Claude",
        "demo@heycmo.example",
        "a program on this computer",
        "(127.0.0.1)",
        "nobody: anybody can register",
        "See everything",
        "Change what stays inside",
        "Let things go out",
    ] {
        assert!(html.contains(said), "{said} is not in {html}");
    }
    // What lets something go out is for the person to add.
    assert!(html.contains("value=\"write\" checked") && html.contains("value=\"publish\">"), "{html}");

    let html = browser.asked(&with(&request(&client_id), "scope", Some("read openid"))).await.text().await.unwrap();
    assert!(html.contains("See everything") && !html.contains("Let things go out"), "{html}");
}

/// What was agreed to once says nothing of who asks now: there is nothing that an attacker could build on.
#[tokio::test]
async fn consent_is_asked_for_every_time() {
    let site = Site::start().await;
    let app = site.let_in("read").await;
    let browser = site.owner().await;
    for _ in 0..2 {
        let response = browser.asked(&request(&app.client_id)).await;
        assert_eq!((response.status().as_u16(), response.headers().get("location")), (200, None));
    }
    let asked = with(&request(&app.client_id), "prompt", Some("none"));
    assert_eq!(browser.asked(&asked).await.status(), 200, "it is not left out because an app asks for that");
}

#[tokio::test]
async fn who_is_not_logged_in_does_that_and_comes_back_to_the_same_request() {
    let site = Site::start().await;
    let client_id = site.an_app().await;
    let stranger = Browser::new(&site);
    let long = "s".repeat(1_000);
    let asked = with(&request(&client_id), "state", Some(&long));
    let response = stranger.asked(&asked).await;
    let login = location(&response).to_owned();
    assert!(response.status() == 303 && login.starts_with("/login?next="), "{login}");
    let next = said_in(&format!("http://localhost{login}")).remove("next").unwrap();
    assert!(next.starts_with("/oauth/authorize?") && next.contains(&long), "{next}");
    let back = site.owner().await.get(&login).await;
    assert_eq!(location(&back), next);
    // Nor is anything done without a session.
    let response = stranger.presses(&asked, "allow", "read").await;
    assert_eq!(location(&response), login);
    assert!(site.owner().await.apps().await.contains("No app yet"));
}

#[tokio::test]
async fn who_says_no_sends_the_app_away_with_a_reason() {
    let site = Site::start().await;
    let client_id = site.an_app().await;
    let browser = site.owner().await;
    for decision in ["deny", "", "ALLOW"] {
        let response = browser.presses(&request(&client_id), decision, "read write publish").await;
        let said = said_in(location(&response));
        assert_eq!((said["error"].as_str(), said["state"].as_str()), ("access_denied", "the app's own word"));
        assert_eq!(said["iss"], site.server.gateway);
        assert!(!said.contains_key("code"), "{said:?}");
    }
    assert!(browser.apps().await.contains("No app yet"));
}

#[tokio::test]
async fn an_app_gets_what_was_ticked_of_what_it_asked_for() {
    let site = Site::start().await;
    let client_id = site.an_app().await;
    let browser = site.owner().await;
    let asked = with(&request(&client_id), "scope", Some("read write"));
    for (ticked, granted) in
        [("read", "read"), ("write read", "read write"), ("read write publish admin", "read write")]
    {
        let code = browser.allow(&asked, ticked).await;
        assert_eq!(site.redeem(&client_id, &code).await.1["scope"], granted);
    }
    for ticked in ["", "publish", "admin"] {
        let response = browser.presses(&asked, "allow", ticked).await;
        assert_eq!(response.status(), 422);
        assert!(response.text().await.unwrap().contains("Tick what the app may do"));
    }
    // Older clients do not say what they want.
    let asked = with(&request(&client_id), "scope", None);
    let code = browser.allow(&asked, "read").await;
    assert_eq!(site.redeem(&client_id, &code).await.1["scope"], "read");
}

/// A key that is not for everything, made as an operator makes it.
async fn a_key(site: &Site, options: &str) -> String {
    let terminal = crate::support::Terminal::beside(&site.server.process);
    crate::support::key_in(&terminal.heycmo(&format!("key create demo@heycmo.example {options}")).await)
}

/// A key that may not publish lets no app in that may.
#[tokio::test]
async fn nobody_gives_what_they_do_not_have() {
    let site = Site::start().await;
    let writer = site.browser(&a_key(&site, "--scopes read,write").await).await;
    let client_id = site.an_app().await;
    let html = writer.asked(&request(&client_id)).await.text().await.unwrap();
    assert!(html.contains("Change what stays inside") && !html.contains("Let things go out"), "{html}");
    let code = writer.allow(&request(&client_id), "read write publish").await;
    assert_eq!(site.redeem(&client_id, &code).await.1["scope"], "read write");
    let html = writer.asked(&with(&request(&client_id), "scope", Some("publish"))).await.text().await.unwrap();
    assert!(html.contains("may not do itself"), "{html}");
}

/// To let somebody in is to change something.
#[tokio::test]
async fn who_may_only_look_lets_nobody_in() {
    let site = Site::start().await;
    let reader = site.browser(&a_key(&site, "--scopes read").await).await;
    let client_id = site.an_app().await;
    let html = reader.asked(&request(&client_id)).await.text().await.unwrap();
    assert!(html.contains("letting an app in is such a change") && !html.contains("value=\"allow\""), "{html}");
    let response = reader.presses(&request(&client_id), "allow", "read").await;
    assert_eq!((response.status().as_u16(), response.headers().get("location")), (403, None));
    assert!(response.text().await.unwrap().contains("permission `write`"));
    assert!(reader.apps().await.contains("No app yet"));
    // To send it away changes nothing.
    let denied = reader.presses(&request(&client_id), "deny", "").await;
    assert_eq!(said_in(location(&denied))["error"], "access_denied");
}

#[tokio::test]
async fn the_page_says_when_the_key_ends_that_an_app_is_let_in_by() {
    let site = Site::start().await;
    let client_id = site.an_app().await;
    let ends = "though not after the key that you are logged in with";
    let html = site.owner().await.asked(&request(&client_id)).await.text().await.unwrap();
    assert!(!html.contains(ends), "{html}");
    let browser = site.browser(&a_key(&site, "--expires-in-days 5").await).await;
    let html = browser.asked(&request(&client_id)).await.text().await.unwrap();
    assert!(html.contains(ends), "{html}");
}

/// What an app does wrong is told to the person, and to the app only when the person goes back there: a link to us leads
/// nobody to an address that somebody registered.
#[tokio::test]
async fn an_app_that_asks_wrongly_is_answered_on_the_page() {
    let site = Site::start().await;
    let client_id = site.an_app().await;
    let browser = site.owner().await;
    let good = request(&client_id);
    for (name, value, error) in [
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", None, "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("scope", Some("openid email"), "invalid_scope"),
        ("resource", Some("https://evil.example/mcp"), "invalid_target"),
    ] {
        let asked = with(&good, name, value);
        let response = browser.asked(&asked).await;
        assert_eq!((response.status().as_u16(), response.headers().get("location")), (400, None), "{name} {value:?}");
        let html = response.text().await.unwrap();
        let link = html.split("href=\"").find(|part| part.starts_with("http:&#x2f;&#x2f;127.0.0.1:3000")).unwrap();
        let link = link.split('"').next().unwrap().replace("&#x2f;", "/").replace("&amp;", "&");
        let said = said_in(&link);
        assert_eq!(said["error"], error, "{name} {value:?}");
        assert_eq!(
            (said["state"].as_str(), said["iss"].as_str()),
            ("the app's own word", site.server.gateway.as_str())
        );
        // Nor by pressing what was never shown.
        let response = browser.presses(&asked, "allow", "read").await;
        assert_eq!((response.status().as_u16(), response.headers().get("location")), (400, None));
    }
    assert!(browser.apps().await.contains("No app yet"));
    assert_eq!(good.iter().find(|(name, _)| *name == "code_challenge").unwrap().1, CHALLENGE);
    assert_eq!(good.iter().find(|(name, _)| *name == "redirect_uri").unwrap().1, REDIRECT_URI);
}
