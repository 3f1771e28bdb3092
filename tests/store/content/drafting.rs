//! Creating and revising.

use chrono::Duration;
use entity::content::{
    self, Channel, ContentKind, ContentStatus, Draft, Media, MediaType, Saved, Version, create, revise,
};
use entity::db::{Db, now};
use entity::ids::{ContentId, CustomerId};
use entity::{Error, Result};
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::json;

use crate::support::{
    a_piece, assert_conflict, assert_invalid, assert_not_found, broken_version, logged_types, unchanged, version,
    whole_log,
};

harness::on_each_database!(
    a_piece_reads_back_as_it_was_written,
    a_draft_of_another_version_is_readable,
    a_label_is_how_the_piece_begins,
    the_same_piece_again_within_minutes_is_the_same,
    a_revision_replaces_the_words_and_goes_to_review,
    the_same_words_again_save_nothing,
    a_revision_over_an_old_one_is_refused,
    of_racing_revisions_one_wins_each_number,
    the_history_is_newest_first,
    an_unknown_customer_or_piece_is_not_found,
);

fn full_version() -> Version {
    let media = |url: &str, media_type, alt: Option<&str>| Media {
        url: url.to_owned(),
        media_type,
        alt: alt.map(str::to_owned),
    };
    let draft = Draft {
        title: Some("Warum Äpfel \"fallen\"".to_owned()),
        body: "First line\n\n\tsecond — 'third' \\ 100 % 🍏\r\n".to_owned(),
        subject: Some(String::new()),
        preheader: Some("before".to_owned()),
        description: None,
        link: Some("https://example.com/?a=1&b=%20".to_owned()),
        media: vec![
            media("https://example.com/b.png", MediaType::Image, Some("An apple")),
            media("https://example.com/a.mp4", MediaType::Video, None),
        ],
    };
    Version { draft, pillar: Some("Craft".to_owned()), note: Some("First try".to_owned()), ..broken_version("") }
}

async fn numbers(db: &Db, customer_id: &CustomerId, id: &ContentId) -> Vec<i32> {
    let history = content::history(db, customer_id, id, 1_000).await.unwrap();
    history.revisions.into_iter().map(|revision| revision.number).collect()
}

async fn a_piece_reads_back_as_it_was_written(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let written = full_version();
    let Saved { piece, is_new } = create(&db, &customer.id, ContentKind::Newsletter, written.clone()).await.unwrap();

    assert!(is_new);
    let (content, current) = (&piece.content, &piece.current);
    assert_eq!((content.kind, content.channel), (ContentKind::Newsletter, Channel::Newsletter));
    assert_eq!((content.status, content.revision, content.scheduled_at), (ContentStatus::Draft, 1, None));
    assert_eq!((&content.pillar, &current.note), (&written.pillar, &written.note));
    assert_eq!((&current.draft, &current.findings), (&written.draft, &written.findings));

    let read = content::get(&test.another_db().await, &customer.id, &content.id).await.unwrap();
    assert_eq!((read.content, read.current), (piece.content.clone(), piece.current));
    let event = whole_log(&db, &customer.id).await.pop().unwrap();
    assert_eq!(event.event_type.as_str(), "content.created");
    let expected = json!({
        "contentId": piece.content.id, "kind": "newsletter", "label": "Warum Äpfel \"fallen\"", "revision": 1,
    });
    assert_eq!(event.data, expected);

    let harmless = create(&db, &customer.id, ContentKind::XThread, version("Hello")).await.unwrap().piece.content;
    assert_eq!((harmless.status, harmless.channel), (ContentStatus::InReview, Channel::X));
}

async fn a_draft_of_another_version_is_readable(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "Hello").await;
    let url = "https://example.com/a.jpg";
    let draft = json!({"body": "Hello", "media": [{"url": url, "type": "image", "width": 800}], "language": "en"});
    let sql = format!("UPDATE content_revisions SET draft = '{draft}' WHERE content_id = '{}'", piece.id);
    assert_eq!(test.execute(&sql).await, 1);
    let read = content::get(&db, &customer.id, &piece.id).await.unwrap().current.draft;
    let media = vec![Media { url: url.to_owned(), media_type: MediaType::Image, alt: None }];
    assert_eq!(read, Draft { body: "Hello".to_owned(), media, ..Draft::default() });
}

async fn a_label_is_how_the_piece_begins(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let draft = |title: Option<&str>, subject: Option<&str>, body: &str| Draft {
        title: title.map(str::to_owned),
        subject: subject.map(str::to_owned),
        body: body.to_owned(),
        ..Draft::default()
    };
    let (fits, too_long) = ("ü".repeat(80), "ü".repeat(81));
    let cut = format!("{}…", "ü".repeat(79));
    for (draft, label) in [
        (draft(Some("Title"), Some("Subject"), "Body"), "Title"),
        (draft(Some(" "), Some("Subject"), "Body"), "Subject"),
        (draft(None, None, "\n \n  First words \nmore"), "First words"),
        (draft(None, None, ""), "Untitled"),
        (draft(None, None, &fits), &fits),
        (draft(None, None, &too_long), &cut),
    ] {
        let version = Version { draft, ..version("") };
        let saved = create(&db, &customer.id, ContentKind::Email, version).await.unwrap();
        assert_eq!(saved.piece.content.label, label);
    }
}

async fn the_same_piece_again_within_minutes_is_the_same(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    let kind = ContentKind::LinkedinPost;
    let again = async |version| create(&db, &customer.id, kind, version).await.unwrap();

    let racing = join_all((0..5).map(|_| again(version("Hello")))).await;
    let new: Vec<_> = racing.iter().filter(|saved| saved.is_new).collect();
    assert_eq!(new.len(), 1);
    let first = new[0].piece.clone();
    assert!(racing.iter().all(|saved| saved.piece.content == first.content));
    let retried = unchanged(&test, again(Version { note: Some("another note".to_owned()), ..version("Hello") })).await;
    assert!(!retried.is_new);
    assert_eq!((retried.piece.content, retried.piece.current), (first.content.clone(), first.current));

    assert!(again(version("Hello\nworld")).await.is_new, "the same label is not the same words");
    let thread = create(&db, &customer.id, ContentKind::XThread, version("Hello")).await.unwrap();
    assert!(thread.is_new, "another kind is another piece");
    assert!(create(&db, &other.id, kind, version("Hello")).await.unwrap().is_new, "somebody else's is another");

    age(&test, &first.content.id, Duration::minutes(9)).await;
    assert!(!again(version("Hello")).await.is_new);
    let aged = again(version("Hello")).await.piece.content.id;
    age(&test, &aged, Duration::minutes(11)).await;
    assert!(again(version("Hello")).await.is_new);
}

/// Makes a piece older, by hand: its age is in its id, so it becomes another row.
async fn age(test: &TestDb, id: &ContentId, age: Duration) {
    let older = ContentId::first_at(now() - age);
    for (table, column) in [("content", "id"), ("content_revisions", "content_id")] {
        let columns = test.columns(table).await;
        let value = |name: &String| match (table, name.as_str()) {
            (_, name) if name == column => format!("'{older}'"),
            // Any value that no other revision has.
            ("content_revisions", "id") => format!("'aged {older}'"),
            (_, name) => name.to_owned(),
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let copy = format!("INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {column} = '{id}'");
        assert_eq!(test.execute(&copy).await, 1);
    }
    test.execute(&format!("DELETE FROM content WHERE id = '{id}'")).await;
}

async fn a_revision_replaces_the_words_and_goes_to_review(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let first = create(&db, &customer.id, ContentKind::Newsletter, full_version()).await.unwrap().piece.content;
    let new = Version {
        pillar: None,
        note: Some("shorter".to_owned()),
        draft: Draft { title: Some("Kürzer".to_owned()), ..Draft::default() },
        ..version("")
    };
    let saved = revise(&db, &customer.id, &first.id, 1, new.clone()).await.unwrap();

    assert!(saved.is_new);
    let (content, current) = (&saved.piece.content, &saved.piece.current);
    assert_eq!((content.revision, current.number, content.status), (2, 2, ContentStatus::InReview));
    assert_eq!((&content.label, &content.pillar), (&"Kürzer".to_owned(), &None));
    assert_eq!((&current.draft, &current.findings, &current.note), (&new.draft, &new.findings, &new.note));
    assert_eq!((&content.id, content.created_at, content.kind), (&first.id, first.created_at, first.kind));
    assert!(content.updated_at > first.updated_at);
    let read = content::get(&db, &customer.id, &first.id).await.unwrap();
    assert_eq!((&read.content, &read.current), (content, current));

    revise(&db, &customer.id, &first.id, 2, broken_version("Too long")).await.unwrap();
    let read = content::get(&db, &customer.id, &first.id).await.unwrap();
    assert_eq!((read.content.status, read.content.revision), (ContentStatus::Draft, 3));
    assert_eq!(logged_types(&db, &customer.id).await[2..], ["content.created", "content.updated", "content.updated"]);
    assert_eq!(whole_log(&db, &customer.id).await[3].data["revision"], 2);
}

async fn the_same_words_again_save_nothing(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "one").await;
    revise(&db, &customer.id, &piece.id, 1, version("two")).await.unwrap();
    // Also over the revision that the retried call named.
    for over in [1, 2] {
        let again = unchanged(&test, revise(&db, &customer.id, &piece.id, over, version("two"))).await.unwrap();
        assert_eq!((again.is_new, again.piece.current.number), (false, 2));
    }
    let other_pillar = Version { pillar: Some("Craft".to_owned()), ..version("two") };
    let saved = revise(&db, &customer.id, &piece.id, 2, other_pillar).await.unwrap();
    assert_eq!((saved.is_new, saved.piece.content.pillar.as_deref()), (true, Some("Craft")));
    assert_eq!(numbers(&db, &customer.id, &piece.id).await, [3, 2, 1]);
}

async fn a_revision_over_an_old_one_is_refused(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "one").await;
    revise(&db, &customer.id, &piece.id, 1, version("two")).await.unwrap();
    for over in [i32::MIN, 0, 1, 3] {
        let refused = unchanged(&test, revise(&db, &customer.id, &piece.id, over, version("three"))).await;
        assert_conflict(refused, "revision_conflict");
    }
}

async fn of_racing_revisions_one_wins_each_number(test: TestDb) {
    const WRITERS: i32 = 6;
    let handles = [test.db(), test.another_db().await];
    let (customer, _) = a_customer(&handles[0]).await;
    let piece = a_piece(&handles[0], &customer.id, "one").await;
    let write = async |writer: i32, over: i32| -> Result<Saved> {
        let db = &handles[usize::from(writer % 2 == 0)];
        revise(db, &customer.id, &piece.id, over, version(&format!("by {writer} over {over}"))).await
    };

    let (won, lost): (Vec<_>, Vec<_>) =
        join_all((0..WRITERS).map(|writer| write(writer, 1))).await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for result in lost {
        assert_conflict(result, "revision_conflict");
    }

    // Each tries until its words are in.
    let insist = async |writer: i32| {
        let mut over = 2;
        loop {
            match write(writer, over).await {
                Ok(_) => return,
                Err(Error::Conflict { .. }) => over += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    join_all((0..WRITERS).map(insist)).await;
    let expected: Vec<i32> = (1..=2 + WRITERS).rev().collect();
    assert_eq!(numbers(&handles[0], &customer.id, &piece.id).await, expected);
    let updates = logged_types(&handles[0], &customer.id).await.into_iter().filter(|name| *name == "content.updated");
    assert_eq!(updates.count(), expected.len() - 1);
}

async fn the_history_is_newest_first(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "revision 1").await;
    let neighbour = a_piece(&db, &customer.id, "neighbour").await;
    for over in 1..=3 {
        revise(&db, &customer.id, &piece.id, over, version(&format!("revision {}", over + 1))).await.unwrap();
    }
    for limit in [1, 3, 4, 100] {
        let history = content::history(&db, &customer.id, &piece.id, limit).await.unwrap();
        let bodies: Vec<String> = history.revisions.into_iter().map(|revision| revision.draft.body).collect();
        let all = ["revision 4", "revision 3", "revision 2", "revision 1"];
        assert_eq!(bodies, all[..usize::try_from(limit).unwrap().min(4)]);
    }
    assert_eq!(numbers(&db, &customer.id, &neighbour.id).await, [1]);
    assert!(numbers(&db, &customer.id, &ContentId::new()).await.is_empty());

    for number in 1..=4 {
        let revision = content::revision(&db, &customer.id, &piece.id, number).await.unwrap();
        assert_eq!(revision.draft.body, format!("revision {number}"));
    }
    for number in [0, 5, -1, i64::MAX] {
        assert_invalid(content::revision(&db, &customer.id, &piece.id, number).await, "revision");
    }
}

async fn an_unknown_customer_or_piece_is_not_found(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let nobody = CustomerId::new();
    assert_not_found(unchanged(&test, create(&db, &nobody, ContentKind::Ad, version("Hello"))).await);
    let nothing = ContentId::new();
    assert_not_found(unchanged(&test, revise(&db, &customer.id, &nothing, 1, version("Hello"))).await);
    assert_not_found(content::get(&db, &customer.id, &nothing).await);
}
