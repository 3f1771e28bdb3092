//! An Inngest of our own: it takes registrations and events, and plays runs to their end by calling the app's real
//! address, as the real server of August 2026 does. Its time is virtual: nothing is waited for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::wire::{assert_signed, bearer, http, listen, sign};

pub const EVENT_KEY: &str = "fake-event-key";
/// Beyond this a call says `use_api`.
const MAX_CALL: usize = 4 * 1024 * 1024;
const FIRST_RETRY: i64 = 15;

#[derive(Clone)]
pub struct Fake(Arc<Inner>);

struct Inner {
    /// The signing key; without one this is the dev server.
    key: Option<&'static str>,
    http: reqwest::Client,
    state: Mutex<Server>,
}

#[derive(Default)]
struct Server {
    functions: BTreeMap<String, Value>,
    runs: BTreeMap<String, Run>,
    queue: Vec<Item>,
    timers: Vec<(DateTime<Utc>, Timer)>,
    now: DateTime<Utc>,
    batches: HashMap<String, Vec<Value>>,
    event_ids: HashSet<String>,
    calls: Vec<Done>,
    fetches: usize,
}

/// A call to be made.
#[derive(Clone)]
struct Item {
    run: String,
    step: String,
    attempt: u64,
}

enum Timer {
    Call(Item),
    /// A sleep or a wait is over, with nothing to show.
    Over(String, String),
    /// The time to wait for an invoked function is over.
    InvokeOver(String, String),
    Batch(String),
}

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Done {
    pub step: String,
    pub attempt: u64,
    pub at: DateTime<Utc>,
    pub disable_immediate_execution: bool,
    pub use_api: bool,
    pub status: u16,
    pub ops: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub id: String,
    pub function: String,
    pub status: Status,
    pub output: Value,
    pub steps: Map<String, Value>,
    pub stack: Vec<String>,
    events: Vec<Value>,
    pending: BTreeMap<String, Value>,
    disable_immediate_execution: bool,
    version: i64,
    /// Who invoked it: a run and its step.
    parent: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Running,
    Completed,
    Failed,
    Cancelled,
}

type Refusal = (StatusCode, Json<Value>);

impl Fake {
    /// Listens; gives the origin too.
    pub async fn start(key: Option<&'static str>) -> (Self, String) {
        let fake = Self(Arc::new(Inner { key, http: http(), state: Mutex::default() }));
        let router = Router::new()
            .route("/fn/register", post(register))
            .route("/e/{key}", post(take_events))
            .route("/v0/runs/{run}/actions", get(actions))
            .route("/v0/runs/{run}/batch", get(batch))
            .with_state(fake.clone());
        (fake, listen(router).await)
    }

    fn state(&self) -> MutexGuard<'_, Server> {
        self.0.state.lock().unwrap()
    }

    /// Has the app at this address register itself.
    pub async fn sync(&self, url: &str) {
        let body = json!({"url": url}).to_string();
        let kind = if self.0.key.is_some() { "cloud" } else { "dev" };
        let request = self.0.http.put(url).header("x-inngest-server-kind", kind);
        let (status, _, answer) = self.exchange(request, body).await;
        assert_eq!((status, &answer["message"]), (200, &json!("Successfully registered")), "{answer}");
    }

    /// Sends a request, signed if there is a key, and holds the answer against what every answer must be.
    async fn exchange(&self, request: reqwest::RequestBuilder, body: String) -> (u16, HeaderMap, Value) {
        let signature = self.0.key.map(|key| sign(key, body.as_bytes(), Utc::now().timestamp()));
        let request =
            signature.iter().fold(request, |request, signature| request.header("x-inngest-signature", signature));
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        let header = |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap());
        let sdk = header("x-inngest-sdk").expect("the response did not come from an Inngest SDK");
        assert_eq!(sdk.matches(':').count(), 1);
        assert_eq!(header("x-inngest-req-version"), Some("2"));
        match (self.0.key, header("x-inngest-signature")) {
            (Some(key), Some(signature)) => assert_signed(key, signature, &bytes),
            (None, None) => {}
            (key, signature) => panic!("{key:?}: {signature:?}"),
        }
        (status, headers.clone(), serde_json::from_slice(&bytes).unwrap())
    }

    /// An event from outside.
    pub fn send(&self, event: Value) {
        self.state().take_event(event);
    }

    /// The time of a cron function has come.
    pub fn fire_cron(&self, function: &str) {
        let mut state = self.state();
        let cron = state.functions[function]["triggers"][0]["cron"].as_str().expect("no cron trigger").to_owned();
        let event = json!({"name": "inngest/scheduled.timer", "data": {"cron": cron}, "id": "", "ts": 0, "user": {}});
        state.start(function, vec![event], None);
    }

    /// A signal comes. Whether anybody waits for it.
    pub fn signal(&self, name: &str, data: &Value) -> bool {
        let mut state = self.state();
        let waits = state.waits("WaitForSignal", |_, opts| opts["signal"] == name);
        for (run, step) in &waits {
            state.settle(run, step, json!({"data": {"signal": name, "data": data}}));
        }
        !waits.is_empty()
    }

    /// Makes calls until there is nothing to do at this time.
    pub async fn settle(&self) {
        loop {
            let items = std::mem::take(&mut self.state().queue);
            if items.is_empty() {
                return;
            }
            futures::future::join_all(items.into_iter().map(|item| self.call(item))).await;
            assert!(self.state().calls.len() < 200, "it does not end");
        }
    }

    /// Plays all runs to their end, however long they wait.
    pub async fn finish(&self) {
        self.settle().await;
        while self.state().advance() {
            self.settle().await;
        }
    }

    pub fn runs(&self, function: &str) -> Vec<Run> {
        self.state().runs.values().filter(|run| run.function == function).cloned().collect()
    }

    /// The only run of a function.
    pub fn run(&self, function: &str) -> Run {
        let runs = self.runs(function);
        assert_eq!(runs.len(), 1, "{function}: {runs:?}");
        runs[0].clone()
    }

    pub fn calls(&self) -> Vec<Done> {
        self.state().calls.clone()
    }

    /// How often the state of a run was fetched.
    pub fn fetches(&self) -> usize {
        self.state().fetches
    }

    async fn call(&self, item: Item) {
        let Some((url, body, mut done)) = self.state().prepare(&item) else { return };
        let (status, headers, answer) = self.exchange(self.0.http.post(url), body).await;
        done.status = status;
        let ops = if status == 206 { answer.as_array().cloned().expect("no array") } else { Vec::new() };
        done.ops = ops.iter().map(|op| op["op"].as_str().expect("no op").to_owned()).collect();
        let mut state = self.state();
        state.calls.push(done);
        if state.runs[&item.run].status != Status::Running {
            return;
        }
        let no_retry = headers.get("x-inngest-no-retry").map(|value| value == "true");
        let retry_at = headers.get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
        match status {
            200 => state.complete(&item.run, answer),
            206 => {
                assert!(!ops.is_empty(), "an empty answer is asked for again, for ever");
                state.report(&item, &ops, no_retry, retry_at);
            }
            _ => {
                let no_retry = no_retry.expect("every error says whether to try again");
                assert_eq!(status, if no_retry { 400 } else { 500 });
                if no_retry || !state.retry(&item, retry_at) {
                    state.fail(&item.run, answer);
                }
            }
        }
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let given = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        if given == self.0.key.map(bearer) {
            Ok(())
        } else {
            Err((StatusCode::UNAUTHORIZED, Json(json!({"error": "Authentication failed"}))))
        }
    }
}

async fn register(
    State(fake): State<Fake>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Refusal> {
    fake.authorize(&headers)?;
    let expected = if fake.0.key.is_some() { "cloud" } else { "dev" };
    assert_eq!(headers["x-inngest-expected-server-kind"], expected);
    assert_eq!((&body["deployType"], &body["v"]), (&json!("ping"), &json!("0.1")));
    let functions: BTreeMap<_, _> = body["functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|function| {
            assert!(function["name"].is_string());
            assert!(
                function["triggers"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|trigger| { trigger.as_object().unwrap().values().all(|value| !value.is_null()) })
            );
            (function["id"].as_str().unwrap().to_owned(), function.clone())
        })
        .collect();
    let modified = std::mem::replace(&mut fake.state().functions, functions.clone()) != functions;
    Ok(Json(json!({"ok": true, "modified": modified})))
}

async fn take_events(
    State(fake): State<Fake>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    if key != EVENT_KEY && fake.0.key.is_some() {
        return Err((StatusCode::UNAUTHORIZED, Json(json!({"status": 401, "error": "Event key not found"}))));
    }
    assert!(headers.contains_key("x-inngest-event-id-seed"));
    let events: Vec<Value> = serde_json::from_slice(&body).unwrap();
    let ids: Vec<_> = events.into_iter().map(|event| fake.state().take_event(event)).collect();
    Ok(Json(json!({"ids": ids, "status": 200})))
}

async fn actions(
    State(fake): State<Fake>,
    Path(run): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    fake.authorize(&headers)?;
    fake.state().fetches += 1;
    Ok(Json(Value::Object(fake.state().runs[&run].steps.clone())))
}

async fn batch(State(fake): State<Fake>, Path(run): Path<String>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    fake.authorize(&headers)?;
    Ok(Json(fake.state().runs[&run].events.clone().into()))
}

impl Server {
    /// Starts what an event starts, ends what it ends, and wakes what waits for it. Gives its id.
    fn take_event(&mut self, mut event: Value) -> String {
        let id = format!("event-{}", self.event_ids.len());
        let is_new = self.event_ids.insert(event["id"].as_str().unwrap_or(&id).to_owned());
        if event.get("user").is_none() {
            event["user"] = json!({});
        }
        if !is_new {
            return id;
        }
        let name = event["name"].clone();
        self.cancel(&event);
        for (run, step) in
            self.waits("WaitForEvent", |run, opts| opts["event"] == name && holds(&opts["if"], &run.events[0], &event))
        {
            self.settle(&run, &step, event.clone());
        }
        let is_started = |config: &Value| {
            let mut triggers = config["triggers"].as_array().unwrap().iter();
            triggers.any(|trigger| trigger["event"] == name && holds(&trigger["expression"], &event, &Value::Null))
        };
        let started = self.functions.iter().filter(|(_, config)| is_started(config));
        let started: Vec<_> = started.map(|(id, config)| (id.clone(), config["batchEvents"].clone())).collect();
        for (function, batch) in started {
            if batch.is_null() {
                self.start(&function, vec![event.clone()], None);
            } else {
                self.put_in_batch(&function, &batch, event.clone());
            }
        }
        id
    }

    fn cancel(&mut self, event: &Value) {
        for run in self.runs.values_mut().filter(|run| run.status == Status::Running) {
            let cancels = self.functions[&run.function]["cancel"].as_array().into_iter().flatten();
            let mut cancels = cancels.filter(|cancel| cancel["event"] == event["name"]);
            if cancels.any(|cancel| holds(&cancel["if"], &run.events[0], event)) {
                run.status = Status::Cancelled;
            }
        }
    }

    fn put_in_batch(&mut self, function: &str, batch: &Value, event: Value) {
        let events = self.batches.entry(function.to_owned()).or_default();
        events.push(event);
        if events.len() as u64 == batch["maxSize"].as_u64().unwrap() {
            let events = std::mem::take(events);
            self.start(function, events, None);
        } else if events.len() == 1 {
            let due = self.now + duration(&batch["timeout"]);
            self.timers.push((due, Timer::Batch(function.to_owned())));
        }
    }

    fn start(&mut self, function: &str, events: Vec<Value>, parent: Option<(String, String)>) {
        let id = format!("RUN{:023}", self.runs.len());
        let run = Run {
            id: id.clone(),
            function: function.to_owned(),
            status: Status::Running,
            output: Value::Null,
            steps: Map::new(),
            stack: Vec::new(),
            events,
            pending: BTreeMap::new(),
            disable_immediate_execution: false,
            version: -1,
            parent,
        };
        self.runs.insert(id.clone(), run);
        self.queue.push(Item { run: id, step: "step".to_owned(), attempt: 0 });
    }

    fn max_attempts(&self, run: &str) -> u64 {
        let config = &self.functions[&self.runs[run].function];
        config["steps"]["step"]["retries"]["attempts"].as_u64().unwrap_or(4) + 1
    }

    /// The address and body of a call; none when the run has ended.
    fn prepare(&self, item: &Item) -> Option<(String, String, Done)> {
        let run = &self.runs[&item.run];
        if run.status != Status::Running {
            return None;
        }
        let url = self.functions[&run.function]["steps"]["step"]["runtime"]["url"].as_str().unwrap();
        let url = url.replace("stepId=step", &format!("stepId={}", item.step));
        let disable_immediate_execution = run.disable_immediate_execution;
        let mut body = json!({
            "ctx": {
                "attempt": item.attempt, "disable_immediate_execution": disable_immediate_execution, "env": "",
                "fn_id": "9ca9edd8-ad14-5673-a43e-a16e46d9e7ed", "max_attempts": self.max_attempts(&item.run),
                "run_id": run.id, "stack": {"current": run.stack.len(), "stack": run.stack}, "step_id": item.step,
                "use_api": false,
            },
            "defers": {}, "event": run.events[0], "events": run.events, "steps": run.steps, "use_api": false,
            "version": run.version,
        });
        let use_api = body.to_string().len() > MAX_CALL;
        if use_api {
            body["ctx"]["use_api"] = json!(true);
            body["use_api"] = json!(true);
            body["steps"] = json!({});
            body["events"] = json!([]);
        }
        let done = Done {
            step: item.step.clone(),
            attempt: item.attempt,
            at: self.now,
            disable_immediate_execution,
            use_api,
            status: 0,
            ops: Vec::new(),
        };
        Some((url, body.to_string(), done))
    }

    fn report(&mut self, item: &Item, ops: &[Value], no_retry: Option<bool>, retry_at: Option<DateTime<Utc>>) {
        let run = self.runs.get_mut(&item.run).unwrap();
        run.version = 2;
        if item.step == "step" {
            run.disable_immediate_execution = ops.len() > 1;
        } else {
            assert_eq!((ops.len(), &ops[0]["id"]), (1, &json!(item.step)), "only what was asked for");
        }
        // All before any is settled: the group is done when all its members are.
        for op in ops.iter().filter(|op| !matches!(op["op"].as_str(), Some("StepRun" | "StepError" | "StepFailed"))) {
            run.pending.insert(op["id"].as_str().unwrap().to_owned(), op.clone());
        }
        for op in ops {
            self.apply(item, op, no_retry, retry_at);
        }
    }

    fn apply(&mut self, item: &Item, op: &Value, no_retry: Option<bool>, retry_at: Option<DateTime<Utc>>) {
        let hash = op["id"].as_str().unwrap();
        let key = (item.run.clone(), hash.to_owned());
        let opts = &op["opts"];
        match op["op"].as_str().unwrap() {
            "StepRun" => self.settle(&item.run, hash, json!({"data": op["data"]})),
            failed @ ("StepError" | "StepFailed") => {
                assert!(op["error"].is_object() && op.get("data").is_some(), "{op}");
                let is_final = no_retry.expect("every error says whether to try again");
                assert_eq!(is_final, failed == "StepFailed");
                if is_final || !self.retry(item, retry_at) {
                    self.settle(&item.run, hash, json!({"error": op["error"]}));
                }
            }
            "StepPlanned" => self.queue.push(Item { run: key.0, step: key.1, attempt: 0 }),
            "Sleep" => self.timers.push((self.time(&opts["duration"]), Timer::Over(key.0, key.1))),
            "WaitForEvent" | "WaitForSignal" => {
                self.timers.push((self.now + duration(&opts["timeout"]), Timer::Over(key.0, key.1)));
            }
            "InvokeFunction" => self.invoke(key, opts),
            op => panic!("{op} does not belong to Opcode values"),
        }
    }

    fn invoke(&mut self, parent: (String, String), opts: &Value) {
        let function = opts["function_id"].as_str().unwrap();
        if !self.functions.contains_key(function) {
            let message = format!("could not find function with ID: {function}");
            return self.settle(&parent.0, &parent.1, json!({"error": {"name": "Error", "message": message}}));
        }
        if opts["timeout"].is_string() {
            let due = self.now + duration(&opts["timeout"]);
            self.timers.push((due, Timer::InvokeOver(parent.0.clone(), parent.1.clone())));
        }
        let mut data = opts["payload"]["data"].clone();
        data["_inngest"] = json!({"source_app_id": "x"});
        let event = json!({"name": "inngest/function.invoked", "data": data, "id": "i", "ts": 1, "user": {}});
        self.start(function, vec![event], Some(parent));
    }

    /// Whether there is another attempt.
    fn retry(&mut self, item: &Item, at: Option<DateTime<Utc>>) -> bool {
        let attempt = item.attempt + 1;
        let is_one = attempt < self.max_attempts(&item.run);
        if is_one {
            // What was said counts from the real time, which is not ours.
            let pause = at.map_or(chrono::Duration::seconds(FIRST_RETRY), |at| at - Utc::now());
            self.timers.push((self.now + pause, Timer::Call(Item { attempt, ..item.clone() })));
        }
        is_one
    }

    /// Remembers a step, and calls the function when all that it waits for is there.
    fn settle(&mut self, run: &str, hash: &str, memo: Value) {
        let Some(run) = self.runs.get_mut(run).filter(|run| run.status == Status::Running) else { return };
        run.pending.remove(hash);
        assert!(run.steps.insert(hash.to_owned(), memo).is_none(), "a step was done twice");
        run.stack.push(hash.to_owned());
        if run.pending.is_empty() {
            self.queue.push(Item { run: run.id.clone(), step: "step".to_owned(), attempt: 0 });
        }
    }

    fn complete(&mut self, run: &str, output: Value) {
        let run = self.runs.get_mut(run).unwrap();
        run.status = Status::Completed;
        run.output = output.clone();
        if let Some((parent, step)) = run.parent.clone() {
            self.settle(&parent, &step, json!({"data": output}));
        }
    }

    fn fail(&mut self, run: &str, error: Value) {
        let run = self.runs.get_mut(run).unwrap();
        run.status = Status::Failed;
        run.output = error.clone();
        let event = json!({"name": "inngest/function.failed", "ts": 1, "data": {
            "_inngest": {"status": "Failed"}, "error": error, "event": run.events[0], "events": run.events,
            "function_id": run.function, "run_id": run.id, "result": null,
        }});
        if let Some((parent, step)) = run.parent.clone() {
            self.settle(&parent, &step, json!({"error": error}));
        }
        self.take_event(event);
    }

    /// The steps of runs that wait for something.
    fn waits(&self, op: &str, is_it: impl Fn(&Run, &Value) -> bool) -> Vec<(String, String)> {
        let running = self.runs.values().filter(|run| run.status == Status::Running);
        let waits = running.flat_map(|run| run.pending.iter().map(move |(hash, pending)| (run, hash, pending)));
        let such = waits.filter(|(run, _, pending)| pending["op"] == op && is_it(run, &pending["opts"]));
        such.map(|(run, hash, _)| (run.id.clone(), hash.clone())).collect()
    }

    /// Goes to the time when there is something to do again, if there is.
    fn advance(&mut self) -> bool {
        let next = self.timers.iter().enumerate().min_by_key(|(_, (due, _))| *due).map(|(index, _)| index);
        let Some(next) = next else { return false };
        let (due, timer) = self.timers.remove(next);
        self.now = self.now.max(due);
        match timer {
            Timer::Call(item) => self.queue.push(item),
            Timer::Over(run, step) => {
                if self.runs[&run].pending.contains_key(&step) {
                    self.settle(&run, &step, Value::Null);
                }
            }
            Timer::InvokeOver(run, step) => {
                if self.runs[&run].pending.contains_key(&step) {
                    let error = json!({"name": "InngestInvokeTimeoutError", "message": "timed out"});
                    self.settle(&run, &step, json!({"error": error}));
                }
            }
            Timer::Batch(function) => {
                let events = self.batches.remove(&function).unwrap_or_default();
                if !events.is_empty() {
                    self.start(&function, events, None);
                }
            }
        }
        true
    }

    /// A time, or so long from now.
    fn time(&self, text: &Value) -> DateTime<Utc> {
        text.as_str().unwrap().parse().unwrap_or_else(|_| self.now + duration(text))
    }
}

/// `1h30m`.
fn duration(text: &Value) -> chrono::Duration {
    let (mut seconds, mut count) = (0, 0);
    for char in text.as_str().unwrap().chars() {
        match (char, char.to_digit(10)) {
            (_, Some(digit)) => count = count * 10 + i64::from(digit),
            ('h', _) => seconds += std::mem::take(&mut count) * 3600,
            ('m', _) => seconds += std::mem::take(&mut count) * 60,
            ('s', _) => seconds += std::mem::take(&mut count),
            _ => panic!("{text}"),
        }
    }
    chrono::Duration::seconds(seconds)
}

/// As much CEL as is needed: `event.data.x == async.data.x`, `event.data.x == 'text'`.
fn holds(expression: &Value, event: &Value, later: &Value) -> bool {
    let Some(expression) = expression.as_str() else { return true };
    let value = |text: &str| match text.strip_prefix('\'') {
        Some(text) => json!(text.trim_end_matches('\'')),
        None => {
            let (scope, path) = text.split_once('.').unwrap();
            let scope = if scope == "async" { later } else { event };
            scope.pointer(&format!("/{}", path.replace('.', "/"))).cloned().unwrap_or_default()
        }
    };
    let (left, right) = expression.split_once(" == ").unwrap();
    value(left) == value(right)
}
