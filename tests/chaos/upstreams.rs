//! A network to Stripe, Composio, the model and Inngest that breaks in every way: calls end in bounded time and say
//! what is the matter, nobody else waits, and afterwards everything is made good, once.

use std::time::{Duration, Instant};

use harness::model::{Answer, ScriptedModel};
use harness::{Backend, Proxy, TestDb, eventually};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use url::Url;

use crate::site::{Plan, Site, Tenant};

/// Longer than any call may take to an upstream, with all its attempts.
const BOUND: Duration = Duration::from_secs(60);
/// How long what needs no upstream may take.
const FAST: Duration = Duration::from_secs(5);

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.timeout(BOUND).send().await.expect("an answer in bounded time");
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn approved(site: &Site, tenant: &Tenant, words: &str) -> Value {
    let tools = site.tools(tenant);
    let made = tools.call(1, "create_content", json!({"kind": "x_post", "body": words})).await.unwrap();
    let id = made["content"]["id"].clone();
    let approval = json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"});
    tools.call(2, "review_content", approval).await.unwrap();
    id
}

/// What an impatient person does until it is out: again, and when it is not known, looks.
async fn publish_to_the_end(site: &Site, tenant: &Tenant, id: &Value, words: &str) {
    eventually("it is out", async || {
        let told = site.tools(tenant).call(3, "publish_content", json!({"contentId": id})).await.ok()?;
        if told["status"] == "unknown" {
            let is_there = site.stand_ins.posts().await.iter().any(|post| post == words);
            let saw = if is_there { "published" } else { "not_published" };
            let settled = json!({"contentId": id, "personSaw": saw});
            site.tools(tenant).call(4, "publish_content", settled).await.unwrap();
        }
        (told["status"] == "published").then_some(())
    })
    .await;
}

/// Stripe and Composio broken in this way.
async fn is_bounded_and_made_good(breaks: impl FnOnce(&Proxy)) {
    let site = Site::on(TestDb::migrated(Backend::Sqlite).await).await;
    let tenant = site.tenant().await;
    let words = "Slow pages cost more than fast ones.";
    let id = approved(&site, &tenant, words).await;
    let (rest, tools) = (site.rest(&tenant), site.tools(&tenant));
    let checkout = || rest.request(Method::POST, "/api/checkout").json(&json!({"email": "anna@example.com"}));
    let connections = || rest.request(Method::GET, &format!("/api/connections/{}", tenant.id));

    breaks(&site.upstream);
    let since = Instant::now();
    let publishing = async { tools.call(3, "publish_content", json!({"contentId": id})).await };
    let (bought, known, published) = tokio::join!(answer(checkout()), answer(connections()), publishing);
    assert!(since.elapsed() < BOUND, "it took {:?}", since.elapsed());
    assert_eq!((bought.0, &bought.1["code"]), (502, &json!("stripe_failed")), "{}", bought.1);
    assert_eq!((known.0, &known.1["stale"]), (200, &json!(true)), "{}", known.1);
    assert_eq!(known.1["connections"]["x"]["status"], "connected", "what was known last");
    let told = published.as_ref().map_or_else(Clone::clone, Value::to_string);
    assert!(!told.contains(r#""status":"published""#), "{told}");

    // Nobody else waits, and readiness says who is away.
    let since = Instant::now();
    tools.call(5, "get_account", json!({})).await.unwrap();
    let ready = rest.get("/api/health/ready").await.unwrap();
    assert!(since.elapsed() < FAST, "it took {:?}", since.elapsed());
    assert_eq!((&ready["status"], &ready["composio"]["status"]), (&json!("ready"), &json!("failing")), "{ready}");

    site.upstream.restore();
    publish_to_the_end(&site, &tenant, &id, words).await;
    assert_eq!(site.stand_ins.posts().await, [words]);
    assert_eq!(answer(checkout()).await.0, 200);
    let known = eventually("Composio is looked at again", async || {
        let (_, known) = answer(connections()).await;
        (known["stale"] == false).then_some(known)
    });
    assert_eq!(known.await["connections"]["x"]["status"], "connected");
}

#[tokio::test]
async fn an_upstream_that_refuses_connections() {
    is_bounded_and_made_good(Proxy::refuse).await;
}

#[tokio::test]
async fn an_upstream_that_is_silent() {
    is_bounded_and_made_good(Proxy::stall).await;
}

#[tokio::test]
async fn an_upstream_whose_answers_break_off() {
    is_bounded_and_made_good(|proxy| proxy.cut_answers_after(40)).await;
}

#[tokio::test]
async fn an_upstream_that_closes_before_it_answers() {
    is_bounded_and_made_good(Proxy::half_close).await;
}

#[tokio::test]
async fn a_slow_upstream_is_waited_for() {
    let site = Site::on(TestDb::migrated(Backend::Sqlite).await).await;
    let tenant = site.tenant().await;
    let words = "Slow pages cost more than fast ones.";
    let id = approved(&site, &tenant, words).await;
    site.upstream.slow(Duration::from_millis(300));
    let checkout =
        site.rest(&tenant).request(Method::POST, "/api/checkout").json(&json!({"email": "anna@example.com"}));
    assert_eq!(answer(checkout).await.0, 200);
    publish_to_the_end(&site, &tenant, &id, words).await;
    assert_eq!(site.stand_ins.posts().await, [words]);
}

/// A model that cannot be reached leaves briefs with a note; the next plan is drafted again.
#[tokio::test]
async fn a_model_behind_a_broken_network_leaves_briefs() {
    let model = ScriptedModel::start().await;
    model.otherwise(Answer::Text(json!({"body": "We timed forty shops last week."}).to_string()));
    let proxy = Proxy::before(&Url::parse(&model.base_url()).unwrap()).await;
    let plan = Plan::on(TestDb::migrated(Backend::Sqlite).await)
        .set("LLM_BASE_URL", proxy.url().as_str())
        .set("LLM_MODEL", "small");
    let site = Site::open(plan).await;
    let tenant = site.tenant().await;
    let tools = site.tools(&tenant);
    let brand = json!({"name": "Quick Pages", "offering": "We find the slow pages of an online shop, and say why.",
        "pillars": [{"name": "Speed", "weight": 1}], "cadence": [{"channel": "x", "perWeek": 1}]});
    tools.call(1, "update_brand", brand).await.unwrap();
    let breaks: [fn(&Proxy); 3] = [Proxy::refuse, |proxy| proxy.cut_answers_after(40), Proxy::half_close];
    for (week, breaks) in breaks.into_iter().enumerate() {
        breaks(&proxy);
        let from = (chrono::Utc::now().date_naive() + chrono::Duration::weeks(week as i64 + 1)).to_string();
        let asked = json!({"workflow": "content_plan", "input": {"from": from}, "waitSeconds": 0});
        let run = tools.call(2, "start_workflow", asked).await.unwrap()["run"]["id"].clone();
        let output = eventually("the plan is made", async || {
            let run = tools.call(3, "get_workflow_run", json!({"runId": run})).await.ok()?["run"].take();
            run["endedAt"].is_string().then_some(run)
        });
        let run = output.await;
        assert_eq!(run["status"], "completed", "{run:#}");
        assert_eq!(run["output"]["drafted"], json!([]), "{run:#}");
        assert!(run["output"]["notDrafted"].to_string().contains("could not be reached"), "{run:#}");
        proxy.restore();
    }
}
