//! The real binaries as processes: what they print, how they share a database, and what survives their end.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

#[cfg(feature = "postgres")]
mod backup;
mod billing;
mod commands;
mod crash;
mod drafting;
mod first_start;
mod inngest;
mod log;
mod metrics;
mod migrate;
mod mistakes;
mod oauth;
mod platforms;
mod rate_limits;
mod refusing;
mod restart;
mod scan;
mod secret_scanning;
mod stopping;
mod support;
mod traces;
mod two_processes;
mod workflows;
