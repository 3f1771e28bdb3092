//! The handlers, one file a resource.

use axum::http::{HeaderName, HeaderValue, header};

pub mod admin;
pub mod billing;
pub mod connections;
pub mod customer;
pub mod events;
pub mod health;
pub mod keys;
pub mod onboarding;
pub mod secret_scanning;

/// On every answer that carries a key or personal data.
pub const NO_STORE: [(HeaderName, HeaderValue); 1] = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
