//! Facebook pages.

use entity::content::{Draft, Finding, Severity};

use super::x::url_ranges;
use crate::rule::Rule;
use crate::text::{characters, counted, cut, first_line, hashtags, number, utf16};

/// In UTF-16 code units. Meta's documentation names no limit; this one is what Facebook has been seen to enforce.
const MAX_LENGTH: usize = 63_206;
/// What shows on a phone above "see more".
const FOLD: usize = 125;
const MAX_HASHTAGS: usize = 3;
const MAX_LINKS: usize = 1;

const LENGTH: Rule = Rule {
    id: "facebook.length",
    severity: Severity::Blocking,
    source: None,
    summary: || {
        format!("A post has at most {} characters, the limit that Facebook is known to enforce.", number(MAX_LENGTH))
    },
};
const HOOK: Rule = Rule {
    id: "facebook.hook",
    severity: Severity::Note,
    source: None,
    summary: || format!("The first line has at most {FOLD} characters, about what a phone shows above “see more”."),
};
const LINKS: Rule = Rule {
    id: "facebook.links",
    severity: Severity::Note,
    source: None,
    summary: || format!("The text has at most {MAX_LINKS} link: only one is shown as a preview."),
};
const HASHTAGS: Rule = Rule {
    id: "facebook.hashtags",
    severity: Severity::Note,
    source: None,
    summary: || format!("A post has at most {MAX_HASHTAGS} hashtags."),
};

pub(crate) static RULES: &[&Rule] = &[&LENGTH, &HOOK, &LINKS, &HASHTAGS];

pub(crate) fn check(draft: &Draft, found: &mut Vec<Finding>) {
    let body = draft.body.trim();
    let length = utf16(body);
    if length > MAX_LENGTH {
        found.push(
            LENGTH
                .finding(format!("{} of {} characters.", number(length), number(MAX_LENGTH)), cut(length, MAX_LENGTH)),
        );
    }
    let hook = characters(first_line(body));
    if hook > FOLD {
        found.push(HOOK.finding(
            format!("The first line has {} characters; about {FOLD} show on a phone.", number(hook)),
            format!("Make the point in a first line of at most {FOLD} characters."),
        ));
    }
    let links = url_ranges(body).len();
    if links > MAX_LINKS {
        found.push(LINKS.finding(format!("{links} links in the text."), "Keep the one that readers should follow."));
    }
    let tags = hashtags(body).len();
    if tags > MAX_HASHTAGS {
        found.push(
            HASHTAGS
                .finding(counted(tags, "hashtag.", "hashtags."), format!("Keep the {MAX_HASHTAGS} that matter most.")),
        );
    }
}
