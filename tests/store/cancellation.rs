//! Callers that go away in the middle: a request that is given up, a client that hangs up.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use entity::db::Db;
use entity::ids::CustomerId;
use entity::{customers, mcp_sessions};
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::json;

harness::on_each_database!(what_is_acknowledged_is_there_whoever_went_away_before);

/// More than a use case is polled.
const POLLS: usize = 40;
/// As many as there are connections.
const AT_ONCE: usize = 16;

/// Polls a use case so often and drops it. Whether it ended before.
async fn go_away_after(polls: usize, db: &Db, id: &CustomerId) -> bool {
    let mut suspending = pin!(customers::suspend(db, id));
    for _ in 0..polls {
        let polled = poll_fn(|context| Poll::Ready(suspending.as_mut().poll(context).is_ready())).await;
        if polled {
            return true;
        }
        // Lets the answer of the database come, or not.
        if polls.is_multiple_of(2) {
            tokio::time::sleep(Duration::from_micros(200)).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
    false
}

async fn what_is_acknowledged_is_there_whoever_went_away_before(test: TestDb) {
    let (db, other) = (test.db(), test.another_db().await);
    let (customer, _) = a_customer(&db).await;
    let id = &customer.id;
    for polls in 1..POLLS {
        join_all((0..AT_ONCE).map(|_| go_away_after(polls, &db, id))).await;
        let sessions: Vec<String> = (0..AT_ONCE).map(|index| format!("{polls} {index}")).collect();
        for stored in join_all(sessions.iter().map(|session| mcp_sessions::store(&db, id, session, json!({})))).await {
            stored.unwrap();
        }
        for session in &sessions {
            assert!(mcp_sessions::load(&other, id, session).await.unwrap().is_some(), "{session} is lost");
        }
    }
}
