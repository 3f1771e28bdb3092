//! The pages, as a browser gets them.

mod connections;
mod content;
mod decisions;
mod forms;
mod headers;
mod keys;
mod live;
mod overview;
mod reports;
mod scans;
mod session;
mod strangers;
pub mod support;
