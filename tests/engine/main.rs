//! The embedded engine: durable functions on a database, killed and taken up again. The tests are the clock: what is
//! due later they make due now.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

mod functions;
mod kills;
// The same random functions as on Inngest, where the tests of the crate run them.
#[path = "../../shared/inngest/tests/protocol/program.rs"]
mod program;
mod sharing;
mod support;
#[path = "../../shared/inngest/tests/protocol/world.rs"]
mod world;
