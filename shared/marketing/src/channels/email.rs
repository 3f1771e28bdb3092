//! Newsletters and single e-mails.

use entity::content::{Draft, Finding, Severity};

use crate::markdown;
use crate::rule::Rule;
use crate::text::{characters, counted, cut, filled, number, quoted, shouted, words};

/// In characters. Mailchimp advises against more; inboxes on phones show about half of it.
const MAX_SUBJECT: usize = 60;
/// In words, of the same advice.
const MAX_SUBJECT_WORDS: usize = 9;
const MAX_SUBJECT_PUNCTUATION: usize = 3;
/// Shorter ones are filled up with the first words of the message.
const MIN_PREHEADER: usize = 40;
const MAX_PREHEADER: usize = 90;
const MAX_EXCLAMATIONS: usize = 3;
const MAX_SHOUTED: usize = 3;

const SUBJECT_LINES: &str = "https://mailchimp.com/help/best-practices-for-email-subject-lines/";

const SUBJECT: Rule = Rule {
    id: "email.subject",
    severity: Severity::Blocking,
    source: None,
    summary: || "There is a subject line.".to_owned(),
};
const SUBJECT_LENGTH: Rule = Rule {
    id: "email.subject_length",
    severity: Severity::Warning,
    source: Some(SUBJECT_LINES),
    summary: || format!("The subject has at most {MAX_SUBJECT} characters and {MAX_SUBJECT_WORDS} words."),
};
const SUBJECT_PUNCTUATION: Rule = Rule {
    id: "email.subject_punctuation",
    severity: Severity::Warning,
    source: Some(SUBJECT_LINES),
    summary: || format!("The subject has at most {MAX_SUBJECT_PUNCTUATION} punctuation marks and no row of them."),
};
const PREHEADER: Rule = Rule {
    id: "email.preheader",
    severity: Severity::Warning,
    source: Some("https://www.litmus.com/blog/the-ultimate-guide-to-preview-text-support"),
    summary: || {
        format!("There is a preview text of {MIN_PREHEADER} to {MAX_PREHEADER} characters that adds to the subject.")
    },
};
const CAPITALS: Rule = Rule {
    id: "email.capitals",
    severity: Severity::Warning,
    source: None,
    summary: || {
        format!(
            "No word of the subject and at most {MAX_SHOUTED} words of the text are in capitals; filters and readers take it for spam."
        )
    },
};
const EXCLAMATIONS: Rule = Rule {
    id: "email.exclamations",
    severity: Severity::Warning,
    source: None,
    summary: || format!("The text has at most {MAX_EXCLAMATIONS} exclamation marks."),
};

pub(crate) static RULES: &[&Rule] =
    &[&SUBJECT, &SUBJECT_LENGTH, &SUBJECT_PUNCTUATION, &PREHEADER, &CAPITALS, &EXCLAMATIONS];

pub(crate) fn check(draft: &Draft, found: &mut Vec<Finding>) {
    match filled(draft.subject.as_deref()) {
        Some(subject) => check_subject(subject, found),
        None => found.push(SUBJECT.finding(
            "There is no subject line.",
            format!("Write a subject of at most {MAX_SUBJECT} characters that says what the reader gets."),
        )),
    }
    check_preheader(filled(draft.preheader.as_deref()), found);
    check_body(&markdown::parse(&draft.body).text, found);
}

fn check_subject(subject: &str, found: &mut Vec<Finding>) {
    let (length, count) = (characters(subject), words(subject));
    if length > MAX_SUBJECT {
        found.push(SUBJECT_LENGTH.finding(
            format!("The subject has {} of {MAX_SUBJECT} characters.", number(length)),
            cut(length, MAX_SUBJECT),
        ));
    } else if count > MAX_SUBJECT_WORDS {
        found.push(SUBJECT_LENGTH.finding(
            format!("The subject has {count} of {MAX_SUBJECT_WORDS} words."),
            format!("Cut at least {}.", counted(count - MAX_SUBJECT_WORDS, "word", "words")),
        ));
    }
    let marks = subject.chars().filter(|c| is_mark(*c)).count();
    if marks > MAX_SUBJECT_PUNCTUATION || has_row(subject) {
        found.push(SUBJECT_PUNCTUATION.finding(
            format!("The subject has {}.", counted(marks, "punctuation mark", "punctuation marks")),
            format!("Keep at most {MAX_SUBJECT_PUNCTUATION}, none of them twice in a row."),
        ));
    }
    let loud = shouted(subject);
    if !loud.is_empty() {
        found.push(CAPITALS.finding(
            format!("The subject shouts {}.", quoted(loud)),
            "Write these words of the subject in normal case.",
        ));
    }
}

/// Marks that end or split a sentence; an apostrophe or a hyphen belongs to a word.
fn is_mark(c: char) -> bool {
    matches!(c, '!' | '?' | '.' | ',' | ';' | ':' | '…' | '！' | '？' | '。' | '，' | '；' | '：' | '¡' | '¿')
}

fn has_row(text: &str) -> bool {
    let calls = |c: char| matches!(c, '!' | '?' | '！' | '？');
    text.chars().zip(text.chars().skip(1)).any(|(a, b)| calls(a) && calls(b))
}

fn check_preheader(preheader: Option<&str>, found: &mut Vec<Finding>) {
    let Some(preheader) = preheader else {
        found.push(PREHEADER.finding(
            "There is no preview text; inboxes show the first words of the message instead.",
            format!("Write a preview text of {MIN_PREHEADER} to {MAX_PREHEADER} characters that adds to the subject."),
        ));
        return;
    };
    let length = characters(preheader);
    if length > MAX_PREHEADER {
        found.push(PREHEADER.finding(
            format!("The preview text has {} of {MAX_PREHEADER} characters.", number(length)),
            cut(length, MAX_PREHEADER),
        ));
    } else if length < MIN_PREHEADER {
        found.push(PREHEADER.finding(
            format!(
                "The preview text has {}; {MIN_PREHEADER} fill the line.",
                counted(length, "character", "characters")
            ),
            format!("Lengthen it to {MIN_PREHEADER} to {MAX_PREHEADER} characters."),
        ));
    }
}

fn check_body(text: &str, found: &mut Vec<Finding>) {
    let loud = shouted(text);
    if loud.len() > MAX_SHOUTED {
        found.push(CAPITALS.finding(
            format!("{} of the text are in capitals: {}.", counted(loud.len(), "word", "words"), quoted(loud)),
            "Write them in normal case.",
        ));
    }
    let calls = text.chars().filter(|c| matches!(c, '!' | '！')).count();
    if calls > MAX_EXCLAMATIONS {
        found.push(
            EXCLAMATIONS
                .finding(format!("{} exclamation marks.", number(calls)), format!("Keep at most {MAX_EXCLAMATIONS}.")),
        );
    }
}
