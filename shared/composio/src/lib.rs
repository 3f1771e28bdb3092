#![doc = include_str!("../README.md")]

mod accounts;
mod auth_configs;
mod client;
mod error;
pub mod signature;
mod toolkits;
mod tools;
mod webhooks;

pub use accounts::{Account, AccountFilter, AccountStatus, Link, LinkRequest, Slug};
pub use auth_configs::AuthConfig;
pub use client::{Composio, Failing, Health, Observe};
pub use error::Error;
pub use toolkits::Toolkit;
pub use tools::{Execution, Tool};
pub use webhooks::{EXPIRED, Envelope, Subscription};

/// Shorthand for the result of a call.
pub type Result<T> = std::result::Result<T, Error>;
