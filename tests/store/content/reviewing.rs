//! Decisions.

use entity::Result;
use entity::content::{self, ContentStatus, Decision, Findings, Review, Reviewed, review, revise};
use entity::db::Db;
use entity::ids::{ContentId, CustomerId};
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::json;

use crate::support::{
    a_piece, assert_conflict, assert_not_found, blocking, broken_version, logged_types, unchanged, version, whole_log,
};

harness::on_each_database!(
    a_decision_changes_the_status_and_is_kept,
    an_approval_of_what_breaks_a_rule_is_refused,
    the_same_decision_again_is_recorded_once,
    another_decision_is_another_record,
    a_decision_on_an_old_revision_is_refused,
    a_revision_takes_the_approval_away,
);

fn by_anna(revision: i32, decision: Decision) -> Review {
    let findings = Findings::default();
    Review { revision, decision, decided_by: "Anna".to_owned(), reason: Some("Because.".to_owned()), findings }
}

async fn decisions(db: &Db, customer_id: &CustomerId, id: &ContentId) -> Vec<Decision> {
    let history = content::history(db, customer_id, id, 100).await.unwrap();
    history.decisions.into_iter().map(|record| record.decision).collect()
}

async fn a_decision_changes_the_status_and_is_kept(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    for (decision, status, event) in [
        (Decision::Approved, ContentStatus::Approved, "content.approved"),
        (Decision::Rejected, ContentStatus::Rejected, "content.rejected"),
        (Decision::Revised, ContentStatus::ChangesRequested, "content.revised"),
    ] {
        let piece = a_piece(&db, &customer.id, event).await;
        let reviewed = review(&db, &customer.id, &piece.id, by_anna(1, decision)).await.unwrap();

        let Reviewed { piece, record } = reviewed;
        assert_eq!(piece.content.status, status);
        assert_eq!((record.revision, record.decision), (1, decision));
        assert_eq!((record.decided_by.as_str(), record.reason.as_deref()), ("Anna", Some("Because.")));
        assert_eq!(content::get(&db, &customer.id, &piece.content.id).await.unwrap().content, piece.content);
        let history = content::history(&db, &customer.id, &piece.content.id, 100).await.unwrap();
        assert_eq!(history.decisions, [record]);
        let logged = whole_log(&db, &customer.id).await.pop().unwrap();
        assert_eq!(logged.event_type.as_str(), event);
        let expected = json!({
            "contentId": piece.content.id, "kind": "linkedin_post", "label": event, "revision": 1,
            "decidedBy": "Anna", "reason": "Because.",
        });
        assert_eq!(logged.data, expected);
    }
}

async fn an_approval_of_what_breaks_a_rule_is_refused(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "Hello").await;
    // What the rules say today counts, not what they said when it was written.
    let broken = |decision| Review { findings: blocking(), ..by_anna(1, decision) };
    let refused = unchanged(&test, review(&db, &customer.id, &piece.id, broken(Decision::Approved))).await;
    let sentence = refused.as_ref().unwrap_err().to_string();
    assert!(sentence.contains("linkedin.length") && sentence.contains("Cut 200."), "{sentence}");
    assert_conflict(refused, "rules_broken");
    review(&db, &customer.id, &piece.id, broken(Decision::Revised)).await.unwrap();
    review(&db, &customer.id, &piece.id, broken(Decision::Rejected)).await.unwrap();
}

async fn the_same_decision_again_is_recorded_once(test: TestDb) {
    let handles = [test.db(), test.another_db().await];
    let (customer, _) = a_customer(&handles[0]).await;
    let piece = a_piece(&handles[0], &customer.id, "Hello").await;
    let approve = async |n: usize| {
        let decision = by_anna(1, Decision::Approved);
        review(&handles[n % 2], &customer.id, &piece.id, decision).await.unwrap().record
    };
    let records = join_all((0..6).map(approve)).await;
    assert!(records.iter().all(|record| *record == records[0]), "{records:#?}");
    assert_eq!(unchanged(&test, approve(0)).await, records[0]);
    assert_eq!(logged_types(&handles[0], &customer.id).await[3..], ["content.approved"]);
}

async fn another_decision_is_another_record(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "Hello").await;
    let approved = by_anna(1, Decision::Approved);
    for review_of in [
        approved.clone(),
        Review { decided_by: "Ben".to_owned(), ..approved.clone() },
        Review { reason: None, ..approved.clone() },
        by_anna(1, Decision::Rejected),
        approved,
    ] {
        let before = logged_types(&db, &customer.id).await.len();
        review(&db, &customer.id, &piece.id, review_of).await.unwrap();
        assert_eq!(logged_types(&db, &customer.id).await.len(), before + 1);
    }
    let (yes, no) = (Decision::Approved, Decision::Rejected);
    assert_eq!(decisions(&db, &customer.id, &piece.id).await, [yes, no, yes, yes, yes], "newest first");
    let newest = content::history(&db, &customer.id, &piece.id, 2).await.unwrap().decisions;
    assert_eq!(newest.iter().map(|record| record.decision).collect::<Vec<_>>(), [yes, no]);
}

async fn a_decision_on_an_old_revision_is_refused(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "one").await;
    review(&db, &customer.id, &piece.id, by_anna(1, Decision::Approved)).await.unwrap();
    revise(&db, &customer.id, &piece.id, 1, version("two")).await.unwrap();
    for revision in [0, 1, 3] {
        let old: Result<Reviewed> =
            unchanged(&test, review(&db, &customer.id, &piece.id, by_anna(revision, Decision::Approved))).await;
        assert_conflict(old, "revision_conflict");
    }
    let nothing = ContentId::new();
    assert_not_found(unchanged(&test, review(&db, &customer.id, &nothing, by_anna(1, Decision::Approved))).await);
}

async fn a_revision_takes_the_approval_away(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "one").await;
    let approve = async |number| review(&db, &customer.id, &piece.id, by_anna(number, Decision::Approved)).await;
    approve(1).await.unwrap();
    let revised = revise(&db, &customer.id, &piece.id, 1, version("two")).await.unwrap();
    assert_eq!(revised.piece.content.status, ContentStatus::InReview);
    approve(2).await.unwrap();
    let revised = revise(&db, &customer.id, &piece.id, 2, broken_version("three")).await.unwrap();
    assert_eq!(revised.piece.content.status, ContentStatus::Draft);
    assert_eq!(decisions(&db, &customer.id, &piece.id).await.len(), 2);
}
