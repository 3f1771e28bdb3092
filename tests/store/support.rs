//! What the tests of this suite share.

use std::fmt::Debug;

use entity::content::{self, Channel, Content, ContentKind, Draft, Finding, Findings, Severity, Version};
use entity::db::Db;
use entity::events::{self, Event};
use entity::ids::{CustomerId, EventId};
use entity::leads::{self, Lead, NewLead};
use entity::proposals::{Confidence, Evidence, NewProposal, Part};
use entity::{Error, Result};
use harness::TestDb;
use serde_json::{Value, json};

/// Words that break no rule.
pub fn version(body: &str) -> Version {
    let draft = Draft { body: body.to_owned(), ..Draft::default() };
    Version { draft, findings: Findings::default(), pillar: None, note: None }
}

/// The same words, of which the rules say that they cannot go out.
pub fn broken_version(body: &str) -> Version {
    Version { findings: blocking(), ..version(body) }
}

/// Findings that forbid an approval.
pub fn blocking() -> Findings {
    Findings(vec![Finding {
        rule: "linkedin.length".to_owned(),
        severity: Severity::Blocking,
        message: "It has 3,200 characters.".to_owned(),
        fix: "Cut 200.".to_owned(),
        source: None,
    }])
}

/// A new LinkedIn post.
pub async fn a_piece(db: &Db, customer_id: &CustomerId, body: &str) -> Content {
    let saved = content::create(db, customer_id, ContentKind::LinkedinPost, version(body)).await.unwrap();
    assert!(saved.is_new, "{body} was there already");
    saved.piece.content
}

/// A new lead; each note makes another.
pub async fn a_lead(db: &Db, customer_id: &CustomerId, note: &str) -> Lead {
    let new = NewLead { source: "webinar".to_owned(), note: Some(note.to_owned()), ..NewLead::default() };
    leads::log(db, customer_id, new).await.unwrap().lead
}

/// What a new customer may be proposed.
pub fn a_proposal() -> NewProposal {
    NewProposal {
        part: Part::Cadence(Channel::X),
        title: "Begin on X".to_owned(),
        current: Value::Null,
        proposed: json!(1),
        evidence: Evidence::default(),
        expected_effect: "Somebody reads it.".to_owned(),
        confidence: Confidence::Low,
    }
}

/// Everything in the customer's log, oldest first.
pub async fn whole_log(db: &Db, customer_id: &CustomerId) -> Vec<Event> {
    let beginning = EventId::first_at(chrono::DateTime::UNIX_EPOCH);
    events::since(db, customer_id, &beginning, 10_000).await.unwrap()
}

/// The types of everything in the customer's log, oldest first.
pub async fn logged_types(db: &Db, customer_id: &CustomerId) -> Vec<&'static str> {
    whole_log(db, customer_id).await.iter().map(|event| event.event_type.as_str()).collect()
}

/// Does something that is to change nothing, no row of any table.
pub async fn unchanged<T>(test: &TestDb, action: impl Future<Output = T>) -> T {
    let before = test.dump().await;
    let outcome = action.await;
    pretty_eq(&test.dump().await, &before);
    outcome
}

/// Like `assert_eq`, but shows only the lines that differ.
#[track_caller]
pub fn pretty_eq(left: &[String], right: &[String]) {
    let only = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|line| !others.contains(line)).cloned().collect()
    };
    let (added, missing) = (only(left, right), only(right, left));
    assert!(left == right, "added: {added:#?}\nmissing: {missing:#?}");
}

#[track_caller]
pub fn assert_invalid<T: Debug>(result: Result<T>, field: &str) {
    match result {
        Err(Error::Invalid(fields)) => assert_eq!(fields.keys().collect::<Vec<_>>(), [field]),
        other => panic!("expected `{field}` to be invalid, got {other:?}"),
    }
}

#[track_caller]
pub fn assert_conflict<T: Debug>(result: Result<T>, expected: &str) {
    match result {
        Err(Error::Conflict { code, .. }) => assert_eq!(code, expected),
        other => panic!("expected the conflict `{expected}`, got {other:?}"),
    }
}

#[track_caller]
pub fn assert_not_found<T: Debug>(result: Result<T>) {
    assert!(matches!(result, Err(Error::NotFound(_))), "expected nothing to be found, got {result:?}");
}
