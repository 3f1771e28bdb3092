//! Times.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use entity::content::{
    self, Content, ContentKind, Decision, Findings, Review, Schedule, Scheduled, create, review, revise, schedule,
};
use entity::db::{Db, now};
use entity::ids::{ContentId, CustomerId};
use futures::future::join_all;
use harness::{TestDb, a_customer};

use crate::support::{a_piece, assert_conflict, assert_invalid, logged_types, unchanged, version, whole_log};

harness::on_each_database!(
    a_piece_gets_a_time_and_loses_it,
    the_same_time_again_writes_nothing,
    a_time_must_be_ahead_but_not_too_far,
    a_rejected_piece_gets_no_time,
    the_next_free_time_is_the_first_one_that_is_free,
    only_pieces_of_the_channel_that_may_go_out_are_in_the_way,
    of_racing_pieces_one_gets_the_time,
);

/// A full hour, the day after tomorrow: times of the tests are hours from here.
fn start() -> DateTime<Utc> {
    DateTime::from_timestamp((now().timestamp() / 3_600 + 48) * 3_600, 0).unwrap()
}

fn at(hours: f64) -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "minutes of a few days")]
    let minutes = (hours * 60.0) as i64;
    start() + Duration::minutes(minutes)
}

const fn two_hours() -> Option<Duration> {
    Some(Duration::hours(2))
}

/// Sets a time, whoever else has it.
async fn set(db: &Db, piece: &Content, at: DateTime<Utc>) -> Content {
    done(schedule(db, &piece.customer_id, &piece.id, Some(Schedule { at, spacing: None })).await.unwrap())
}

#[track_caller]
fn done(scheduled: Scheduled) -> Content {
    match scheduled {
        Scheduled::Done(piece) => piece.content,
        Scheduled::TooClose { neighbour, next_free } => panic!("too close to {neighbour:?}, free is {next_free}"),
    }
}

async fn reject(db: &Db, piece: &Content) {
    let findings = Findings::default();
    let decided_by = "Anna".to_owned();
    let no = Review { revision: piece.revision, decision: Decision::Rejected, decided_by, reason: None, findings };
    review(db, &piece.customer_id, &piece.id, no).await.unwrap();
}

async fn a_piece_gets_a_time_and_loses_it(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "Hello").await;

    let scheduled = set(&db, &piece, at(1.5)).await;
    assert_eq!(scheduled.scheduled_at, Some(at(1.5)));
    assert_eq!((scheduled.status, scheduled.revision), (piece.status, piece.revision));
    assert_eq!(content::get(&db, &customer.id, &piece.id).await.unwrap().content, scheduled);
    let event = whole_log(&db, &customer.id).await.pop().unwrap();
    let told: DateTime<Utc> = event.data["scheduledAt"].as_str().unwrap().parse().unwrap();
    assert_eq!((event.event_type.as_str(), told), ("content.scheduled", at(1.5)));

    let moved = schedule(&db, &customer.id, &piece.id, Some(Schedule { at: at(2.0), spacing: two_hours() })).await;
    assert_eq!(done(moved.unwrap()).scheduled_at, Some(at(2.0)), "its own time is not in its way");
    let cleared = done(schedule(&db, &customer.id, &piece.id, None).await.unwrap());
    assert_eq!(cleared.scheduled_at, None);
    let event = whole_log(&db, &customer.id).await.pop().unwrap();
    assert_eq!((event.event_type.as_str(), event.data["scheduledAt"].is_null()), ("content.unscheduled", true));
}

async fn the_same_time_again_writes_nothing(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "Hello").await;
    unchanged(&test, schedule(&db, &customer.id, &piece.id, None)).await.unwrap();

    let uneven = start() + Duration::nanoseconds(123_456_789);
    for at in [start(), uneven] {
        let scheduled = set(&db, &piece, at).await;
        assert_eq!(scheduled.scheduled_at, Some(at.trunc_subsecs(6)), "what is answered is what is stored");
        assert_eq!(content::get(&db, &customer.id, &piece.id).await.unwrap().content, scheduled);
        let again = unchanged(&test, set(&db, &piece, at)).await;
        assert_eq!(again, scheduled);
    }
}

async fn a_time_must_be_ahead_but_not_too_far(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "Hello").await;
    let two_years = Duration::days(2 * 366);
    let (soon, minute) = (Duration::seconds(30), Duration::minutes(1));
    for at in [now() - minute, now(), DateTime::<Utc>::MIN_UTC, now() + two_years + minute, DateTime::<Utc>::MAX_UTC] {
        let wanted = Schedule { at, spacing: two_hours() };
        assert_invalid(unchanged(&test, schedule(&db, &customer.id, &piece.id, Some(wanted))).await, "at");
    }
    for at in [now() + soon, now() + two_years - minute] {
        set(&db, &piece, at).await;
    }
    // Nor is a time that it had and that has come. By hand, because a time can only be set before it comes.
    let aged = format!("UPDATE content SET scheduled_at = created_at WHERE id = '{}'", piece.id);
    assert_eq!(test.execute(&aged).await, 1);
    let wanted = Schedule { at: piece.created_at, spacing: None };
    assert_invalid(unchanged(&test, schedule(&db, &customer.id, &piece.id, Some(wanted))).await, "at");
}

async fn a_rejected_piece_gets_no_time(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "Hello").await;
    set(&db, &piece, at(1.0)).await;
    reject(&db, &piece).await;
    let wanted = Schedule { at: at(2.0), spacing: None };
    let refused = unchanged(&test, schedule(&db, &customer.id, &piece.id, Some(wanted))).await;
    assert_conflict(refused, "content_rejected");
    assert_eq!(done(schedule(&db, &customer.id, &piece.id, None).await.unwrap()).scheduled_at, None);
    revise(&db, &customer.id, &piece.id, 1, version("Hello again")).await.unwrap();
    assert_eq!(set(&db, &piece, at(2.0)).await.scheduled_at, Some(at(2.0)));
}

async fn the_next_free_time_is_the_first_one_that_is_free(test: TestDb) {
    let db = test.db();
    // Hours that are taken, the wanted one, and with two hours' distance the neighbour in the way and the next free one.
    for (taken, wanted, too_close) in [
        (&[][..], 0.0, None),
        (&[0.0], 2.0, None),
        (&[2.0], 0.0, None),
        (&[0.0, 4.0], 2.0, None),
        (&[0.0], 0.0, Some((0.0, 2.0))),
        (&[0.0], 1.0, Some((0.0, 2.0))),
        (&[1.0], 0.0, Some((1.0, 3.0))),
        (&[0.0, 2.0, 4.0], 1.0, Some((0.0, 6.0))),
        (&[0.0, 5.0], 1.0, Some((0.0, 2.0))),
        (&[0.0, 3.5], 1.0, Some((0.0, 5.5))),
        (&[4.0, 2.0, 9.0, 6.5], 3.0, Some((2.0, 11.0))),
        (&[0.0, 0.0, 0.5], 0.0, Some((0.0, 2.5))),
        (&[-1.5, 0.25, 10.0], 0.0, Some((-1.5, 2.25))),
        (&[-2.0, 1.99], 0.0, Some((1.99, 3.99))),
    ] {
        let (customer, _) = a_customer(&db).await;
        for (n, hours) in taken.iter().enumerate() {
            let piece = a_piece(&db, &customer.id, &format!("taken {n}")).await;
            set(&db, &piece, at(*hours)).await;
        }
        let piece = a_piece(&db, &customer.id, "wanted").await;
        let place =
            async |at| schedule(&db, &customer.id, &piece.id, Some(Schedule { at, spacing: two_hours() })).await;

        let shown = format!("{taken:?}, wanted {wanted}");
        let Some((in_the_way, free)) = too_close else {
            assert_eq!(done(place(at(wanted)).await.unwrap()).scheduled_at, Some(at(wanted)), "{shown}");
            continue;
        };
        match unchanged(&test, place(at(wanted))).await.unwrap() {
            Scheduled::TooClose { neighbour, next_free } => {
                assert_eq!(neighbour.scheduled_at, Some(at(in_the_way)), "{shown}");
                assert_eq!(next_free, at(free), "{shown}");
            }
            done @ Scheduled::Done(_) => panic!("{shown}: {done:?}"),
        }
        assert_eq!(done(place(at(free)).await.unwrap()).scheduled_at, Some(at(free)), "{shown}");
    }
}

async fn only_pieces_of_the_channel_that_may_go_out_are_in_the_way(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    let new = async |customer_id: &CustomerId, kind, body: &str| {
        create(&db, customer_id, kind, version(body)).await.unwrap().piece.content
    };
    let foreign = new(&other.id, ContentKind::XPost, "somebody else's").await;
    let elsewhere = new(&customer.id, ContentKind::LinkedinPost, "another channel's").await;
    let rejected = new(&customer.id, ContentKind::XPost, "rejected").await;
    for piece in [&foreign, &elsewhere, &rejected] {
        set(&db, piece, at(0.0)).await;
    }
    reject(&db, &rejected).await;
    let place = async |id: &ContentId| {
        schedule(&db, &customer.id, id, Some(Schedule { at: at(0.0), spacing: two_hours() })).await.unwrap()
    };
    let post = new(&customer.id, ContentKind::XPost, "post").await;
    let post = done(place(&post.id).await);
    let thread = new(&customer.id, ContentKind::XThread, "another kind, the same channel").await;
    match place(&thread.id).await {
        Scheduled::TooClose { neighbour, .. } => assert_eq!(*neighbour, post),
        done @ Scheduled::Done(_) => panic!("{done:?}"),
    }
}

async fn of_racing_pieces_one_gets_the_time(test: TestDb) {
    let handles = [test.db(), test.another_db().await];
    let (customer, _) = a_customer(&handles[0]).await;
    let pieces = join_all((0..6).map(async |n| a_piece(&handles[0], &customer.id, &format!("piece {n}")).await)).await;
    let place = async |(n, piece): (usize, &Content)| {
        let wanted = Schedule { at: at(0.0), spacing: two_hours() };
        schedule(&handles[n % 2], &customer.id, &piece.id, Some(wanted)).await.unwrap()
    };
    let placed = join_all(pieces.iter().enumerate().map(place)).await;
    assert_eq!(placed.iter().filter(|scheduled| matches!(scheduled, Scheduled::Done(_))).count(), 1);
    let events = logged_types(&handles[0], &customer.id).await;
    assert_eq!(events.into_iter().filter(|name| *name == "content.scheduled").count(), 1);
}
