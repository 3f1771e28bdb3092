//! What has to hold whatever broke.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use entity::db::Db;
use entity::events::{self, Event, EventType};
use entity::ids::{CustomerId, EventId};
use entity::{content, customers, keys};
use harness::{Backend, TestDb};
use sea_orm::ConnectionTrait;

use crate::load::{Ledger, Told};
use crate::site::Site;

/// How long who could not write down that they are done keeps others from it, and a while.
const LONGEST_LEASE: Duration = Duration::from_secs(100);

/// Statements that find what is half there: none finds anything, at any time.
const HALF_THERE: [(&str, &str); 12] = [
    (
        "a piece without its newest revision",
        "SELECT count(*) FROM content c WHERE NOT EXISTS
         (SELECT 1 FROM content_revisions r WHERE r.content_id = c.id AND r.number = c.revision)",
    ),
    (
        "a piece whose revisions have a gap",
        "SELECT count(*) FROM (SELECT content_id FROM content_revisions GROUP BY content_id
         HAVING count(*) <> max(number) OR min(number) <> 1) AS odd",
    ),
    (
        "a decision on no revision",
        "SELECT count(*) FROM content_decisions d WHERE NOT EXISTS
         (SELECT 1 FROM content_revisions r WHERE r.content_id = d.content_id AND r.number = d.revision)",
    ),
    (
        "a publication of no piece",
        "SELECT count(*) FROM publications p WHERE NOT EXISTS
         (SELECT 1 FROM content c WHERE c.id = p.content_id AND c.customer_id = p.customer_id)",
    ),
    (
        "a piece that is out and does not know it",
        "SELECT count(*) FROM publications p JOIN content c ON c.id = p.content_id
         WHERE p.status = 'published' AND (c.status <> 'published' OR p.published_at IS NULL OR p.external_id IS NULL)",
    ),
    (
        "a piece that is published nowhere",
        "SELECT count(*) FROM content c WHERE c.status = 'published' AND NOT EXISTS
         (SELECT 1 FROM publications p WHERE p.content_id = c.id AND p.status = 'published')",
    ),
    (
        "a run that ended at no time, or goes on after its end",
        "SELECT count(*) FROM workflow_runs
         WHERE (ended_at IS NULL) = (status IN ('completed', 'failed', 'cancelled'))",
    ),
    (
        "a step of no run",
        "SELECT count(*) FROM workflow_steps s WHERE NOT EXISTS (SELECT 1 FROM workflow_runs r WHERE r.id = s.run_id)",
    ),
    (
        "a run of the engine that nothing will wake",
        "SELECT count(*) FROM engine_runs r WHERE r.status = 'running'
         AND NOT EXISTS (SELECT 1 FROM engine_timers t WHERE t.run_id = r.id)
         AND NOT EXISTS (SELECT 1 FROM engine_waits w WHERE w.run_id = r.id)",
    ),
    (
        "something left of a run of the engine that is over",
        "SELECT count(*) FROM engine_timers t JOIN engine_runs r ON r.id = t.run_id WHERE r.status <> 'running'",
    ),
    (
        "a key of nobody",
        "SELECT count(*) FROM api_keys k WHERE NOT EXISTS (SELECT 1 FROM customers c WHERE c.id = k.customer_id)",
    ),
    (
        "a checkout whose customer has no subscription",
        "SELECT count(*) FROM checkout_sessions s WHERE NOT EXISTS
         (SELECT 1 FROM subscriptions b WHERE b.customer_id = s.customer_id)",
    ),
];

/// At any time: nothing is half there, nothing is out twice, and every answer was true.
pub async fn hold(site: &Site, ledger: &Ledger) {
    nothing_is_half_there(&site.test).await;
    nothing_is_out_twice(site, ledger).await;
    what_was_answered_is_there(&site.test, ledger).await;
    let wrong = ledger.told.lock().unwrap().wrong.clone();
    assert!(wrong.is_empty(), "answers that must never come: {wrong:#?}\nlogged:\n{}", site.log());
}

/// When everything works again and nobody asks for more: what was begun comes to its end, once.
pub async fn hold_in_the_end(site: &Site, ledger: &Ledger) {
    everything_comes_to_its_end(site).await;
    hold(site, ledger).await;
    the_log_is_whole(&site.test.db(), ledger).await;
    every_run_is_over(site, ledger).await;
    everything_was_bought_once(site, &site.test.db(), ledger).await;
}

async fn nothing_is_half_there(test: &TestDb) {
    for (what, sql) in HALF_THERE {
        assert_eq!(test.number(sql).await, 0, "{what}");
    }
    if test.backend() == Backend::Sqlite {
        assert_eq!(test.texts("PRAGMA integrity_check").await, ["ok"]);
        assert_eq!(test.texts("PRAGMA foreign_key_check").await, [""; 0]);
    }
}

async fn nothing_is_out_twice(site: &Site, ledger: &Ledger) {
    // In this order: what is said to be out was out before.
    let published = ledger.told.lock().unwrap().published.clone();
    let mut out: HashMap<String, usize> = HashMap::new();
    for words in site.stand_ins.posts().await {
        *out.entry(words).or_default() += 1;
    }
    let twice: Vec<_> = out.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "out more than once: {twice:?}");
    let meant = ledger.told.lock().unwrap().meant.clone();
    assert!(out.keys().all(|words| meant.contains(words)), "something is out that nobody wrote: {out:?}");
    for words in published {
        assert!(out.contains_key(&words), "said to be out, and is not: {words}");
    }
}

async fn what_was_answered_is_there(test: &TestDb, ledger: &Ledger) {
    let db = &test.db();
    let (revisions, noted, made) = {
        let told = ledger.told.lock().unwrap();
        (told.revisions.clone(), told.leads.clone(), told.keys.clone())
    };
    let mut pieces: BTreeMap<String, content::History> = BTreeMap::new();
    for (tenant, id, number, body) in revisions {
        if !pieces.contains_key(&id) {
            let history = content::history(db, &tenant.id, &id.parse().unwrap(), 100).await.unwrap();
            pieces.insert(id.clone(), history);
        }
        let mut stored = pieces[&id].revisions.iter();
        let stored = stored.find(|stored| u64::try_from(stored.number) == Ok(number));
        assert_eq!(stored.map(|stored| stored.draft.body.as_str()), Some(body.as_str()), "{id}, revision {number}");
    }
    let leads: BTreeSet<String> = test.texts("SELECT id FROM leads").await.into_iter().collect();
    for id in noted {
        assert!(leads.contains(&id), "the lead {id} is lost");
    }
    let mut listed: HashMap<CustomerId, Vec<keys::ApiKey>> = HashMap::new();
    for (tenant, id, revoked) in made {
        if !listed.contains_key(&tenant.id) {
            listed.insert(tenant.id.clone(), keys::list(db, &tenant.id).await.unwrap());
        }
        let key = listed[&tenant.id].iter().find(|key| key.id.as_str() == id).expect("a key that was given out");
        assert!(!revoked || key.revoked_at.is_some(), "the key {id} was revoked");
    }
}

/// The tests are the clock: what was put off for later is done now.
async fn everything_comes_to_its_end(site: &Site) {
    for event in site.stand_ins.events().await {
        let taken = event["deliveries"].as_array().unwrap().iter().any(|delivery| delivery["status"] == 200);
        assert!(taken || site.stand_ins.deliver(&event).await, "{event} is not taken");
    }
    let ending = async {
        while !is_at_its_end(&site.test).await {
            time_passes(&site.test).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST_LEASE, ending).await.expect("everything comes to its end");
}

/// The same where time is what is tested.
pub async fn comes_to_its_end_by_itself(site: &Site) {
    let ending = async {
        while !is_at_its_end(&site.test).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST_LEASE, ending).await.expect("everything comes to its end by itself");
}

async fn is_at_its_end(test: &TestDb) -> bool {
    for sql in [
        "SELECT count(*) FROM outbox",
        "SELECT count(*) FROM stripe_events WHERE processed_at IS NULL",
        "SELECT count(*) FROM workflow_runs WHERE workflow = 'performance_snapshot' AND ended_at IS NULL",
    ] {
        if test.number(sql).await > 0 {
            return false;
        }
    }
    true
}

/// What was put off is due.
async fn time_passes(test: &TestDb) {
    let sql = "UPDATE engine_timers SET due_at = '2020-01-01T00:00:00+00:00'
               WHERE taken_until IS NULL AND due_at > '2020-01-02T00:00:00+00:00'";
    // Locks rows in any order, so a deadlock with the engine may end it; it is done again and again.
    let _ = test.db().connection().execute_unprepared(sql).await;
}

/// Whoever died lets go of what they had.
pub async fn the_dead_are_given_up(test: &TestDb) {
    for sql in [
        "UPDATE outbox SET next_attempt_at = created_at",
        "UPDATE stripe_events SET next_attempt_at = received_at WHERE next_attempt_at IS NOT NULL",
        "UPDATE engine_timers SET due_at = '2020-01-01T00:00:00+00:00', taken_until = NULL",
        "UPDATE publications SET claimed_until = created_at",
    ] {
        test.execute(sql).await;
    }
}

/// Events in order without a gap, each once, and one for whatever there is.
async fn the_log_is_whole(db: &Db, ledger: &Ledger) {
    let seen: Vec<_> = ledger.told.lock().unwrap().seen.drain(..).collect();
    for (tenant, seen) in seen {
        let events = log_of(db, &tenant.id).await;
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "a reader saw events out of order: {seen:?}");
        let (Some(first), Some(last)) = (seen.first(), seen.last()) else { continue };
        let written: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
        let between = written.iter().filter(|id| **id >= first.as_str() && **id <= last.as_str());
        let missed: Vec<_> = between.filter(|id| !seen.iter().any(|seen| seen == **id)).collect();
        assert!(missed.is_empty(), "a reader missed {missed:?}");

        let mut told: HashSet<(EventType, String)> = HashSet::new();
        for event in &events {
            let what = match event.event_type {
                EventType::ContentCreated | EventType::ContentPublished => &event.data["contentId"],
                EventType::KeyCreated | EventType::KeyRevoked => &event.data["keyId"],
                _ => continue,
            };
            let entry = (event.event_type, what.to_string());
            assert!(told.insert(entry), "told twice: {event:?}");
        }
        let count = |wanted: EventType| told.iter().filter(|(event_type, _)| *event_type == wanted).count();
        let pieces = all_pieces(db, &tenant.id).await;
        assert_eq!(count(EventType::ContentCreated), pieces.len(), "each piece is told of once");
        let out = pieces.iter().filter(|status| **status == content::ContentStatus::Published).count();
        assert_eq!(count(EventType::ContentPublished), out, "each publication is told of once");
        let listed = keys::list(db, &tenant.id).await.unwrap();
        assert_eq!(count(EventType::KeyCreated), listed.len(), "each key is told of once");
        let revoked = listed.iter().filter(|key| key.revoked_at.is_some()).count();
        assert_eq!(count(EventType::KeyRevoked), revoked, "each revocation is told of once");
    }
}

async fn log_of(db: &Db, id: &CustomerId) -> Vec<Event> {
    let beginning = EventId::first_at(chrono::DateTime::UNIX_EPOCH);
    events::since(db, id, &beginning, 1_000_000).await.unwrap()
}

async fn all_pieces(db: &Db, id: &CustomerId) -> Vec<content::ContentStatus> {
    let (mut statuses, mut before) = (Vec::new(), None);
    loop {
        let page = content::list(db, id, &content::Filter::default(), before.as_ref(), 100).await.unwrap();
        statuses.extend(page.pieces.iter().map(|piece| piece.status));
        let Some(next) = page.next else { return statuses };
        before = Some(next);
    }
}

async fn every_run_is_over(site: &Site, ledger: &Ledger) {
    let runs = ledger.told.lock().unwrap().runs.clone();
    let ended: BTreeSet<String> =
        site.test.texts("SELECT id FROM workflow_runs WHERE status = 'completed'").await.into_iter().collect();
    for id in runs {
        assert!(ended.contains(&id), "the run {id} was started and did not complete");
    }
}

/// A customer, a subscription and a key for each purchase.
async fn everything_was_bought_once(site: &Site, db: &Db, ledger: &Ledger) {
    let Told { bought, .. } = std::mem::take(&mut *ledger.told.lock().unwrap());
    for purchase in bought {
        let customer = customers::get_by_email(db, &purchase.email).await;
        let customer = customer.unwrap_or_else(|error| panic!("{}: {error}", purchase.email));
        assert!(purchase.keys <= 1, "{} got {} keys", purchase.email, purchase.keys);
        assert_eq!(keys::list(db, &customer.id).await.unwrap().len(), 1, "{}", purchase.email);
        assert_eq!(entity::billing::of_customer(db, &customer.id).await.unwrap().len(), 1, "{}", purchase.email);
    }
    let known: BTreeSet<String> = site.test.texts("SELECT id FROM subscriptions").await.into_iter().collect();
    let paid: BTreeSet<String> = site.stand_ins.subscriptions().await.into_iter().collect();
    assert_eq!(known, paid, "what is paid for at Stripe is what customers have");
}
