//! The protocol of Inngest, byte by byte and from end to end.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "test code")]

mod calls;
mod configuration;
mod events;
mod fake;
mod introspection;
mod opcodes;
mod options;
mod program;
mod registration;
mod runs;
mod signatures;
mod support;
mod wire;
#[allow(dead_code, reason = "the tests of the embedded engine use the rest")]
mod world;
