//! The database away, and back.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use entity::content::{self, ContentKind, Filter};
use entity::customers::Customer;
use entity::db::Db;
use entity::feed::Feed;
use entity::keys::{self, PlainKey, Refused};
use entity::{Error, Result, brands, customers, events, mcp_sessions};
use futures::future::join;
use harness::{Backend, PATIENCE, Proxy, TestDb, a_customer, eventually};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{a_lead, logged_types, unchanged, version};

/// How long a call may take to say that the database is away.
const FAST: Duration = Duration::from_secs(5);

/// A database behind a proxy: through it as the product sees it, and directly to look at it.
struct Behind {
    test: TestDb,
    proxy: Proxy,
    db: Db,
    customer: Customer,
    key: PlainKey,
}

async fn behind_a_proxy() -> Behind {
    let test = TestDb::migrated(Backend::Postgres).await;
    let proxy = Proxy::before_database(&test.url()).await;
    let db = Db::connect(&proxy.database_url()).await.unwrap();
    let (customer, key) = a_customer(&db).await;
    Behind { test, proxy, db, customer, key }
}

async fn within<T>(limit: Duration, what: &str, call: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let answer = tokio::time::timeout(PATIENCE, call).await.unwrap_or_else(|_| panic!("{what} hung"));
    assert!(start.elapsed() < limit, "{what} took {:?}", start.elapsed());
    answer
}

async fn is_unavailable<T: Debug>(what: &str, call: impl Future<Output = Result<T>>) {
    let outcome = within(FAST, what, call).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{what}: {outcome:?}");
}

/// One call of every way to the database: a read, a joined read, several reads, a transaction, a single write.
async fn everything_is_unavailable(behind: &Behind) {
    let (db, id) = (&behind.db, &behind.customer.id);
    let filter = Filter::default();
    let types = "key.*".parse().unwrap();
    let url = behind.proxy.database_url();
    let authenticated = async {
        let refused = within(FAST, "keys::authenticate", keys::authenticate(db, &behind.key)).await;
        assert!(matches!(refused, Err(Refused::Failed(Error::Unavailable(_)))), "{refused:?}");
    };
    let answered = async { assert!(!within(Duration::from_secs(3), "answers", db.answers()).await) };
    futures::join!(
        is_unavailable("customers::get", customers::get(db, id)),
        is_unavailable("events::list", events::list(db, id, &types, None, 10)),
        is_unavailable("content::list", content::list(db, id, &filter, None, 10)),
        is_unavailable("content::create", content::create(db, id, ContentKind::XPost, version("Hello"))),
        is_unavailable("brands::update", brands::update(db, id, |_| Ok(()), |_| false)),
        is_unavailable("mcp_sessions::store", mcp_sessions::store(db, id, "session", json!({}))),
        is_unavailable("migrations::pending", migrations::pending(db)),
        is_unavailable("Db::connect", Db::connect(&url)),
        authenticated,
        answered,
    );
}

async fn everything_works(behind: &Behind) {
    let (db, id) = (&behind.db, &behind.customer.id);
    eventually("the database answers again", async || db.answers().await.then_some(())).await;
    assert_eq!(customers::get(db, id).await.unwrap(), behind.customer);
    keys::authenticate(db, &behind.key).await.unwrap();
    eventually("the key's use is noted", async || keys::list(db, id).await.unwrap()[0].last_used_at).await;
    content::create(db, id, ContentKind::XPost, version("Hello again")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_down_is_told_fast_and_its_return_is_noticed() {
    let behind = behind_a_proxy().await;
    assert!(behind.db.answers().await);
    behind.proxy.refuse();
    unchanged(&behind.test, everything_is_unavailable(&behind)).await;
    behind.proxy.restore();
    everything_works(&behind).await;
}

#[tokio::test]
async fn a_network_that_is_gone_is_told_fast_and_its_return_is_noticed() {
    let behind = behind_a_proxy().await;
    behind.proxy.stall();
    unchanged(&behind.test, everything_is_unavailable(&behind)).await;
    behind.proxy.restore();
    everything_works(&behind).await;
}

/// Many callers at once, so that the pool's connections are all in use, broken and made again.
#[tokio::test]
async fn many_callers_get_over_an_outage() {
    let behind = behind_a_proxy().await;
    let (db, id) = (&behind.db, &behind.customer.id);
    let many = || futures::future::join_all((0..40).map(|_| customers::get(db, id)));
    assert!(many().await.iter().all(Result::is_ok));
    behind.proxy.refuse();
    for outcome in within(FAST, "forty calls", many()).await {
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    }
    behind.proxy.restore();
    everything_works(&behind).await;
    assert!(many().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_feed_goes_on_after_an_outage() {
    let behind = behind_a_proxy().await;
    let shutdown = CancellationToken::new();
    let _guard = shutdown.clone().drop_guard();
    let feed = Feed::start(behind.db.clone(), shutdown);
    let mut listener = feed.subscribe();
    let id = &behind.customer.id;
    let hear = async |listener: &mut tokio::sync::broadcast::Receiver<_>, lead: &entity::leads::Lead| {
        let hearing = async {
            loop {
                let event: std::sync::Arc<events::Event> = listener.recv().await.expect("the feed goes on");
                if event.data["leadId"] == lead.id.as_str() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, hearing).await.expect("the event is heard in time");
    };

    let before = a_lead(&behind.db, id, "before").await;
    hear(&mut listener, &before).await;
    behind.proxy.refuse();
    let meanwhile = a_lead(&behind.test.db(), id, "meanwhile, by somebody else").await;
    assert!(!behind.db.answers().await);
    behind.proxy.restore();
    hear(&mut listener, &meanwhile).await;
    let after = a_lead(&behind.test.db(), id, "after").await;
    hear(&mut listener, &after).await;
}

/// The server ends the connection of a transaction that waits in the middle.
#[tokio::test]
async fn a_connection_that_is_killed_midway_changes_nothing_and_can_be_tried_again() {
    let test = TestDb::migrated(Backend::Postgres).await;
    let db = test.another_db().await;
    let (customer, _) = a_customer(&db).await;

    let holder = test.another_db().await;
    let held = holder.schema_tx().await.unwrap();
    let lock = format!("SELECT 1 FROM customers WHERE id = '{}' FOR UPDATE", customer.id);
    sea_orm::ConnectionTrait::execute_unprepared(&held, &lock).await.unwrap();

    let kill = eventually("the waiting connection is killed", async || {
        let killed = test
            .number(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .await;
        (killed > 0).then_some(())
    });
    let (suspended, ()) = join(unchanged(&test, customers::suspend(&db, &customer.id)), kill).await;
    assert!(matches!(suspended, Err(Error::Unavailable(_))), "{suspended:?}");

    held.rollback().await.unwrap();
    customers::suspend(&db, &customer.id).await.unwrap();
    assert_eq!(logged_types(&db, &customer.id).await.last(), Some(&"customer.suspended"));
}

/// The answer to a statement that the server already has never comes back.
#[tokio::test]
async fn a_network_that_stalls_in_the_middle_of_a_statement_ends_the_call() {
    let behind = behind_a_proxy().await;
    let id = &behind.customer.id;
    let held = behind.test.db().schema_tx().await.unwrap();
    let lock = format!("SELECT 1 FROM customers WHERE id = '{id}' FOR UPDATE");
    sea_orm::ConnectionTrait::execute_unprepared(&held, &lock).await.unwrap();
    let stall = async {
        eventually("the statement waits for the lock", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
            (behind.test.number(waiting).await > 0).then_some(())
        })
        .await;
        behind.proxy.stall();
    };
    let (suspended, ()) = join(unchanged(&behind.test, customers::suspend(&behind.db, id)), stall).await;
    assert!(matches!(suspended, Err(Error::Unavailable(_))), "{suspended:?}");

    held.rollback().await.unwrap();
    behind.proxy.restore();
    everything_works(&behind).await;
}

/// All idle connections killed at once, as when the server restarts between two requests: nobody notices.
#[tokio::test]
async fn idle_connections_that_were_killed_are_replaced() {
    let test = TestDb::migrated(Backend::Postgres).await;
    let db = test.another_db().await;
    let (customer, _) = a_customer(&db).await;
    for _ in 0..5 {
        test.number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
        assert_eq!(customers::get(&db, &customer.id).await.unwrap(), customer);
    }
}
