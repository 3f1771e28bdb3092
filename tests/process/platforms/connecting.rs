//! Links, the way back, and how connections stand.

use futures::future::join_all;
use harness::eventually;
use harness::process::HeyCmo;
use reqwest::Method;
use serde_json::{Value, json};

use super::desk::{Desk, events};

#[tokio::test]
async fn platforms_are_connected_denied_disconnected_and_reconnected() {
    let desk = Desk::open().await;
    let wanted = ["google_analytics", "linkedin", "x", "instagram"];
    let links = desk.links(&wanted).await;
    assert_eq!(desk.status("x").await, "pending");
    for (link, decision) in links.iter().zip(["allow", "allow", "allow", "deny"]) {
        let back = desk.decide(link, decision).await;
        assert!(back.starts_with(&format!("{}/api/composio/callback?state=", desk.server.gateway)), "{back}");
        let page = desk.get(&back).await;
        assert_eq!(page.status(), 200);
        assert_eq!(page.headers()["referrer-policy"], "no-referrer");
        let page = page.text().await.unwrap();
        let expected = if decision == "allow" { "is connected." } else { "was not connected." };
        assert!(page.contains(expected), "{page}");
    }
    let body = desk.connections().await;
    assert_eq!((&body["stale"], body["syncedAt"].is_string()), (&json!(false), true));
    assert_eq!(body["connections"].as_object().unwrap().len(), 14);
    for (platform, connected, status) in [
        ("google_analytics", true, "connected"),
        ("linkedin", true, "connected"),
        ("x", true, "connected"),
        ("instagram", false, "not_connected"),
        ("youtube", false, "not_connected"),
    ] {
        let one = &body["connections"][platform];
        assert_eq!((&one["connected"], &one["status"]), (&json!(connected), &json!(status)), "{platform}");
        assert_eq!(one["connectedAt"].is_string(), connected, "{platform}");
    }
    let account = desk.call("get_account", json!({})).await;
    assert_eq!(account["connections"], json!(["google_analytics", "linkedin", "x"]));
    assert_eq!(events(&desk, "connection.established").await.len(), 3);

    // Who is connected needs no link.
    let path = format!("/api/connect/{}", desk.id);
    let (_, body) = desk.rest(Method::POST, &path, Some(json!({"platforms": ["x", "x", "facebook"]}))).await;
    assert_eq!(body["links"]["x"], json!({"connected": true}));
    assert!(body["links"]["facebook"]["expiresAt"].is_string(), "{body}");

    let (status, body) = desk.rest(Method::DELETE, &format!("/api/connections/{}/x", desk.id), None).await;
    assert_eq!((status, &body["connected"]), (200, &json!(false)));
    assert_eq!(desk.status("x").await, "not_connected");
    assert!(desk.accounts().await.iter().all(|account| account["toolkit"]["slug"] != "twitter"));
    assert_eq!(events(&desk, "connection.lost").await, [json!({"platform": "x", "reason": "disconnected"})]);

    desk.set_status("linkedin", "EXPIRED").await;
    assert_eq!(desk.status("linkedin").await, "needs_reconnect");
    let account = desk.call("get_account", json!({})).await;
    let needs = account["needsAttention"].to_string();
    assert!(needs.contains("LinkedIn no longer works"), "{needs}");
    desk.connect("linkedin").await;
    assert_eq!(desk.status("linkedin").await, "connected");
}

#[tokio::test]
async fn an_assistant_gets_the_link_and_sees_the_connection() {
    let desk = Desk::open().await;
    let link = desk.call("connect_platform", json!({"platform": "search_console"})).await;
    let url = link["url"].as_str().unwrap();
    desk.get(&desk.decide(url, "allow").await).await;
    let connected = desk.call("connect_platform", json!({"platform": "search_console"})).await;
    assert_eq!((&connected["connected"], &connected["url"]), (&json!(true), &Value::Null));
    let text = desk.text("list_connections", json!({})).await;
    assert!(text.contains("Google Search Console (`search_console`), for numbers: connected since"), "{text}");
}

/// What a callback must not do.
#[tokio::test]
async fn a_bad_callback_changes_nothing_and_says_what_to_do() {
    let desk = Desk::open().await;
    let other = Desk::open().await;
    let [first, second]: [String; 2] = desk.links(&["x", "linkedin"]).await.try_into().unwrap();
    let good = desk.decide(&first, "allow").await;
    let denied = desk.decide(&second, "deny").await;
    let foreign = other.decide(&other.links(&["x"]).await[0], "allow").await;
    let of = |url: &str, name: &str| {
        let url = url::Url::parse(url).unwrap();
        url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
    };
    let with = |state: &str, rest: &str| format!("{}/api/composio/callback?state={state}{rest}", desk.server.gateway);
    let (state, account) = (of(&good, "state"), of(&good, "connected_account_id"));
    let id = format!("&connected_account_id={account}");
    let mut altered = state.clone();
    let last = altered.pop().unwrap();
    altered.push(if last == 'A' { 'B' } else { 'A' });
    let before = desk.connections().await["connections"].clone();
    for (what, url) in [
        ("nothing at all", with("", "")),
        ("a state that is not ours", with("v1.AAAA", &format!("&status=success{id}"))),
        ("an altered state", with(&altered, &format!("&status=success{id}"))),
        ("a state of another server", with(&of(&foreign, "state"), &format!("&status=success{id}"))),
        ("another account", with(&state, "&status=success&connected_account_id=ca_other")),
        (
            "the account of another link",
            with(&state, &format!("&status=success&connected_account_id={}", of(&denied, "connected_account_id"))),
        ),
        ("no account", with(&state, "&status=success")),
    ] {
        let response = desk.get(&url).await;
        assert_eq!(response.status(), 400, "{what}");
        let page = response.text().await.unwrap();
        assert!(
            page.contains("This connection was not made") && page.contains("Nothing was changed"),
            "{what}: {page}"
        );
        assert!(page.contains("href=\"/login\""), "{what}: {page}");
    }
    // Nobody believes what the address says.
    let lying = desk.get(&denied.replace("status=failed", "status=success")).await;
    assert!(lying.text().await.unwrap().contains("LinkedIn was not connected."));
    let after = desk.connections().await["connections"].clone();
    assert_eq!(after["linkedin"]["connected"], false);
    assert_eq!(after["facebook"], before["facebook"]);
    assert_eq!(events(&desk, "connection.*").await.iter().filter(|data| data["platform"] == "linkedin").count(), 1);

    // The link is good all the same, and then no more.
    assert_eq!(desk.get(&good).await.status(), 200);
    let replayed = desk.get(&good).await;
    assert_eq!(replayed.status(), 400);
    assert!(replayed.text().await.unwrap().contains("used already"));

    let late = desk.decide(&desk.links(&["facebook"]).await[0], "allow").await;
    desk.test.execute("UPDATE connect_states SET expires_at = created_at").await;
    let late = desk.get(&late).await;
    assert_eq!(late.status(), 400);
    assert!(late.text().await.unwrap().contains("has expired"));
}

#[tokio::test]
async fn a_link_works_while_composio_hesitates_and_outlives_its_outage() {
    let desk = Desk::open().await;
    let back = desk.decide(&desk.links(&["x"]).await[0], "allow").await;
    desk.set_status("twitter", "INITIATED").await;
    let page = desk.get(&back.replace("status=success", "status=failed")).await.text().await.unwrap();
    assert!(page.contains("has not confirmed the connection yet"), "{page}");

    let back = desk.decide(&desk.links(&["linkedin"]).await[0], "allow").await;
    desk.fault(json!({"kind": "401", "next": 1, "path": "/connected_accounts"})).await;
    let away = desk.get(&back).await;
    assert_eq!(away.status(), 502);
    assert!(away.text().await.unwrap().contains("reload this page"));
    assert_eq!(desk.get(&back).await.status(), 200);
    assert_eq!(desk.status("linkedin").await, "connected");
}

#[tokio::test]
async fn one_platform_that_fails_loses_no_other_link() {
    let desk = Desk::open().await;
    desk.links(&["x", "linkedin"]).await;
    let connect = async |platforms: Value| {
        desk.rest(Method::POST, &format!("/api/connect/{}", desk.id), Some(json!({"platforms": platforms}))).await
    };
    // Auth configs of new platforms are asked for one after the other; the known ones ask nothing.
    desk.fault(json!({"kind": "401", "next": 1, "path": "/auth_configs"})).await;
    let (status, body) = connect(json!(["x", "youtube", "linkedin"])).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["links"]["youtube"]["code"], "platform_failed");
    assert!(body["links"]["youtube"]["error"].as_str().unwrap().starts_with("YouTube could not be asked"), "{body}");
    assert!(body["links"]["x"]["url"].is_string() && body["links"]["linkedin"]["url"].is_string(), "{body}");

    desk.fault(json!({"kind": "401", "next": 9, "path": "/auth_configs"})).await;
    let (status, body) = connect(json!(["youtube", "tiktok"])).await;
    assert_eq!((status, &body["code"]), (502, &json!("platform_failed")), "{body}");
    for (platforms, field) in
        [(json!([]), "platforms"), (json!(["x", "myspace"]), "platforms[1]"), (json!(vec!["x"; 15]), "platforms")]
    {
        let (status, body) = connect(platforms).await;
        assert_eq!(status, 400, "{body}");
        assert!(body["fields"][field].is_string(), "{body}");
    }
    assert!(
        connect(json!(["myspace"])).await.1["error"].as_str().unwrap().contains("google_analytics, search_console")
    );
}

#[tokio::test]
async fn an_auth_config_is_made_once_and_again_when_it_is_gone() {
    let desk = Desk::open().await;
    let links = join_all((0..20).map(|_| desk.links(&["notion"]))).await;
    assert_eq!(links.len(), 20);
    assert_eq!(desk.calls("/auth_configs").await, 2, "one look and one new one");
    desk.test.execute("UPDATE auth_configs SET auth_config_id = 'ac_gone'").await;
    desk.links(&["notion"]).await;
    assert_eq!(desk.test.texts("SELECT auth_config_id FROM auth_configs").await.len(), 1);
}

#[tokio::test]
async fn a_deleted_customer_leaves_no_account_at_composio() {
    let desk = Desk::open().await;
    desk.connect("x").await;
    desk.connect("gmail").await;
    let delete = ["customer", "delete", "demo@heycmo.example", "--yes"];
    desk.fault(json!({"kind": "401", "next": 1, "path": "/connected_accounts"})).await;
    let refused = desk.operator(&delete).await;
    assert!(refused.log.contains("is suspended but not deleted. The connected platforms could not be disconnected"));
    assert_eq!(desk.accounts().await.len(), 2);
    let deleted = desk.operator(&delete).await;
    assert!(deleted.status.success(), "{deleted:?}");
    assert_eq!(desk.accounts().await.len(), 0);
}

/// In one process the stand-in knows the way to the gateway and the secret.
#[tokio::test]
async fn an_expired_account_is_told_by_a_webhook_once() {
    let server = HeyCmo::start().await;
    let caller = |origin: &str| harness::mcp::Caller::new(origin, &server.key);
    let account = caller(&server.mcp).call(1, "get_account", json!({})).await.unwrap();
    let id = account["customerId"].as_str().unwrap();
    let link = caller(&server.mcp).call(2, "connect_platform", json!({"platform": "gmail"})).await.unwrap();
    let http = reqwest::Client::new();
    let connected = http.post(format!("{}/allow", link["url"].as_str().unwrap())).send().await.unwrap();
    assert!(connected.text().await.unwrap().contains("Gmail is connected."));
    let accounts: Value =
        http.get(format!("{}/composio/sandbox/accounts", server.sandbox)).send().await.unwrap().json().await.unwrap();
    let account = accounts["accounts"][0]["id"].as_str().unwrap();
    let page = http.post(format!("{}/composio/accounts/{account}/expire", server.sandbox)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("EXPIRED"));
    // Told by the event log, so that nobody but the webhook has asked Composio.
    let lost = eventually("the loss is in the log", async || {
        let listed = caller(&server.mcp).call(3, "list_events", json!({"type": "connection.lost"})).await.unwrap();
        listed["events"].as_array().unwrap().first().cloned()
    });
    assert_eq!(lost.await["data"]["platform"], "gmail");

    let forged = http.post(format!("{}/api/webhooks/composio", server.gateway)).header("webhook-id", "msg_1");
    let forged = forged.header("webhook-timestamp", "1700000000").header("webhook-signature", "v1,AAAA");
    let refused = forged.body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "invalid_signature");
    let listed = caller(&server.gateway).get(&format!("/api/connections/{id}")).await.unwrap();
    assert_eq!(listed["connections"]["gmail"]["status"], "needs_reconnect");
}
