//! The commands of docs/operating/backup.md, on a database with something in it.

use std::path::Path;
use std::process::Command;

use harness::process::{HeyCmo, Launch};
use harness::{Backend, TestDb};
use serde_json::{Value, json};

use crate::support::mcp;

const PAGE: &str = include_str!("../../docs/operating/backup.md");

/// The only command of the page that begins so.
#[track_caller]
fn command(beginning: &str) -> &'static str {
    let found: Vec<&str> = PAGE.lines().filter(|line| line.starts_with(beginning)).collect();
    assert_eq!(found.len(), 1, "{beginning}: {found:?}");
    found[0]
}

#[track_caller]
fn run(command: &str, directory: &Path, database_url: &str) {
    let mut shell = Command::new("bash");
    let output =
        shell.args(["-euc", command]).current_dir(directory).env("DATABASE_URL", database_url).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn leads(server: &HeyCmo) -> usize {
    let events = mcp(server).call(1, "list_events", json!({"type": "lead.logged"})).await.unwrap();
    events["events"].as_array().unwrap().len()
}

async fn log_lead(server: &HeyCmo, name: &str) -> Value {
    mcp(server).call(1, "log_lead", json!({"source": "webinar", "name": name})).await.unwrap()
}

#[tokio::test]
async fn a_backup_of_sqlite_is_made_while_it_runs_and_restored() {
    let server = HeyCmo::start().await;
    let data = server.process.data_dir();
    let directory = data.path();
    // The page has the data in `.heycmo`, as on a laptop.
    let here = |command: &str| command.replace(".heycmo/", "");
    log_lead(&server, "before").await;
    run(&here(command("sqlite3 ")), directory, "");
    log_lead(&server, "after").await;
    assert_eq!(leads(&server).await, 2);
    let key = server.key.clone();
    let again = crate::support::again(&server);
    server.process.stop().await;
    run(&here(command("rm -f ")), directory, "");
    run(&here(command("cp ")), directory, "");
    let restored = HeyCmo { key, ..HeyCmo::launch(again).await };
    assert_eq!(leads(&restored).await, 1);
    log_lead(&restored, "again").await;
    assert_eq!(leads(&restored).await, 2);
}

#[tokio::test]
async fn a_backup_of_postgres_is_made_while_it_runs_and_restored() {
    let test = TestDb::empty(Backend::Postgres).await;
    let directory = tempfile::tempdir().unwrap();
    let url = test.url_text();
    let server = HeyCmo::launch(Launch::new("heycmo").env("DATABASE_URL", &url)).await;
    log_lead(&server, "before").await;
    run(command("pg_dump "), directory.path(), &url);
    log_lead(&server, "after").await;
    let key = server.key.clone();
    let again = crate::support::again(&server).env("DATABASE_URL", &url);
    server.process.stop().await;
    run(command("pg_restore "), directory.path(), &url);
    let restored = HeyCmo { key, ..HeyCmo::launch(again).await };
    assert_eq!(leads(&restored).await, 1);
    log_lead(&restored, "again").await;
    assert_eq!(leads(&restored).await, 2);
}

/// What compose runs is the same program with the same options.
#[test]
fn the_commands_for_compose_are_those_that_were_tried() {
    for (program, options) in
        [("pg_dump", vec!["--format=custom"]), ("pg_restore", vec!["--clean", "--if-exists", "--no-owner"])]
    {
        let tried = command(&format!("{program} "));
        let composed = command(&format!("docker compose exec -T postgres {program} "));
        for option in options {
            assert!(tried.contains(option) && composed.contains(option), "{option}: {tried} / {composed}");
        }
    }
}
