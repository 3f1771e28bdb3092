//! The transports over real sockets: what clients see, and what is left when they are gone.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod fixture;
mod guarding;
mod legacy;
mod legacy_limits;
mod lifecycle;
mod resuming;
mod server;
mod sse;
mod streamable;
