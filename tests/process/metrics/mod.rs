//! What Prometheus gets of the real binaries.

mod dashboard;
mod support;

use std::collections::BTreeSet;

use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch, listens};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use web::metrics::METRICS;

use crate::support::{Terminal, mcp, status};
use support::{Scrape, measured, scrape};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";
const SIGNING_KEY: &str = "signkey-test-8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff";

/// Uses a server in every way that is counted.
async fn use_everything(server: &HeyCmo) -> Vec<String> {
    let assistant = mcp(server);
    let account = assistant.call(1, "get_account", json!({})).await.unwrap();
    let id = account["customerId"].as_str().unwrap().to_owned();
    assistant.call(2, "list_connections", json!({})).await.unwrap();
    assistant.call(3, "scan_page", json!({"url": server.gateway})).await.unwrap();
    assistant.call(4, "create_content", json!({"kind": "nonsense"})).await.unwrap_err();
    assistant.call(5, "made_up_by_a_stranger", json!({})).await.unwrap_err();

    let gateway = Caller::new(&server.gateway, &server.key);
    gateway.get(&format!("/api/customer/{id}")).await.unwrap();
    assert_eq!(status(&gateway, "/made/up/by/a/stranger").await, StatusCode::NOT_FOUND);
    let method = Method::from_bytes(b"MADEUP").unwrap();
    gateway.request(method, "/api/health").send().await.unwrap();
    let paid = gateway.request(Method::POST, "/api/checkout").json(&json!({"email": "anna@example.com"}));
    let paid: Value = paid.send().await.unwrap().json().await.unwrap();
    let wrong = Caller::new(&server.gateway, "wrong");
    assert_eq!(status(&wrong, &format!("/api/customer/{id}")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&wrong, &format!("/api/customer/{id}")).await, StatusCode::TOO_MANY_REQUESTS);

    // Paying makes Stripe tell of it.
    let session = paid["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let http = web::http_client().no_proxy().build().unwrap();
    let pay = format!("{}/sandbox/sessions/{session}/pay", server.sandbox);
    assert!(http.post(pay).send().await.unwrap().status().is_success());
    vec![id, session]
}

#[tokio::test]
async fn what_is_to_be_had_is_what_is_listed() {
    let launch = measured(Launch::new("heycmo")).env("RATE_LIMIT_PREAUTH", "1");
    let mut server = HeyCmo::launch(launch.env("HEYCMO_SCAN_NETWORKS", "127.0.0.0/8,::1/128")).await;
    let mut secrets = use_everything(&server).await;
    secrets.extend([server.key.clone(), "cust_".to_owned(), "hcmo_".to_owned(), "stranger".to_owned()]);
    secrets.extend(["@".to_owned(), "MADEUP".to_owned()]);
    let (older, session) = (mcp(&server).connect_sse().await.unwrap(), mcp(&server).connect().await.unwrap());
    let scrape = harness::eventually("Stripe's event is handled", async || {
        let scrape = scrape_of(&mut server).await;
        (scrape.sum("heycmo_webhook_lag_seconds", &[("source", "stripe")]) >= 1.0).then_some(scrape)
    })
    .await;

    let expected: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    let had: BTreeSet<&str> = scrape.families.keys().map(String::as_str).collect();
    assert_eq!(had, expected, "{}", scrape.text);
    for metric in &METRICS {
        let family = &scrape.families[metric.name];
        assert_eq!(family.kind, metric.kind.name(), "{}", metric.name);
        assert_eq!(family.help, format!("{}.", metric.help), "{}", metric.name);
        assert!(!family.samples.is_empty(), "{} has no numbers", metric.name);
        for sample in &family.samples {
            let labels: BTreeSet<&str> = sample.labels.keys().map(String::as_str).collect();
            assert_eq!(labels, metric.labels.iter().copied().collect(), "{}", metric.name);
        }
    }
    for secret in &secrets {
        let line = scrape.text.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "nothing that tells who somebody is, or that they made up, is in a label");
    }

    assert_eq!(scrape.values("heycmo_sessions", &[("transport", "legacy_sse")]), [1.0]);
    assert_eq!(scrape.values("heycmo_sessions", &[("transport", "streamable_http")]), [1.0]);
    let calls = |tool, outcome| scrape.sum("heycmo_tool_calls_total", &[("tool", tool), ("outcome", outcome)]);
    assert_eq!(
        (calls("get_account", "ok"), calls("create_content", "error"), calls("(none)", "error")),
        (1.0, 1.0, 1.0)
    );
    let requests = |route, status| scrape.sum("heycmo_http_requests_total", &[("route", route), ("status", status)]);
    assert_eq!(requests("/api/customer/{customer_id}", "2xx"), 1.0);
    assert_eq!(requests("/api/customer/{customer_id}", "4xx"), 2.0);
    // Also what the scan looked for and did not find.
    assert!(requests("(none)", "4xx") >= 1.0);
    assert!(scrape.label_values("method").contains("other"));
    assert_eq!(scrape.sum("heycmo_rate_limited_total", &[("limit", "preauth")]), 1.0);
    for upstream in ["stripe", "composio", "page"] {
        let labels = [("upstream", upstream), ("outcome", "ok")];
        assert!(scrape.sum("heycmo_upstream_requests_total", &labels) >= 1.0, "{upstream}: {}", scrape.text);
    }
    assert_eq!(scrape.values("heycmo_database_up", &[]), [1.0]);
    assert!(scrape.sum("process_resident_memory_bytes", &[]) > 1_000_000.0);
    assert!(scrape.sum("process_start_time_seconds", &[]) > 1_700_000_000.0);

    drop(older);
    session.delete().await.unwrap();
    harness::eventually("the sessions are gone from the count", async || {
        (scrape_of(&mut server).await.sum("heycmo_sessions", &[]) == 0.0).then_some(())
    })
    .await;
}

async fn scrape_of(server: &mut HeyCmo) -> Scrape {
    scrape(&mut server.process).await
}

#[tokio::test]
async fn without_an_address_there_are_no_metrics() {
    let server = HeyCmo::start().await;
    assert_eq!(status(&mcp(&server), "/metrics").await, StatusCode::NOT_FOUND);
    assert_eq!(status(&Caller::new(&server.gateway, &server.key), "/metrics").await, StatusCode::NOT_FOUND);
    assert!(!server.process.log().contains("metrics are to be had"));
}

#[tokio::test]
async fn the_outbox_is_late_while_inngest_is_away() {
    let launch = measured(Launch::new("heycmo")).env("INNGEST_BASE_URL", NOWHERE);
    let mut server =
        HeyCmo::launch(launch.env("INNGEST_SIGNING_KEY", SIGNING_KEY).env("INNGEST_EVENT_KEY", "an-event-key")).await;
    let before = scrape_of(&mut server).await;
    assert_eq!(before.values("heycmo_outbox_lag_seconds", &[]), [0.0]);
    assert_eq!(before.values("heycmo_outbox_waiting", &[]), [0.0]);
    assert!(before.values("heycmo_engine_lag_seconds", &[]).is_empty(), "Inngest does the work");

    let account = mcp(&server).call(1, "get_account", json!({})).await.unwrap();
    let onboard = format!("/api/onboard/{}", account["customerId"].as_str().unwrap());
    let gateway = Caller::new(&server.gateway, &server.key);
    assert_eq!(gateway.request(Method::POST, &onboard).send().await.unwrap().status(), StatusCode::OK);
    let lag = |scrape: &Scrape| scrape.sum("heycmo_outbox_lag_seconds", &[]);
    let first = scrape_of(&mut server).await;
    assert!(first.sum("heycmo_outbox_waiting", &[]) >= 1.0 && lag(&first) > 0.0, "{}", first.text);
    harness::eventually("the lag rises, and the calls that failed are counted", async || {
        let now = scrape_of(&mut server).await;
        let failed = now.sum("heycmo_upstream_requests_total", &[("upstream", "inngest"), ("outcome", "failed")]);
        (lag(&now) > lag(&first) && failed >= 1.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn each_process_has_metrics_of_its_own() {
    let terminal = Terminal::new();
    let mut gateway = measured(terminal.launch("heycmo-gateway")).start();
    listens(&mut gateway).await;
    let mut mcp = measured(terminal.launch("heycmo-mcp")).start();
    let origin = listens(&mut mcp).await;
    let key = crate::support::key_in(&terminal.heycmo("provision anna@example.com").await);
    Caller::new(&origin, &key).call(1, "get_account", json!({})).await.unwrap();
    let calls = [("tool", "get_account"), ("outcome", "ok")];
    assert_eq!(scrape(&mut mcp).await.sum("heycmo_tool_calls_total", &calls), 1.0);
    assert_eq!(scrape(&mut gateway).await.sum("heycmo_tool_calls_total", &calls), 0.0);
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn while_the_database_is_away_the_others_still_come() {
    let test = harness::TestDb::empty(harness::Backend::Postgres).await;
    let proxy = harness::Proxy::before_database(&test.url()).await;
    let entity::db::DatabaseUrl::Postgres(url) = proxy.database_url() else { panic!("it is Postgres") };
    let mut server = HeyCmo::launch(measured(Launch::new("heycmo")).env("DATABASE_URL", url.as_str())).await;
    mcp(&server).call(1, "get_account", json!({})).await.unwrap();
    for _ in ["refused", "stalled"] {
        proxy.refuse();
        let away = scrape_of(&mut server).await;
        assert_eq!(away.values("heycmo_database_up", &[]), [0.0]);
        assert!(away.values("heycmo_outbox_lag_seconds", &[]).is_empty(), "what is not known is not 0");
        assert_eq!(away.sum("heycmo_tool_calls_total", &[("tool", "get_account")]), 1.0);
        proxy.restore();
        harness::eventually("the lag is known again", async || {
            (!scrape_of(&mut server).await.values("heycmo_outbox_lag_seconds", &[]).is_empty()).then_some(())
        })
        .await;
        proxy.stall();
    }
}
