use std::time::{Duration, Instant};

use entity::content::ContentKind::{XPost, XThread};
use entity::content::{Draft, Severity};
use marketing::{posts, weighted_length};

use crate::support::{body, boundary, check, has, images, of, tagged, video};

#[test]
fn counts_as_twitter_text_does() {
    let cases = [
        ("", 0),
        ("café", 4),
        ("cafe\u{301}", 4),
        ("日本語", 6),
        ("한국어", 6),
        ("हिन्दी", 6),
        ("Привет", 6),
        ("“quoted” – dash…", 17),
        ("H🐱☺👨‍👩‍👧‍👦", 7),
        ("🙋🏽👨‍🎤", 4),
        ("😷👾😡🔥💩", 10),
        ("❤️1️⃣🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿", 8),
        ("©®", 2),
        ("Hello, world! 👋", 16),
        ("Hi http://test.co", 26),
        ("https://example.com/very/long/path?with=query&and#fragment", 23),
        ("(https://example.com/a_(b))", 25),
        ("See https://example.com/page.", 28),
        ("example.com", 23),
        ("www.example.co.uk/path!", 24),
        ("Read example.com, then t.co/abc.", 5 + 23 + 7 + 23 + 1),
        ("日本語example.comです", 6 + 23 + 4),
        ("https://例え.みんな", 23),
        ("http://localhost:8080", 21),
        ("mail a@example.com", 18),
        ("e.g. this", 9),
        ("next.The end", 12),
        ("file.name_here.rs", 23 + 8),
        ("@example.com #example.com $example.com", 38),
        ("-example.com", 12),
        ("...com", 6),
        ("3.14", 4),
    ];
    for (text, length) in cases {
        assert_eq!(weighted_length(text), length, "{text}");
    }
}

#[test]
fn addresses_longer_than_x_recognises_count_by_letter() {
    let url = format!("https://example.com/{}", "a".repeat(4_096 - 20));
    assert_eq!(weighted_length(&url), 23);
    assert!(weighted_length(&format!("{url}a")) > 4_000);
}

#[test]
fn a_post_weighs_at_most_280() {
    for (unit, most) in [("a", 280), ("語", 140), ("👨‍👩‍👧‍👦", 140), ("é", 280)] {
        boundary(
            XPost,
            "x.length",
            Severity::Blocking,
            &body(unit.repeat(most)),
            &body(format!("{}a", unit.repeat(most))),
        );
    }
    let findings = check(XPost, &body("a".repeat(1_300)));
    assert_eq!(
        of(&findings, "x.length"),
        [("1,300 of 280 characters as X counts them.".into(), "Cut at least 1,020 characters.".into())]
    );
    assert_eq!(
        findings.0.first().and_then(|f| f.source.as_deref()),
        Some("https://docs.x.com/fundamentals/counting-characters")
    );
}

#[test]
fn threads_are_split_at_lines_of_three_dashes() {
    assert_eq!(posts("one\n---\ntwo\r\n --- \r\nthree"), ["one", "two", "three"]);
    assert_eq!(posts("one --- still one\n----\nend"), ["one --- still one\n----\nend"]);
    assert_eq!(posts("one\n---"), ["one", ""]);
    assert_eq!(posts(""), [""]);
}

#[test]
fn each_post_of_a_thread_is_counted_on_its_own() {
    let post = "a".repeat(280);
    let good = body(format!("{post}\n---\n{post}"));
    let bad = body(format!("{post}\n---\n{post}bc\n---\nend"));
    boundary(XThread, "x.length", Severity::Blocking, &good, &bad);
    assert_eq!(
        of(&check(XThread, &bad), "x.length"),
        [("Post 2: 282 of 280 characters as X counts them.".into(), "Post 2: Cut at least 2 characters.".into())]
    );
}

#[test]
fn a_thread_has_two_to_twenty_five_posts() {
    let thread = |count: usize| body(vec!["post"; count].join("\n---\n"));
    boundary(XThread, "x.thread_posts", Severity::Blocking, &thread(2), &thread(1));
    boundary(XThread, "x.thread_posts", Severity::Blocking, &thread(25), &thread(26));
    let findings = check(XThread, &body("one\n---\n\n---\nthree"));
    assert_eq!(of(&findings, "x.thread_empty_post")[0].0, "Post 2 is empty.");
}

#[test]
fn media_are_four_pictures_or_one_video() {
    let with = |media| Draft { media, ..body("Look") };
    boundary(XPost, "x.media", Severity::Blocking, &with(images(4)), &with(images(5)));
    boundary(XPost, "x.media", Severity::Blocking, &with(vec![video()]), &with(vec![video(), video()]));
    let mut mixed = images(1);
    mixed.push(video());
    assert!(has(&check(XThread, &with(mixed)), "x.media", Severity::Blocking));
}

#[test]
fn smaller_advice() {
    boundary(XPost, "x.hashtags", Severity::Note, &body(tagged(2)), &body(tagged(3)));
    boundary(XPost, "x.characters", Severity::Blocking, &body("fine"), &body("not\u{feff}fine"));
    let link = Some("https://example.com/a".to_owned());
    let with = Draft { link: link.clone(), ..body("Read https://example.com/a") };
    boundary(XPost, "x.link", Severity::Note, &with, &Draft { link, ..body("Read") });
}

#[test]
fn long_odd_texts_are_counted_in_little_time() {
    let nasty = [
        "x".repeat(100_000),
        "a.".repeat(50_000),
        "https://".repeat(12_000),
        "http://a.com/(".repeat(7_000),
        "a.com/((((".repeat(10_000),
        ".".repeat(100_000),
        "\u{301}".repeat(100_000),
        "\u{200d}👩".repeat(20_000),
        "\n---\n".repeat(20_000),
    ];
    let start = Instant::now();
    for text in &nasty {
        assert!(weighted_length(text) > 0);
    }
    // Square in the length they would take many minutes.
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
