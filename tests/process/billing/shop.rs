//! What these tests share: a server that sells, and what customers and Stripe do to it.

use std::path::Path;

use entity::billing;
use entity::db::{DatabaseUrl, Db};
use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Terminal, address};

/// An answer of the gateway's or the sandbox's.
pub type Answer = (u16, Value);

/// A server that sells.
pub struct Shop {
    pub server: HeyCmo,
    pub http: Client,
}

/// Somebody who paid and claimed their key.
pub struct Subscriber {
    pub id: String,
    pub email: String,
    pub key: String,
    pub session: String,
    pub subscription: String,
    pub gateway: Caller,
    pub mcp: Caller,
}

impl Shop {
    pub async fn open() -> Self {
        Self::launch(Launch::new("heycmo")).await
    }

    pub async fn launch(launch: Launch) -> Self {
        let http = web::http_client().no_proxy().build().unwrap();
        Self { server: HeyCmo::launch(launch).await, http }
    }

    /// A request to the gateway, without a key.
    pub fn gateway(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server.gateway))
    }

    /// A terminal whose commands find the sandbox too.
    pub fn terminal(&self) -> Terminal {
        Terminal::beside(&self.server.process).set("HEYCMO_SANDBOX_ADDR", &address(&self.server.sandbox))
    }

    pub async fn checkout_with(&self, body: Value) -> Answer {
        answer(self.gateway(Method::POST, "/api/checkout").json(&body)).await
    }

    /// Starts to pay; Stripe's id of the session.
    pub async fn checkout(&self, email: &str) -> String {
        let (status, body) = self.checkout_with(json!({"email": email})).await;
        assert_eq!(status, 200, "{body}");
        session_in(&body)
    }

    pub async fn claim(&self, session: &str) -> Answer {
        answer(self.gateway(Method::GET, &format!("/api/session/{session}"))).await
    }

    /// Asks something of the sandbox that goes well.
    pub async fn sandbox(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = self.http.request(method, format!("{}/sandbox/{path}", self.server.sandbox));
        let request = body.iter().fold(request, |request, body| request.json(body));
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// Does something to a checkout session at Stripe; how it is then.
    pub async fn at_checkout(&self, session: &str, action: &str) -> Value {
        self.sandbox(Method::POST, &format!("sessions/{session}/{action}"), None).await
    }

    /// Does something to a subscription at Stripe; how it is then.
    pub async fn at_stripe(&self, subscription: &str, action: &str) -> Value {
        self.sandbox(Method::POST, &format!("subscriptions/{subscription}/{action}"), None).await
    }

    /// Whether Stripe sends its events by itself.
    pub async fn delivers(&self, deliver: bool) {
        self.sandbox(Method::POST, "webhooks", Some(json!({"deliver": deliver}))).await;
    }

    /// What goes wrong at Stripe from now on.
    pub async fn faults(&self, faults: Value) {
        self.sandbox(Method::POST, "faults", Some(faults)).await;
    }

    /// Stripe's events, oldest first.
    pub async fn stripe_events(&self) -> Vec<Value> {
        let mut events = self.sandbox(Method::GET, "events", None).await;
        serde_json::from_value(events["events"].take()).unwrap()
    }

    /// The gateway's calls to Stripe, oldest first.
    pub async fn stripe_calls(&self) -> Vec<Value> {
        let mut calls = self.sandbox(Method::GET, "requests", None).await;
        serde_json::from_value(calls["requests"].take()).unwrap()
    }

    /// Waits until every event of Stripe's is delivered and handled.
    pub async fn is_up_to_date(&self) {
        harness::eventually("the sandbox delivers its events", async || {
            let events = self.stripe_events().await;
            events.iter().all(|event| event["deliveries"].as_array().unwrap().iter().any(was_taken)).then_some(())
        })
        .await;
        everything_is_handled(&self.db().await).await;
    }

    /// The server's database.
    pub async fn db(&self) -> Db {
        db_in(self.server.process.data_dir().path()).await
    }

    /// A new customer, from the e-mail address to the key.
    pub async fn subscriber(&self, email: &str) -> Subscriber {
        let session = self.checkout(email).await;
        let paid = self.at_checkout(&session, "pay").await;
        let (status, claimed) = self.claim(&session).await;
        assert_eq!(status, 200, "{claimed}");
        let (id, key) = (text(&claimed, "customerId"), text(&claimed, "apiKey"));
        Subscriber {
            gateway: Caller::new(&self.server.gateway, &key),
            mcp: Caller::new(&self.server.mcp, &key),
            subscription: text(&paid, "subscription"),
            email: email.to_owned(),
            id,
            key,
            session,
        }
    }
}

impl Subscriber {
    /// What the gateway says of the customer's own account.
    pub async fn account(&self) -> Answer {
        answer(self.gateway.request(Method::GET, &format!("/api/customer/{}", self.id))).await
    }

    /// Waits until the gateway answers the customer with this status.
    pub async fn is_answered(&self, expected: u16) -> Value {
        harness::eventually(&format!("{} is answered {expected}", self.email), async || {
            let (status, body) = self.account().await;
            (status == expected).then_some(body)
        })
        .await
    }

    /// The customer's events, oldest first: type and data.
    pub async fn log(&self) -> Vec<(String, Value)> {
        let page = self.gateway.get(&format!("/api/events/{}?limit=200", self.id)).await.unwrap();
        let events = page["events"].as_array().unwrap().iter().rev();
        events.map(|event| (text(event, "type"), event["data"].clone())).collect()
    }
}

/// Sends a request; the status and the JSON of what comes back.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}

/// Looks at a refusal.
#[track_caller]
pub fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.0, &answer.1["code"]), (status, &json!(code)), "{}", answer.1);
}

/// The database of a server with this data directory.
pub async fn db_in(data_dir: &Path) -> Db {
    Db::connect(&DatabaseUrl::Sqlite(data_dir.join("heycmo.db"))).await.unwrap()
}

/// Waits until the gateway has nothing left to do about any event.
pub async fn everything_is_handled(db: &Db) {
    harness::eventually("every event is handled", async || {
        billing::list(db, true, 1_000).await.unwrap().is_empty().then_some(())
    })
    .await;
}

/// Whether a delivery went well.
pub fn was_taken(delivery: &Value) -> bool {
    delivery["status"] == 200
}

#[track_caller]
pub fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_else(|| panic!("no {field} in {object}")).to_owned()
}

/// The session that an address to pay at is of.
#[track_caller]
pub fn session_in(body: &Value) -> String {
    let url = text(body, "url");
    url.rsplit('/').next().unwrap().to_owned()
}
