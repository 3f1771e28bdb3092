//! Keys that a code host found in public, by the real binary and a stand-in for the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::process::{HeyCmo, Launch};
use reqwest::{Client, RequestBuilder};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::oauth::support::{App, Site, request};
use crate::support::{Terminal, mcp};

/// What stands before the point of a P-256 key in its DER form.
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const PLACE: &str = "https://code.example/anna/site/blob/main/.env";

/// A code host that publishes its keys.
struct CodeHost {
    keys_url: String,
    signing: EcdsaKeyPair,
    asked: Arc<AtomicUsize>,
}

fn a_key_pair() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap()
}

impl CodeHost {
    async fn start() -> Self {
        let signing = a_key_pair();
        let der = [&SPKI, signing.public_key().as_ref()].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
        let published = json!({"public_keys": [{"key_identifier": "first", "key": pem, "is_current": true}]});
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let keys = get(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Json(published)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let keys_url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/keys", keys)).await });
        Self { keys_url, signing, asked }
    }

    /// A server that lets apps in.
    async fn site(&self) -> Site {
        Site::launch(Launch::new("heycmo").env("SECRET_SCANNING_KEYS_URL", &self.keys_url)).await
    }

    async fn server(&self) -> HeyCmo {
        HeyCmo::launch(Launch::new("heycmo").env("SECRET_SCANNING_KEYS_URL", &self.keys_url)).await
    }

    fn sign(&self, body: &str) -> String {
        STANDARD.encode(self.signing.sign(&SystemRandom::new(), body.as_bytes()).unwrap())
    }

    async fn report(&self, server: &HeyCmo, matches: &Value) -> (StatusCode, Value) {
        let body = matches.to_string();
        let signature = self.sign(&body);
        send(server, "first", &signature, body).await
    }
}

async fn send(server: &HeyCmo, identifier: &str, signature: &str, body: String) -> (StatusCode, Value) {
    let http = Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(format!("{}/api/secret-scanning/github", server.gateway))
        .header("content-type", "application/json")
        .header("github-public-key-identifier", identifier)
        .header("github-public-key-signature", signature);
    let response = request.body(body).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

fn found(token: &str) -> Value {
    json!({"token": token, "type": "heycmo_api_key", "url": PLACE, "source": "content"})
}

async fn customer_id(server: &HeyCmo) -> String {
    let account = mcp(server).call(1, "get_account", json!({})).await.unwrap();
    account["customerId"].as_str().unwrap().to_owned()
}

async fn another_key(server: &HeyCmo, id: &str) -> String {
    let made = Client::new().post(format!("{}/api/customer/{id}/keys", server.gateway)).bearer_auth(&server.key);
    let made: Value = made.json(&json!({"label": "laptop"})).send().await.unwrap().json().await.unwrap();
    made["apiKey"].as_str().unwrap().to_owned()
}

async fn overview(server: &HeyCmo, id: &str) -> String {
    let overview = Client::new().get(format!("{}/api/dashboard/{id}", server.gateway)).bearer_auth(&server.key);
    overview.send().await.unwrap().text().await.unwrap()
}

async fn types(server: &HeyCmo, id: &str, key: &str) -> Vec<String> {
    let events =
        Client::new().get(format!("{}/api/events/{id}", server.gateway)).bearer_auth(key).send().await.unwrap();
    let events: Value = events.json().await.unwrap();
    events["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_key_that_is_found_in_public_is_revoked_at_once_and_its_customer_is_told() {
    let host = CodeHost::start().await;
    let server = host.server().await;
    let id = customer_id(&server).await;
    let laptop = another_key(&server, &id).await;
    let nobodys = format!("hcmo_live_{}", "0".repeat(64));
    let matches = json!([found(&laptop), found(&nobodys), found("hcmo_live_short"), found("sk_live_of_others")]);
    let (status, verdicts) = host.report(&server, &matches).await;
    assert_eq!(status, 200, "{verdicts}");
    let labels: Vec<&Value> = verdicts.as_array().unwrap().iter().map(|verdict| &verdict["label"]).collect();
    assert_eq!(labels, ["true_positive", "false_positive", "false_positive", "false_positive"]);
    let first = &verdicts[0];
    assert_eq!(
        (first["token_type"].as_str(), first["token_hash"].as_str().unwrap().len()),
        (Some("heycmo_api_key"), 64)
    );
    assert!(!verdicts.to_string().contains(&laptop), "the key itself is not said again: {verdicts}");

    let refused = Client::new().get(format!("{}/api/customer/{id}", server.gateway)).bearer_auth(&laptop);
    assert_eq!(refused.send().await.unwrap().status(), 401);
    assert_eq!(types(&server, &id, &server.key).await[..2], ["key.revoked", "key.leaked"]);
    let account = mcp(&server).call(1, "get_account", json!({})).await.unwrap();
    let need = account["needsAttention"][0].as_str().unwrap();
    let last4 = &laptop[laptop.len() - 4..];
    assert!(need.contains(&format!("ends in {last4} was public at {PLACE} and is revoked")), "{need}");
    let html = overview(&server, &id).await;
    assert!(html.contains(&format!("(ends in {last4}) was found where everybody can read it")), "{html}");

    // Reports are sent again when an answer was lost.
    let before = types(&server, &id, &server.key).await;
    assert_eq!(host.report(&server, &json!([found(&laptop)])).await.1[0]["label"], "true_positive");
    assert_eq!(types(&server, &id, &server.key).await, before);
    assert_eq!(host.asked.load(Ordering::SeqCst), 1, "published keys are remembered");
    assert!(!server.process.log().contains(&laptop), "a key is in the log");
}

#[tokio::test]
async fn the_last_key_is_revoked_too_and_what_it_opened_ends() {
    let host = CodeHost::start().await;
    let server = host.server().await;
    let mut stream = mcp(&server).open_sse().await.unwrap();
    stream.call("get_account", json!({})).await.unwrap();
    assert_eq!(host.report(&server, &json!([found(&server.key)])).await.1[0]["label"], "true_positive");
    assert!(mcp(&server).call(1, "get_account", json!({})).await.unwrap_err().contains("401"));
    stream.events.end().await.unwrap();
}

#[tokio::test]
async fn nobody_else_can_have_a_key_revoked() {
    let host = CodeHost::start().await;
    let server = host.server().await;
    let body = json!([found(&server.key)]).to_string();
    let signature = host.sign(&body);
    let forged = STANDARD.encode(a_key_pair().sign(&SystemRandom::new(), body.as_bytes()).unwrap());
    let other = body.replace(PLACE, "https://code.example/else");
    for (identifier, signature, body) in [
        ("first", "", &body),
        ("first", "no base64!", &body),
        ("first", forged.as_str(), &body),
        ("first", signature.as_str(), &other),
        ("", signature.as_str(), &body),
        ("second", signature.as_str(), &body),
        ("third", signature.as_str(), &body),
    ] {
        let (status, answer) = send(&server, identifier, signature, body.clone()).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_signature")), "{identifier}");
    }
    assert_eq!(host.asked.load(Ordering::SeqCst), 1, "whoever makes names up does not have us ask again and again");
    for body in ["", "{}", "[{}]", "[1]", "nonsense"] {
        let (status, answer) = send(&server, "first", &host.sign(body), body.to_owned()).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_report")), "{body}");
    }
    customer_id(&server).await;
}

#[tokio::test]
async fn without_the_published_keys_nothing_is_believed_and_the_report_is_to_come_again() {
    let host = CodeHost { keys_url: "http://127.0.0.1:1/keys".to_owned(), ..CodeHost::start().await };
    let server = host.server().await;
    let (status, answer) = host.report(&server, &json!([found(&server.key)])).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_GATEWAY, &json!("keys_unavailable")), "{answer}");
    customer_id(&server).await;
}

#[tokio::test]
async fn an_app_whose_token_is_found_in_public_is_shut_out() {
    let host = CodeHost::start().await;
    let site = host.site().await;
    for token in [App::access, App::refresh] {
        let app = site.let_in("read").await;
        assert_eq!(site.status(app.access()).await, 200);
        let report = json!([found(token(&app))]);
        // The same report may come again.
        for _ in 0..2 {
            assert_eq!(host.report(&site.server, &report).await.1[0]["label"], "true_positive");
        }
        assert_eq!(site.status(app.access()).await, 401);
    }
    let server = &site.server;
    let account = mcp(server).call(1, "get_account", json!({})).await.unwrap();
    let id = account["customerId"].as_str().unwrap();
    let logged = types(server, id, &server.key).await;
    assert_eq!(logged.iter().filter(|name| *name == "grant.leaked").count(), 2);
    assert!(logged.iter().all(|name| name != "grant.revoked" && name != "grant.reused"), "{logged:?}");
    let need = account["needsAttention"][0].as_str().unwrap();
    let said = format!("A token of the app “Claude” was public at {PLACE}, and the app is shut out");
    assert!(need.contains(&said), "{need}");
    let html = overview(server, id).await;
    assert!(html.contains("was found where everybody can read it") && html.contains("The app is shut out."), "{html}");
    let nobodys = json!([found(&format!("hcmo_rt_{}", "0".repeat(64)))]);
    assert_eq!(host.report(&site.server, &nobodys).await.1[0]["label"], "false_positive");
}

/// Whoever found it may have been quicker than the report.
#[tokio::test]
async fn what_was_made_with_a_key_that_is_found_in_public_ends_with_it() {
    let host = CodeHost::start().await;
    let site = host.site().await;
    let id = customer_id(&site.server).await;
    let made = async |key: &str, request: RequestBuilder| {
        let made = request.bearer_auth(key).send().await.unwrap();
        assert_eq!(made.status(), 201);
        made.text().await.unwrap()
    };
    let by_api = async |key: &str| {
        let post = Client::new().post(format!("{}/api/customer/{id}/keys", site.server.gateway));
        let made: Value = serde_json::from_str(&made(key, post.json(&json!({}))).await).unwrap();
        made["apiKey"].as_str().unwrap().to_owned()
    };
    let leaked = by_api(&site.server.key).await;
    let second = by_api(&leaked).await;
    let page = Client::new().post(format!("{}/api/dashboard/{id}/keys", site.server.gateway));
    let page = page.header("sec-fetch-site", "same-origin").header("content-type", "application/x-www-form-urlencoded");
    let html = made(&second, page.body("label=third")).await;
    let third = format!("hcmo_live_{}", &html.split("hcmo_live_").nth(1).unwrap()[..64]);
    let client_id = site.an_app().await;
    let code = site.browser(&third).await.allow(&request(&client_id), "read").await;
    let tokens = site.redeem(&client_id, &code).await.1;
    let access = tokens["access_token"].as_str().unwrap();
    let owners = site.let_in("read").await;
    // Whoever revokes one by hand is told what came of it.
    let shown = Terminal::beside(&site.server.process).heycmo("customer show demo@heycmo.example").await;
    assert_eq!(
        (shown.matches(", made with key_").count(), shown.matches(", let in with key_").count()),
        (3, 2),
        "{shown}"
    );
    for token in [&second, &third, access] {
        assert_eq!(site.status(token).await, 200);
    }
    assert_eq!(host.report(&site.server, &json!([found(&leaked)])).await.1[0]["label"], "true_positive");
    for token in [&leaked, &second, &third, access] {
        assert_eq!(site.status(token).await, 401);
    }
    for token in [&site.server.key, owners.access()] {
        assert_eq!(site.status(token).await, 200);
    }
}

/// The addresses come from strangers' repositories.
#[tokio::test]
async fn what_is_no_address_is_not_shown_as_one() {
    let host = CodeHost::start().await;
    let server = host.server().await;
    let id = customer_id(&server).await;
    for url in [
        json!("javascript:alert(1)"),
        json!(""),
        json!(null),
        json!("https://x.example/".to_owned() + &"x".repeat(3_000)),
    ] {
        let laptop = another_key(&server, &id).await;
        let matches = json!([{"token": laptop, "type": "heycmo_api_key", "url": url, "source": "<b>"}]);
        assert_eq!(host.report(&server, &matches).await.1[0]["label"], "true_positive");
        let path = format!("{}/api/events/{id}?type=key.leaked&limit=1", server.gateway);
        let events: Value =
            Client::new().get(path).bearer_auth(&server.key).send().await.unwrap().json().await.unwrap();
        let data = &events["events"][0]["data"];
        assert_eq!((&data["url"], &data["source"]), (&Value::Null, &Value::Null), "{url}");
    }
}
