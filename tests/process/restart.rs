//! Clients go on where they were when the server comes back.

use harness::process::{HeyCmo, Launch};
use harness::{TestDb, on_each_database};
use serde_json::json;

use crate::support::{again, mcp};

on_each_database!(sessions_go_on_after_a_restart);

async fn sessions_go_on_after_a_restart(test: TestDb) {
    let url = test.url_text();
    let server = HeyCmo::launch(Launch::new("heycmo").env("DATABASE_URL", &url)).await;
    let caller = mcp(&server);
    let mut session = caller.connect().await.unwrap();
    let mut older = caller.connect_sse().await.unwrap();
    let before = session.call("get_account", json!({})).await.unwrap();
    assert_eq!(older.call("get_account", json!({})).await.unwrap(), before);

    let launch = again(&server).env("DATABASE_URL", &url);
    assert!(server.process.stop().await.status.success());
    let _server = HeyCmo::launch(launch).await;

    let account = session.call("get_account", json!({})).await.unwrap();
    assert_eq!(account["customerId"], before["customerId"]);
    assert!(session.listen().await.is_ok());
    session.delete().await.unwrap();

    // A client of the older transport opens its stream anew and believes that it is initialized.
    let mut reconnected = caller.open_sse().await.unwrap();
    let account = reconnected.call("get_account", json!({})).await.unwrap();
    assert_eq!(account["customerId"], before["customerId"]);
}
