//! How hard a text is to read, by the formula for its language.

use unicode_segmentation::UnicodeSegmentation;
use whatlang::{Lang, Script};

use super::rule::real;
use crate::readability;

/// Fewer words than this say nothing reliable.
const FEWEST_WORDS: usize = 100;
/// More of a text says nothing new.
const MOST: usize = 20_000;
/// The last year of school in the United States.
const MAX_GRADE: f64 = 12.0;
/// Above this a text in a European language is hard (Björnsson, 1968).
const MAX_LIX: f64 = 50.0;

/// How hard a text is to read.
#[derive(Debug)]
pub(super) struct Reading {
    /// By how much it is harder than it should be; from 1 on it is far too hard.
    pub excess: f64,
    pub seen: String,
}

/// English by Flesch–Kincaid, other languages in the Latin, Cyrillic and Greek alphabets by LIX; none for others, and for
/// short texts.
pub(super) fn ease(text: &str, lang: Option<&str>) -> Option<Reading> {
    let text = text.char_indices().nth(MOST).and_then(|(end, _)| text.get(..end)).unwrap_or(text);
    let info = whatlang::detect(text)?;
    let is_english =
        info.lang() == Lang::Eng && (info.is_reliable() || lang.is_some_and(|lang| lang.starts_with("en")));
    if is_english {
        let grade = readability::english_grade(text)?;
        let seen = format!("The text reads at grade {grade:.0} (Flesch–Kincaid); 12 or below suits most readers.");
        return Some(Reading { excess: (grade - MAX_GRADE) / 6.0, seen });
    }
    matches!(info.script(), Script::Latin | Script::Cyrillic | Script::Greek).then(|| lix(text))?
}

/// The words of a sentence, and how many of a hundred are longer than six letters.
fn lix(text: &str) -> Option<Reading> {
    let words: Vec<&str> = text.unicode_words().filter(|word| word.chars().any(char::is_alphabetic)).collect();
    if words.len() < FEWEST_WORDS {
        return None;
    }
    let sentences = text.unicode_sentences().filter(|it| it.chars().any(char::is_alphabetic)).count().max(1);
    let long = words.iter().filter(|word| word.chars().count() > 6).count();
    let lix = real(words.len()) / real(sentences) + 100.0 * real(long) / real(words.len());
    let seen = format!("The text has a LIX of {lix:.0}; 50 or below suits most readers.");
    Some(Reading { excess: (lix - MAX_LIX) / 15.0, seen })
}

/// Whether it is shaped like a language tag: two or three letters, or more parts after a hyphen (BCP 47).
pub(super) fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let is_language =
        parts.next().is_some_and(|part| matches!(part.len(), 2..=3) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    is_language && parts.all(|part| matches!(part.len(), 1..=8) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}
