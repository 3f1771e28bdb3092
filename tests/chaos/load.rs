//! Customers who work all the time and remember what they were told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::mcp::{Caller, Events};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::seed::Dice;
use crate::site::{Site, StandIns, Tenant};

/// Between two tries at what did not work.
const PAUSE: Duration = Duration::from_millis(25);
const TENANTS: usize = 3;
const BUYERS: usize = 2;

/// What was answered.
#[derive(Default)]
pub struct Told {
    /// Revisions: whose, of which piece, which, and its words.
    pub revisions: Vec<(Tenant, String, u64, String)>,
    /// Leads.
    pub leads: Vec<String>,
    /// Keys: whose, which, and whether its revocation was answered.
    pub keys: Vec<(Tenant, String, bool)>,
    /// Words that were said to be out.
    pub published: Vec<String>,
    /// Words that were to go out, whatever was answered.
    pub meant: Vec<String>,
    /// Runs that were started.
    pub runs: Vec<String>,
    /// What was bought.
    pub bought: Vec<Purchase>,
    /// The ids of events that a reader saw, in order: whose, and which.
    pub seen: Vec<(Tenant, Vec<String>)>,
    /// Answers that must never come.
    pub wrong: Vec<String>,
}

/// A checkout that was paid and claimed.
pub struct Purchase {
    pub email: String,
    /// How often a key was given out.
    pub keys: usize,
}

/// What the customers share.
pub struct Ledger {
    pub told: Mutex<Told>,
    answers: watch::Sender<u64>,
}

impl Ledger {
    fn note(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.told.lock().unwrap());
        self.answers.send_modify(|answers| *answers += 1);
    }

    /// So many answers until now.
    pub fn answers(&self) -> u64 {
        *self.answers.borrow()
    }

    /// Waits for so many more answers.
    pub async fn more(&self, answers: u64) {
        let enough = self.answers() + answers;
        let mut changes = self.answers.subscribe();
        let waiting = changes.wait_for(|answers| *answers >= enough);
        let waited = tokio::time::timeout(harness::PATIENCE * 3, waiting).await;
        let what = || format!("{answers} answers, of which {} came", self.answers() + answers - enough);
        waited.unwrap_or_else(|_| panic!("waited in vain for {}", what())).unwrap();
    }
}

/// The customers at work.
pub struct Load {
    pub ledger: Arc<Ledger>,
    stop: CancellationToken,
    at_work: JoinSet<()>,
}

impl Load {
    pub async fn start(site: &Site, dice: &mut Dice) -> Self {
        let ledger = Arc::new(Ledger { told: Mutex::default(), answers: watch::channel(0).0 });
        let (stop, mut at_work) = (CancellationToken::new(), JoinSet::new());
        for _ in 0..TENANTS {
            let tenant = site.tenant().await;
            let worker = Worker {
                rest: site.rest(&tenant),
                tools: site.tools(&tenant),
                stand_ins: site.stand_ins.clone(),
                ledger: ledger.clone(),
                stop: stop.clone(),
                tenant,
            };
            at_work.spawn(worker.clone().writes(dice.fork()));
            at_work.spawn(worker.clone().notes_in_a_session());
            at_work.spawn(worker.clone().publishes());
            at_work.spawn(worker.clone().makes_keys());
            at_work.spawn(worker.clone().starts_runs());
            at_work.spawn(worker.reads());
        }
        for number in 0..BUYERS {
            let shopper = Shopper {
                gateway: site.gateway.clone(),
                http: web::http_client().no_proxy().build().unwrap(),
                stand_ins: site.stand_ins.clone(),
                ledger: ledger.clone(),
                stop: stop.clone(),
            };
            at_work.spawn(shopper.buys(number, dice.fork()));
        }
        Self { ledger, stop, at_work }
    }

    /// Lets everybody finish what they are at.
    pub async fn end(mut self) -> Arc<Ledger> {
        self.stop.cancel();
        let ending = async { while self.at_work.join_next().await.transpose().unwrap().is_some() {} };
        tokio::time::timeout(harness::PATIENCE * 3, ending).await.expect("everybody comes to an end");
        self.ledger
    }
}

/// Somebody at work for a customer.
#[derive(Clone)]
struct Worker {
    tenant: Tenant,
    rest: Caller,
    tools: Caller,
    stand_ins: StandIns,
    ledger: Arc<Ledger>,
    stop: CancellationToken,
}

impl Worker {
    async fn call(&self, tool: &str, arguments: Value) -> Option<Value> {
        let called = self.tools.call(1, tool, arguments).await;
        self.unless_it_failed(called).await
    }

    /// The answer, if there was one; otherwise takes a breath.
    async fn unless_it_failed<T>(&self, answer: Result<T, String>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                if is_never_said(&error) {
                    self.ledger.note(|told| told.wrong.push(error));
                }
                self.breathe().await;
                None
            }
        }
    }

    async fn breathe(&self) {
        let _ = tokio::time::timeout(PAUSE, self.stop.cancelled()).await;
    }

    fn goes_on(&self) -> bool {
        !self.stop.is_cancelled()
    }

    async fn writes(self, mut dice: Dice) {
        for number in 0.. {
            if !self.goes_on() {
                return;
            }
            let words = |revision: u64, dice: &mut Dice| {
                format!("Piece {number}, revision {revision}. {}", "x".repeat(dice.index(400)))
            };
            let mut body = words(1, &mut dice);
            let mut answer = self.call("create_content", json!({"kind": "x_post", "body": body})).await;
            for revision in 2..4 {
                let Some(made) = answer else { break };
                let id = made["content"]["id"].as_str().unwrap().to_owned();
                let at = made["content"]["revision"].as_u64().unwrap();
                let entry = (self.tenant.clone(), id.clone(), at, body);
                self.ledger.note(|told| told.revisions.push(entry));
                body = words(revision, &mut dice);
                answer = self.call("update_content", json!({"contentId": id, "body": body})).await;
            }
        }
    }

    /// Over Streamable HTTP: the session outlives the process that has it.
    async fn notes_in_a_session(self) {
        let mut session = None;
        for number in 0.. {
            if !self.goes_on() {
                return;
            }
            let Some(open) = &mut session else {
                session = self.unless_it_failed(self.tools.connect().await).await;
                continue;
            };
            let email = format!("lead-{number}@example.com");
            let called = open.call("log_lead", json!({"source": "chaos", "email": email})).await;
            if let Some(lead) = self.unless_it_failed(called).await {
                self.ledger.note(|told| told.leads.push(lead["id"].as_str().unwrap().to_owned()));
            }
        }
    }

    async fn publishes(self) {
        for number in 0.. {
            if !self.goes_on() {
                return;
            }
            let words = format!("Number {number} of {} goes out.", self.tenant.id);
            self.ledger.told.lock().unwrap().meant.push(words.clone());
            let made = self.call("create_content", json!({"kind": "x_post", "body": words})).await;
            let Some(id) = made.and_then(|made| made["content"]["id"].as_str().map(str::to_owned)) else { continue };
            while self.goes_on() && !self.is_out(&id, &words).await {
                self.breathe().await;
            }
        }
    }

    /// One more step of a piece towards being out; whether it is.
    async fn is_out(&self, id: &str, words: &str) -> bool {
        let approval = json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"});
        let piece = self.call("get_content", json!({"contentId": id})).await;
        let status = piece.map(|piece| piece["content"]["status"].as_str().unwrap().to_owned());
        match status.as_deref() {
            Some("published") => {
                self.ledger.note(|told| told.published.push(words.to_owned()));
                true
            }
            Some("approved") => {
                let told = self.call("publish_content", json!({"contentId": id})).await;
                if told.is_some_and(|told| told["status"] == "unknown") {
                    let is_there = self.stand_ins.posts().await.iter().any(|post| post == words);
                    let saw = if is_there { "published" } else { "not_published" };
                    self.call("publish_content", json!({"contentId": id, "personSaw": saw})).await;
                }
                false
            }
            Some(_) => {
                self.call("review_content", approval).await;
                false
            }
            None => false,
        }
    }

    async fn makes_keys(self) {
        let path = format!("/api/customer/{}/keys", self.tenant.id);
        while self.goes_on() {
            let made = self.send(Method::POST, &path, Some(json!({"label": "chaos"}))).await;
            let Some(id) = made.and_then(|made| made["id"].as_str().map(str::to_owned)) else { continue };
            let entry = (self.tenant.clone(), id.clone(), false);
            self.ledger.note(|told| told.keys.push(entry));
            if self.send(Method::DELETE, &format!("{path}/{id}"), None).await.is_some() {
                self.ledger.note(|told| told.keys.iter_mut().filter(|key| key.1 == id).for_each(|key| key.2 = true));
            }
        }
    }

    async fn starts_runs(self) {
        while self.goes_on() {
            let asked = json!({"workflow": "performance_snapshot", "waitSeconds": 0});
            let Some(started) = self.call("start_workflow", asked).await else { continue };
            let id = started["run"]["id"].as_str().unwrap().to_owned();
            self.ledger.note(|told| told.runs.push(id.clone()));
            while self.goes_on() {
                let run = self.call("get_workflow_run", json!({"runId": id})).await;
                if run.is_some_and(|run| run["run"]["endedAt"].is_string()) {
                    break;
                }
                self.breathe().await;
            }
        }
    }

    /// Follows the log, and goes on after the last event whenever the stream breaks.
    async fn reads(self) {
        let path = format!("/api/events/{}/stream", self.tenant.id);
        let mut seen: Vec<String> = Vec::new();
        while self.goes_on() {
            let mut request = self.rest.request(Method::GET, &path);
            if let Some(last) = seen.last() {
                request = request.header("last-event-id", last);
            }
            let response = match request.send().await {
                Ok(response) if response.status() == StatusCode::OK => response,
                other => {
                    self.unless_it_failed::<()>(Err(format!("{other:?}"))).await;
                    continue;
                }
            };
            let mut events = Events::of(response);
            while let Some(Ok(Some(event))) = self.stop.run_until_cancelled(events.next()).await {
                seen.push(event.id);
            }
        }
        self.ledger.note(|told| told.seen.push((self.tenant, seen)));
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Option<Value> {
        let request = self.rest.request(method, path);
        let request = body.iter().fold(request, |request, body| request.json(body));
        let answer = answered(request).await;
        self.unless_it_failed(answer).await
    }
}

/// Somebody who buys.
struct Shopper {
    gateway: String,
    http: reqwest::Client,
    stand_ins: StandIns,
    ledger: Arc<Ledger>,
    stop: CancellationToken,
}

impl Shopper {
    async fn buys(self, shopper: usize, mut dice: Dice) {
        for number in 0.. {
            if self.stop.is_cancelled() {
                return;
            }
            let email = format!("buyer-{shopper}-{number}@example.com");
            let Some(session) = self.checkout(&email).await else { return };
            self.stand_ins.pay(&session).await;
            let keys = self.claims(&session).await;
            self.ledger.note(|told| told.bought.extend(keys.map(|keys| Purchase { email, keys })));
            // Stripe says it again, whatever it was.
            let events = self.stand_ins.events().await;
            self.stand_ins.deliver(&events[dice.index(events.len())]).await;
        }
    }

    /// Stripe's session, once the gateway has made one.
    async fn checkout(&self, email: &str) -> Option<String> {
        let url = format!("{}/api/checkout", self.gateway);
        let body = json!({"email": email});
        let made = self.until_told(|| self.http.post(&url).json(&body)).await?;
        made["url"].as_str().unwrap().rsplit('/').next().map(str::to_owned)
    }

    /// How many keys two of them get who ask at the same time until both are answered, and one who asks again.
    async fn claims(&self, session: &str) -> Option<usize> {
        let url = format!("{}/api/session/{session}", self.gateway);
        let claim = || self.until_told(|| self.http.get(&url));
        let (one, other) = tokio::join!(claim(), claim());
        let again = claim().await;
        let answers = [one?, other?, again?];
        Some(answers.iter().filter(|answer| answer["apiKey"].is_string()).count())
    }

    async fn until_told(&self, request: impl Fn() -> reqwest::RequestBuilder) -> Option<Value> {
        while !self.stop.is_cancelled() {
            match answered(request()).await {
                Ok(answer) => return Some(answer),
                Err(error) if is_never_said(&error) => self.ledger.note(|told| told.wrong.push(error)),
                Err(_) => {}
            }
            let _ = tokio::time::timeout(PAUSE, self.stop.cancelled()).await;
        }
        None
    }
}

/// The JSON of a success.
async fn answered(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let response = request.send().await.map_err(|error| error.to_string())?;
    let status = response.status();
    let text = response.text().await.map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!("{status}: {text}"));
    }
    if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).map_err(|error| error.to_string()) }
}

/// Whatever breaks around us, this is a fault of ours.
fn is_never_said(error: &str) -> bool {
    error.contains("500 Internal") || error.contains("went wrong on our side") || error.contains("unauthorized")
}
