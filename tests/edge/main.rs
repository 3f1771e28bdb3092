//! What compose.yaml puts on the internet: the real Caddy with our Caddyfile in front of two replicas of each process on
//! one Postgres. `tests/setup` installs Caddy and what checks compose.yaml.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

mod compose;
mod enduring;
mod files;
mod keys;
mod replicas;
mod site;
mod tls;
