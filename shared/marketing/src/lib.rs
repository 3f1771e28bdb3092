#![doc = include_str!("../README.md")]

pub mod anomalies;
mod asking;
pub mod brand;
pub mod calendar;
mod channels;
mod check;
mod claims;
pub mod drafting;
mod guide;
mod input;
pub mod insights;
mod markdown;
pub mod narrative;
pub mod optimization;
pub mod performance;
mod problem;
mod readability;
pub mod report;
mod rule;
pub mod scanner;
pub mod statistics;
mod text;

pub use channels::x::{posts, weighted_length};
pub use check::{check, rules_for};
pub use guide::{CHANNELS, Guide, channel_from_slug, guide, kind_label};
pub use input::validate_draft;
pub use problem::{Problem, require_none};
pub use rule::Rule;
pub use text::written;
