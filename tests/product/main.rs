//! What customers see: the routes of the REST gateway, and the tools, prompts and resources of the MCP server. Both run
//! in this process, each with a database connection of its own, behind real sockets.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

mod bad_input;
mod corpora;
mod discovery;
mod documentation;
mod live;
mod main_job;
mod pages;
mod permissions;
mod prompts;
mod rate_limits;
mod reference;
mod reliability;
mod resources;
mod rest;
mod routes;
mod schema;
mod snapshots;
mod support;
mod tenancy;
mod tools;
