#![doc = include_str!("../README.md")]

#[cfg(not(target_env = "msvc"))]
mod allocator;
pub mod auth;
pub mod body;
pub mod client_ip;
pub mod config;
pub mod connect;
pub mod error;
pub mod health;
mod http_client;
pub mod layers;
pub mod metrics;
pub mod oauth;
pub mod process;
pub mod rate_limit;
pub mod seal;
pub mod serve;
pub mod session;
pub mod telemetry;
mod time;

pub use error::ApiError;
pub use http_client::http_client;
pub use time::timestamp;
