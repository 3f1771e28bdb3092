//! The real binary with Inngest: the same functions, called over HTTP by an Inngest of the tests.

#[path = "../../../shared/inngest/tests/protocol/fake.rs"]
#[allow(dead_code, reason = "the tests of the crate use the rest")]
mod fake;
#[path = "../../../shared/inngest/tests/protocol/wire.rs"]
#[allow(dead_code, reason = "the tests of the crate use the rest")]
mod wire;

use fake::{EVENT_KEY, Fake, Status};
use harness::Proxy;
use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::support::{address, full_brand};

const KEY: &str = wire::KEY;
const ONBOARDING: &str = "heycmo-onboarding";

/// A customer, and Inngest.
struct Lab {
    inngest: Fake,
    server: HeyCmo,
    key: String,
    id: String,
}

fn launch(launch: Launch, inngest: &str) -> Launch {
    launch.env("INNGEST_BASE_URL", inngest).env("INNGEST_SIGNING_KEY", KEY).env("INNGEST_EVENT_KEY", EVENT_KEY)
}

impl Lab {
    async fn open() -> (Self, String) {
        let (inngest, origin) = Fake::start(Some(KEY)).await;
        (Self::at(inngest, &origin).await, origin)
    }

    /// With Inngest to be reached there.
    async fn at(inngest: Fake, origin: &str) -> Self {
        let launch = launch(Launch::new("heycmo"), origin).env("RUST_LOG", "info,inngest=debug");
        let server = HeyCmo::launch(launch).await;
        inngest.sync(&format!("{}/api/inngest", server.gateway)).await;
        let key = server.key.clone();
        let account = Caller::new(&server.mcp, &key).call(1, "get_account", json!({})).await.unwrap();
        let id = account["customerId"].as_str().unwrap().to_owned();
        Self { inngest, server, key, id }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        Caller::new(&self.server.mcp, &self.key).call(1, tool, arguments).await.unwrap()
    }

    async fn onboard(&self) {
        self.ask_to_onboard().await;
        self.event_arrives().await;
    }

    async fn ask_to_onboard(&self) {
        let gateway = Caller::new(&self.server.gateway, &self.key);
        let response = gateway.request(Method::POST, &format!("/api/onboard/{}", self.id)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }

    async fn event_arrives(&self) {
        harness::eventually("the event arrives", async || (!self.inngest.runs(ONBOARDING).is_empty()).then_some(()))
            .await;
    }

    async fn run(&self) -> Value {
        let [run]: [Value; 1] = serde_json::from_value(
            self.call("list_workflow_runs", json!({"workflow": "onboarding"})).await["runs"].take(),
        )
        .unwrap();
        self.call("get_workflow_run", json!({"runId": run["id"]})).await["run"].take()
    }

    async fn log(&self) -> Vec<String> {
        let gateway = Caller::new(&self.server.gateway, &self.key);
        let page = gateway.get(&format!("/api/events/{}?limit=200", self.id)).await.unwrap();
        // Without the pieces that wait for their times.
        let events = page["events"].as_array().unwrap().iter().rev();
        let events = events.filter(|event| event["data"]["workflow"] != "publish_due");
        events.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn onboarding_goes_on_after_a_crash_and_ends_with_the_interview() {
    let (lab, origin) = Lab::open().await;
    lab.onboard().await;
    lab.inngest.settle().await;
    assert_eq!(lab.run().await["status"], "running");

    let data = lab.server.process.data_dir();
    let (gateway, mcp) = (address(&lab.server.gateway), address(&lab.server.mcp));
    lab.server.process.kill().await;
    let again = launch(Launch::on("heycmo", data), &origin).env("HEYCMO_GATEWAY_ADDR", gateway);
    let lab = Lab { server: HeyCmo::launch(again.env("HEYCMO_MCP_ADDR", mcp)).await, ..lab };

    assert_eq!(lab.call("update_brand", full_brand()).await["completeness"], 100);
    harness::eventually("the interview's end reaches the run", async || {
        lab.inngest.settle().await;
        (lab.inngest.run(ONBOARDING).status == Status::Completed).then_some(())
    })
    .await;
    assert_eq!(lab.run().await["status"], "completed");
    assert_eq!(lab.call("get_account", json!({})).await["status"], "active");
    let log = lab.log().await;
    let story: Vec<&str> = log.iter().map(String::as_str).filter(|name| !name.starts_with("key.")).collect();
    let told = [
        "customer.created",
        "workflow.started",
        "onboarding.started",
        "brand.updated",
        "content.planned",
        "content.planned",
        "onboarding.completed",
        "workflow.completed",
    ];
    assert_eq!(story, told);
}

/// The event waits for the network, nobody waits for the event, and one that was taken without our hearing of it starts
/// nothing twice.
async fn an_event_outlasts(breaks: impl FnOnce(&Proxy)) {
    let (inngest, origin) = Fake::start(Some(KEY)).await;
    let proxy = Proxy::before(&Url::parse(&origin).unwrap()).await;
    let lab = Lab::at(inngest, proxy.url().as_str().trim_end_matches('/')).await;
    breaks(&proxy);
    lab.ask_to_onboard().await;
    assert_eq!(lab.call("get_account", json!({})).await["status"], "onboarding");
    harness::eventually("it was tried in vain", async || {
        lab.server.process.log().contains("events are sent again").then_some(())
    })
    .await;
    proxy.restore();
    lab.event_arrives().await;
    harness::eventually("nothing waits any more", async || {
        lab.inngest.settle().await;
        (lab.run().await["status"] == "running").then_some(())
    })
    .await;
    lab.inngest.run(ONBOARDING);
}

#[tokio::test]
async fn an_event_outlasts_an_inngest_that_refuses_connections() {
    an_event_outlasts(Proxy::refuse).await;
}

#[tokio::test]
async fn an_event_outlasts_an_inngest_that_is_silent() {
    an_event_outlasts(Proxy::stall).await;
}

#[tokio::test]
async fn an_event_whose_acceptance_is_lost_starts_one_run() {
    an_event_outlasts(|proxy| proxy.cut_answers_after(40)).await;
}

#[tokio::test]
async fn an_event_outlasts_an_inngest_that_closes_before_it_answers() {
    an_event_outlasts(Proxy::half_close).await;
}

#[tokio::test]
async fn an_interview_that_never_comes_ends_in_words() {
    let (lab, _) = Lab::open().await;
    lab.onboard().await;
    lab.inngest.finish().await;
    let run = lab.run().await;
    assert_eq!(run["status"], "failed", "{run}");
    assert!(run["error"].as_str().unwrap().contains("seven days"), "{run}");
    assert!(lab.log().await.contains(&"onboarding.reminded".to_owned()));
}

#[tokio::test]
async fn a_cancelled_run_ends_at_inngest_too() {
    let (lab, _) = Lab::open().await;
    lab.onboard().await;
    lab.inngest.settle().await;
    let run = lab.run().await;
    lab.call("cancel_workflow_run", json!({"runId": run["id"]})).await;
    harness::eventually("the event arrives", async || {
        lab.inngest.settle().await;
        (lab.inngest.run(ONBOARDING).status == Status::Cancelled).then_some(())
    })
    .await;
    assert_eq!(lab.run().await["status"], "cancelled");
}

#[tokio::test]
async fn only_inngest_may_call() {
    let (lab, _) = Lab::open().await;
    let http = web::http_client().no_proxy().build().unwrap();
    let address = format!("{}/api/inngest", lab.server.gateway);
    let call = |key: &str| {
        let body =
            json!({"event": {"name": "x", "data": {}}, "events": [], "steps": {}, "ctx": {"run_id": "r"}}).to_string();
        let signature = wire::sign(key, body.as_bytes(), chrono::Utc::now().timestamp());
        http.post(format!("{address}?fnId={ONBOARDING}&stepId=step"))
            .header("x-inngest-signature", signature)
            .body(body)
    };
    let unsigned = http.post(format!("{address}?fnId={ONBOARDING}&stepId=step")).body("{}").send().await.unwrap();
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    let other = call("signkey-prod-00ff").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
    let known: Value = http.get(&address).send().await.unwrap().json().await.unwrap();
    assert_eq!(known["mode"], "cloud");
    assert!(known.get("app_id").is_none() && !known.to_string().contains("signkey"), "{known}");
}

#[tokio::test]
async fn without_inngest_nobody_may() {
    let server = HeyCmo::start().await;
    let http = web::http_client().no_proxy().build().unwrap();
    for method in [Method::GET, Method::POST, Method::PUT] {
        let answer = http.request(method, format!("{}/api/inngest", server.gateway)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "not_configured");
    }
}
