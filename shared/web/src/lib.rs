#![doc = include_str!("../README.md")]

#[cfg(not(target_env = "msvc"))]
mod allocator;
pub mod auth;
pub mod body;
pub mod config;
pub mod error;
pub mod health;
mod http_client;
pub mod layers;
pub mod process;
pub mod serve;
pub mod telemetry;
mod time;

pub use error::ApiError;
pub use http_client::http_client;
pub use time::timestamp;
