//! Connected platforms: how they stand, and the links that connect them.

use entity::connections::{
    self, AccountState, ConnectState, ConnectionStatus, NewLink, Observed, ObservedAccount, Platform,
};
use entity::db::Db;
use entity::ids::CustomerId;
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::json;

use crate::support::{assert_not_found, logged_types, unchanged, whole_log};

harness::on_each_database!(
    changes_are_told_and_what_stays_writes_nothing,
    what_never_worked_needs_no_reconnecting,
    a_link_is_used_once,
    a_link_that_ran_out_settles_nothing,
    connections_are_ones_own,
    an_auth_config_is_remembered_once,
    what_is_old_is_forgotten,
);

fn account(id: &str, state: AccountState) -> Observed {
    let account = ObservedAccount { id: id.to_owned(), state, reason: Some("as Composio says".to_owned()) };
    Observed { platform: Platform::X, account: Some(account) }
}

const NONE: Observed = Observed { platform: Platform::X, account: None };

async fn status(db: &Db, customer: &CustomerId) -> Option<ConnectionStatus> {
    connections::find(db, customer, Platform::X).await.unwrap().map(|connection| connection.status)
}

async fn a_link(db: &Db, customer: &CustomerId, hash: &str) -> ConnectState {
    let link = NewLink { platform: Platform::X, state_hash: hash.to_owned(), account_id: "ca_1".to_owned() };
    connections::link_created(db, customer, link).await.unwrap();
    connections::state(db, hash).await.unwrap().unwrap()
}

async fn changes_are_told_and_what_stays_writes_nothing(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let observe = async |observed: &Observed| {
        connections::observe(&db, &customer.id, std::slice::from_ref(observed)).await.unwrap();
        unchanged(&test, connections::observe(&db, &customer.id, std::slice::from_ref(observed))).await.unwrap();
        status(&db, &customer.id).await
    };
    assert_eq!(observe(&NONE).await, None);
    assert_eq!(observe(&account("ca_1", AccountState::Pending)).await, Some(ConnectionStatus::Pending));
    assert_eq!(observe(&account("ca_1", AccountState::Active)).await, Some(ConnectionStatus::Connected));
    let since = connections::find(&db, &customer.id, Platform::X).await.unwrap().unwrap();
    assert!(since.connected_at.is_some() && since.reason.is_none(), "{since:?}");
    assert_eq!(observe(&account("ca_1", AccountState::Ended)).await, Some(ConnectionStatus::NeedsReconnect));
    // A link to connect it again does not make it work.
    assert_eq!(observe(&account("ca_2", AccountState::Pending)).await, Some(ConnectionStatus::NeedsReconnect));
    assert_eq!(observe(&account("ca_2", AccountState::Active)).await, Some(ConnectionStatus::Connected));
    assert_eq!(observe(&NONE).await, Some(ConnectionStatus::NotConnected));
    let types = logged_types(&db, &customer.id).await;
    let told: Vec<&str> = types.into_iter().filter(|name| name.starts_with("connection.")).collect();
    let (up, down) = ("connection.established", "connection.lost");
    assert_eq!(told, [up, down, up, down]);
    let last = whole_log(&db, &customer.id).await.pop().unwrap();
    assert_eq!(last.data, json!({ "platform": "x", "reason": "disconnected" }));
}

async fn what_never_worked_needs_no_reconnecting(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    a_link(&db, &customer.id, "hash").await;
    assert_eq!(status(&db, &customer.id).await, Some(ConnectionStatus::Pending));
    connections::observe(&db, &customer.id, &[account("ca_1", AccountState::Ended)]).await.unwrap();
    assert_eq!(status(&db, &customer.id).await, Some(ConnectionStatus::NotConnected));
    assert!(!logged_types(&db, &customer.id).await.contains(&"connection.lost"));
}

async fn a_link_is_used_once(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let state = a_link(&db, &customer.id, "hash").await;
    let active = account("ca_1", AccountState::Active);
    let racing = join_all((0..8).map(|_| connections::settle(&db, &state, &active))).await;
    assert_eq!(racing.into_iter().filter(|settled| *settled.as_ref().unwrap()).count(), 1);
    assert_eq!(status(&db, &customer.id).await, Some(ConnectionStatus::Connected));
    let established =
        logged_types(&db, &customer.id).await.into_iter().filter(|name| *name == "connection.established");
    assert_eq!(established.count(), 1);
    assert!(!unchanged(&test, connections::settle(&db, &state, &NONE)).await.unwrap());
}

async fn a_link_that_ran_out_settles_nothing(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let state = a_link(&db, &customer.id, "hash").await;
    test.execute("UPDATE connect_states SET expires_at = created_at").await;
    assert!(!unchanged(&test, connections::settle(&db, &state, &account("ca_1", AccountState::Active))).await.unwrap());
    assert_eq!(connections::state(&db, "another").await.unwrap(), None);
}

async fn connections_are_ones_own(test: TestDb) {
    let db = test.db();
    let ((anna, _), (ben, _)) = (a_customer(&db).await, a_customer(&db).await);
    connections::observe(&db, &anna.id, &[account("ca_1", AccountState::Active)]).await.unwrap();
    assert_eq!(status(&db, &ben.id).await, None);
    assert!(connections::list(&db, &ben.id).await.unwrap().is_empty());
    assert_eq!(connections::owner_of_account(&db, "ca_1").await.unwrap().unwrap().customer_id, anna.id);
    connections::observe(&db, &ben.id, &[NONE]).await.unwrap();
    assert_eq!(status(&db, &anna.id).await, Some(ConnectionStatus::Connected));
    let nobody = CustomerId::new();
    assert_not_found(
        unchanged(&test, connections::observe(&db, &nobody, &[account("ca_2", AccountState::Active)])).await,
    );
}

async fn an_auth_config_is_remembered_once(test: TestDb) {
    let db = test.db();
    let ids: Vec<String> = (0..8).map(|number| format!("ac_{number}")).collect();
    let racing = join_all(ids.iter().map(|id| connections::remember_auth_config(&db, Platform::X, id))).await;
    let kept = connections::auth_config(&db, Platform::X).await.unwrap().unwrap();
    assert!(racing.iter().all(|used| used.as_ref().unwrap() == &kept), "everybody uses the same: {racing:?}");
    connections::forget_auth_config(&db, Platform::X, "ac_other").await.unwrap();
    assert_eq!(connections::auth_config(&db, Platform::X).await.unwrap(), Some(kept.clone()));
    connections::forget_auth_config(&db, Platform::X, &kept).await.unwrap();
    assert_eq!(connections::auth_config(&db, Platform::X).await.unwrap(), None);
}

async fn what_is_old_is_forgotten(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    a_link(&db, &customer.id, "old").await;
    let old = chrono::Utc::now() - chrono::Duration::days(40);
    test.execute(&format!("UPDATE connect_states SET expires_at = '{}'", old.format("%F %T%.6f+00:00"))).await;
    a_link(&db, &customer.id, "new").await;
    assert_eq!(connections::forget_old_states(&db).await.unwrap(), 1);
    assert!(connections::state(&db, "new").await.unwrap().is_some());
    for id in ["msg_1", "msg_1"] {
        connections::webhook_handled(&db, id).await.unwrap();
    }
    assert!(connections::webhook_is_handled(&db, "msg_1").await.unwrap());
    assert_eq!(connections::forget_old_webhooks(&db).await.unwrap(), 0);
}
