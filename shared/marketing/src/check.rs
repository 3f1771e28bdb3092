//! The check of a draft, and the list of its rules.

use entity::brands::Profile;
use entity::content::{ContentKind, Draft, Findings};

use crate::channels::{self, common};
use crate::rule::Rule;
use crate::{claims, readability};

/// Holds a draft against the rules of its channel and of the brand.
///
/// Pure and deterministic. Findings that block come first, then warnings, then notes; within each, those that hold
/// on every channel, those of the channel, those of the brand.
#[must_use]
pub fn check(kind: ContentKind, draft: &Draft, brand: &Profile) -> Findings {
    let mut found = Vec::new();
    common::check(kind, draft, &mut found);
    channels::check(kind, draft, &mut found);
    claims::check(draft, brand, &mut found);
    readability::check(kind, draft, &mut found);
    found.sort_by_key(|finding| finding.severity);
    Findings(found)
}

/// Every rule that [`check`] applies to a kind, those that block first.
#[must_use]
pub fn rules_for(kind: ContentKind) -> Vec<&'static Rule> {
    static BRAND: &[&Rule] = &[&claims::FORBIDDEN, &readability::GRADE];
    let mut rules: Vec<&'static Rule> =
        channels::rules(kind).iter().chain(common::RULES).chain(BRAND).copied().collect();
    rules.sort_by_key(|rule| rule.severity);
    rules
}
