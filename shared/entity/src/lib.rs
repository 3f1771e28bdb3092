#![doc = include_str!("../README.md")]

pub mod billing;
mod bounded;
pub mod brands;
pub mod clock;
pub mod connections;
pub mod content;
pub mod customers;
pub mod db;
pub mod engine;
mod error;
pub mod events;
pub mod feed;
pub mod ids;
pub mod keys;
pub mod lag;
pub mod leads;
pub mod mcp_sessions;
pub mod oauth;
pub mod outbox;
pub mod pages;
pub mod private;
pub mod proposals;
pub mod publications;
pub mod reports;
pub mod scans;
pub mod scopes;
mod secret;
pub mod snapshots;
mod tables;
pub mod workflows;

pub use error::{Error, Result};
pub use secret::{HashedSecret, MalformedSecret};
