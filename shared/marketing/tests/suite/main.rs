//! Behaviour of the public surface. One binary, so that its dependencies are linked once.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "test code: whatever goes wrong here fails the test")]

mod ads;
mod brand;
mod calendar;
mod claims;
mod drafting;
mod email;
mod guides;
mod input;
mod narrative;
mod optimization;
mod scanner;
mod social;
mod support;
mod web;
mod x;
