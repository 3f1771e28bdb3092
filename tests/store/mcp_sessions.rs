//! Streamable HTTP sessions.

use chrono::Duration;
use entity::db::now;
use entity::mcp_sessions::{delete, forget_abandoned, load, store};
use harness::{TestDb, a_customer};
use serde_json::{Value, json};

use crate::support::unchanged;

harness::on_each_database!(
    a_session_is_kept_until_it_is_deleted,
    a_session_is_known_to_its_customer_alone,
    only_abandoned_sessions_are_forgotten,
);

fn state() -> Value {
    json!({ "clientInfo": { "name": "Cursor", "version": "1.0" }, "capabilities": { "roots": null }, "n": [1, 2.5] })
}

async fn a_session_is_kept_until_it_is_deleted(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let longest = "f".repeat(64);
    for id in ["5b0f4a2e-8d5c-4b36-9c5b-0a8f6f0f1e11", &longest] {
        assert_eq!(load(&db, &customer.id, id).await.unwrap(), None);
        store(&db, &customer.id, id, state()).await.unwrap();
        assert_eq!(load(&test.another_db().await, &customer.id, id).await.unwrap(), Some(state()));
        delete(&db, &customer.id, id).await.unwrap();
        assert_eq!(load(&db, &customer.id, id).await.unwrap(), None);
        unchanged(&test, delete(&db, &customer.id, id)).await.unwrap();
    }
}

async fn a_session_is_known_to_its_customer_alone(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    store(&db, &customer.id, "session", state()).await.unwrap();

    assert_eq!(unchanged(&test, load(&db, &other.id, "session")).await.unwrap(), None);
    unchanged(&test, delete(&db, &other.id, "session")).await.unwrap();
    assert!(unchanged(&test, store(&db, &other.id, "session", json!({}))).await.is_err());
    assert_eq!(load(&db, &customer.id, "session").await.unwrap(), Some(state()));
}

async fn only_abandoned_sessions_are_forgotten(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let cases = [("fresh", 0), ("recent", 29), ("come back to", 31), ("abandoned", 31), ("ancient", 400)];
    for (id, age) in cases {
        store(&db, &customer.id, id, state()).await.unwrap();
        let time = (now() - Duration::days(age)).to_rfc3339();
        let sql = format!("UPDATE mcp_sessions SET created_at = '{time}', last_used_at = '{time}' WHERE id = '{id}'");
        assert_eq!(test.execute(&sql).await, 1);
    }
    assert!(load(&db, &customer.id, "come back to").await.unwrap().is_some());

    assert_eq!(forget_abandoned(&db).await.unwrap(), 2);
    assert_eq!(unchanged(&test, forget_abandoned(&db)).await.unwrap(), 0);
    for (id, kept) in
        [("fresh", true), ("recent", true), ("come back to", true), ("abandoned", false), ("ancient", false)]
    {
        assert_eq!(load(&db, &customer.id, id).await.unwrap().is_some(), kept, "{id}");
    }
}
