//! Running the suite.

use std::path::Path;
use std::process::Command;

use crate::server;

/// How much of what the suite says is shown when it fails.
const TAIL_LINES: usize = 400;

/// Runs all that a revision of the protocol requires of a server.
pub async fn meets(revision: &'static str) {
    let url = server::start().await;
    let run = tokio::task::spawn_blocking(move || run(&url, revision));
    let (succeeded, said) = run.await.unwrap();
    let lines: Vec<&str> = said.lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
    assert!(succeeded, "the suite fails for {revision}:\n{tail}");
    // A run of nothing succeeds too.
    assert!(said.contains("passed, 0 failed"), "the suite did not say what passed:\n{tail}");
}

fn run(url: &str, revision: &str) -> (bool, String) {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/node");
    let installed = node.join("node_modules");
    let wanted = std::fs::read(node.join("package-lock.json")).expect("the list of packages");
    let is_installed = std::fs::read(installed.join(".installed")).is_ok_and(|installed| installed == wanted);
    assert!(is_installed, "the suite is not installed, or not in the right version: run tests/setup");

    let programs = installed.join(".bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(programs.clone()).chain(std::env::split_paths(&path))).unwrap();
    let results = tempfile::tempdir().unwrap();
    let mut command = Command::new(programs.join("conformance"));
    command.args(["server", "--url", url, "--requirements", revision]);
    // Named only where some fail: an entry for a scenario that a revision does not have would be stale.
    if revision == "2026-07-28" {
        command.arg("--expected-failures");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/expected-failures.yml"));
    }
    let output = command.current_dir(results.path()).env("PATH", path).output().expect("the suite starts");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    (output.status.success(), said)
}
