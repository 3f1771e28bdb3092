//! Pieces that are to be written: drafted, or left with a note.

use chrono::{DateTime, Duration, Utc};
use entity::content::{
    self, ContentKind, ContentStatus, Decision, Draft, NewBrief, Review, leave_planned, plan, review, revise,
    write_planned,
};
use entity::db::{Db, now};
use entity::ids::{ContentId, CustomerId};
use harness::{TestDb, a_customer};

use crate::support::{logged_types, unchanged, version, whole_log};

harness::on_each_database!(
    a_brief_gets_its_first_words_once,
    a_brief_keeps_the_reason_why_it_was_not_drafted,
    what_was_written_or_decided_meanwhile_stays,
    pieces_on_a_theme_are_found_newest_first,
);

async fn a_brief(db: &Db, customer_id: &CustomerId) -> ContentId {
    let at = now() + Duration::days(2);
    let brief = |at: DateTime<Utc>| NewBrief {
        kind: ContentKind::XPost,
        at,
        pillar: Some("Speed".to_owned()),
        brief: "X post on “Speed”".to_owned(),
    };
    let pieces = plan(db, customer_id, (now(), at + Duration::days(1)), |_| vec![brief(at)]).await.unwrap();
    pieces[0].id.clone()
}

async fn a_brief_gets_its_first_words_once(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let id = a_brief(&db, &customer.id).await;
    let planned = content::get(&db, &customer.id, &id).await.unwrap().content;
    let piece = write_planned(&db, &customer.id, &id, version("Forty shops")).await.unwrap().unwrap();
    assert_eq!((piece.content.status, piece.content.revision), (ContentStatus::InReview, 2));
    assert_eq!((piece.content.scheduled_at, &piece.content.brief), (planned.scheduled_at, &planned.brief));
    let read = content::get(&db, &customer.id, &id).await.unwrap();
    assert_eq!((&read.content, &read.current), (&piece.content, &piece.current));
    assert!(unchanged(&test, write_planned(&db, &customer.id, &id, version("Fifty"))).await.unwrap().is_none());
    assert_eq!(logged_types(&db, &customer.id).await[2..], ["content.planned", "content.updated"]);
}

async fn a_brief_keeps_the_reason_why_it_was_not_drafted(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let id = a_brief(&db, &customer.id).await;
    leave_planned(&db, &customer.id, &id, "The model refused.").await.unwrap();
    unchanged(&test, leave_planned(&db, &customer.id, &id, "The model refused.")).await.unwrap();
    leave_planned(&db, &customer.id, &id, "The model was away.").await.unwrap();
    let piece = content::get(&db, &customer.id, &id).await.unwrap();
    assert_eq!((piece.content.status, piece.content.revision), (ContentStatus::Planned, 1));
    assert_eq!((piece.current.note.as_deref(), &piece.current.draft), (Some("The model was away."), &Draft::default()));
    let log = whole_log(&db, &customer.id).await;
    let whys: Vec<_> = log[3..].iter().map(|event| (event.event_type.as_str(), &event.data["why"])).collect();
    let not_drafted = "content.not_drafted";
    assert_eq!(whys, [(not_drafted, &"The model refused.".into()), (not_drafted, &"The model was away.".into())]);
}

async fn what_was_written_or_decided_meanwhile_stays(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (written, rejected) = (a_brief(&db, &customer.id).await, a_brief(&db, &customer.id).await);
    revise(&db, &customer.id, &written, 1, version("My own words")).await.unwrap();
    let decision = Review {
        revision: 1,
        decision: Decision::Rejected,
        decided_by: "Anna".to_owned(),
        reason: None,
        findings: version("").findings,
    };
    review(&db, &customer.id, &rejected, decision).await.unwrap();
    for id in [written, rejected] {
        let saved = unchanged(&test, write_planned(&db, &customer.id, &id, version("A model's"))).await.unwrap();
        assert!(saved.is_none());
        unchanged(&test, leave_planned(&db, &customer.id, &id, "The model refused.")).await.unwrap();
    }
}

async fn pieces_on_a_theme_are_found_newest_first(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    let mut ids = Vec::new();
    for body in ["First", "Second", "Third"] {
        let id = a_brief(&db, &customer.id).await;
        let on_speed = content::Version { pillar: Some("Speed".to_owned()), ..version(body) };
        write_planned(&db, &customer.id, &id, on_speed).await.unwrap();
        ids.insert(0, id);
    }
    a_brief(&db, &customer.id).await;
    let on_nothing = content::create(&db, &customer.id, ContentKind::XPost, version("Fourth")).await.unwrap();
    let found = async |customer_id: &CustomerId, pillar: Option<&str>| {
        let pieces = content::written_on(&db, customer_id, pillar, 2).await.unwrap();
        pieces.into_iter().map(|piece| piece.content.id).collect::<Vec<_>>()
    };
    assert_eq!(found(&customer.id, Some("Speed")).await, ids[..2]);
    assert_eq!(found(&customer.id, None).await, [on_nothing.piece.content.id]);
    assert!(found(&customer.id, Some("Craft")).await.is_empty());
    assert!(found(&other.id, Some("Speed")).await.is_empty());
}
