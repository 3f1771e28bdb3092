//! How many years of school an English text asks for.

use entity::content::{ContentKind, Draft, Finding, Severity};
use unicode_segmentation::UnicodeSegmentation;
use whatlang::{Lang, detect};

use crate::rule::Rule;
use crate::text::without_urls;
use crate::{channels, markdown};

/// Grade above which the text is pointed out: the last year of secondary school in the United States.
const MAX_GRADE: f64 = 12.0;
/// Fewer words than this say nothing reliable.
const FEWEST_WORDS: usize = 100;

/// Our own recommendation; the formula is that of Kincaid et al. (1975).
pub(crate) const GRADE: Rule = Rule {
    id: "text.reading_level",
    severity: Severity::Note,
    source: None,
    summary: || {
        format!(
            "English text should read at grade {MAX_GRADE:.0} or below (Flesch–Kincaid; measured from {FEWEST_WORDS} words on)."
        )
    },
};

/// Points out English text that is harder to read than most readers like.
pub(crate) fn check(kind: ContentKind, draft: &Draft, found: &mut Vec<Finding>) {
    let text = if channels::is_markdown(kind) { markdown::parse(&draft.body).text } else { draft.body.clone() };
    let Some(grade) = english_grade(&without_urls(&text)) else { return };
    if grade > MAX_GRADE {
        found.push(GRADE.finding(
            format!("Reads at grade {grade:.0} (Flesch–Kincaid); {MAX_GRADE:.0} or below suits most readers."),
            "Split long sentences and use shorter words.",
        ));
    }
}

/// Flesch–Kincaid grade of a text that is surely English and long enough to measure.
pub(crate) fn english_grade(text: &str) -> Option<f64> {
    let words: Vec<&str> = text.unicode_words().filter(|word| word.chars().any(char::is_alphabetic)).collect();
    if words.len() < FEWEST_WORDS || !detect(text).is_some_and(|info| info.lang() == Lang::Eng && info.is_reliable()) {
        return None;
    }
    let sentences = text.unicode_sentences().count().max(1);
    let syllables: usize = words.iter().map(|word| syllables(word)).sum();
    let words = as_f64(words.len());
    Some(0.39 * (words / as_f64(sentences)) + 11.8 * (as_f64(syllables) / words) - 15.59)
}

/// Groups of vowels, less a silent `e` at the end: within a few percent of a dictionary over a whole text.
fn syllables(word: &str) -> usize {
    let word = word.to_lowercase();
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    let mut groups = 0;
    let mut within = false;
    for c in word.chars() {
        groups += usize::from(vowel(c) && !within);
        within = vowel(c);
    }
    let silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    (groups - usize::from(silent)).max(1)
}

/// Counts here stay below 100,000, which an `f64` holds exactly.
fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
