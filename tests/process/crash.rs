//! kill -9 under writers: nothing that was answered is lost, and nothing is half there.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entity::content::{self, Decision, Filter, Findings, History};
use entity::db::Db;
use entity::events::{self, EventType};
use entity::ids::{ContentId, CustomerId, EventId};
use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use harness::{Backend, TestDb, on_each_database};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::Dice;

const ROUNDS: u64 = 15;
const WRITERS: u64 = 3;
const SEED: u64 = 0x6865_7963_6d6f;

/// What the server said is saved.
struct Saved {
    id: ContentId,
    revision: i64,
    body: String,
    findings: Findings,
}

/// What the writers were told, and whether they may be left without an answer now.
#[derive(Default)]
struct Told {
    saved: Mutex<Vec<Saved>>,
    decided: Mutex<Vec<(ContentId, i64)>>,
    answers: watch::Sender<usize>,
    killed: Mutex<bool>,
}

on_each_database!(what_was_answered_survives_kill_9);

async fn what_was_answered_survives_kill_9(test: TestDb) {
    // So that only the server has the file open while it is killed.
    test.db().close().await.unwrap();
    let mut dice = Dice(SEED);
    let launch = || Launch::new("heycmo").env("DATABASE_URL", test.url_text());
    let first = HeyCmo::launch(launch()).await;
    let key = first.key.clone();
    first.process.kill().await;

    let told = Arc::new(Told::default());
    for round in 0..ROUNDS {
        if dice.below(4) == 0 {
            let starting = launch().start();
            tokio::time::sleep(Duration::from_millis(dice.below(200))).await;
            starting.kill().await;
        }
        let server = HeyCmo::launch(launch()).await;
        *told.killed.lock().unwrap() = false;
        let enough = *told.answers.borrow() + dice.below(25) as usize;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (caller, name) = (Caller::new(&server.mcp, &key), format!("{round}-{writer}"));
                tokio::spawn(write(caller, told.clone(), name, Dice(SEED + round * WRITERS + writer)))
            })
            .collect();
        told.answers.subscribe().wait_for(|answers| *answers >= enough).await.unwrap();
        tokio::time::sleep(Duration::from_micros(dice.below(20_000))).await;
        *told.killed.lock().unwrap() = true;
        server.process.kill().await;
        for writer in writers {
            writer.await.unwrap();
        }
        check(&test, &told).await;
    }
    assert!(*told.answers.borrow() > 0, "nothing was answered, so nothing was proven");
}

/// Creates, revises and decides until the server is gone.
async fn write(caller: Caller, told: Arc<Told>, name: String, mut dice: Dice) {
    for number in 0.. {
        if let Err(error) = write_a_piece(&caller, &told, &format!("{name}-{number}"), &mut dice).await {
            assert!(*told.killed.lock().unwrap(), "{error}");
            return;
        }
    }
}

async fn write_a_piece(caller: &Caller, told: &Told, name: &str, dice: &mut Dice) -> Result<(), String> {
    let body = |revision: u64, dice: &mut Dice| {
        format!("Piece {name}, revision {revision}. {}", "x".repeat(dice.below(500) as usize))
    };
    let mut words = body(1, dice);
    let mut answer = caller.call(1, "create_content", json!({"kind": "x_post", "body": words})).await?;
    for revision in 2..=2 + dice.below(4) {
        told.note_saved(&answer, words);
        words = body(revision, dice);
        let arguments = json!({"contentId": answer["content"]["id"], "body": words});
        answer = caller.call(revision, "update_content", arguments).await?;
    }
    told.note_saved(&answer, words);
    let (id, revision) = (&answer["content"]["id"], &answer["content"]["revision"]);
    let arguments =
        json!({"contentId": id, "revision": revision, "decision": "rejected", "decidedBy": "Anna", "reason": "No."});
    caller.call(9, "review_content", arguments).await?;
    told.note_decided(&answer);
    Ok(())
}

impl Told {
    fn note_saved(&self, answer: &Value, body: String) {
        let findings = serde_json::from_value(answer["findings"].clone()).unwrap();
        let (id, revision) = named(answer);
        self.saved.lock().unwrap().push(Saved { id, revision, body, findings });
        self.answers.send_modify(|answers| *answers += 1);
    }

    fn note_decided(&self, answer: &Value) {
        self.decided.lock().unwrap().push(named(answer));
        self.answers.send_modify(|answers| *answers += 1);
    }
}

fn named(answer: &Value) -> (ContentId, i64) {
    let content = &answer["content"];
    (content["id"].as_str().unwrap().parse().unwrap(), content["revision"].as_i64().unwrap())
}

async fn check(test: &TestDb, told: &Told) {
    let db = test.another_db().await;
    let customer = entity::customers::get_by_email(&db, "demo@heycmo.example").await.unwrap().id;
    let histories = histories(&db, &customer).await;
    nothing_is_lost(told, &histories);
    nothing_is_half_there(&db, &customer, &histories).await;
    if test.backend() == Backend::Sqlite {
        assert_eq!(text(&db, "PRAGMA integrity_check").await, ["ok"]);
        assert_eq!(text(&db, "PRAGMA foreign_key_check").await, [""; 0]);
    }
    db.close().await.unwrap();
}

async fn histories(db: &Db, customer: &CustomerId) -> BTreeMap<ContentId, History> {
    let mut histories = BTreeMap::new();
    let mut before = None;
    loop {
        let page = content::list(db, customer, &Filter::default(), before.as_ref(), 50).await.unwrap();
        for piece in page.pieces {
            let history = content::history(db, customer, &piece.id, 100).await.unwrap();
            assert_eq!(history.revisions[0].number, piece.revision, "the piece and its newest revision");
            histories.insert(piece.id, history);
        }
        let Some(next) = page.next else { return histories };
        before = Some(next);
    }
}

fn nothing_is_lost(told: &Told, histories: &BTreeMap<ContentId, History>) {
    for Saved { id, revision, body, findings } in told.saved.lock().unwrap().iter() {
        let mut revisions = histories[id].revisions.iter();
        let stored = revisions.find(|stored| i64::from(stored.number) == *revision).expect("what was answered");
        assert_eq!((&stored.draft.body, &stored.findings), (body, findings));
    }
    for (id, revision) in told.decided.lock().unwrap().iter() {
        let decision = histories[id].decisions.first().expect("what was decided");
        assert_eq!((i64::from(decision.revision), decision.decision), (*revision, Decision::Rejected));
    }
}

/// Revisions without gaps, and an event for each of them and for each decision.
async fn nothing_is_half_there(db: &Db, customer: &CustomerId, histories: &BTreeMap<ContentId, History>) {
    let beginning = EventId::first_at(chrono::DateTime::UNIX_EPOCH);
    let mut logged: HashMap<(String, EventType), Vec<i64>> = HashMap::new();
    for event in events::since(db, customer, &beginning, 1_000_000).await.unwrap() {
        if let Some(id) = event.data["contentId"].as_str() {
            let of_its_kind = logged.entry((id.to_owned(), event.event_type)).or_default();
            of_its_kind.push(event.data["revision"].as_i64().unwrap());
        }
    }
    for (id, history) in histories {
        let mut numbers: Vec<i64> = history.revisions.iter().map(|revision| revision.number.into()).collect();
        numbers.reverse();
        assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "{id}");
        let mut take = |event_type| logged.remove(&(id.to_string(), event_type)).unwrap_or_default();
        assert_eq!(take(EventType::ContentCreated), [1], "{id}");
        assert_eq!(take(EventType::ContentUpdated), numbers[1..], "{id}");
        let decided: Vec<i64> = history.decisions.iter().map(|decision| decision.revision.into()).collect();
        assert_eq!(take(EventType::ContentRejected), decided, "{id}");
    }
    assert!(logged.is_empty(), "events of nothing: {logged:?}");
}

async fn text(db: &Db, sql: &str) -> Vec<String> {
    let connection = db.connection();
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
