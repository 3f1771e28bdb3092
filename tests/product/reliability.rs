//! docs/reliability.md names for each promise tests that exist.

use std::path::Path;

const PROMISES: [&str; 18] = [
    "What was answered stays true.",
    "Nothing is ever half there.",
    "No post goes out twice.",
    "Nobody pays twice, and a checkout gives one key.",
    "Stripe's events may come late, twice and in any order.",
    "Durable work goes on after a crash, and each step is remembered once.",
    "Who follows the event log misses nothing, and sees it in order.",
    "With the database away, readiness says so within 2 s, and calls fail fast and say what to do.",
    "Once the database is back, everything goes on by itself.",
    "A slow database makes slow answers, not wrong ones.",
    "An upstream that fails costs nobody else anything, and calls to it end in bounded time and say so.",
    "A full disk loses nothing, is told, and passes once there is room.",
    "A clock that jumps stops nobody and loses nothing.",
    "Slow clients are dropped, and cost no memory.",
    "One address cannot take all the connections.",
    "Told to stop, a process finishes the calls under way within 10 s, ends its streams and is gone.",
    "When a replica dies, clients go on at another one, or get an error that they can act on.",
    "What compose.yaml describes starts and serves.",
];

/// The rows of the table: promise, what breaks it, tests.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines = page.lines().filter(|line| line.starts_with("| ")).skip(2);
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Whether the file has a function of this name that is a test: annotated as one, or in a list of those that become one
/// on each database.
fn is_test(source: &str, name: &str) -> bool {
    let Some(at) = source.find(&format!("async fn {name}(")) else { return false };
    let above = source[..at].trim_end_matches(' ').lines().rev().take_while(|line| !line.trim().is_empty());
    let is_annotated = above.take(8).any(|line| line.contains("#[tokio::test]"));
    let is_listed = source.split("on_each_database!(").skip(1).any(|list| {
        let names = list.split(')').next().unwrap_or_default();
        names.split(',').any(|listed| listed.trim() == name)
    });
    is_annotated || is_listed
}

#[test]
fn every_promise_names_the_tests_that_break_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let rows = rows(&page);
    let promises: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(promises, PROMISES);
    for row in rows {
        let tests: Vec<&str> = row[2].split(", ").map(|test| test.trim_matches('`')).collect();
        for test in tests {
            let (path, name) = test.split_once('#').unwrap_or_else(|| panic!("{test} is no path#name"));
            let source = std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(is_test(&source, name), "{path} has no test {name}");
        }
        assert!(!row[1].is_empty(), "{} does not say what breaks it", row[0]);
    }
}
