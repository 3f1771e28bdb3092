use entity::content::ContentKind::{FacebookPost, InstagramPost, LinkedinPost};
use entity::content::{Draft, Media, MediaType, Severity};

use crate::support::{body, boundary, check, has, images, of, tagged, video};

#[test]
fn limits_are_counted_in_utf16() {
    for (kind, rule, limit) in [
        (LinkedinPost, "linkedin.length", 3_000),
        (InstagramPost, "instagram.length", 2_200),
        (FacebookPost, "facebook.length", 63_206),
    ] {
        let emoji = "👋".repeat(limit / 2);
        boundary(kind, rule, Severity::Blocking, &body("a".repeat(limit)), &body("a".repeat(limit + 1)));
        boundary(kind, rule, Severity::Blocking, &body(emoji.clone()), &body(format!("{emoji}a")));
        boundary(kind, rule, Severity::Blocking, &body("語".repeat(limit)), &body("語".repeat(limit + 1)));
    }
    let findings = check(LinkedinPost, &body("a".repeat(3_214)));
    assert_eq!(
        of(&findings, "linkedin.length"),
        [("3,214 of 3,000 characters.".into(), "Cut at least 214 characters.".into())]
    );
    assert_eq!(of(&check(LinkedinPost, &body("a".repeat(3_001))), "linkedin.length")[0].1, "Cut at least 1 character.");
}

#[test]
fn the_first_line_stands_above_the_fold() {
    for (kind, rule, severity, fold) in [
        (LinkedinPost, "linkedin.hook", Severity::Warning, 210),
        (InstagramPost, "instagram.hook", Severity::Note, 125),
        (FacebookPost, "facebook.hook", Severity::Note, 125),
    ] {
        let line = |length: usize| body(format!("\n{}\n\nThe rest.", "a".repeat(length)));
        boundary(kind, rule, severity, &line(fold), &line(fold + 1));
    }
}

#[test]
fn hashtags_are_counted() {
    boundary(LinkedinPost, "linkedin.hashtags", Severity::Note, &body(tagged(3)), &body(tagged(2)));
    boundary(LinkedinPost, "linkedin.hashtags", Severity::Note, &body(tagged(5)), &body(tagged(6)));
    boundary(InstagramPost, "instagram.few_hashtags", Severity::Warning, &body(tagged(5)), &body(tagged(6)));
    boundary(InstagramPost, "instagram.hashtags", Severity::Blocking, &body(tagged(30)), &body(tagged(31)));
    boundary(FacebookPost, "facebook.hashtags", Severity::Note, &body(tagged(3)), &body(tagged(4)));
    // Neither numbers, nor parts of words and addresses, are hashtags; other scripts are.
    let none = "We are #1 and C#, see https://example.com/#part or R&#39;s";
    boundary(LinkedinPost, "linkedin.hashtags", Severity::Note, &body(format!("{none} #a #日本 #дом")), &body(none));
}

#[test]
fn linkedin_takes_twenty_pictures_or_a_video() {
    let with = |media| Draft { media, ..body("Look") };
    boundary(LinkedinPost, "linkedin.media", Severity::Blocking, &with(images(20)), &with(images(21)));
    let mut mixed = images(1);
    mixed.push(video());
    boundary(LinkedinPost, "linkedin.media", Severity::Blocking, &with(vec![video()]), &with(mixed));
}

#[test]
fn instagram_needs_media() {
    let with = |media| Draft { media, ..body("Look") };
    boundary(InstagramPost, "instagram.media", Severity::Blocking, &with(images(1)), &with(vec![]));
    boundary(InstagramPost, "instagram.media", Severity::Blocking, &with(images(10)), &with(images(11)));
    let png = Media { url: "https://example.com/a.PNG?size=2".into(), media_type: MediaType::Image, alt: None };
    boundary(InstagramPost, "instagram.format", Severity::Warning, &with(vec![video()]), &with(vec![png]));
}

#[test]
fn instagram_limits_mentions_and_links() {
    let mentions = |count: usize| body((0..count).map(|n| format!("@user.{n}")).collect::<Vec<_>>().join(" "));
    boundary(InstagramPost, "instagram.mentions", Severity::Blocking, &mentions(20), &mentions(21));
    boundary(
        InstagramPost,
        "instagram.link",
        Severity::Warning,
        &body("Write to me@example.com"),
        &body("See example.com/shop"),
    );
}

#[test]
fn facebook_shows_one_link() {
    boundary(
        FacebookPost,
        "facebook.links",
        Severity::Note,
        &body("See https://a.com"),
        &body("See https://a.com or b.com"),
    );
}

#[test]
fn rules_of_every_channel() {
    boundary(FacebookPost, "body.empty", Severity::Blocking, &body("a"), &body(" \n\t "));
    let link = |link: &str| Draft { link: Some(link.into()), ..body("a") };
    for bad in ["example.com", "ftp://example.com", "javascript:alert(1)", "https://", "https://a b.com", "/page"] {
        boundary(FacebookPost, "link.url", Severity::Blocking, &link("http://example.com/ä?q=1#x"), &link(bad));
    }
    let media = |url: &str, alt: Option<&str>| Draft {
        media: vec![Media { url: url.into(), media_type: MediaType::Image, alt: alt.map(Into::into) }],
        ..body("a")
    };
    let good = media("https://example.com/a.jpg", Some("A desk"));
    boundary(FacebookPost, "media.url", Severity::Blocking, &good, &media("a.jpg", Some("A desk")));
    boundary(FacebookPost, "media.alt", Severity::Warning, &good, &media("https://example.com/a.jpg", Some(" ")));
    assert!(!has(&check(FacebookPost, &Draft { media: vec![video()], ..body("a") }), "media.alt", Severity::Warning));
}
