//! A network to the database that cuts, stalls, delays and resets while everybody works.

use std::time::{Duration, Instant};

use harness::{Backend, Proxy, TestDb, eventually};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::invariants::{hold, hold_in_the_end};
use crate::load::Load;
use crate::seed::{Dice, rounds};
use crate::site::{Plan, Site, Tenant};

const SEED: u64 = 0x6461_7461_6261;
/// Readiness is promised within 2 s, on a machine that does nothing else.
const READINESS: Duration = Duration::from_secs(5);
/// What "fast" means for a failure. The client of a customer would wait for 30 s.
const FAST: Duration = Duration::from_secs(12);

async fn behind_a_proxy() -> (Site, Proxy) {
    let test = TestDb::migrated(Backend::Postgres).await;
    let proxy = Proxy::before_database(&test.url()).await;
    let plan = Plan::on(test).set("DATABASE_URL", proxy.url().as_str());
    (Site::open(plan).await, proxy)
}

async fn within(limit: Duration, request: reqwest::RequestBuilder) -> Response {
    let since = Instant::now();
    let response = request.timeout(harness::PATIENCE).send().await.expect("an answer");
    assert!(since.elapsed() < limit, "{} took {:?}", response.url(), since.elapsed());
    response
}

/// Both processes say that they are not ready, and calls fail fast with what to do.
async fn is_told(site: &Site, tenant: &Tenant) {
    let (rest, tools) = (site.rest(tenant), site.tools(tenant));
    for (caller, path) in [(&rest, "/api/health/ready"), (&tools, "/health/ready")] {
        let response = within(READINESS, caller.request(Method::GET, path)).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["status"], &body["db"]), (&json!("not_ready"), &json!(false)), "{path}");
    }
    let refused = within(FAST, rest.request(Method::GET, &format!("/api/events/{}", tenant.id))).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"), "{:?}", refused.headers());
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["code"], "database_unavailable", "{body}");
    let since = Instant::now();
    let called = tools.call(1, "get_account", json!({})).await;
    assert!(called.as_ref().is_err_and(|error| error.contains("503") || error.contains("reached")), "{called:?}");
    assert!(since.elapsed() < FAST, "it took {:?}", since.elapsed());
    // Whether the process lives has nothing to do with it.
    assert_eq!(within(READINESS, rest.request(Method::GET, "/api/health")).await.status(), StatusCode::OK);
}

async fn passes(site: &Site, tenant: &Tenant) {
    let (rest, tools) = (site.rest(tenant), site.tools(tenant));
    for (caller, path) in [(&rest, "/api/health/ready"), (&tools, "/health/ready")] {
        eventually("it is ready again", async || caller.get(path).await.ok()).await;
    }
}

#[tokio::test]
async fn an_outage_is_told_in_time_and_passes_by_itself() {
    let mut dice = Dice::of(SEED);
    let (site, proxy) = behind_a_proxy().await;
    let tenant = site.tenant().await;
    let load = Load::start(&site, &mut dice).await;
    for round in rounds(2) {
        load.ledger.more(20).await;
        if round % 2 == 0 {
            proxy.refuse()
        } else {
            proxy.stall()
        }
        is_told(&site, &tenant).await;
        proxy.restore();
        passes(&site, &tenant).await;
        load.ledger.more(20).await;
        hold(&site, &load.ledger).await;
    }
    let ledger = load.end().await;
    hold_in_the_end(&site, &ledger).await;
}

#[tokio::test]
async fn a_slow_database_makes_slow_answers_and_true_ones() {
    let mut dice = Dice::of(SEED);
    let (site, proxy) = behind_a_proxy().await;
    let load = Load::start(&site, &mut dice).await;
    load.ledger.more(20).await;
    proxy.slow(Duration::from_millis(40));
    load.ledger.more(20).await;
    assert!(site.rest(&site.tenant().await).get("/api/health/ready").await.is_ok(), "slow is not away");
    proxy.restore();
    let ledger = load.end().await;
    hold_in_the_end(&site, &ledger).await;
}

/// What was answered is true; what was not may be there or not, but never half.
#[tokio::test]
async fn connections_that_break_in_the_middle_leave_nothing_half_done() {
    let mut dice = Dice::of(SEED);
    let (site, proxy) = behind_a_proxy().await;
    let load = Load::start(&site, &mut dice).await;
    for _ in rounds(40) {
        load.ledger.more(1 + dice.below(10)).await;
        tokio::time::sleep(Duration::from_micros(dice.below(20_000))).await;
        proxy.reset();
    }
    load.ledger.more(20).await;
    let ledger = load.end().await;
    hold_in_the_end(&site, &ledger).await;
}
