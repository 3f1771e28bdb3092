//! What the edge does with keys and addresses.

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::site::{Site, anybody};

const REDIRECT_URI: &str = "http://127.0.0.1:3000/callback";
/// Of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Whether the next call of a key is one too many.
async fn is_refused(caller: &harness::mcp::Caller, path: &str) -> bool {
    let status = caller.request(Method::GET, path).send().await.unwrap().status();
    assert!(status == StatusCode::OK || status == StatusCode::TOO_MANY_REQUESTS, "{status}");
    status == StatusCode::TOO_MANY_REQUESTS
}

#[tokio::test]
async fn a_limit_counts_a_key_once_whatever_the_replicas() {
    let site = Site::start_with(&[("RATE_LIMIT_API", "5")]).await;
    for (id, caller) in site.customers().await {
        let path = format!("/api/customer/{id}");
        for call in 1..=5 {
            assert!(!is_refused(&caller, &path).await, "call {call} of {id}");
        }
        assert!(is_refused(&caller, &path).await, "the sixth of {id}, on the same replica as the others");
    }
}

#[tokio::test]
async fn nobody_says_for_themselves_where_they_come_from() {
    let site = Site::start_with(&[("RATE_LIMIT_PREAUTH", "3")]).await;
    let stranger = harness::mcp::Caller::new(&site.origin, &format!("hcmo_live_{}", "0".repeat(64)));
    let mut answers = Vec::new();
    for guess in 0..4 {
        let request = stranger.request(Method::GET, "/api/customer/cust_01M851E88BEZS4E1V4ZSCPXFGH");
        let request = request.header("x-forwarded-for", format!("203.0.113.{guess}"));
        answers.push(request.header("x-edge-caller", guess.to_string()).send().await.unwrap().status().as_u16());
    }
    assert_eq!(answers, [401, 401, 401, 429], "the addresses that it claims count for nothing");
}

#[tokio::test]
async fn no_log_has_a_key() {
    let site = Site::start().await;
    let (id, caller) = site.customer("anna@example.com").await;
    let header = caller.request(Method::GET, &format!("/api/customer/{id}")).build().unwrap();
    let key = header.headers()["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    assert!(!is_refused(&caller, &format!("/api/customer/{id}")).await);
    let mut session = caller.connect_sse().await.unwrap();
    session.call("get_account", serde_json::json!({})).await.unwrap();
    drop(session);
    let answer = anybody().get(format!("{}/mcp/message?token={key}&sessionId=1", site.origin)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let ours: String = site.mcp_servers.iter().chain(&site.gateways).map(|replica| replica.logged()).collect();
    let logs = site.log().await + &ours;
    assert!(logs.contains("/api/customer/") && logs.contains("token=REDACTED"), "{logs}");
    assert!(!logs.contains(&key), "{logs}");
}

fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn posted(http: &Client, address: String, cookie: &str, fields: &[(&str, &str)]) -> Response {
    let request = http.post(address).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(encoded(fields));
    request.header("sec-fetch-site", "same-origin").header(COOKIE, cookie).send().await.unwrap()
}

/// An app is let in as with a browser: what the person and the app get on the way opens the account.
#[tokio::test]
async fn no_log_has_what_an_app_is_let_in_by() {
    let site = Site::start_with(&[("HEYCMO_OAUTH", "on")]).await;
    let key = site.key_of_a_new_customer().await;
    let http = web::http_client().no_proxy().redirect(Policy::none()).build().unwrap();
    let at = |path: &str| format!("{}{path}", site.origin);
    let login = posted(&http, at("/login"), "", &[("key", &key)]).await;
    let cookie = login.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let about = json!({"client_name": "Claude", "redirect_uris": [REDIRECT_URI]});
    let app: Value = http.post(at("/oauth/register")).json(&about).send().await.unwrap().json().await.unwrap();
    let client_id = app["client_id"].as_str().unwrap();

    let asked = encoded(&[
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT_URI),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "the-apps-own-word"),
    ]);
    let page = http.get(at(&format!("/oauth/authorize?{asked}"))).header(COOKIE, &cookie).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let pressed = [("request", asked.as_str()), ("decision", "allow"), ("scope", "read")];
    let answer = posted(&http, at("/oauth/authorize"), &cookie, &pressed).await;
    let back: Url = answer.headers()[LOCATION].to_str().unwrap().parse().unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let redemption = [
        ("grant_type", "authorization_code"),
        ("client_id", client_id),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let tokens: Value = posted(&http, at("/oauth/token"), "", &redemption).await.json().await.unwrap();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let caller = harness::mcp::Caller::new(&site.origin, access);
    caller.call(1, "get_account", json!({})).await.unwrap();

    let ours: String = site.mcp_servers.iter().chain(&site.gateways).map(|replica| replica.logged()).collect();
    let edge = site.log().await;
    assert!(edge.contains("/oauth/token") && edge.contains("state=REDACTED"), "{edge}");
    assert!(!edge.contains("Location"), "{edge}");
    let logs = edge + &ours;
    let session = cookie.split('=').nth(1).unwrap();
    for secret in [&key, session, &code, access, refresh, VERIFIER, "the-apps-own-word"] {
        assert!(!secret.is_empty() && !logs.contains(secret), "{secret} is in {logs}");
    }
}
