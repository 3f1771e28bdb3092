//! The official conformance suite against our transports: a handler with what the suite calls, behind the real ones.
//!
//! The suite knows tools, prompts and resources by fixed names, which `fixture` has. `tests/setup` installs the suite.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod asking;
mod catalogue;
mod fixture;
mod server;
mod suite;

#[tokio::test]
async fn requirements_2025_11_25() {
    suite::meets("2025-11-25").await;
}

#[tokio::test]
async fn requirements_2026_07_28() {
    suite::meets("2026-07-28").await;
}
