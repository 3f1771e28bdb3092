//! The page scanner.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

mod addresses;
mod corpus;
mod fetching;
mod rules;

use marketing::scanner::{Facts, Page};

/// A page at an address, of which nothing is known besides its HTML.
pub fn page_at(url: &str, html: &str) -> Page {
    Page::read(Facts::only(url.parse().unwrap()), html)
}
