//! Days and years: 2026-11-23, November 23, 23 Nov 2026, November 16–22, November 2026, in 2026.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{Found, Number, blank};

/// A day as far as it was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Day {
    pub(super) year: Option<u32>,
    month: u32,
    day: Option<u32>,
}

impl Day {
    /// Whether this, as far as it goes, is said by `fact`.
    pub(super) fn is_said_by(&self, fact: &Self) -> bool {
        let agrees = |ours: Option<u32>, theirs: Option<u32>| ours.is_none() || ours == theirs;
        self.month == fact.month && agrees(self.day, fact.day) && agrees(self.year, fact.year)
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // With a capital: "you may" is no month.
    let month = "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|\
                 Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)";
    let day = "[0-9]{1,2}(?:st|nd|rd|th)?";
    let days = format!(r"{day}(?:\s*(?:-|–|—|to|and|until)\s*{day})?");
    let year = "(?:19|20)[0-9]{2}";
    Regex::new(&format!(
        r"(?P<iso>(?P<iy>{year})-(?P<im>[01][0-9])-(?P<id>[0-3][0-9])(?P<time>[T ][0-9]{{2}}:[0-9]{{2}}[0-9:.]*(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?)|(?P<m1>{month})\.?,?\s+(?P<y1>{year})|(?P<m2>{month})\.?\s+(?P<d2>{days})(?:,?\s+(?P<y2>{year}))?|(?P<d3>{days})\s+(?:of\s+)?(?P<m3>{month})(?:\.?,?\s+(?P<y3>{year}))?|(?:in|In|of|since|Since|during|During|until|year)\s+(?P<y4>{year})"
    ))
    .ok()
});

/// Finds them, and blanks them out.
pub(super) fn take(text: &mut String) -> Vec<Found> {
    let Some(pattern) = PATTERN.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    let mut taken = Vec::new();
    for captures in pattern.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        let (before, after) = (text.get(..whole.start()), text.get(whole.end()..));
        // Part of something longer is something else.
        if before.is_some_and(ends_in_number_or_word) || after.is_some_and(goes_on) {
            continue;
        }
        let written = whole.as_str().to_owned();
        let numbers = numbers(&captures);
        found.extend(numbers.into_iter().map(|number| Found { at: whole.start(), written: written.clone(), number }));
        taken.push(whole.range());
    }
    taken.into_iter().for_each(|range| blank(text, range.start, range.end));
    found
}

fn numbers(captures: &Captures<'_>) -> Vec<Number> {
    let get = |name: &str| captures.name(name).map(|part| part.as_str());
    let number = |name: &str| get(name).and_then(|text| text.parse().ok());
    if let (Some(year), Some(month), Some(day)) = (number("iy"), number("im"), number("id")) {
        let day = Number::Day(Day { year: Some(year), month, day: Some(day) });
        let time = get("time").map(|time| Number::Literal(time.trim_start_matches(['T', ' ']).to_owned()));
        return [day].into_iter().chain(time).collect();
    }
    if let Some(year) = number("y4") {
        return vec![Number::Year(year)];
    }
    let year = number("y1").or_else(|| number("y2")).or_else(|| number("y3"));
    let month = get("m1").or_else(|| get("m2")).or_else(|| get("m3")).map(month_of).unwrap_or_default();
    match get("d2").or_else(|| get("d3")) {
        None => vec![Number::Day(Day { year, month, day: None })],
        Some(days) => {
            let days = days.split(|c: char| !c.is_ascii_digit()).filter_map(|day| day.parse().ok());
            days.map(|day| Number::Day(Day { year, month, day: Some(day) })).collect()
        }
    }
}

fn month_of(name: &str) -> u32 {
    let position = MONTHS.iter().position(|month| name.starts_with(month));
    position.and_then(|position| u32::try_from(position + 1).ok()).unwrap_or_default()
}

fn ends_in_number_or_word(before: &str) -> bool {
    let mut last = before.chars().rev();
    match last.next() {
        Some('.' | ',' | ':' | '\'' | '’' | '-' | '−' | '+' | '/') => last.next().is_some_and(char::is_numeric),
        Some(c) => c.is_alphanumeric() || c == '_',
        None => false,
    }
}

fn goes_on(after: &str) -> bool {
    let mut next = after.chars();
    match next.next() {
        Some('.' | ',' | ':' | '/' | '\'' | '’') => next.next().is_some_and(char::is_numeric),
        Some(c) => c.is_alphanumeric() || matches!(c, '%' | '_'),
        None => false,
    }
}
