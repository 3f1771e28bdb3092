//! The event log.

use chrono::{DateTime, Duration};
use entity::db::{Db, now};
use entity::events::{self, EventType, TypeFilter};
use entity::ids::{CustomerId, EventId};
use entity::keys::{self, NewKey};
use futures::future::{join, join_all};
use harness::{TestDb, a_customer, eventually};

use crate::support::{a_lead, a_piece, assert_invalid, whole_log};

harness::on_each_database!(
    pages_cover_everything_once_newest_first,
    a_filter_is_exact_or_a_prefix,
    a_page_after_an_unknown_event_is_invalid,
    since_tells_what_came_after_oldest_first,
    ids_grow_in_the_order_of_the_commits,
    an_id_follows_one_of_a_faster_clock,
);

/// Three of each of three types besides the two of the beginning, mixed.
async fn a_busy_customer(db: &Db) -> CustomerId {
    let (customer, _) = a_customer(db).await;
    for n in 0..3 {
        a_lead(db, &customer.id, &format!("lead {n}")).await;
        a_piece(db, &customer.id, &format!("piece {n}")).await;
        keys::create(db, &customer.id, NewKey::default()).await.unwrap();
    }
    customer.id
}

/// Every page, one after the other.
async fn paged(db: &Db, customer_id: &CustomerId, filter: &TypeFilter, limit: u64) -> Vec<EventId> {
    let mut ids: Vec<EventId> = Vec::new();
    let mut before = None;
    loop {
        let page = events::list(db, customer_id, filter, before.as_ref(), limit).await.unwrap();
        let is_full = u64::try_from(page.events.len()).unwrap() == limit;
        assert!(is_full || page.next.is_none(), "only the last page is shorter");
        ids.extend(page.events.into_iter().map(|event| event.id));
        assert!(page.next.is_none() || page.next.as_ref() == ids.last());
        match page.next {
            Some(next) => before = Some(next),
            None => return ids,
        }
    }
}

async fn pages_cover_everything_once_newest_first(test: TestDb) {
    let db = test.db();
    a_busy_customer(&db).await;
    let customer_id = a_busy_customer(&db).await;
    let mut expected: Vec<EventId> = whole_log(&db, &customer_id).await.into_iter().map(|event| event.id).collect();
    expected.reverse();
    assert_eq!(expected.len(), 11);
    assert!(expected.is_sorted_by(|a, b| a > b));
    // 11 ends a page at one of them exactly.
    for limit in [1, 2, 3, 10, 11, 12, 200] {
        assert_eq!(paged(&db, &customer_id, &TypeFilter::Any, limit).await, expected, "{limit} a page");
    }
    let latest = events::latest(&db, &customer_id).await.unwrap();
    assert_eq!(latest.map(|event| event.id).as_ref(), expected.first());
    assert_eq!(events::latest(&db, &CustomerId::new()).await.unwrap(), None);
}

async fn a_filter_is_exact_or_a_prefix(test: TestDb) {
    let db = test.db();
    let customer_id = a_busy_customer(&db).await;
    let log = whole_log(&db, &customer_id).await;
    for (text, count) in [
        ("lead.logged", 3),
        ("key.*", 4),
        ("customer.*", 1),
        ("c*", 4),
        ("*", 11),
        ("content.approved", 0),
        ("content", 0),
        ("unheard.of", 0),
        ("%", 0),
    ] {
        let filter: TypeFilter = text.parse().unwrap();
        let matches = |event_type: EventType| match text.strip_suffix('*') {
            Some(prefix) => event_type.as_str().starts_with(prefix),
            None => event_type.as_str() == text,
        };
        let expected: Vec<EventId> =
            log.iter().rev().filter(|event| matches(event.event_type)).map(|event| event.id.clone()).collect();
        assert_eq!(expected.len(), count, "{text}");
        for limit in [1, 2, 3, 200] {
            assert_eq!(paged(&db, &customer_id, &filter, limit).await, expected, "{text}, {limit} a page");
        }
    }
}

async fn a_page_after_an_unknown_event_is_invalid(test: TestDb) {
    let db = test.db();
    let customer_id = a_busy_customer(&db).await;
    let somebody_else = a_busy_customer(&db).await;
    let foreign = events::latest(&db, &somebody_else).await.unwrap().unwrap().id;
    for before in [foreign, EventId::new(), EventId::first_at(DateTime::UNIX_EPOCH)] {
        assert_invalid(events::list(&db, &customer_id, &TypeFilter::Any, Some(&before), 10).await, "before");
    }
}

async fn since_tells_what_came_after_oldest_first(test: TestDb) {
    let db = test.db();
    let customer_id = a_busy_customer(&db).await;
    a_busy_customer(&db).await;
    let log = whole_log(&db, &customer_id).await;
    let since = async |after: &EventId, limit| events::since(&db, &customer_id, after, limit).await.unwrap();

    assert_eq!(since(&log[4].id, 100).await, log[5..]);
    assert_eq!(since(&log[4].id, 3).await, log[5..8]);
    assert!(since(&log[10].id, 100).await.is_empty());
    assert_eq!(since(&EventId::first_at(log[0].id.created_at()), 100).await, log);
}

/// Who reads what is new again and again gets everything, although twenty write at once.
async fn ids_grow_in_the_order_of_the_commits(test: TestDb) {
    const WRITERS: usize = 20;
    const EACH: usize = 4;
    const ALL: usize = 2 + WRITERS * EACH;
    let handles = [test.db(), test.another_db().await];
    let (customer, _) = a_customer(&handles[0]).await;

    let write = async |writer: usize| {
        for n in 0..EACH {
            a_lead(&handles[writer % 2], &customer.id, &format!("{writer}, {n}")).await;
        }
    };
    let mut told: Vec<EventId> = Vec::new();
    let read = eventually("every event was told", async || {
        let beginning = EventId::first_at(DateTime::UNIX_EPOCH);
        let after = told.last().unwrap_or(&beginning);
        let new = events::since(&handles[0], &customer.id, after, 1_000).await.unwrap();
        told.extend(new.into_iter().map(|event| event.id));
        (told.len() == ALL).then_some(())
    });
    join(read, join_all((0..WRITERS).map(write))).await;

    assert!(told.is_sorted_by(|a, b| a < b));
    let stored: Vec<EventId> = whole_log(&handles[1], &customer.id).await.into_iter().map(|event| event.id).collect();
    assert_eq!(stored, told);
}

async fn an_id_follows_one_of_a_faster_clock(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (id, time) = (EventId::first_at(now() + Duration::hours(1)), now().to_rfc3339());
    test.execute(&format!(
        "INSERT INTO events (id, customer_id, type, data, created_at)
         VALUES ('{id}', '{}', 'lead.logged', '{{}}', '{time}')",
        customer.id
    ))
    .await;

    for n in 0..3 {
        a_lead(&db, &customer.id, &format!("lead {n}")).await;
    }
    let ids: Vec<EventId> = whole_log(&db, &customer.id).await.into_iter().map(|event| event.id).collect();
    assert_eq!(ids.iter().position(|known| *known == id), Some(2));
    assert_eq!(ids.len(), 6);
    assert!(ids[3..].iter().all(|own| *own > id) && ids.is_sorted(), "{ids:?}");
}
