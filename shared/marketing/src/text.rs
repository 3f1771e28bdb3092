//! Counting and finding things in plain text.

use std::ops::Range;

use chrono::NaiveDate;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use crate::channels::x::url_ranges;

/// Length in Unicode scalar values.
pub(crate) fn characters(text: &str) -> usize {
    text.chars().count()
}

/// Length in UTF-16 code units, which is how JavaScript and Java measure text. Never less than [`characters`].
pub(crate) fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Length where a wide East Asian character or an emoji takes two places and any other one.
pub(crate) fn columns(text: &str) -> usize {
    text.nfc().map(|c| if c.width() == Some(2) { 2 } else { 1 }).sum()
}

/// Number of words; each ideograph counts as one. As Unicode divides words (UAX #29), with a short way for those that
/// are nothing but ASCII letters and digits within punctuation, which most are.
pub(crate) fn words(text: &str) -> usize {
    let in_part = |part: &str| {
        let core = part.trim_matches(|letter: char| letter.is_ascii_punctuation());
        match core.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            true => usize::from(!core.is_empty()),
            false => part.unicode_words().count(),
        }
    };
    text.split_whitespace().map(in_part).sum()
}

/// `1234567` as `1,234,567`.
pub(crate) fn number(value: usize) -> String {
    grouped(&value.to_string())
}

/// A number with so many places, its thousands apart.
#[must_use]
pub fn written(value: f64, places: usize) -> String {
    // The sum of nothing is -0, and what is next to nothing is written as such.
    let plain = format!("{value:.places$}");
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let sign = if plain.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { sign } else { "" };
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    format!("{sign}{}{rest}", grouped(whole))
}

/// A day such as `Tue 3 Nov`: in texts that say elsewhere which year it is.
#[must_use]
pub fn day(day: NaiveDate) -> String {
    day.format("%a %-d %b").to_string()
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 word`, `2 words`: a count with its noun.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// Begun as a sentence is.
pub(crate) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// As much of a text as `max` characters hold, with a sign that there is more.
pub(crate) fn shortened(text: &str, max: usize) -> String {
    if characters(text) <= max {
        return text.to_owned();
    }
    let cut: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// "Cut at least 12 characters." for a text that is too long.
pub(crate) fn cut(length: usize, max: usize) -> String {
    format!("Cut at least {}.", counted(length.saturating_sub(max), "character", "characters"))
}

/// The text when there is any besides blanks.
pub(crate) fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// First line that is not blank.
pub(crate) fn first_line(text: &str) -> &str {
    lines(text).next().unwrap_or_default()
}

/// Trimmed lines that are not blank.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Hashtags in order, without their sign. A tag holds at least one character that is not a digit.
pub(crate) fn hashtags(text: &str) -> Vec<String> {
    tagged(&without_urls(text), &['#', '＃'], |c| c.is_alphanumeric() || c == '_')
        .into_iter()
        .filter(|tag| tag.chars().any(|c| !c.is_numeric()))
        .collect()
}

/// Account names that are addressed with an at sign.
pub(crate) fn mentions(text: &str) -> Vec<String> {
    tagged(&without_urls(text), &['@', '＠'], |c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// Runs of `part` characters that follow a `sign` which does not itself follow a word, as in an e-mail address.
fn tagged(text: &str, signs: &[char], part: fn(char) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let starts = signs.contains(&c) && !before.is_some_and(|b: char| b.is_alphanumeric() || b == '_' || b == '&');
        before = Some(c);
        if !starts {
            continue;
        }
        let mut tag = String::new();
        while let Some(next) = chars.next_if(|next| part(*next)) {
            tag.push(next);
            before = Some(next);
        }
        if !tag.is_empty() {
            found.push(tag);
        }
    }
    found
}

/// The text with every address replaced by a blank, for rules about words.
pub(crate) fn without_urls(text: &str) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut end = 0;
    for Range { start, end: next } in url_ranges(text) {
        rest.push_str(text.get(end..start).unwrap_or_default());
        rest.push(' ');
        end = next;
    }
    rest.push_str(text.get(end..).unwrap_or_default());
    rest
}

/// Words of at least four letters written in capitals only. Shorter ones are mostly abbreviations.
pub(crate) fn shouted(text: &str) -> Vec<&str> {
    const SHORTEST: usize = 4;
    text.unicode_words().filter(|word| characters(word) >= SHORTEST && word.chars().all(char::is_uppercase)).collect()
}

/// The words that go with a list of finds, at most five, in quotes.
pub(crate) fn quoted<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 5;
    let mut items = items.into_iter();
    let mut list: Vec<String> = items.by_ref().take(MOST).map(|item| format!("“{item}”")).collect();
    let more = items.count();
    if more > 0 {
        list.push(format!("{more} more"));
    }
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_unicode() {
        let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).unwrap();
        let pages =
            pages.map(|page| String::from_utf8_lossy(&std::fs::read(page.unwrap().path()).unwrap()).into_owned());
        let odd = [
            "",
            " ",
            "...",
            "_",
            "_a_ 'b' (c)",
            "1,000.5 a,b a.b don't x-y",
            "a\u{301}b c\u{200d}d",
            "日本語 и е́ж",
            "a\u{a0}b",
        ];
        for text in pages.chain(odd.map(str::to_owned)) {
            assert_eq!(words(&text), text.unicode_words().count(), "{}", &text.chars().take(80).collect::<String>());
        }
    }
}
