//! The live feed.

use std::sync::Arc;
use std::time::Duration;

use entity::events::Event;
use entity::feed::Feed;
use entity::ids::{CustomerId, EventId};
use futures::future::{join, join_all};
use harness::{PATIENCE, TestDb, a_customer};
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{a_lead, whole_log};

harness::on_each_database!(
    what_another_process_did_arrives,
    who_comes_after_a_quiet_time_hears_what_is_new,
    everybody_hears_everything_once_in_order,
);

/// The feed, and what ends it with the test.
fn start(test: &TestDb) -> (Feed, DropGuard) {
    let shutdown = CancellationToken::new();
    (Feed::start(test.db(), shutdown.clone()), shutdown.drop_guard())
}

/// The next events of a customer until there were so many; fails if they take too long.
async fn hear(listener: &mut Receiver<Arc<Event>>, customer_id: &CustomerId, count: usize) -> Vec<EventId> {
    let mut ids = Vec::new();
    let hearing = async {
        while ids.len() < count {
            let event = listener.recv().await.expect("the feed goes on");
            if event.customer_id == *customer_id {
                ids.push(event.id.clone());
            }
        }
    };
    let heard = tokio::time::timeout(PATIENCE, hearing).await;
    assert!(heard.is_ok(), "heard only {ids:?} of {count}");
    ids
}

async fn hear_until(listener: &mut Receiver<Arc<Event>>, wanted: &EventId) {
    let hearing = async { while listener.recv().await.expect("the feed goes on").id != *wanted {} };
    tokio::time::timeout(PATIENCE, hearing).await.expect("the event is heard in time");
}

async fn newest(test: &TestDb, customer_id: &CustomerId) -> EventId {
    whole_log(&test.db(), customer_id).await.pop().unwrap().id
}

async fn what_another_process_did_arrives(test: TestDb) {
    let (customer, _) = a_customer(&test.db()).await;
    let (feed, _guard) = start(&test);
    let mut listener = feed.subscribe();
    a_lead(&test.another_db().await, &customer.id, "from elsewhere").await;
    hear_until(&mut listener, &newest(&test, &customer.id).await).await;
}

async fn who_comes_after_a_quiet_time_hears_what_is_new(test: TestDb) {
    let (customer, _) = a_customer(&test.db()).await;
    let (feed, _guard) = start(&test);
    for round in 0..2 {
        let mut listener = feed.subscribe();
        a_lead(&test.db(), &customer.id, &format!("heard in round {round}")).await;
        hear_until(&mut listener, &newest(&test, &customer.id).await).await;
        drop(listener);
        a_lead(&test.db(), &customer.id, &format!("unheard in round {round}")).await;
        // Long enough that the reader has seen that nobody listens, which it tells nobody.
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
}

async fn everybody_hears_everything_once_in_order(test: TestDb) {
    const EACH: usize = 10;
    let handles = [test.db(), test.another_db().await];
    let (feed, _guard) = start(&test);
    let mut listeners = [feed.subscribe(), feed.subscribe(), feed.clone().subscribe()];
    let (anna, _) = a_customer(&handles[0]).await;
    let (ben, _) = a_customer(&handles[1]).await;
    let write = async |writer: usize| {
        for n in 0..EACH {
            let customer = [&anna, &ben][(writer + n) % 2];
            a_lead(&handles[writer % 2], &customer.id, &format!("{writer}, {n}")).await;
        }
    };
    let hear_both = async |listener: &mut Receiver<Arc<Event>>| {
        let mut other = listener.resubscribe();
        let count = 2 + 2 * EACH;
        join(hear(listener, &anna.id, count), hear(&mut other, &ben.id, count)).await
    };

    let hearing = join_all(listeners.iter_mut().map(hear_both));
    let (heard, _) = join(hearing, join_all((0..4).map(write))).await;

    let log = async |id: &CustomerId| -> Vec<EventId> {
        whole_log(&handles[0], id).await.into_iter().map(|event| event.id).collect()
    };
    let (of_anna, of_ben) = (log(&anna.id).await, log(&ben.id).await);
    for (anna_heard, ben_heard) in heard {
        assert_eq!(anna_heard, of_anna);
        assert_eq!(ben_heard, of_ben);
    }
}
