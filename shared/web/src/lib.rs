#![doc = include_str!("../README.md")]

#[cfg(not(target_env = "msvc"))]
mod allocator;
pub mod auth;
pub mod body;
pub mod config;
pub mod connect;
pub mod error;
pub mod health;
pub mod layers;
pub mod process;
pub mod seal;
pub mod serve;
pub mod session;
pub mod telemetry;
mod time;

pub use error::ApiError;
pub use time::timestamp;
