//! Lists and counts.

use chrono::{DateTime, Duration, Utc};
use entity::content::{
    self, ContentKind, ContentStatus, Counts, Decision, Draft, Filter, Findings, Review, Schedule, Version, counts,
    create, list, review, schedule,
};
use entity::db::{Db, now};
use entity::ids::{ContentId, CustomerId};
use harness::{TestDb, a_customer};

use crate::support::{a_piece, assert_invalid, broken_version, version};

harness::on_each_database!(
    pages_cover_everything_once_newest_first,
    a_page_comes_with_its_current_words,
    a_page_after_an_unknown_piece_is_invalid,
    a_list_is_of_a_kind_a_status_or_a_time,
    words_are_found_in_any_case_and_literally,
    every_text_of_the_current_revision_is_searched,
    what_waits_is_counted,
    a_piece_approved_after_its_time_has_missed_it,
);

async fn labels(db: &Db, customer_id: &CustomerId, filter: &Filter) -> Vec<String> {
    let page = list(db, customer_id, filter, None, 100).await.unwrap();
    page.pieces.into_iter().map(|piece| piece.label).collect()
}

async fn decide(db: &Db, customer_id: &CustomerId, id: &ContentId, decision: Decision) {
    let findings = Findings::default();
    let review_of = Review { revision: 1, decision, decided_by: "Anna".to_owned(), reason: None, findings };
    review(db, customer_id, id, review_of).await.unwrap();
}

async fn set_time(db: &Db, customer_id: &CustomerId, id: &ContentId, at: DateTime<Utc>) {
    schedule(db, customer_id, id, Some(Schedule { at, spacing: None })).await.unwrap();
}

async fn a_page_comes_with_its_current_words(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    assert!(content::with_words(&db, &customer.id, Vec::new()).await.unwrap().is_empty());
    let first = a_piece(&db, &customer.id, "first").await;
    a_piece(&db, &customer.id, "second").await;
    let revised = content::revise(&db, &customer.id, &first.id, 1, version("first, revised")).await.unwrap();
    assert!(revised.is_new);
    let mut page = list(&db, &customer.id, &Filter::default(), None, 10).await.unwrap().pieces;
    page.push(a_piece(&db, &other.id, "somebody else's").await);

    let pieces = content::with_words(&db, &customer.id, page.clone()).await.unwrap();
    let words: Vec<&str> = pieces.iter().map(|piece| piece.current.draft.body.as_str()).collect();
    assert_eq!(words, ["second", "first, revised"]);
    assert!(pieces.iter().zip(&page).all(|(piece, listed)| piece.content == *listed));
}

async fn pages_cover_everything_once_newest_first(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    let mut ids = Vec::new();
    for n in 0..7 {
        a_piece(&db, &other.id, &format!("piece {n}")).await;
        let kind = if n % 2 == 0 { ContentKind::LinkedinPost } else { ContentKind::XPost };
        let saved = create(&db, &customer.id, kind, version(&format!("piece {n}"))).await.unwrap();
        ids.insert(0, saved.piece.content.id);
    }
    let linkedin: Vec<ContentId> = ids.iter().step_by(2).cloned().collect();
    let of_kind = Filter { kind: Some(ContentKind::LinkedinPost), ..Filter::default() };
    for (filter, expected) in [(Filter::default(), ids), (of_kind, linkedin)] {
        for limit in [1, 2, 3, 4, 6, 7, 8, 100] {
            let mut seen = Vec::new();
            let mut before = None;
            loop {
                let page = list(&db, &customer.id, &filter, before.as_ref(), limit).await.unwrap();
                seen.extend(page.pieces.into_iter().map(|piece| piece.id));
                before = page.next;
                if before.is_none() {
                    break;
                }
                assert_eq!(u64::try_from(seen.len()).unwrap() % limit, 0, "only the last page is shorter");
            }
            assert_eq!(seen, expected, "{limit} a page");
        }
    }
}

async fn a_page_after_an_unknown_piece_is_invalid(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    a_piece(&db, &customer.id, "mine").await;
    let foreign = a_piece(&db, &other.id, "somebody else's").await.id;
    for before in [foreign, ContentId::new()] {
        assert_invalid(list(&db, &customer.id, &Filter::default(), Some(&before), 10).await, "cursor");
    }
}

async fn a_list_is_of_a_kind_a_status_or_a_time(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let start = now() + Duration::days(2);
    let hours = |hours| start + Duration::hours(hours);
    for (label, kind, broken, decision, time) in [
        ("draft", ContentKind::BlogPost, true, None, None),
        ("waiting", ContentKind::BlogPost, false, None, Some(hours(0))),
        ("approved", ContentKind::Email, false, Some(Decision::Approved), Some(hours(1))),
        ("changes", ContentKind::BlogPost, false, Some(Decision::Revised), Some(hours(2))),
        ("rejected", ContentKind::Email, false, Some(Decision::Rejected), None),
    ] {
        let version = if broken { broken_version(label) } else { version(label) };
        let id = create(&db, &customer.id, kind, version).await.unwrap().piece.content.id;
        if let Some(time) = time {
            set_time(&db, &customer.id, &id, time).await;
        }
        if let Some(decision) = decision {
            decide(&db, &customer.id, &id, decision).await;
        }
    }

    let all = Filter::default;
    let kind = |kind| Filter { kind: Some(kind), ..all() };
    let status = |status| Filter { status: Some(status), ..all() };
    let between = |from, before| Filter { scheduled_from: from, scheduled_before: before, ..all() };
    let microsecond = Duration::microseconds(1);
    for (filter, expected) in [
        (all(), &["rejected", "changes", "approved", "waiting", "draft"][..]),
        (kind(ContentKind::BlogPost), &["changes", "waiting", "draft"]),
        (kind(ContentKind::Email), &["rejected", "approved"]),
        (kind(ContentKind::Ad), &[]),
        (status(ContentStatus::Draft), &["draft"]),
        (status(ContentStatus::InReview), &["waiting"]),
        (status(ContentStatus::Approved), &["approved"]),
        (status(ContentStatus::ChangesRequested), &["changes"]),
        (status(ContentStatus::Rejected), &["rejected"]),
        (between(Some(hours(0)), None), &["changes", "approved", "waiting"]),
        (between(Some(hours(0) + microsecond), None), &["changes", "approved"]),
        (between(None, Some(hours(2))), &["approved", "waiting"]),
        (between(None, Some(hours(2) + microsecond)), &["changes", "approved", "waiting"]),
        (between(Some(hours(1)), Some(hours(2))), &["approved"]),
        (between(Some(hours(2)), Some(hours(1))), &[]),
        (Filter { status: Some(ContentStatus::Approved), ..kind(ContentKind::BlogPost) }, &[]),
        (Filter { text: Some("E".to_owned()), ..between(Some(hours(1)), None) }, &["changes", "approved"]),
    ] {
        assert_eq!(labels(&db, &customer.id, &filter).await, expected, "{filter:?}");
    }
}

async fn words_are_found_in_any_case_and_literally(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    for body in [
        "Hello World",
        "50% off",
        "500 off",
        "snake_case",
        "snakeXcase",
        r"C:\dir\50%",
        "ÄPFEL und Öl",
        "Apfel",
        "茶 tea",
    ] {
        a_piece(&db, &customer.id, body).await;
    }
    for (text, expected) in [
        ("hello", &["Hello World"][..]),
        ("LO WO", &["Hello World"]),
        ("hello  world", &[]),
        ("50%", &[r"C:\dir\50%", "50% off"]),
        ("0% o", &["50% off"]),
        ("%off", &[]),
        ("e_c", &["snake_case"]),
        ("snake", &["snakeXcase", "snake_case"]),
        ("SNAKEx", &["snakeXcase"]),
        (r"\", &[r"C:\dir\50%"]),
        (r"\DIR\", &[r"C:\dir\50%"]),
        (r"\%", &[]),
        ("äpfel", &["ÄPFEL und Öl"]),
        ("ÄPFEL UND öL", &["ÄPFEL und Öl"]),
        ("apfel", &["Apfel"]),
        ("茶", &["茶 tea"]),
        ("'", &[]),
        ("%%", &[]),
        ("__", &[]),
    ] {
        let filter = Filter { text: Some(text.to_owned()), ..Filter::default() };
        assert_eq!(labels(&db, &customer.id, &filter).await, expected, "{text}");
    }
    let anything = Filter { text: Some(String::new()), ..Filter::default() };
    assert_eq!(labels(&db, &customer.id, &anything).await.len(), 9);
}

async fn every_text_of_the_current_revision_is_searched(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let draft = Draft {
        title: Some("The Title".to_owned()),
        body: "The Body".to_owned(),
        subject: Some("The Subject".to_owned()),
        preheader: Some("The Preheader".to_owned()),
        description: Some("The Description".to_owned()),
        ..Draft::default()
    };
    let version_of = |draft| Version { draft, ..version("") };
    let saved = create(&db, &customer.id, ContentKind::Email, version_of(draft)).await.unwrap();
    let find = async |text: &str| {
        let filter = Filter { text: Some(text.to_owned()), ..Filter::default() };
        labels(&db, &customer.id, &filter).await.len()
    };
    for word in ["title", "body", "subject", "preheader", "description"] {
        assert_eq!(find(word).await, 1, "{word}");
    }
    content::revise(&db, &customer.id, &saved.piece.content.id, 1, version("Something else")).await.unwrap();
    assert_eq!((find("title").await, find("body").await, find("ELSE").await), (0, 0, 1));
}

async fn what_waits_is_counted(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    a_piece(&db, &other.id, "somebody else's").await;
    assert_eq!(counts(&db, &customer.id, now()).await.unwrap(), Counts::default());

    let soon = now() + Duration::hours(1);
    for (n, (broken, decision, scheduled)) in [
        (true, None, true),
        (false, None, true),
        (false, None, false),
        (false, None, false),
        (false, Some(Decision::Revised), true),
        (false, Some(Decision::Revised), false),
        (false, Some(Decision::Approved), true),
        (false, Some(Decision::Rejected), false),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!("piece {n}");
        let version = if broken { broken_version(&body) } else { version(&body) };
        let id = create(&db, &customer.id, ContentKind::BlogPost, version).await.unwrap().piece.content.id;
        if scheduled {
            set_time(&db, &customer.id, &id, soon).await;
        }
        if let Some(decision) = decision {
            decide(&db, &customer.id, &id, decision).await;
        }
    }
    let expected = Counts { in_review: 3, changes_requested: 2, drafts: 1, scheduled_unapproved: 3, missed: 0 };
    assert_eq!(counts(&db, &customer.id, soon).await.unwrap(), expected);
    let later = counts(&db, &customer.id, soon + Duration::microseconds(1)).await.unwrap();
    assert_eq!(later, Counts { scheduled_unapproved: 0, missed: 3, ..expected });
}

async fn a_piece_approved_after_its_time_has_missed_it(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    for (decision, missed) in [(Decision::Approved, 1), (Decision::Revised, 2), (Decision::Rejected, 2)] {
        let id = a_piece(&db, &customer.id, &format!("{decision:?}")).await.id;
        // By hand, because a time can only be set before it comes.
        assert_eq!(test.execute(&format!("UPDATE content SET scheduled_at = created_at WHERE id = '{id}'")).await, 1);
        decide(&db, &customer.id, &id, decision).await;
        assert_eq!(counts(&db, &customer.id, now()).await.unwrap().missed, missed, "{decision:?}");
    }
}
