//! The pages in a browser that nobody here wrote: Chromium, without a window, against the real binary.
//!
//! What a person does there is in scripts under `node`; `steps` there holds what they share. A script ends with status 0
//! when all is well. `tests/setup` installs what they need. With `HEYCMO_SHOTS=directory`, `every_page_is_sound` leaves
//! a picture of every page there, to be looked at.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

use std::time::Duration;

use harness::clients::{browser_scripts, chromium, node};
use harness::process::{HeyCmo, Launch};

/// Longer than any script takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(900);

#[tokio::test]
async fn a_stranger_pays_and_works_with_the_key() {
    succeeds("stranger.mjs", "with-script").await;
}

#[tokio::test]
async fn a_stranger_without_script_gets_as_far() {
    succeeds("stranger.mjs", "without-script").await;
}

#[tokio::test]
async fn what_goes_wrong_at_the_checkout_is_said() {
    succeeds("checkout.mjs", "with-script").await;
}

#[tokio::test]
async fn platforms_are_connected_with_script() {
    succeeds("platforms.mjs", "with-script").await;
}

#[tokio::test]
async fn platforms_are_connected_without_script() {
    succeeds("platforms.mjs", "without-script").await;
}

#[tokio::test]
async fn a_piece_is_decided_on_and_published() {
    succeeds("walk.mjs", "with-script").await;
}

#[tokio::test]
async fn a_piece_is_decided_on_and_published_without_script() {
    succeeds("walk.mjs", "without-script").await;
}

#[tokio::test]
async fn a_piece_is_decided_on_and_published_by_keyboard() {
    succeeds("walk.mjs", "by-keyboard").await;
}

#[tokio::test]
async fn what_waits_fails_or_is_refused_is_said_and_nothing_is_lost() {
    succeeds("states.mjs", "with-script").await;
}

#[tokio::test]
async fn the_first_page_is_light_and_all_of_it_ours() {
    succeeds("budgets.mjs", "with-script").await;
}

#[tokio::test]
async fn every_page_is_sound() {
    succeeds("pages.mjs", "with-script").await;
}

/// Runs a script beside a server of its own, which is to complain about nothing.
async fn succeeds(script: &str, argument: &str) {
    // The pages that are scanned here are its own.
    let launch = Launch::new("heycmo").env("HEYCMO_SCAN_NETWORKS", "127.0.0.0/8,::1/128").env("HEYCMO_OAUTH", "on");
    let server = HeyCmo::launch(launch).await;
    let home = server.process.data_dir().path().join("home");
    std::fs::create_dir_all(&home).expect("a home");
    let ended = node(script)
        .current_dir(browser_scripts())
        .arg(argument)
        .env("HOME", &home)
        // Chromium's profile ends with the test, even one that is killed.
        .env("TMPDIR", &home)
        .env("CHROMIUM", chromium())
        .env("HEYCMO_GATEWAY", &server.gateway)
        .env("HEYCMO_MCP", &server.mcp)
        .env("HEYCMO_SANDBOX", &server.sandbox)
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(DEADLINE, ended).await.expect("the script ends in time").expect("it starts");
    let log = server.process.log();
    let complaints = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "the script failed:\n{complaints}\nthe server's log:\n{log}");
    assert!(!log.contains(" ERROR "), "the server complains:\n{log}");
}
