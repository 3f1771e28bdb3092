//! Events on their way to the durable functions.

use chrono::Duration;
use entity::db::{Db, now};
use entity::ids::CustomerId;
use entity::outbox::{self, Message};
use entity::workflows::{self, Workflow};
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::{Value, json};

use crate::support::{assert_not_found, unchanged};

harness::on_each_database!(
    of_each_customer_only_the_first_is_due,
    what_is_taken_is_somebody_elses_until_its_lease_ends,
    of_racing_takers_one_gets_it,
    a_failed_delivery_is_due_later_and_later,
    an_event_of_nobody_is_not_sent,
);

async fn send(db: &Db, customer_id: Option<&CustomerId>, event_id: &str) {
    outbox::send(db, customer_id, event_id, "test/happened", &json!({ "n": event_id })).await.unwrap();
}

async fn due(db: &Db) -> Vec<Message> {
    outbox::due(db, 100).await.unwrap()
}

async fn due_ids(db: &Db) -> Vec<String> {
    due(db).await.into_iter().map(|message| message.event_id).collect()
}

/// As if all that was to be waited for had passed.
async fn time_passes(test: &TestDb) {
    test.execute("UPDATE outbox SET next_attempt_at = created_at").await;
}

async fn of_each_customer_only_the_first_is_due(test: TestDb) {
    let db = test.db();
    let ((anna, _), (ben, _)) = (a_customer(&db).await, a_customer(&db).await);
    for (customer, event) in [
        (Some(&anna.id), "anna 1"),
        (None, "service 1"),
        (Some(&anna.id), "anna 2"),
        (Some(&ben.id), "ben 1"),
        (None, "service 2"),
        // Said again by a step that was repeated: whoever it starts knows it by its id.
        (Some(&anna.id), "anna 2"),
    ] {
        send(&db, customer, event).await;
    }
    assert_eq!(due_ids(&db).await, ["anna 1", "service 1", "ben 1", "service 2"]);
    assert_eq!(outbox::due(&db, 2).await.unwrap(), due(&db).await[..2]);

    let first = due(&db).await.remove(0);
    let data: Value = serde_json::from_str(&first.data).unwrap();
    assert_eq!((first.name.as_str(), data, first.attempts), ("test/happened", json!({ "n": "anna 1" }), 0));
    outbox::delivered(&db, &first.id).await.unwrap();
    assert_eq!(due_ids(&db).await, ["service 1", "anna 2", "ben 1", "service 2"]);
    let mut told = vec![first.event_id];
    while let Some(message) = due(&db).await.into_iter().next() {
        outbox::delivered(&db, &message.id).await.unwrap();
        told.push(message.event_id);
    }
    assert_eq!(told, ["anna 1", "service 1", "anna 2", "ben 1", "service 2", "anna 2"]);
    assert_eq!(outbox::next_due(&db).await.unwrap(), None);
}

async fn what_is_taken_is_somebody_elses_until_its_lease_ends(test: TestDb) {
    let db = test.db();
    let (anna, _) = a_customer(&db).await;
    for event in ["anna 1", "anna 2"] {
        send(&db, Some(&anna.id), event).await;
    }
    let message = due(&db).await.remove(0);
    let before = now();
    assert!(outbox::take(&db, &message).await.unwrap());
    assert!(!unchanged(&test, outbox::take(&db, &message)).await.unwrap(), "it is taken");
    assert_eq!(due_ids(&db).await, [""; 0], "her next one waits for it");
    test.execute("DELETE FROM outbox WHERE event_id = 'anna 2'").await;
    let lease = outbox::next_due(&db).await.unwrap().unwrap() - outbox::LEASE;
    assert!((before..=now()).contains(&lease), "{lease}");

    // Whoever took it has died.
    time_passes(&test).await;
    let again = due(&db).await.remove(0);
    assert_eq!((&again.id, again.attempts), (&message.id, 1));
    assert!(!outbox::take(&db, &message).await.unwrap(), "what the dead one knew is old");
    assert!(outbox::take(&db, &again).await.unwrap());
}

async fn of_racing_takers_one_gets_it(test: TestDb) {
    let handles = [test.db(), test.another_db().await];
    send(&handles[0], None, "once").await;
    let message = due(&handles[0]).await.remove(0);
    let taken = join_all((0..8).map(async |n: usize| outbox::take(&handles[n % 2], &message).await.unwrap())).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
}

async fn a_failed_delivery_is_due_later_and_later(test: TestDb) {
    let db = test.db();
    send(&db, None, "hard").await;
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600] {
        let message = due(&db).await.remove(0);
        assert!(outbox::take(&db, &message).await.unwrap());
        let before = now();
        outbox::failed(&db, &message, "nobody answers").await.unwrap();
        let at = outbox::next_due(&db).await.unwrap().unwrap() - Duration::seconds(seconds);
        assert!((before..=now()).contains(&at), "{seconds} s after {before}, not {at}");
        assert_eq!(due_ids(&db).await, [""; 0]);
        time_passes(&test).await;
    }
    let message = due(&db).await.remove(0);
    assert_eq!((message.attempts, message.error.as_deref()), (12, Some("nobody answers")));
}

async fn an_event_of_nobody_is_not_sent(test: TestDb) {
    let db = test.db();
    let nobody = CustomerId::new();
    assert_not_found(unchanged(&test, outbox::send(&db, Some(&nobody), "x", "test/happened", &json!({}))).await);
    assert_not_found(unchanged(&test, workflows::request(&db, &nobody, Workflow::Onboarding, json!({}))).await);
}
