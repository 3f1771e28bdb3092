//! Short ways to write down a draft and to look at what was found.

use entity::brands::Profile;
use entity::content::{ContentKind, Draft, Findings, Media, MediaType, Severity};

pub fn body(text: impl Into<String>) -> Draft {
    Draft { body: text.into(), ..Draft::default() }
}

pub fn check(kind: ContentKind, draft: &Draft) -> Findings {
    marketing::check(kind, draft, &Profile::default())
}

/// Message and fix of the findings of one rule.
pub fn of(findings: &Findings, rule: &str) -> Vec<(String, String)> {
    findings.0.iter().filter(|f| f.rule == rule).map(|f| (f.message.clone(), f.fix.clone())).collect()
}

pub fn has(findings: &Findings, rule: &str, severity: Severity) -> bool {
    findings.0.iter().any(|f| f.rule == rule && f.severity == severity)
}

/// The rule holds for `passes` and is broken, with this severity, by `fails`.
#[track_caller]
pub fn boundary(kind: ContentKind, rule: &str, severity: Severity, passes: &Draft, fails: &Draft) {
    let passed = check(kind, passes);
    assert_eq!(of(&passed, rule), [], "{rule} should hold");
    let failed = check(kind, fails);
    assert!(has(&failed, rule, severity), "{rule} should be broken: {failed:?}");
}

pub fn image(number: usize) -> Media {
    Media {
        url: format!("https://example.com/{number}.jpg"),
        media_type: MediaType::Image,
        alt: Some("A desk with a laptop".to_owned()),
    }
}

pub fn images(count: usize) -> Vec<Media> {
    (0..count).map(image).collect()
}

pub fn video() -> Media {
    Media { url: "https://example.com/clip.mp4".to_owned(), media_type: MediaType::Video, alt: None }
}

/// `count` different hashtags after a sentence.
pub fn tagged(count: usize) -> String {
    let tags: Vec<String> = (0..count).map(|n| format!("#topic{n}")).collect();
    format!("We shipped it. {}", tags.join(" "))
}

/// Text of exactly `count` words.
pub fn text_of(count: usize) -> String {
    vec!["word"; count].join(" ")
}
