//! The real binaries while what they stand on breaks: killed processes, a network that cuts, delays and resets, a full
//! disk, a clock that jumps, clients that are slow or too many. Customers go on working meanwhile and remember what they
//! were told; afterwards everything is held against that.
//!
//! What is random comes from a seed that a failing test prints; `HEYCMO_SEED` sets another. `HEYCMO_SOAK=30` goes on for
//! 30 minutes where a test breaks things again and again.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

mod clock;
mod database;
mod disk;
mod invariants;
mod kills;
mod load;
mod seed;
mod site;
mod slow;
mod stopping;
mod upstreams;
