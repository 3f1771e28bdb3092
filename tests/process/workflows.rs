//! Durable work by the real binary: it goes on after kill -9, does each thing once, and ends as it should.
//!
//! The tests are the clock: they move what the engine planned into the past.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::events;
use entity::ids::{CustomerId, EventId};
use harness::mcp::Caller;
use harness::process::HeyCmo;
use harness::{TestDb, eventually, on_each_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Dice, Terminal, full_brand, word_after};

const SEED: u64 = 0x776f_726b;

on_each_database!(
    onboarding_goes_on_after_a_crash_and_ends_with_the_interview,
    runs_killed_at_any_moment_do_each_step_once,
    an_interview_that_never_comes_ends_in_words,
    a_cancelled_run_ends_for_good,
    a_piece_comes_due_once_at_its_last_time,
    an_operator_looks_after_runs,
    the_weekly_round_asks_for_each_run_once,
);

/// A customer, their assistant, and the server that may be killed.
struct Desk {
    terminal: Terminal,
    test: TestDb,
    server: HeyCmo,
    key: String,
    id: CustomerId,
}

impl Desk {
    async fn open(test: TestDb) -> Self {
        let terminal = Terminal::on(&test);
        let server = HeyCmo::launch(terminal.launch("heycmo")).await;
        let key = server.key.clone();
        let account = Caller::new(&server.mcp, &key).call(1, "get_account", json!({})).await.unwrap();
        let id = account["customerId"].as_str().unwrap().parse().unwrap();
        Self { terminal, test, server, key, id }
    }

    /// As SIGKILL ends it, and started again on the same data, after whatever the dead one held was let go of.
    async fn crash(self) -> Self {
        let Self { terminal, test, server, key, id } = self;
        server.process.kill().await;
        test.execute("UPDATE outbox SET next_attempt_at = created_at").await;
        move_into_the_past(&test, "taken_until IS NOT NULL").await;
        let server = HeyCmo::launch(terminal.launch("heycmo")).await;
        Self { terminal, test, server, key, id }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        Caller::new(&self.server.mcp, &self.key).call(1, tool, arguments).await.unwrap()
    }

    async fn onboard(&self) {
        let caller = Caller::new(&self.server.gateway, &self.key);
        let response = caller.request(Method::POST, &format!("/api/onboard/{}", self.id)).send().await.unwrap();
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({"status": "onboarding_started"}));
    }

    async fn runs(&self) -> Vec<Value> {
        self.call("list_workflow_runs", json!({})).await["runs"].as_array().unwrap().clone()
    }

    /// The one run that there is.
    async fn only_run(&self) -> String {
        let [run]: [Value; 1] = self.runs().await.try_into().unwrap();
        run["id"].as_str().unwrap().to_owned()
    }

    /// The run once it is as wanted.
    async fn run_once(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || {
            let run = self.call("get_workflow_run", json!({"runId": id})).await;
            is(&run).then_some(run)
        })
        .await
    }

    async fn waits_for_the_interview(&self, id: &str) {
        self.run_once(id, "it waits for the interview", |run| {
            run["waitsFor"].as_str().is_some_and(|what| what.contains("interview"))
        })
        .await;
    }

    /// Lets days pass until the run is as wanted: a wait is made of shorter ones.
    async fn days_pass(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || {
            let run = self.call("get_workflow_run", json!({"runId": id})).await;
            if is(&run) {
                return Some(run);
            }
            move_into_the_past(&self.test, "kind = 'timeout' AND taken_until IS NULL").await;
            None
        })
        .await
    }

    async fn answer_the_interview(&self) {
        assert_eq!(self.call("update_brand", full_brand()).await["completeness"], 100);
    }

    async fn status(&self) -> String {
        self.call("get_account", json!({})).await["status"].as_str().unwrap().to_owned()
    }

    /// The types of everything in the log, oldest first, without the pieces that wait for their times.
    async fn log(&self) -> Vec<&'static str> {
        log_of(&self.test, &self.id).await
    }

    /// Nothing is under way any more, so nothing more can come; what is planned waits for next week.
    async fn all_is_quiet(&self) {
        eventually("nothing is on its way or planned", async || {
            let busy = self.test.number(
                "SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM engine_timers
                 WHERE NOT (kind = 'wake' AND function LIKE '%publish_due'))",
            );
            (busy.await == 0).then_some(())
        })
        .await;
    }
}

async fn log_of(test: &TestDb, id: &CustomerId) -> Vec<&'static str> {
    let beginning = EventId::first_at(DateTime::UNIX_EPOCH);
    let log = events::since(&test.db(), id, &beginning, 1_000).await.unwrap();
    let log = log.iter().filter(|event| event.data["workflow"] != "publish_due");
    log.map(|event| event.event_type.as_str()).collect()
}

/// Makes what the engine planned due.
pub async fn move_into_the_past(test: &TestDb, which: &str) {
    test.execute(&format!(
        "UPDATE engine_timers SET due_at = (SELECT created_at FROM engine_runs WHERE id = engine_timers.run_id)
         WHERE {which}"
    ))
    .await;
}

fn status_of(run: &Value) -> &str {
    run["run"]["status"].as_str().unwrap()
}

fn is_over(run: &Value) -> bool {
    !["queued", "running"].contains(&status_of(run))
}

fn has_step(run: &Value, name: &str, status: &str) -> bool {
    run["steps"].as_array().unwrap().iter().any(|step| step["name"] == name && step["status"] == status)
}

async fn onboarding_goes_on_after_a_crash_and_ends_with_the_interview(test: TestDb) {
    let desk = Desk::open(test).await;
    desk.onboard().await;
    desk.onboard().await;
    let id = desk.only_run().await;
    desk.waits_for_the_interview(&id).await;

    let desk = desk.crash().await;
    desk.waits_for_the_interview(&id).await;
    desk.days_pass(&id, "the reminder", |run| has_step(run, "remind", "completed")).await;
    desk.onboard().await;
    assert_eq!((desk.only_run().await, desk.status().await.as_str()), (id.clone(), "onboarding"));

    let desk = desk.crash().await;
    desk.waits_for_the_interview(&id).await;
    desk.answer_the_interview().await;
    let run = desk.run_once(&id, "the end", is_over).await;
    assert_eq!(status_of(&run), "completed", "{run:#}");
    assert_eq!(run["run"]["output"], json!({"status": "active", "planned": 2, "websiteScan": null}));
    let steps: Vec<&str> = run["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["start", "scan_website", "brand_interview", "remind", "first_calendar", "finish"]);
    assert_eq!(desk.status().await, "active");
    desk.all_is_quiet().await;
    assert_eq!(
        desk.log().await,
        [
            "customer.created",
            "key.created",
            "workflow.started",
            "onboarding.started",
            "onboarding.reminded",
            "brand.updated",
            "content.planned",
            "content.planned",
            "onboarding.completed",
            "workflow.completed"
        ]
    );
}

/// With the interview answered a run goes through at once, so that the kill meets any of its steps.
async fn runs_killed_at_any_moment_do_each_step_once(test: TestDb) {
    const ROUNDS: u64 = 8;
    let mut desk = Desk::open(test).await;
    desk.answer_the_interview().await;
    let mut dice = Dice(SEED);
    for round in 1..=ROUNDS {
        desk.onboard().await;
        // Events are carried every 250 ms.
        tokio::time::sleep(Duration::from_millis(dice.below(400))).await;
        desk = desk.crash().await;
        let newest = desk.call("list_workflow_runs", json!({"workflow": "onboarding"})).await["runs"][0]["id"].clone();
        let run = desk.run_once(newest.as_str().unwrap(), "the end", is_over).await;
        assert_eq!(status_of(&run), "completed", "{run:#}");
        desk.all_is_quiet().await;
        let log = desk.log().await;
        let count = |wanted: &str| log.iter().filter(|name| **name == wanted).count() as u64;
        let counts = ["workflow.started", "onboarding.started", "workflow.completed"].map(count);
        assert_eq!((counts, count("onboarding.completed")), ([round; 3], 1), "{log:?}");
        let of_this_round = &log[log.iter().rposition(|name| *name == "workflow.started").unwrap()..];
        assert_eq!(of_this_round.first(), Some(&"workflow.started"));
        assert_eq!(of_this_round.last(), Some(&"workflow.completed"));
    }
}

async fn an_interview_that_never_comes_ends_in_words(test: TestDb) {
    let desk = Desk::open(test).await;
    desk.onboard().await;
    let id = desk.only_run().await;
    desk.waits_for_the_interview(&id).await;
    let run = desk.days_pass(&id, "the end of patience", is_over).await;
    assert_eq!((status_of(&run), &run["waitsFor"]), ("failed", &json!(null)));
    assert!(run["run"]["error"].as_str().is_some_and(|why| why.contains("interview")), "{run:#}");
    let log = desk.log().await;
    assert_eq!(log[2..], ["workflow.started", "onboarding.started", "onboarding.reminded", "workflow.failed"]);

    let asked = desk.terminal.heycmo(&format!("workflows retry {id}")).await;
    let again = word_after(&asked, "Run");
    desk.waits_for_the_interview(&again).await;
    let run = desk.call("get_workflow_run", json!({"runId": again})).await;
    assert_eq!(run["run"]["retryOf"], id);
    desk.answer_the_interview().await;
    desk.run_once(&again, "the end", |run| status_of(run) == "completed").await;
    assert_eq!(desk.status().await, "active");
}

async fn a_cancelled_run_ends_for_good(test: TestDb) {
    let desk = Desk::open(test).await;
    desk.onboard().await;
    let id = desk.only_run().await;
    desk.waits_for_the_interview(&id).await;
    let cancelled = desk.call("cancel_workflow_run", json!({"runId": id})).await;
    assert_eq!(status_of(&cancelled), "cancelled");
    desk.all_is_quiet().await;
    assert_eq!(desk.test.number("SELECT COUNT(*) FROM engine_runs WHERE status = 'running'").await, 0);

    desk.answer_the_interview().await;
    desk.all_is_quiet().await;
    assert_eq!(desk.status().await, "onboarding", "nobody works on it any more");
    assert_eq!(
        desk.log().await[2..],
        ["workflow.started", "onboarding.started", "workflow.cancelled", "brand.updated"]
    );
    desk.onboard().await;
    let other = desk.runs().await[0]["id"].as_str().unwrap().to_owned();
    desk.run_once(&other, "the end of another", |run| status_of(run) == "completed").await;
    assert_eq!(desk.status().await, "active");
}

async fn a_piece_comes_due_once_at_its_last_time(test: TestDb) {
    let desk = Desk::open(test).await;
    let piece =
        desk.call("create_content", json!({"kind": "x_post", "body": "Slow pages cost more than fast ones."})).await;
    let id = piece["content"]["id"].clone();
    desk.call("review_content", json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"})).await;
    let schedule = async |at: DateTime<Utc>| {
        desk.call("schedule_content", json!({"contentId": id, "at": at.to_rfc3339()})).await["content"]["scheduledAt"]
            .clone()
    };
    schedule(Utc::now() + chrono::Duration::days(1)).await;
    schedule(Utc::now() + chrono::Duration::days(2)).await;
    let at = schedule(Utc::now() + chrono::Duration::seconds(3)).await;
    // The time may come while nobody serves.
    let desk = desk.crash().await;
    let newest = desk.runs().await[0]["id"].as_str().unwrap().to_owned();
    let run = desk.run_once(&newest, "its time", is_over).await;
    assert_eq!(status_of(&run), "completed", "{run:#}");
    let output = &run["run"]["output"];
    assert_eq!((&output["published"], &output["reason"]), (&json!(false), &json!("not_connected")), "{output}");
    assert!(run["run"]["endedAt"].as_str().unwrap() >= at.as_str().unwrap(), "not before its time: {run:#}");
    desk.all_is_quiet().await;

    let statuses: Vec<Value> = desk.runs().await.iter().map(|run| run["status"].clone()).collect();
    assert_eq!(statuses, ["completed", "cancelled", "cancelled"]);
    let due = desk.call("list_events", json!({"type": "content.due"})).await["events"].as_array().unwrap().clone();
    assert_eq!(due.len(), 1, "{due:#?}");
    assert_eq!(due[0]["data"]["contentId"], id);
    let told: DateTime<Utc> = due[0]["data"]["scheduledAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(told.timestamp_millis(), at.as_str().unwrap().parse::<DateTime<Utc>>().unwrap().timestamp_millis());
}

async fn an_operator_looks_after_runs(test: TestDb) {
    let terminal = Terminal::on(&test);
    let made = terminal.heycmo("provision anna@example.com").await;
    let (customer, key) = (word_after(&made, "Made customer"), crate::support::key_in(&made));
    terminal.heycmo("provision ben@example.com").await;
    let run = async |what: &str| word_after(&terminal.heycmo(&format!("workflows run {what}")).await, "Run");
    let listed = async |filter: &str| {
        let table = terminal.heycmo(format!("workflows list {filter}").trim_end()).await;
        table.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
    };

    let housekeeping = run("housekeeping").await;
    let hers = run("onboarding anna@example.com").await;
    assert_eq!(run(&format!("onboarding {customer}")).await, hers, "one at a time");
    let his = run("onboarding ben@example.com").await;
    assert_eq!(listed("").await, [his.as_str(), &hers, &housekeeping]);
    assert_eq!(listed("--limit 1").await, [his.as_str()]);
    assert_eq!(listed("--customer anna@example.com").await, [hers.as_str()]);
    assert_eq!(listed("--workflow housekeeping --status queued").await, [housekeeping.as_str()]);
    assert_eq!(listed("--status failed").await, [""; 0]);

    assert!(terminal.heycmo(&format!("workflows cancel {his}")).await.contains("is cancelled"));
    assert!(terminal.heycmo(&format!("workflows cancel {his}")).await.contains("is cancelled"));
    let shown = terminal.heycmo(&format!("workflows show {his}")).await;
    assert!(shown.contains("status       cancelled") && shown.contains("operator"), "{shown}");
    let again = word_after(&terminal.heycmo(&format!("workflows retry {his}")).await, "Run");
    assert!(terminal.heycmo(&format!("workflows show {again}")).await.contains(&format!("retry of     {his}")));

    for (command, says) in [
        ("run onboarding", "workflows run onboarding CUSTOMER"),
        ("run housekeeping anna@example.com", "no customer's"),
        ("run publish_due anna@example.com", "schedule the piece"),
        ("run onboarding nobody@example.com", "nobody@example.com"),
        ("list --customer nobody@example.com", "nobody@example.com"),
        ("show nonsense", "heycmo workflows list"),
        ("cancel run_01M851E88BEZS4E1V4ZSCPXFGH", "heycmo workflows list"),
        (&format!("retry {hers}"), "failed or was cancelled"),
    ] {
        let refused = terminal.refusal("heycmo", &format!("workflows {command}")).await;
        assert!(refused.contains(says), "{command}: {refused}");
    }
    let finished = terminal.launch("heycmo").args("workflows run lunch".split(' ')).finish().await;
    assert!(!finished.status.success() && finished.log.contains("billing_reconcile"), "{finished:?}");

    let billing = run("billing_reconcile").await;
    let server = HeyCmo::launch(terminal.launch("heycmo")).await;
    for id in [&housekeeping, &billing] {
        let shown = eventually("a gateway does it", async || {
            let shown = terminal.heycmo(&format!("workflows show {id}")).await;
            shown.contains("status       completed").then_some(shown)
        })
        .await;
        assert!(shown.contains("output       {") && shown.contains("whose        the service"), "{shown}");
        assert!(shown.contains("step ") && shown.contains(" completed, begun "), "{shown}");
    }
    let caller = Caller::new(&server.mcp, &key);
    eventually("hers is begun", async || {
        let run = caller.call(1, "get_workflow_run", json!({"runId": hers})).await.unwrap();
        has_step(&run, "brand_interview", "waiting").then_some(())
    })
    .await;
}

async fn the_weekly_round_asks_for_each_run_once(test: TestDb) {
    let desk = Desk::open(test).await;
    desk.answer_the_interview().await;
    let round = async || {
        let said = desk.terminal.heycmo("workflows run weekly_round").await;
        let id = word_after(&said, "Run");
        eventually("the round is over", async || {
            let shown = desk.terminal.heycmo(&format!("workflows show {id}")).await;
            shown.contains("status       completed").then_some(shown)
        })
        .await
    };
    assert!(round().await.contains(r#""asked":0"#), "a customer of today has waited for nothing");

    desk.test.execute("UPDATE customers SET created_at = '2020-01-01 00:00:00+00:00'").await;
    let asked = round().await;
    assert!(asked.contains(r#""asked":3"#), "the numbers of the week, the report on them, and the plan: {asked}");
    assert!(round().await.contains(r#""asked":0"#), "all were asked for");
    let ended = async |workflow: &str| {
        eventually("it is over", async || {
            let runs = desk.runs().await;
            let run = runs.iter().find(|run| run["workflow"] == workflow)?.clone();
            (run["status"] == "completed").then_some(run)
        })
        .await
    };
    let plan = ended("content_plan").await;
    assert!(plan["output"]["planned"].as_u64().unwrap() > 0, "{plan}");
    let snapshot = ended("performance_snapshot").await;
    assert!(snapshot["output"]["snapshotId"].is_string(), "{snapshot}");
    let report = ended("analytics_report").await;
    assert!(report["output"]["headline"].is_string(), "{report}");
    // The rest are the pieces that wait for their times.
    let runs = desk.runs().await;
    assert_eq!(runs.iter().filter(|run| run["workflow"] != "publish_due").count(), 3, "{runs:?}");
}
