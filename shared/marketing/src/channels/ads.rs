//! Responsive search ads of Google Ads: headlines in the title and descriptions in the body, one a line.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use entity::content::{Draft, Finding, Severity};
use unicode_segmentation::UnicodeSegmentation;

use crate::rule::Rule;
use crate::text::{columns, counted, cut, filled, lines, quoted, shouted};

const HEADLINES: RangeInclusive<usize> = 3..=15;
const DESCRIPTIONS: RangeInclusive<usize> = 2..=4;
const MAX_HEADLINE: usize = 30;
const MAX_DESCRIPTION: usize = 90;

const RESPONSIVE: &str = "https://support.google.com/google-ads/answer/7684791";
const TEXT_ADS: &str = "https://support.google.com/google-ads/answer/1704389";
const PUNCTUATION_POLICY: &str = "https://support.google.com/adspolicy/answer/14847994";
const CAPITALS_POLICY: &str = "https://support.google.com/adspolicy/answer/14848295";

const HEADLINE_COUNT: Rule = Rule {
    id: "ads.headline_count",
    severity: Severity::Blocking,
    source: Some(RESPONSIVE),
    summary: || format!("There are {} to {} headlines, one a line of the title.", HEADLINES.start(), HEADLINES.end()),
};
const HEADLINE_LENGTH: Rule = Rule {
    id: "ads.headline_length",
    severity: Severity::Blocking,
    source: Some(TEXT_ADS),
    summary: || format!("A headline has at most {MAX_HEADLINE} characters; a wide East Asian character counts two."),
};
const DESCRIPTION_COUNT: Rule = Rule {
    id: "ads.description_count",
    severity: Severity::Blocking,
    source: Some(RESPONSIVE),
    summary: || {
        format!("There are {} to {} descriptions, one a line of the body.", DESCRIPTIONS.start(), DESCRIPTIONS.end())
    },
};
const DESCRIPTION_LENGTH: Rule = Rule {
    id: "ads.description_length",
    severity: Severity::Blocking,
    source: Some(TEXT_ADS),
    summary: || {
        format!("A description has at most {MAX_DESCRIPTION} characters; a wide East Asian character counts two.")
    },
};
const LINK: Rule = Rule {
    id: "ads.link",
    severity: Severity::Blocking,
    source: Some(RESPONSIVE),
    summary: || "There is a link: the final address that the ad leads to.".to_owned(),
};
const PUNCTUATION: Rule = Rule {
    id: "ads.punctuation",
    severity: Severity::Blocking,
    source: Some(PUNCTUATION_POLICY),
    summary: || "No punctuation mark stands twice in a row.".to_owned(),
};
const EMOJI: Rule = Rule {
    id: "ads.emoji",
    severity: Severity::Blocking,
    source: Some(PUNCTUATION_POLICY),
    summary: || "There is no emoji.".to_owned(),
};
const EXCLAMATION: Rule = Rule {
    id: "ads.headline_exclamation",
    severity: Severity::Warning,
    source: None,
    summary: || "No headline has an exclamation mark; Google's review has long refused them.".to_owned(),
};
const CAPITALS: Rule = Rule {
    id: "ads.capitals",
    severity: Severity::Warning,
    source: Some(CAPITALS_POLICY),
    summary: || "No word is in capitals only, save abbreviations and names written so.".to_owned(),
};
const DUPLICATES: Rule = Rule {
    id: "ads.duplicates",
    severity: Severity::Warning,
    source: None,
    summary: || "No two headlines and no two descriptions are the same.".to_owned(),
};

pub(crate) static RULES: &[&Rule] = &[
    &HEADLINE_COUNT,
    &HEADLINE_LENGTH,
    &DESCRIPTION_COUNT,
    &DESCRIPTION_LENGTH,
    &LINK,
    &PUNCTUATION,
    &EMOJI,
    &EXCLAMATION,
    &CAPITALS,
    &DUPLICATES,
];

pub(crate) fn check(draft: &Draft, found: &mut Vec<Finding>) {
    let mut headlines: Vec<&str> = lines(draft.title.as_deref().unwrap_or_default()).collect();
    let mut descriptions: Vec<&str> = lines(&draft.body).collect();
    check_count(&HEADLINE_COUNT, headlines.len(), &HEADLINES, ("headline", "headlines"), found);
    check_count(&DESCRIPTION_COUNT, descriptions.len(), &DESCRIPTIONS, ("description", "descriptions"), found);
    // Lines beyond the most are to go in any case; looking at them would only make the list long.
    headlines.truncate(*HEADLINES.end());
    descriptions.truncate(*DESCRIPTIONS.end());
    check_lines(&HEADLINE_LENGTH, "Headline", &headlines, MAX_HEADLINE, found);
    check_lines(&DESCRIPTION_LENGTH, "Description", &descriptions, MAX_DESCRIPTION, found);
    if filled(draft.link.as_deref()).is_none() {
        found.push(LINK.finding("There is no link.", "Give the address of the page that the ad leads to."));
    }
    for (index, _) in headlines.iter().enumerate().filter(|(_, headline)| headline.contains(['!', '！'])) {
        let number = index + 1;
        found.push(EXCLAMATION.finding(
            format!("Headline {number} has an exclamation mark."),
            format!("Take the exclamation mark out of headline {number}."),
        ));
    }
    check_duplicates("headline", &headlines, found);
    check_duplicates("description", &descriptions, found);
}

fn check_count(
    rule: &Rule,
    count: usize,
    accepted: &RangeInclusive<usize>,
    (one, many): (&str, &str),
    found: &mut Vec<Finding>,
) {
    let (least, most) = (*accepted.start(), *accepted.end());
    let fix = if count < least {
        format!("Add at least {}, one a line.", counted(least - count, one, many))
    } else if count > most {
        format!("Remove at least {}.", counted(count - most, one, many))
    } else {
        return;
    };
    found.push(rule.finding(format!("{}; an ad has {least} to {most}.", counted(count, one, many)), fix));
}

/// What holds for each line by itself.
fn check_lines(length_rule: &Rule, name: &str, lines: &[&str], max: usize, found: &mut Vec<Finding>) {
    for (index, line) in lines.iter().enumerate() {
        let place = format!("{name} {}", index + 1);
        let length = columns(line);
        if length > max {
            found.push(length_rule.finding(
                format!("{place} has {length} of {max} characters."),
                format!("{place}: {}", cut(length, max)),
            ));
        }
        if has_row(line) {
            found.push(PUNCTUATION.finding(
                format!("{place} has a punctuation mark twice in a row."),
                format!("{place}: keep one of them."),
            ));
        }
        if line.graphemes(true).any(is_emoji) {
            found.push(EMOJI.finding(format!("{place} has an emoji."), format!("{place}: remove the emoji.")));
        }
        let loud = shouted(line);
        if !loud.is_empty() {
            found.push(CAPITALS.finding(
                format!("{place} has in capitals: {}.", quoted(loud)),
                format!("{place}: write it in normal case unless it is an abbreviation or a name."),
            ));
        }
    }
}

/// Whether a mark follows itself. A full stop may: an ellipsis is ordinary writing.
fn has_row(line: &str) -> bool {
    line.chars().zip(line.chars().skip(1)).any(|(a, b)| {
        a == b && matches!(a, '!' | '?' | '！' | '？' | ',' | ';' | ':' | '*' | '~' | '#' | '$' | '%' | '&' | '+' | '=')
    })
}

/// Whether it is shown as a picture. Signs such as © and digits count only with the mark that makes them one.
fn is_emoji(grapheme: &str) -> bool {
    emojis::get(grapheme).is_some() && (grapheme.contains('\u{fe0f}') || !grapheme.starts_with(['©', '®', '™']))
}

fn check_duplicates(name: &str, lines: &[&str], found: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    let mut reported = HashSet::new();
    for line in lines {
        let folded = line.to_lowercase();
        if !seen.insert(folded.clone()) && reported.insert(folded) {
            found.push(DUPLICATES.finding(
                format!("The {name} “{line}” stands there more than once."),
                format!("Replace the repeated {name} with one that says something else."),
            ));
        }
    }
}
