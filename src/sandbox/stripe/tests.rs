//! Over real connections, as the gateway, a browser and Stripe's own client use it.

use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use harness::eventually;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use web::config::{Config, Environment};

use super::{FILE, PRICE_ID, SECRET_KEY, Sandbox, WebhookTarget, webhooks};

const SECRET: &str = "whsec_of_this_test";

/// The gateway's side: keeps what it takes, and refuses as often as it is told.
#[derive(Clone, Default)]
struct Receiver {
    taken: Arc<Mutex<Vec<Value>>>,
    refusals: Arc<Mutex<u32>>,
}

impl Receiver {
    async fn take(self, headers: HeaderMap, body: String) -> StatusCode {
        let header = headers["stripe-signature"].to_str().unwrap();
        let at = header.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
        assert_eq!(header, webhooks::signature(&SECRET.into(), at, body.as_bytes()));
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        self.taken.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        StatusCode::OK
    }

    fn types(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    async fn has_taken(&self, types: &[&str]) {
        eventually(&format!("{types:?}"), async || (self.types() == types).then_some(())).await;
    }
}

/// A sandbox that serves and delivers; ends when dropped.
struct Served {
    origin: String,
    http: Client,
    receiver: Receiver,
    dir: Arc<TempDir>,
    _running: DropGuard,
}

impl Served {
    async fn start() -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap())).await
    }

    async fn on(dir: Arc<TempDir>) -> Self {
        let running = CancellationToken::new();
        let receiver = Receiver::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/api/webhooks/stripe", listener.local_addr().unwrap())).unwrap();
        let taker = receiver.clone();
        let route = axum::routing::post(move |headers, body| taker.clone().take(headers, body));
        serve(listener, axum::Router::new().route("/api/webhooks/stripe", route), &running);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let webhook = WebhookTarget { url, secret: SECRET.into() };
        let sandbox = Sandbox::open(&dir.path().join(FILE), origin.clone(), webhook).unwrap();
        serve(listener, sandbox.router(), &running);
        tokio::spawn(sandbox.deliveries(running.clone()));
        let http = web::http_client().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { origin, http, receiver, dir, _running: running.drop_guard() }
    }

    /// A call to the API, with the key.
    fn v1(&self, method: &str, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let url = format!("{}/v1{path}", self.origin);
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(SECRET_KEY);
        if form.is_empty() { request } else { with_form(request, form) }
    }

    async fn get(&self, path: &str) -> Value {
        ok(self.v1("GET", path, &[]).send().await.unwrap()).await
    }

    /// An open session for this address.
    async fn session(&self, more: &[(&str, &str)]) -> Value {
        let form = [
            ("mode", "subscription"),
            ("line_items[0][price]", PRICE_ID),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://shop.example/done?session_id={CHECKOUT_SESSION_ID}"),
            ("cancel_url", "http://shop.example/back"),
            ("metadata[order]", "7"),
            ("subscription_data[metadata][order]", "7"),
        ];
        ok(self.v1("POST", "/checkout/sessions", &[&form, more].concat()).send().await.unwrap()).await
    }

    /// The id of a session and of the subscription that it became.
    async fn subscribed(&self) -> (String, String) {
        let session = self.session(&[("customer_email", "anna@example.com")]).await;
        let session = self.control(&format!("sessions/{}/pay", id(&session))).await;
        (id(&session), session["subscription"].as_str().unwrap().to_owned())
    }

    async fn control(&self, path: &str) -> Value {
        ok(self.http.post(format!("{}/sandbox/{path}", self.origin)).send().await.unwrap()).await
    }

    async fn tell(&self, path: &str, what: Value) {
        let answer = self.http.post(format!("{}/sandbox/{path}", self.origin)).json(&what).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.origin)).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let html = answer.text().await.unwrap();
        assert!(html.contains("This is a sandbox.") && html.contains("No money moves"), "{html}");
        assert!(!html.contains("<script"), "{html}");
        html
    }

    /// Sends a form of a page and says where that leads.
    async fn click(&self, path: &str, form: &[(&str, &str)]) -> String {
        let request = self.http.post(format!("{}{path}", self.origin)).header("origin", &self.origin);
        let answer = with_form(request, form).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

fn serve(listener: TcpListener, router: axum::Router, running: &CancellationToken) {
    let ended = running.clone();
    tokio::spawn(async move {
        tokio::select! {
            result = axum::serve(listener, router) => result.unwrap(),
            () = ended.cancelled() => {}
        }
    });
}

fn with_form(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

async fn ok(answer: Response) -> Value {
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn refused(request: RequestBuilder, status: u16) -> Value {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), status);
    assert!(answer.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    answer.json::<Value>().await.unwrap()["error"].clone()
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_payment_on_the_page_becomes_a_subscription() {
    let served = Served::start().await;
    let session = served.session(&[("customer_email", "<anna>@example.com")]).await;
    let path = format!("/pay/{}", id(&session));
    assert_eq!(session["url"], format!("{}{path}", served.origin));
    assert_eq!(session["expires_at"].as_i64().unwrap() - session["created"].as_i64().unwrap(), 86_400);
    assert!(served.page(&path).await.contains("For <strong>&lt;anna&gt;@example.com<"));

    assert_eq!(served.click(&format!("{path}/fail"), &[]).await, path);
    assert!(served.page(&path).await.contains("The payment was declined."));
    assert_eq!(served.click(&format!("{path}/cancel"), &[]).await, "http://shop.example/back");
    let done = format!("http://shop.example/done?session_id={}", id(&session));
    assert_eq!(served.click(&format!("{path}/pay"), &[]).await, done);
    assert!(served.page(&path).await.contains("This is paid."));

    let expand = "expand[]=subscription&expand[]=customer&expand[]=subscription.latest_invoice";
    let session = served.get(&format!("/checkout/sessions/{}?{expand}", id(&session))).await;
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!(session["url"], Value::Null);
    assert_eq!(session["customer"]["email"], "<anna>@example.com");
    let subscription = &session["subscription"];
    assert_eq!((&subscription["status"], &subscription["metadata"]["order"]), (&json!("active"), &json!("7")));
    assert!(subscription["items"]["data"][0]["current_period_end"].as_i64() > subscription["created"].as_i64());
    let invoice = &subscription["latest_invoice"];
    assert_eq!(invoice["parent"]["subscription_details"]["subscription"], subscription["id"]);
    assert!(served.page(&format!("/invoice/{}", id(invoice))).await.contains("paid"));

    let types = ["customer.subscription.created", "invoice.paid", "checkout.session.completed"];
    served.receiver.has_taken(&types).await;
    let completed = served.receiver.taken.lock().unwrap()[2].clone();
    assert_eq!(completed["data"]["object"]["subscription"], subscription["id"]);
    assert_eq!((&completed["api_version"], &completed["livemode"]), (&json!(super::API_VERSION), &json!(false)));
    assert_eq!(served.get(&format!("/events/{}", id(&completed))).await["type"], "checkout.session.completed");
}

#[tokio::test]
async fn a_payment_may_take_its_time() {
    let served = Served::start().await;
    for (action, status, payment, event) in [
        ("settle", "active", "paid", "checkout.session.async_payment_succeeded"),
        ("decline", "incomplete_expired", "unpaid", "checkout.session.async_payment_failed"),
    ] {
        let session = id(&served.session(&[]).await);
        let done = served.click(&format!("/pay/{session}/pay_later"), &[("email", "anna@example.com")]).await;
        assert!(done.ends_with(&session));
        let pending = served.get(&format!("/checkout/sessions/{session}?expand[0]=subscription")).await;
        assert_eq!((&pending["status"], &pending["payment_status"]), (&json!("complete"), &json!("unpaid")));
        assert_eq!(pending["subscription"]["status"], "incomplete");
        served.click(&format!("/control/sessions/{session}/{action}"), &[]).await;
        let after = served.get(&format!("/checkout/sessions/{session}?expand[0]=subscription")).await;
        assert_eq!((&after["subscription"]["status"], &after["payment_status"]), (&json!(status), &json!(payment)));
        eventually(event, async || served.receiver.types().contains(&event.to_owned()).then_some(())).await;
    }
}

#[tokio::test]
async fn a_subscription_goes_through_all_its_states() {
    let served = Served::start().await;
    let (_, subscription) = served.subscribed().await;
    let begun = ["customer.subscription.created", "invoice.paid", "checkout.session.completed"];
    served.receiver.has_taken(&begun).await;
    served.receiver.taken.lock().unwrap().clear();
    for (action, status, events) in [
        ("past_due", "past_due", &["invoice.payment_failed", "customer.subscription.updated"][..]),
        ("past_due", "past_due", &["invoice.payment_failed"]),
        ("pay", "active", &["invoice.paid", "customer.subscription.updated"]),
        ("renew", "active", &["invoice.paid", "customer.subscription.updated"]),
        (
            "unpaid",
            "unpaid",
            &["invoice.payment_failed", "customer.subscription.updated", "customer.subscription.updated"],
        ),
        ("pay", "active", &["invoice.paid", "customer.subscription.updated"]),
        ("pause", "paused", &["customer.subscription.updated", "customer.subscription.paused"]),
        ("resume", "active", &["customer.subscription.updated", "customer.subscription.resumed"]),
        ("dispute", "active", &["charge.dispute.created"]),
        ("cancel_at_period_end", "active", &["customer.subscription.updated"]),
        ("resume", "active", &["customer.subscription.updated"]),
        ("cancel_at_period_end", "active", &["customer.subscription.updated"]),
        ("renew", "canceled", &["customer.subscription.deleted"]),
    ] {
        let before = served.get(&format!("/subscriptions/{subscription}")).await["status"].clone();
        let after = served.control(&format!("subscriptions/{subscription}/{action}")).await;
        assert_eq!(after["status"], status, "{action}");
        served.receiver.has_taken(events).await;
        let taken = std::mem::take(&mut *served.receiver.taken.lock().unwrap());
        let first_update = taken.iter().find(|event| event["type"] == "customer.subscription.updated");
        if let Some(event) = first_update.filter(|_| before != status) {
            assert_eq!(event["data"]["previous_attributes"]["status"], before, "{action}");
        }
        if let Some(event) = taken.iter().find(|event| event["type"] == "charge.dispute.created") {
            let charge = served.get(&format!("/charges/{}", event["data"]["object"]["charge"].as_str().unwrap())).await;
            assert_eq!((&charge["customer"], &charge["disputed"]), (&after["customer"], &json!(true)));
        }
    }
    let again = served.http.post(format!("{}/sandbox/subscriptions/{subscription}/resume", served.origin));
    assert_eq!(again.send().await.unwrap().status(), 400);
    let listed = served.get("/subscriptions?status=all").await;
    assert_eq!(listed["data"][0]["id"], subscription);
    assert_eq!(served.get("/subscriptions").await["data"], json!([]));
}

#[tokio::test]
async fn the_portal_shows_a_customer_only_their_own() {
    let served = Served::start().await;
    let (_, theirs) = served.subscribed().await;
    let (_, others) = served.subscribed().await;
    let customer = served.get(&format!("/subscriptions/{theirs}")).await["customer"].clone();
    let form = [("customer", customer.as_str().unwrap()), ("return_url", "http://shop.example/account")];
    let portal = ok(served.v1("POST", "/billing_portal/sessions", &form).send().await.unwrap()).await;
    let path = format!("/portal/{}", id(&portal));
    assert_eq!(portal["url"], format!("{}{path}", served.origin));

    assert_eq!(served.click(&format!("{path}/{theirs}/cancel_at_period_end"), &[]).await, path);
    let page = served.page(&path).await;
    assert!(page.contains("It ends on") && page.contains("http:&#x2f;&#x2f;shop.example"), "{page}");
    assert!(!page.contains(&others));
    served.click(&format!("{path}/{theirs}/resume"), &[]).await;
    served.click(&format!("{path}/{theirs}/past_due"), &[]).await;
    assert!(served.page(&path).await.contains("Pay the open invoice"));
    served.click(&format!("{path}/{theirs}/pay"), &[]).await;
    served.click(&format!("{path}/{theirs}/cancel"), &[]).await;
    assert_eq!(served.get(&format!("/subscriptions/{theirs}")).await["status"], "canceled");
    let foreign = served.http.post(format!("{}{path}/{others}/cancel", served.origin)).send().await.unwrap();
    assert_eq!(foreign.status(), 404);
    assert!(served.page("/").await.contains(&others));
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let served = Served::start().await;
    let session = id(&served.session(&[("customer_email", "anna@example.com")]).await);
    for path in [format!("/pay/{session}/pay"), format!("/sandbox/sessions/{session}/pay")] {
        let request = served.http.post(format!("{}{path}", served.origin)).header("origin", "http://evil.example");
        assert_eq!(with_form(request, &[]).send().await.unwrap().status(), 403);
    }
    assert_eq!(served.get(&format!("/checkout/sessions/{session}")).await["status"], "open");
}

#[tokio::test]
async fn an_event_is_sent_until_it_is_taken() {
    let served = Served::start().await;
    *served.receiver.refusals.lock().unwrap() = 2;
    let session = id(&served.session(&[]).await);
    served.v1("POST", &format!("/checkout/sessions/{session}/expire"), &[]).send().await.unwrap();
    served.receiver.has_taken(&["checkout.session.expired"]).await;
    let event = eventually("all three attempts", async || {
        let events = served.http.get(format!("{}/sandbox/events", served.origin)).send().await.unwrap();
        let event = ok(events).await["events"][0].clone();
        (event["deliveries"].as_array().unwrap().len() == 3).then_some(event)
    });
    let event = event.await;
    let statuses: Vec<_> = event["deliveries"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, [500, 500, 200]);
    assert_eq!(event["body"]["pending_webhooks"], 0);

    assert_eq!(served.control(&format!("events/{}/deliver", id(&event))).await["status"], 200);
    assert_eq!(served.receiver.types(), ["checkout.session.expired", "checkout.session.expired"]);
}

#[tokio::test]
async fn events_can_be_held_back() {
    let served = Served::start().await;
    served.tell("webhooks", json!({ "deliver": false })).await;
    served.subscribed().await;
    let events = ok(served.http.get(format!("{}/sandbox/events", served.origin)).send().await.unwrap()).await;
    let last = id(&events["events"][2]);
    served.control(&format!("events/{last}/deliver")).await;
    assert_eq!(served.receiver.types(), ["checkout.session.completed"]);
    served.tell("webhooks", json!({ "deliver": true })).await;
    let types = ["checkout.session.completed", "customer.subscription.created", "invoice.paid"];
    served.receiver.has_taken(&types).await;
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer() {
    let served = Served::start().await;
    let call = |email| served.v1("POST", "/customers", &[("email", email)]).header("Idempotency-Key", "one");
    let first = call("anna@example.com").send().await.unwrap();
    assert!(!first.headers().contains_key("idempotent-replayed"));
    let again = call("anna@example.com").send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(ok(first).await, ok(again).await);
    assert_eq!(refused(call("eve@example.com"), 400).await["type"], "idempotency_error");
    assert_eq!(served.get("/customers").await["data"].as_array().unwrap().len(), 1);
    let log = served.http.get(format!("{}/sandbox/requests", served.origin)).send().await.unwrap();
    let log = ok(log).await["requests"].clone();
    let expected = json!({ "method": "POST", "path": "/v1/customers", "idempotency_key": "one", "fault": null });
    assert_eq!(log[0], expected);
    assert_eq!(log.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn refusals_have_the_shape_of_stripes() {
    let served = Served::start().await;
    let url = format!("{}/v1/customers", served.origin);
    let bare = || served.http.get(&url);
    assert!(refused(bare(), 401).await["message"].as_str().unwrap().contains("did not provide"));
    let error = refused(bare().bearer_auth("sk_live_secret"), 401).await;
    assert!(!error.to_string().contains("sk_live_secret"));
    assert_eq!(bare().basic_auth(SECRET_KEY, None::<&str>).send().await.unwrap().status(), 200);

    let error = refused(served.v1("GET", "/subscriptions/sub_none", &[]), 404).await;
    assert_eq!((&error["type"], &error["code"]), (&json!("invalid_request_error"), &json!("resource_missing")));
    for (method, path) in [("GET", "/nothing"), ("DELETE", "/customers"), ("PUT", "/events/evt_x")] {
        assert_eq!(refused(served.v1(method, path, &[]), 404).await["type"], "invalid_request_error");
    }
    for (form, param) in [
        (&[("mode", "payment")][..], "mode"),
        (&[("mode", "subscription")], "line_items[0][price]"),
        (&[("mode", "subscription"), ("line_items[0][price]", "price_x")], "line_items[0][price]"),
        (&[("mode", "subscription"), ("line_item[0][price]", PRICE_ID)], "line_item[0][price]"),
    ] {
        assert_eq!(refused(served.v1("POST", "/checkout/sessions", form), 400).await["param"], param);
    }
    let json = served.v1("POST", "/customers", &[]).json(&json!({ "email": "a@example.com" }));
    assert!(refused(json, 400).await["message"].as_str().unwrap().contains("x-www-form-urlencoded"));
    let answer = served.v1("GET", "/customers", &[]).header("Stripe-Version", "2025-01-01.x").send().await.unwrap();
    assert_eq!(answer.headers()["stripe-version"], "2025-01-01.x");
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    let served = Served::start().await;
    let mut made = Vec::new();
    for n in 0..5 {
        let email = format!("{n}@example.com");
        made.push(id(&ok(served.v1("POST", "/customers", &[("email", &email)]).send().await.unwrap()).await));
    }
    made.reverse();
    let ids = |page: &Value| page["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>();
    let first = served.get("/customers?limit=2").await;
    assert_eq!((ids(&first), &first["has_more"]), (made[..2].to_vec(), &json!(true)));
    let rest = served.get(&format!("/customers?limit=3&starting_after={}", made[1])).await;
    assert_eq!((ids(&rest), &rest["has_more"]), (made[2..].to_vec(), &json!(false)));
    let back = served.get(&format!("/customers?limit=2&ending_before={}", made[3])).await;
    assert_eq!((ids(&back), &back["has_more"]), (made[1..3].to_vec(), &json!(true)));
    assert_eq!(refused(served.v1("GET", "/customers?starting_after=x", &[]), 400).await["param"], "starting_after");
    assert_eq!(served.get("/customers?email=3@example.com").await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn calls_go_wrong_when_told() {
    let served = Served::start().await;
    let call = || served.v1("POST", "/customers", &[("email", "anna@example.com")]);
    for (kind, status) in [("429", 429), ("500", 500), ("html", 502), ("garbage", 200)] {
        served.tell("faults", json!({ "next": 1, "kind": kind })).await;
        let answer = call().send().await.unwrap();
        assert_eq!(answer.status(), status);
        let is_json = serde_json::from_str::<Value>(&answer.text().await.unwrap()).is_ok();
        assert_eq!(is_json, status == 429 || status == 500, "{kind}");
    }
    served.tell("faults", json!({ "rate": 1.0, "kind": "close" })).await;
    for _ in 0..3 {
        assert!(call().send().await.unwrap_err().is_request());
    }
    assert_eq!(served.http.delete(format!("{}/sandbox/faults", served.origin)).send().await.unwrap().status(), 204);
    assert_eq!(served.get("/customers").await["data"], json!([]));

    served.tell("faults", json!({ "next": 1, "kind": "close", "after": true })).await;
    call().header("Idempotency-Key", "two").send().await.unwrap_err();
    let again = call().header("Idempotency-Key", "two").send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");

    served.tell("faults", json!({ "next": 1, "kind": "hang" })).await;
    let hanging = tokio::spawn(call().send());
    eventually("the call hangs", async || {
        let log = served.http.get(format!("{}/sandbox/requests", served.origin)).send().await.unwrap();
        let log = ok(log).await["requests"].clone();
        log.as_array().unwrap().iter().any(|call| call["fault"] == "hang").then_some(())
    })
    .await;
    assert!(!hanging.is_finished());
    hanging.abort();
    served.get("/customers").await;
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let first = Served::start().await;
    let key = |served: &Served| served.v1("POST", "/customers", &[("name", "Anna")]).header("Idempotency-Key", "k");
    let customer = ok(key(&first).send().await.unwrap()).await;
    let (session, subscription) = first.subscribed().await;
    *first.receiver.refusals.lock().unwrap() = u32::MAX;
    let before = first.control(&format!("subscriptions/{subscription}/pause")).await;
    let dir = first.dir.clone();
    drop(first);

    let second = Served::on(dir).await;
    assert_eq!(second.get(&format!("/subscriptions/{subscription}")).await, before);
    assert_eq!(second.get(&format!("/checkout/sessions/{session}")).await["status"], "complete");
    assert_eq!(ok(key(&second).send().await.unwrap()).await, customer);
    let paused = "customer.subscription.paused".to_owned();
    eventually("what waited is sent", async || second.receiver.types().contains(&paused).then_some(())).await;
}

#[tokio::test]
async fn a_session_expires_while_nobody_asks() {
    let first = Served::start().await;
    let session = first.session(&[]).await;
    let dir = first.dir.clone();
    drop(first);
    let file = dir.path().join(FILE);
    let kept = std::fs::read_to_string(&file).unwrap();
    let expires_at = session["expires_at"].to_string();
    std::fs::write(&file, kept.replace(&expires_at, &session["created"].to_string())).unwrap();

    let second = Served::on(dir).await;
    second.receiver.has_taken(&["checkout.session.expired"]).await;
    assert_eq!(second.get(&format!("/checkout/sessions/{}", id(&session))).await["status"], "expired");
    assert!(second.page(&format!("/pay/{}", id(&session))).await.contains("has expired"));
}

#[test]
fn a_file_that_is_not_its_own_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(FILE), "{").unwrap();
    let url = Url::parse("http://127.0.0.1:8787/api/webhooks/stripe").unwrap();
    let webhook = WebhookTarget { url, secret: SECRET.into() };
    let opened = Sandbox::open(&dir.path().join(FILE), "http://localhost:8789".to_owned(), webhook);
    let error = opened.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(FILE) && error.contains("Delete it"), "{error}");
    assert_eq!(std::fs::read_to_string(dir.path().join(FILE)).unwrap(), "{");
}

#[test]
fn there_is_none_in_production_or_beside_stripe() {
    let production = [("HEYCMO_ENV", "production"), ("PUBLIC_URL", "https://heycmo.example")];
    let with_stripe =
        [("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_WEBHOOK_SECRET", "whsec_1"), ("STRIPE_PRICE_ID", "price_1")];
    let is_wanted = |variables: &[(&str, &str)]| {
        crate::sandbox::is_stripe_wanted(&Config::from_environment(&Environment::of(variables)).unwrap())
    };
    assert!(is_wanted(&[]));
    assert!(!is_wanted(&production));
    assert!(!is_wanted(&with_stripe));
}

/// Both of Stripe's own libraries make this.
#[test]
fn signatures_are_stripes() {
    let body = br#"{"id":"evt_test_1","object":"event","type":"customer.subscription.updated"}"#;
    let signature = webhooks::signature(&"whsec_test_secret".into(), 1_700_000_000, body);
    let expected = "t=1700000000,v1=6d1695090a29031f4a635fba8776b80e9058dddec671fd5bdf1d7c278222cf63";
    assert_eq!(signature, expected);
}
