//! What is wrong with an input, by field.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::text::{characters, number};

/// One field that cannot be saved as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Path of the field in the API's spelling, such as `pillars[2].weight` or `voice.do`.
    pub field: String,
    /// What is wrong and what is accepted, in words.
    pub problem: String,
}

impl Problem {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

/// The problems of an input as one error, or none.
///
/// # Errors
///
/// When there is any problem.
pub fn require_none(problems: Vec<Problem>) -> entity::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(entity::Error::Invalid(problems.into_iter().map(|problem| (problem.field, problem.problem)).collect()))
}

/// Text of at most `max` characters (Unicode scalar values) without NUL, which Postgres cannot store.
pub(crate) fn check_text(field: &str, text: &str, max: usize, problems: &mut Vec<Problem>) {
    let length = characters(text);
    if length > max {
        problems
            .push(Problem::new(field, format!("{} characters; at most {} are accepted.", number(length), number(max))));
    }
    if text.contains('\0') {
        problems.push(Problem::new(field, "It contains a NUL character; remove it."));
    }
}

/// At most `max` entries.
pub(crate) fn check_count(field: &str, count: usize, max: usize, problems: &mut Vec<Problem>) {
    if count > max {
        problems.push(Problem::new(field, format!("{} entries; at most {} are accepted.", number(count), number(max))));
    }
}

/// Whether `text` is a whole web address that a browser could open.
pub(crate) fn is_web_url(text: &str) -> bool {
    // The parser drops blanks and control characters at the ends and tabs within, so they are refused beforehand.
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
