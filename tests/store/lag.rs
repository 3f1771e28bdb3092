//! How late what waits is.

use chrono::Duration;
use entity::billing::{self, NewStripeEvent};
use entity::db::now;
use entity::engine::{self, Schedule};
use entity::lag::{self, Lag};
use entity::outbox;
use harness::TestDb;
use serde_json::json;

harness::on_each_database!(nothing_that_waits_is_not_late, what_waits_longest_is_told);

async fn nothing_that_waits_is_not_late(test: TestDb) {
    let nothing = Lag { outbox_waiting: 0, outbox_oldest: None, engine_due: None, stripe_oldest: None };
    assert_eq!(lag::read(&test.db()).await.unwrap(), nothing);
}

async fn what_waits_longest_is_told(test: TestDb) {
    let db = test.db();
    let begun = now();
    for event in ["first", "second"] {
        outbox::send(&db, None, event, "test/happened", &json!({})).await.unwrap();
    }
    // That it was tried in vain makes it no younger.
    let first = outbox::due(&db, 1).await.unwrap().remove(0);
    assert!(outbox::take(&db, &first).await.unwrap());
    outbox::failed(&db, &first, "nobody is there").await.unwrap();
    let due = begun - Duration::minutes(5);
    for (cron, next_at) in [("0 0 * * *", due + Duration::days(1)), ("0 1 * * *", due)] {
        let schedule = Schedule { function: "test".to_owned(), cron: cron.to_owned(), next_at };
        engine::keep_schedules(&db, vec![schedule.clone()]).await.unwrap();
        assert_eq!(lag::read(&db).await.unwrap().engine_due, Some(schedule.next_at));
    }
    let happened = begun - Duration::hours(2);
    for (id, created_at, handled) in [
        ("evt_older", happened - Duration::hours(1), false),
        ("evt_newer", happened + Duration::hours(1), true),
        ("evt_oldest", happened, true),
    ] {
        let (event_type, payload) = ("invoice.paid".to_owned(), "{}".to_owned());
        let event = NewStripeEvent { id: id.to_owned(), event_type, payload, created_at, handled };
        assert!(billing::store(&db, event).await.unwrap());
    }
    let told = lag::read(&db).await.unwrap();
    assert_eq!(told.outbox_waiting, 2);
    assert_eq!(told.outbox_oldest, Some(first.created_at));
    assert_eq!((told.engine_due, told.stripe_oldest), (Some(due), Some(happened)));

    billing::processed(&db, "evt_oldest").await.unwrap();
    outbox::delivered(&db, &first.id).await.unwrap();
    let told = lag::read(&db).await.unwrap();
    assert_eq!((told.outbox_waiting, told.stripe_oldest), (1, Some(happened + Duration::hours(1))));
    assert!(told.outbox_oldest.unwrap() > first.created_at);
}
