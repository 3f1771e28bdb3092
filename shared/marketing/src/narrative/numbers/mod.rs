//! Numbers in English text: days, digits, and words that count or tell a multiple or a part.
//!
//! The text and the facts are read in the same way, so what is not understood has to stand in the facts as it is.

mod days;
mod digits;
mod words;

use std::collections::BTreeSet;

use days::Day;

use crate::claims::is_invisible;

/// Every number of a text that is not among the facts, in their order and as written.
///
/// A number is among the facts when its value stands there with the same unit (`%`, a currency, a letter as in `3x`) and,
/// where the text gives one, the same sign: "fell by 4%" is fine when the facts say "-4%", "+4%" is not. A rounded number
/// is another number. A day may be written otherwise (November 23 for 2026-11-23); its parts count for nothing else. Words
/// that say a number, a multiple or a part (twelve, a dozen, twice, half, a third, million) need the same word or, where
/// they count, the same value.
#[must_use]
pub fn strange_numbers(text: &str, facts: &str) -> Vec<String> {
    let known: Vec<Number> = found(facts).into_iter().map(|found| found.number).collect();
    let mut seen = BTreeSet::new();
    let strange = found(text).into_iter().filter(|found| !known.iter().any(|fact| found.number.is_said_by(fact)));
    strange.map(|found| found.written).filter(|written| seen.insert(written.clone())).collect()
}

/// A number and where it was found.
struct Found {
    at: usize,
    written: String,
    number: Number,
}

#[derive(Clone, Debug, PartialEq)]
enum Number {
    Quantity(Quantity),
    Day(Day),
    /// A year by itself, as in "in 2026".
    Year(u32),
    /// What is compared letter by letter.
    Literal(String),
}

impl Number {
    fn is_said_by(&self, fact: &Self) -> bool {
        match (self, fact) {
            (Self::Quantity(said), Self::Quantity(fact)) => {
                let is_same_sign = said.sign.is_none() || said.sign == fact.sign;
                is_same_sign && (&said.value, &said.unit) == (&fact.value, &fact.unit)
            }
            (Self::Day(said), Self::Day(fact)) => said.is_said_by(fact),
            (Self::Year(year), Self::Day(fact)) => fact.year == Some(*year),
            (said, fact) => said == fact,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Quantity {
    sign: Option<char>,
    value: Value,
    unit: String,
}

/// A decimal of any size.
#[derive(Clone, Debug, PartialEq)]
struct Value {
    /// Without zeros at their ends, so that one value is written in one way.
    digits: String,
    exponent: i64,
}

impl Value {
    fn new(digits: &str, exponent: i64) -> Self {
        let digits = digits.trim_start_matches('0');
        let short = digits.trim_end_matches('0');
        if short.is_empty() {
            return Self { digits: String::new(), exponent: 0 };
        }
        let zeros = i64::try_from(digits.len() - short.len()).unwrap_or_default();
        Self { digits: short.to_owned(), exponent: exponent + zeros }
    }

    fn times_ten_to(self, power: i64) -> Self {
        if self.digits.is_empty() { self } else { Self { exponent: self.exponent + power, ..self } }
    }
}

fn found(text: &str) -> Vec<Found> {
    // A sign that shows nothing could part a number in two.
    let mut text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let mut found = days::take(&mut text);
    found.extend(digits::take(&mut text));
    found.extend(words::find(&text));
    found.sort_by_key(|found| found.at);
    found
}

/// Puts blanks in the place of what is done with, so that everything else stays where it was.
fn blank(text: &mut String, from: usize, to: usize) {
    let blanks = " ".repeat(to.saturating_sub(from));
    text.replace_range(from..to, &blanks);
}

/// The power of ten of a word such as million, alone or in the plural.
fn scale(word: &str) -> Option<i64> {
    Some(match word.strip_suffix('s').unwrap_or(word) {
        "hundred" => 2,
        "thousand" => 3,
        "million" => 6,
        "billion" => 9,
        "trillion" => 12,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
