//! Migrations.

use entity::db::Db;
use futures::future::join_all;
use harness::{TestDb, a_customer};

use crate::support::pretty_eq;

harness::on_each_database!(
    up_again_changes_nothing,
    down_takes_back_all_and_up_makes_it_again,
    up_by_many_processes_at_once_is_done_once,
    pending_names_what_is_to_be_applied,
);

const ALL: u32 = 1_000;

async fn up_again_changes_nothing(test: TestDb) {
    let db = test.db();
    a_customer(&db).await;
    let (schema, rows) = (test.schema().await, test.dump().await);

    migrations::up(&db).await.unwrap();

    pretty_eq(&test.schema().await, &schema);
    pretty_eq(&test.dump().await, &rows);
}

async fn down_takes_back_all_and_up_makes_it_again(test: TestDb) {
    let db = test.db();
    a_customer(&db).await;
    let schema = test.schema().await;

    migrations::down(&db, ALL).await.unwrap();
    assert_eq!(test.tables().await, Vec::<String>::new());

    migrations::up(&db).await.unwrap();
    pretty_eq(&test.schema().await, &schema);
    assert_eq!(test.dump().await, Vec::<String>::new());
    a_customer(&db).await;
}

async fn up_by_many_processes_at_once_is_done_once(migrated: TestDb) {
    for processes in [2, 5] {
        let test = TestDb::empty(migrated.backend()).await;
        let up = async || {
            let db = Db::connect(&test.url()).await?;
            migrations::up(&db).await
        };
        let results = join_all((0..processes).map(|_| up())).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        pretty_eq(&test.schema().await, &migrated.schema().await);
        a_customer(&test.db()).await;
    }
}

async fn pending_names_what_is_to_be_applied(test: TestDb) {
    let db = test.db();
    assert_eq!(migrations::pending(&db).await.unwrap(), Vec::<String>::new());
    migrations::down(&db, ALL).await.unwrap();
    let all = migrations::pending(&db).await.unwrap();
    assert_eq!(all.first().map(String::as_str), Some("m0001_foundation"));
    assert!(all.is_sorted(), "{all:?}");

    let empty = TestDb::empty(test.backend()).await;
    assert_eq!(migrations::pending(&empty.db()).await.unwrap(), all);
}
