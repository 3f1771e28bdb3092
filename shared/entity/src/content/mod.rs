//! Pieces of content with their revisions and decisions.
mod draft;
pub use draft::{Channel, ContentKind, Draft, Finding, Findings, Media, MediaType, Severity};
