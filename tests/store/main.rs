//! The data layer through its public functions, on every database.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

mod billing;
mod brands;
mod cancellation;
mod connections;
mod content;
mod customers;
mod deletion;
mod events;
mod feed;
mod keys;
mod lag;
mod leads;
mod mcp_sessions;
mod oauth;
#[cfg(feature = "postgres")]
mod outage;
mod outbox;
mod proposals;
mod publications;
mod reports;
mod schema;
mod support;
mod tenancy;
mod workflows;
