//! Changes the pages of the corpus at random, for as many minutes as are given, and reads and scores each:
//! `cargo run --release -p marketing --example fuzz -- 10`. What makes it panic is named with its seed, which as a second
//! argument does just that page again.
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::unwrap_used, reason = "a tool for developers")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use marketing::scanner::{Facts, Page, Scan, decode, markdown};

/// What parsers stumble over.
const TOKENS: [&str; 24] = [
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "&",
    "&#x110000;",
    "&#0;",
    "\"",
    "'",
    "<script>",
    "</script>",
    "<table>",
    "<template>",
    "<svg>",
    "<math><mi>",
    "<p>",
    "<title>",
    "<meta charset=utf-16>",
    "{\"@type\":",
    "[[[[",
    "\u{202e}",
    "\u{0}",
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let minutes = arguments.next().unwrap_or(1);
    let corpus = corpus();
    if let Some(seed) = arguments.next() {
        read(&page(&corpus, seed));
        return ExitCode::SUCCESS;
    }
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let mut slowest = (Duration::ZERO, 0);
    let mut seed = 0;
    while Instant::now() < until {
        let bytes = page(&corpus, seed);
        let begun = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| read(&bytes))).is_err() {
            println!("seed {seed} panicked");
            return ExitCode::FAILURE;
        }
        slowest = slowest.max((begun.elapsed(), seed));
        seed += 1;
    }
    println!("{seed} pages in {minutes} minutes, no panic; the slowest took {:?} (seed {})", slowest.0, slowest.1);
    ExitCode::SUCCESS
}

fn corpus() -> Vec<Vec<u8>> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn page(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut bytes = corpus[dice.usize(..corpus.len())].clone();
    for _ in 0..dice.usize(1..40) {
        let at = dice.usize(..=bytes.len());
        match dice.u8(..6) {
            0 if at < bytes.len() => bytes[at] = dice.u8(..),
            1 => bytes.truncate(at.max(16)),
            2 => {
                let end = (at + dice.usize(..200)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let other = &corpus[dice.usize(..corpus.len())];
                let from = dice.usize(..=other.len());
                let part = other[from..(from + dice.usize(..2_000)).min(other.len())].to_vec();
                bytes.splice(at..at, part);
            }
            4 => {
                let end = (at + dice.usize(..300)).min(bytes.len());
                let part = bytes[at..end].repeat(dice.usize(1..30));
                bytes.splice(at..at, part);
            }
            _ => {
                let token = TOKENS[dice.usize(..TOKENS.len())].repeat(dice.usize(1..20));
                bytes.splice(at..at, token.into_bytes());
            }
        }
    }
    bytes
}

fn read(bytes: &[u8]) {
    let (html, _) = decode(bytes, None);
    let page = Page::read(Facts::only("https://example.com/a".parse().unwrap()), &html);
    let scan = Scan::of(&page, chrono::DateTime::UNIX_EPOCH);
    assert!(scan.seo.score <= 100 && scan.geo.score <= 100);
    let kept = serde_json::to_value(&scan).unwrap();
    assert!(serde_json::from_value::<Scan>(kept).is_ok());
    assert!(!markdown(&scan).is_empty());
}
