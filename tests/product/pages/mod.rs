//! The pages, as a browser gets them.

mod dashboard;
mod forms;
mod headers;
mod session;
mod support;
