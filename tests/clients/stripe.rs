//! Stripe's libraries, and a stand-in for Stripe that nobody here wrote.

use std::collections::BTreeSet;
use std::process::Stdio;

use chrono::Duration;
use entity::billing::{self, Observation, PaidCheckout, SubscriptionStatus};
use entity::db::now;
use harness::process::{HeyCmo, Launch};
use harness::{Backend, TestDb, a_customer, eventually};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::script::{node, python, succeeds};

const SECRETS: [&str; 2] = ["whsec_of_these_tests", "whsec_before"];
/// Nobody listens there: what these tests send leads to no call that matters.
const NOBODY: &str = "http://127.0.0.1:9";

/// `heycmo` with an account at the Stripe that is at this origin.
fn with_stripe_at(origin: &str) -> Launch {
    Launch::new("heycmo")
        .env("STRIPE_SECRET_KEY", "sk_test_x")
        .env("STRIPE_PRICE_ID", "price_x")
        .env("STRIPE_WEBHOOK_SECRET", SECRETS.join(","))
        .env("STRIPE_API_BASE", origin)
}

/// The lines of `heycmo billing events`, newest first.
async fn stored_events(launch: Launch) -> Vec<String> {
    let finished = launch.args(["billing", "events"]).finish().await;
    assert!(finished.status.success(), "{finished:?}");
    finished.out.lines().skip(1).map(str::to_owned).collect()
}

/// What Stripe's library signs is taken as far as it should be, and only that is kept.
async fn what_it_signs_is_kept(mut library: Command, expected: &[&str]) {
    let server = HeyCmo::launch(with_stripe_at(NOBODY)).await;
    library.arg(&server.gateway).args(SECRETS);
    let server = succeeds(library, server).await;
    let lines = stored_events(Launch::on("heycmo", server.process.data_dir())).await;
    let ids: BTreeSet<&str> = lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(ids, expected.iter().copied().collect());
    assert_eq!(ids.len(), lines.len(), "each once: {lines:?}");
}

#[tokio::test]
async fn what_the_python_library_signs_is_kept() {
    let mut library = python("tools", "python");
    library.arg("stripe_signatures.py");
    let expected = [
        "evt_good_python",
        "evt_good_python_other_secret",
        "evt_good_python_two_signatures",
        "evt_good_python_two_secrets",
        "evt_good_python_test_scheme",
        "evt_good_python_slow",
        "evt_before_2017_good",
        "evt_before_2017_good_good",
        "evt_of_2017_good",
        "evt_of_2017_good_good",
        "evt_of_2023_good",
        "evt_of_2023_good_good",
        "evt_of_2025_good",
        "evt_of_2025_good_good",
    ];
    what_it_signs_is_kept(library, &expected).await;
}

#[tokio::test]
async fn what_the_node_library_signs_is_kept() {
    let expected = [
        "evt_good_node",
        "evt_good_node_other_secret",
        "evt_good_node_two_signatures",
        "evt_before_2017_good_node",
        "evt_of_2017_good_node",
        "evt_of_2023_good_node",
        "evt_of_2025_good_node",
    ];
    what_it_signs_is_kept(node("stripe-signatures.mjs"), &expected).await;
}

#[tokio::test]
async fn the_python_library_drives_the_sandbox() {
    let server = HeyCmo::start().await;
    let printed = server.process.out();
    let line = printed.lines().find(|line| line.contains("Sandbox of Stripe")).expect("it says where the sandbox is");
    let origin = line.rsplit(' ').next().expect("an address").trim_end_matches('/');
    let mut library = python("tools", "python");
    library.args(["stripe_sandbox.py", origin]);
    succeeds(library, server).await;
}

/// localstripe, which speaks as Stripe did in 2017. Ends when dropped.
struct LocalStripe {
    origin: String,
    http: reqwest::Client,
    _process: Child,
}

impl LocalStripe {
    async fn start() -> Self {
        let mut process = python("tools", "python")
            .arg("localstripe_server.py")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("localstripe starts");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let port = lines.next_line().await.expect("text").expect("localstripe says its port");
        let http = web::http_client().no_proxy().timeout(harness::PATIENCE).build().expect("a client");
        Self { origin: format!("http://127.0.0.1:{port}"), http, _process: process }
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.bearer_auth("sk_test_x").send().await.expect("an answer");
        let status = answer.status();
        let body = answer.text().await.expect("text");
        assert!(status.is_success(), "{body}");
        serde_json::from_str(&body).unwrap_or_default()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.ask(self.http.post(format!("{}{path}", self.origin)).json(&body)).await
    }

    async fn delete(&self, path: &str) -> Value {
        self.ask(self.http.delete(format!("{}{path}", self.origin))).await
    }

    /// The id of a new customer.
    async fn customer(&self) -> String {
        id_of(&self.post("/v1/customers", json!({ "email": "anna@example.com" })).await)
    }

    /// The id of a new subscription to a plan that costs nothing, so that no card is needed.
    async fn subscription(&self, customer: &str, plan: &str) -> String {
        id_of(&self.post("/v1/subscriptions", json!({ "customer": customer, "items": [{ "plan": plan }] })).await)
    }
}

fn id_of(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

/// A subscription of before, which has ended: so it is known who `payer` is.
fn ended_subscription(payer: &str, email: String) -> PaidCheckout {
    PaidCheckout {
        id: "cs_test_before".to_owned(),
        email,
        plan: "pro".to_owned(),
        completed_at: now() - Duration::days(40),
        subscription: Observation {
            id: "sub_before".to_owned(),
            stripe_customer_id: payer.to_owned(),
            status: SubscriptionStatus::Canceled,
            cancel_at_period_end: false,
            period_ends_at: Some(now() - Duration::days(10)),
            past_due_since: None,
            seen: None,
        },
    }
}

/// Another Stripe signs, delivers and answers. Its subscriptions are those of 2017.
#[tokio::test]
async fn localstripe_opens_and_closes_an_account() {
    let stripe = LocalStripe::start().await;
    let (ours, somebody) = (stripe.customer().await, stripe.customer().await);
    let test = TestDb::migrated(Backend::Sqlite).await;
    let (customer, key) = a_customer(&test.db()).await;
    let ended = ended_subscription(&ours, customer.email.clone());
    billing::fulfil(&test.db(), ended, Duration::days(7), None).await.expect("a customer who left");
    let settings = || with_stripe_at(&stripe.origin).env("DATABASE_URL", test.url_text());
    let server = HeyCmo::launch(settings()).await;
    let status = async || {
        let url = format!("{}/api/customer/{}", server.gateway, customer.id);
        stripe.http.get(url).bearer_auth(key.expose()).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status().await, 403, "who left is not let in");

    let hook = json!({ "url": format!("{}/api/webhooks/stripe", server.gateway), "secret": SECRETS[1] });
    stripe.post("/_config/webhooks/heycmo", hook).await;
    let plan = json!({ "amount": 0, "currency": "eur", "interval": "month", "product": { "name": "Größe L" } });
    let plan = id_of(&stripe.post("/v1/plans", plan).await);

    let foreign = stripe.subscription(&somebody, &plan).await;
    let subscription = stripe.subscription(&ours, &plan).await;
    eventually("the account is open", async || (status().await == 200).then_some(())).await;
    let known = billing::of_customer(&test.db(), &customer.id).await.expect("subscriptions");
    let known = known.iter().find(|known| known.id == subscription).expect("the one of localstripe");
    assert_eq!(known.status, SubscriptionStatus::Active);
    assert!(known.period_ends_at.is_some_and(|end| end > now()), "as told in 2017: {known:?}");

    stripe.delete(&format!("/v1/subscriptions/{subscription}")).await;
    eventually("the account is closed", async || (status().await == 403).then_some(())).await;

    // What it tells of somebody else's is kept and has no effects.
    stripe.delete(&format!("/v1/subscriptions/{foreign}")).await;
    let lines = eventually("all is done", async || {
        let lines = stored_events(settings()).await;
        let of_subscriptions = lines.iter().filter(|line| line.contains("customer.subscription.")).count();
        (of_subscriptions == 4 && lines.iter().all(|line| line.contains("  done "))).then_some(lines)
    });
    let lines = lines.await;
    assert!(lines.iter().any(|line| line.contains("plan.created")), "{lines:?}");
    assert_eq!(billing::of_customer(&test.db(), &customer.id).await.expect("subscriptions").len(), 2);
    let log = server.process.log();
    assert!(!log.contains(" ERROR ") && !log.contains(" WARN "), "{log}");
}
