//! The brand profile: how complete it is, what to ask next, and what cannot be saved.

mod completeness;
mod validate;

pub use completeness::{Completeness, Question, completeness, is_complete};
pub use validate::{require_valid, validate};
