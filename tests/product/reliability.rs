//! docs/reliability.md names for each promise tests that exist.

use crate::documentation::{assert_tests_exist, read, rows};

const PROMISES: [&str; 20] = [
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
    "A call whose session ends in its middle gets an error that says what to do.",
    "Who loses the connection in the middle of a call gets the rest.",
    "What compose.yaml describes starts and serves.",
];

#[test]
fn every_promise_names_the_tests_that_break_it() {
    let page = read("docs/reliability.md");
    let rows = rows(&page);
    let promises: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(promises, PROMISES);
    for row in rows {
        assert_tests_exist(row[2]);
        assert!(!row[1].is_empty(), "{} does not say what breaks it", row[0]);
    }
}
