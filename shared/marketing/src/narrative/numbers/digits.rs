//! Numbers in digits, with the sign, the unit and the word for their size that belong to them.

use super::{Found, Number, Quantity, Value, blank, scale};

/// Finds them, and blanks them out.
pub(super) fn take(text: &mut String) -> Vec<Found> {
    let whole = text.clone();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = position(&whole, from, char::is_numeric) {
        let (start, end, number) = read(&whole, at);
        let written = whole.get(start..end).unwrap_or_default().trim().to_owned();
        blank(text, start, end);
        found.push(Found { at: start, written, number });
        from = end;
    }
    found
}

fn position(text: &str, from: usize, wanted: impl Fn(char) -> bool) -> Option<usize> {
    text.get(from..)?.char_indices().find(|(_, c)| wanted(*c)).map(|(at, _)| from + at)
}

/// The number whose first digit is at `at`, from where to where it goes.
fn read(text: &str, at: usize) -> (usize, usize, Number) {
    let before = text.get(..at).unwrap_or_default();
    let name = trailing(before, |c| c.is_alphabetic() || c == '_');
    let end = at + core(text.get(at..).unwrap_or_default());
    let core = text.get(at..end).unwrap_or_default();
    let rest = text.get(end..).unwrap_or_default();
    let suffix = leading(rest, |c| c.is_alphanumeric() || c == '_');
    let rest = rest.get(suffix.len()..).unwrap_or_default();
    let (unit, power, tail) = tail(rest);
    let end = end + suffix.len() + tail;

    let before = before.get(..before.len() - name.len()).unwrap_or_default();
    let currency = trailing(before, is_currency);
    let before = before.get(..before.len() - currency.len()).unwrap_or_default();
    let sign = sign(before);
    let start = before.len() - sign.map_or(0, |(_, length)| length);
    let whole = || text.get(start..end).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");

    // With a letter before it is a name, such as Q3.
    let number = match value(core).filter(|_| name.is_empty()) {
        Some(value) => Number::Quantity(Quantity {
            sign: sign.map(|(sign, _)| sign),
            value: value.times_ten_to(power),
            unit: format!("{currency}{}{unit}", suffix.to_lowercase()),
        }),
        None => Number::Literal(whole().to_lowercase()),
    };
    (start, end, number)
}

/// How long the digits are, with what may part them.
fn core(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        let is_numeric_next = || text.get(next..).and_then(|rest| rest.chars().next()).is_some_and(char::is_numeric);
        let parts = matches!(c, '.' | ',' | ':' | '/' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '\u{2009}');
        let goes_on = c.is_numeric() || parts && is_numeric_next();
        if !goes_on {
            break;
        }
        end = next;
    }
    end
}

/// The value of 1204, 1,204 or 12.50; none when it is written in another way.
fn value(core: &str) -> Option<Value> {
    let (whole, part) = core.split_once('.').unwrap_or((core, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next().filter(|first| !first.is_empty() && is_digits(first))?;
    let is_grouped = whole.contains(',');
    let are_groups = !is_grouped || (first.len() <= 3 && groups.all(|group| group.len() == 3 && is_digits(group)));
    if !are_groups || !is_digits(part) || (core.contains('.') && part.is_empty()) {
        return None;
    }
    let digits = format!("{}{part}", whole.replace(',', ""));
    Some(Value::new(&digits, -i64::try_from(part.len()).ok()?))
}

/// What follows a number and belongs to it: its unit, its power of ten, and how long that is.
fn tail(rest: &str) -> (&'static str, i64, usize) {
    let blanks = rest.len() - rest.trim_start_matches([' ', '\u{a0}', '\u{202f}']).len();
    let next = rest.get(blanks..).unwrap_or_default();
    match next.chars().next() {
        Some(c @ ('%' | '％' | '﹪')) => return ("%", 0, blanks + c.len_utf8()),
        Some(c @ '‰') => return ("‰", 0, blanks + c.len_utf8()),
        Some(c @ '×') => return ("x", 0, blanks + c.len_utf8()),
        Some(c @ '€') => return ("€", 0, blanks + c.len_utf8()),
        _ => {}
    }
    // "5-million" is five million too.
    let hyphen = usize::from(blanks == 0 && next.starts_with('-'));
    if blanks + hyphen == 0 {
        return ("", 0, 0);
    }
    let next = next.get(hyphen..).unwrap_or_default();
    let word = leading(next, char::is_alphabetic);
    let length = blanks + hyphen + word.len();
    let lower = word.to_lowercase();
    if let Some(power) = scale(&lower) {
        // A unit may follow the word: 2 million percent.
        let (unit, _, more) = tail(next.get(word.len()..).unwrap_or_default());
        return (unit, power, length + more);
    }
    let after = next.get(word.len()..).unwrap_or_default().trim_start().to_lowercase();
    match lower.as_str() {
        "percent" => ("%", 0, length),
        "per" if leading(&after, char::is_alphabetic) == "cent" => ("%", 0, length),
        "percentage" | "point" | "points" => ("points", 0, length),
        _ => ("", 0, 0),
    }
}

/// The sign right before a number, and how long it is; a dash between two numbers or words is none.
fn sign(before: &str) -> Option<(char, usize)> {
    let mut last = before.chars().rev();
    let written = last.next()?;
    let sign = match written {
        '+' | '＋' => '+',
        '-' | '−' | '–' | '‐' | '‑' | '﹣' | '－' => '-',
        _ => return None,
    };
    let is_between = last.next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '%' | '_' | ')'));
    (!is_between).then_some((sign, written.len_utf8()))
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '\u{20a0}'..='\u{20cf}')
}

fn trailing(text: &str, is: impl Fn(char) -> bool) -> &str {
    let length: usize = text.chars().rev().take_while(|c| is(*c)).map(char::len_utf8).sum();
    text.get(text.len() - length..).unwrap_or_default()
}

fn leading(text: &str, is: impl Fn(char) -> bool) -> &str {
    let length: usize = text.chars().take_while(|c| is(*c)).map(char::len_utf8).sum();
    text.get(..length).unwrap_or_default()
}
