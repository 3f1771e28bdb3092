//! A rule as data: the same constant gives the words of a guide and the source of a finding.

use std::fmt;

use entity::content::{Finding, Severity};

/// One thing a piece of content is checked for.
pub struct Rule {
    /// Stable name, such as `linkedin.length`.
    pub id: &'static str,
    /// How much it matters when the rule is broken.
    pub severity: Severity,
    /// Official public page that states the rule. Absent where the rule is our own recommendation or the brand's.
    pub source: Option<&'static str>,
    /// Built from the constants that the check compares with, so that words and check cannot drift apart.
    pub(crate) summary: fn() -> String,
}

impl Rule {
    /// The rule in words, as an instruction to a writer.
    #[must_use]
    pub fn summary(&self) -> String {
        (self.summary)()
    }

    /// What `message` says was seen, and what `fix` asks for, under this rule.
    pub(crate) fn finding(&self, message: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding {
            rule: self.id.to_owned(),
            severity: self.severity,
            message: message.into(),
            fix: fix.into(),
            source: self.source.map(str::to_owned),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).field("severity", &self.severity).finish_non_exhaustive()
    }
}
