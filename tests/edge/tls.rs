//! The site with TLS, as on the internet, but under a name of this machine.

use std::time::Duration;

use harness::clients::node;
use harness::mcp::{Caller, Event, Events};
use reqwest::{Certificate, StatusCode};
use serde_json::json;

use crate::site::{Site, anybody};

#[tokio::test]
async fn who_trusts_the_authority_is_served_over_tls() {
    let (site, authority) = Site::start_with_tls().await;
    let certificate = Certificate::from_pem(&authority).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let http = http.tls_certs_only([certificate]).timeout(Duration::from_secs(60)).build().unwrap();
    harness::eventually("the edge serves", async || {
        let answer = http.get(format!("{}/api/health/ready", site.origin)).send().await.ok()?;
        (answer.status() == StatusCode::OK).then_some(())
    })
    .await;
    assert!(anybody().get(&site.origin).send().await.is_err(), "nobody trusts it by themselves");

    let key = site.key_of_a_new_customer().await;
    let login = http.post(format!("{}/login", site.origin)).header("origin", &site.origin);
    let login = login.header("content-type", "application/x-www-form-urlencoded").body(format!("key={key}"));
    let answer = login.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert!(answer.headers().contains_key("strict-transport-security"), "{:?}", answer.headers());
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");

    // A stream that were buffered would tell nothing until it ends.
    let caller = Caller::over(http.clone(), &site.origin, &key);
    let id = caller.call(1, "get_account", json!({})).await.unwrap()["customerId"].as_str().unwrap().to_owned();
    let stream = http.get(format!("{}/api/events/{id}/stream", site.origin)).bearer_auth(&key);
    let mut events = Events::of(stream.send().await.unwrap());
    let mut older = caller.connect_sse().await.unwrap();
    older.call("log_lead", json!({"source": "tls", "name": "Lea"})).await.unwrap();
    let told: Event = events.next().await.unwrap().unwrap();
    assert_eq!(told.name, "lead.logged");

    // An assistant whose runtime trusts the authority.
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("authority.crt");
    std::fs::write(&file, &authority).unwrap();
    let printed = json!({"url": format!("{}/mcp", site.origin), "headers": {"Authorization": format!("Bearer {key}")}});
    let mut client = node("sdk-v1.mjs");
    client.arg("http").env("NODE_EXTRA_CA_CERTS", &file).env("HOME", home.path());
    client.env("HEYCMO_PRINTED", printed.to_string()).env("HEYCMO_JOB", "enduring").env("HEYCMO_ROUNDS", "0");
    let ended = client.output().await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
