//! A disk without room under SQLite.

use harness::{Backend, TestDb, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use crate::invariants::{hold, hold_in_the_end};
use crate::load::Load;
use crate::seed::Dice;
use crate::site::{Plan, Site};

const SEED: u64 = 0x6469_736b;

/// How large files of the process may become, in bytes: what it writes beyond fails, as on a disk that is full.
fn room(site: &Site, bytes: &str) {
    let pid = site.servers[0].pid().to_string();
    let limit = format!("--fsize={bytes}:unlimited");
    let status = std::process::Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("prlimit runs");
    assert!(status.success());
}

#[tokio::test]
async fn a_full_disk_is_told_loses_nothing_and_passes() {
    let mut dice = Dice::of(SEED);
    // Otherwise the system would end who writes too much. The log is on the same disk.
    let plan = Plan {
        preparation: "trap '' XFSZ && exec 2>log".to_owned(),
        ..Plan::on(TestDb::migrated(Backend::Sqlite).await)
    };
    let site = Site::open(plan).await;
    let tenant = site.tenant().await;
    let (rest, tools) = (site.rest(&tenant), site.tools(&tenant));
    let keys = format!("/api/customer/{}/keys", tenant.id);
    let load = Load::start(&site, &mut dice).await;
    load.ledger.more(20).await;

    room(&site, "0");
    eventually("a writer is told", async || {
        let response = rest.request(Method::POST, &keys).json(&json!({"label": "full"})).send().await.unwrap();
        assert_eq!(response.status(), 503);
        let body: Value = response.json().await.unwrap();
        (body["code"] == "storage_full").then_some(())
    })
    .await;
    // Others wait for the same database, and some of them in vain.
    eventually("the assistant is told", async || {
        let draft = json!({"kind": "x_post", "body": "No room."});
        let told = tools.call(1, "create_content", draft).await.expect_err("nothing can be written");
        assert!(told.contains("Nothing was changed"), "{told}");
        told.contains("disk is full or failing").then_some(())
    })
    .await;
    // What is there can be read.
    rest.get(&format!("/api/events/{}", tenant.id)).await.unwrap();
    tools.call(2, "list_content", json!({})).await.unwrap();
    hold(&site, &load.ledger).await;

    room(&site, "unlimited");
    load.ledger.more(20).await;
    tools.call(3, "create_content", json!({"kind": "x_post", "body": "Room again."})).await.unwrap();
    let ledger = load.end().await;
    hold_in_the_end(&site, &ledger).await;
}
