use entity::content::ContentKind::{Email, Newsletter};
use entity::content::{Draft, Severity};

use crate::support::{body, boundary, check, of};

fn subject(text: impl Into<String>) -> Draft {
    Draft { subject: Some(text.into()), ..body("Hello") }
}

fn preheader(length: usize) -> Draft {
    Draft { preheader: Some("a".repeat(length)), ..body("Hello") }
}

#[test]
fn a_subject_is_needed() {
    for kind in [Newsletter, Email] {
        boundary(kind, "email.subject", Severity::Blocking, &subject("News"), &subject("  "));
        boundary(kind, "email.subject", Severity::Blocking, &subject("News"), &body("Hello"));
    }
}

#[test]
fn the_subject_is_short_and_calm() {
    let long = subject("a".repeat(61));
    boundary(Email, "email.subject_length", Severity::Warning, &subject("a".repeat(60)), &long);
    assert_eq!(
        of(&check(Email, &long), "email.subject_length"),
        [("The subject has 61 of 60 characters.".into(), "Cut at least 1 character.".into())]
    );
    let (nine, ten) = ("a b c d e f g h i", "a b c d e f g h i j");
    boundary(Email, "email.subject_length", Severity::Warning, &subject(nine), &subject(ten));
    for (calm, loud) in [("a, b, c!", "a, b, c, d!"), ("Ready?", "Ready?!"), ("It’s Jo's re-run", "Now!!")] {
        boundary(Email, "email.subject_punctuation", Severity::Warning, &subject(calm), &subject(loud));
    }
    boundary(Email, "email.capitals", Severity::Warning, &subject("The GEO and SEO audit"), &subject("LAST chance"));
}

#[test]
fn the_preview_text_fills_the_line() {
    boundary(Newsletter, "email.preheader", Severity::Warning, &preheader(40), &preheader(39));
    boundary(Newsletter, "email.preheader", Severity::Warning, &preheader(90), &preheader(91));
    boundary(Newsletter, "email.preheader", Severity::Warning, &preheader(60), &body("Hello"));
}

#[test]
fn the_text_does_not_shout() {
    boundary(Email, "email.exclamations", Severity::Warning, &body("a! b! c!"), &body("a! b! c! d!"));
    let loud = body("**FREE** GIFT ONLY TODAY");
    boundary(Email, "email.capitals", Severity::Warning, &body("FREE GIFT ONLY today"), &loud);
    let code = body("```\nFREE GIFT ONLY TODAY !!!!\n```\nHello");
    assert_eq!(of(&check(Email, &code), "email.capitals"), []);
}
