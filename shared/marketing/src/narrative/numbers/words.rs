//! Numbers in words: those that count (twenty-three, two hundred thousand), and those that tell a multiple or a part.

use super::{Found, Number, Quantity, Value, scale};

/// A word and where it stands.
struct Word<'a> {
    text: &'a str,
    lower: String,
    at: usize,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// Finds them in a text without digits.
pub(super) fn find(text: &str) -> Vec<Found> {
    let words = words(text);
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(word) = words.get(index) {
        let run = counting_run(text, &words, index);
        let next = words.get(index + run.max(1)).map(|word| word.lower.as_str()).unwrap_or_default();
        let previous = index.checked_sub(1).and_then(|index| words.get(index)).map(|word| word.lower.as_str());
        if run > 0 {
            let counted = words.get(index..index + run).unwrap_or_default();
            if !is_said_in_passing(counted, previous, next) {
                let end = counted.last().map_or(word.end(), Word::end);
                let written = text.get(word.at..end).unwrap_or_default().to_owned();
                let unit = if matches!(next, "percent" | "per") { "%" } else { "" };
                let quantity = Quantity { sign: None, value: value(counted), unit: unit.to_owned() };
                found.push(Found { at: word.at, written, number: Number::Quantity(quantity) });
            }
        } else if is_multiple_or_part(&word.lower, previous, next) {
            let (written, literal) = (word.text.to_owned(), word.lower.clone());
            found.push(Found { at: word.at, written, number: Number::Literal(literal) });
        }
        index += run.max(1);
    }
    found
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_alphabetic(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let text = text.get(from..at).unwrap_or_default();
                words.push(Word { text, lower: text.to_lowercase(), at: from });
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// How many words from `index` on say one number together.
fn counting_run(text: &str, words: &[Word<'_>], index: usize) -> usize {
    let mut counting = Counting::default();
    let mut length = 0;
    let mut end = None;
    for word in words.iter().skip(index) {
        let gap = end.and_then(|end| text.get(end..word.at));
        let is_joined = gap.is_none_or(|gap| gap.chars().all(|c| c.is_whitespace() || matches!(c, '-' | '‑')));
        if !is_joined || !counting.takes(&word.lower) {
            break;
        }
        length += 1;
        end = Some(word.end());
    }
    // "Two hundred and" was not the end of a number.
    let last = words.get((index + length).saturating_sub(1)).map(|word| word.lower.as_str());
    if length > 0 && last == Some("and") { length - 1 } else { length }
}

fn value(words: &[Word<'_>]) -> Value {
    let mut counting = Counting::default();
    words.iter().for_each(|word| {
        counting.takes(&word.lower);
    });
    Value::new(&counting.total.saturating_add(counting.current).to_string(), 0)
}

/// A number in words as far as it was read.
#[derive(Default)]
struct Counting {
    total: u128,
    current: u128,
    has_begun: bool,
    has_scale: bool,
}

impl Counting {
    /// Goes on with a word, if it can be the next one of the same number.
    fn takes(&mut self, word: &str) -> bool {
        if word == "and" {
            return self.has_scale;
        }
        if let Some(small) = small(word) {
            let fits = match small {
                0 => !self.has_begun,
                1..=9 => self.current.is_multiple_of(10) && self.current % 100 != 10,
                _ => self.current.is_multiple_of(100),
            };
            // After "one" or "ten" nothing small can follow.
            let fits = fits && (!self.has_begun || self.has_scale || (20..100).contains(&self.current) && small < 10);
            if fits {
                self.current += small;
                self.has_begun = true;
            }
            return fits;
        }
        let Some(power) = scale(word).filter(|_| !word.ends_with('s')).and_then(|power| u32::try_from(power).ok())
        else {
            return false;
        };
        let factor = 10_u128.saturating_pow(power);
        if power == 2 {
            self.current = self.current.max(1).saturating_mul(factor);
        } else {
            self.total = self.total.saturating_add(self.current.max(1).saturating_mul(factor));
            self.current = 0;
        }
        (self.has_begun, self.has_scale) = (true, true);
        true
    }
}

fn small(word: &str) -> Option<u128> {
    const UNITS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let unit = UNITS.iter().position(|unit| *unit == word);
    let tens = || TENS.iter().position(|tens| *tens == word).map(|position| (position + 2) * 10);
    unit.or_else(tens).and_then(|value| u128::try_from(value).ok())
}

/// "One" is often no number: "one of them", "no one", "this one".
fn is_said_in_passing(counted: &[Word<'_>], previous: Option<&str>, next: &str) -> bool {
    const BEFORE: [&str; 9] = ["no", "any", "every", "each", "this", "that", "the", "which", "another"];
    let [word] = counted else { return false };
    word.lower == "one" && (matches!(next, "of" | "another") || previous.is_some_and(|word| BEFORE.contains(&word)))
}

fn is_multiple_or_part(word: &str, previous: Option<&str>, next: &str) -> bool {
    const MULTIPLES: [&str; 8] = ["twice", "thrice", "dozen", "dozens", "couple", "pair", "hundreds", "thousands"];
    const STEMS: [&str; 7] = ["doubl", "tripl", "trebl", "quadrupl", "quintupl", "halv", "halfway"];
    const PARTS: [&str; 8] = ["third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    let single = word.strip_suffix('s').unwrap_or(word);
    let is_fold = word.strip_suffix("fold").is_some_and(|count| small(count).is_some() || scale(count).is_some());
    match single {
        "half" | "million" | "billion" | "trillion" | "hundredth" | "thousandth" => true,
        // Of a year it is a time, of a number it is a part.
        "quarter" => next == "of" || previous.is_some_and(|word| word == "a" || small(word).is_some()),
        "third" => !matches!(next, "party" | "parties"),
        _ => {
            is_fold
                || MULTIPLES.contains(&word)
                || PARTS.contains(&single)
                || STEMS.iter().any(|stem| word.starts_with(stem))
        }
    }
}
