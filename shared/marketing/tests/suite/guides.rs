use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::brands::Profile;
use entity::content::{Channel, ContentKind, Draft, Media, MediaType, Severity};
use marketing::{CHANNELS, channel_from_slug, guide, kind_label, rules_for};

const KINDS: [ContentKind; 10] = [
    ContentKind::BlogPost,
    ContentKind::LinkedinPost,
    ContentKind::XPost,
    ContentKind::XThread,
    ContentKind::InstagramPost,
    ContentKind::FacebookPost,
    ContentKind::Newsletter,
    ContentKind::Email,
    ContentKind::LandingPage,
    ContentKind::Ad,
];

#[test]
fn every_channel_has_a_guide() {
    let slugs: HashSet<&str> = CHANNELS.iter().map(|channel| guide(*channel).slug).collect();
    assert_eq!(slugs.len(), CHANNELS.len());
    for channel in CHANNELS {
        let guide = guide(channel);
        assert_eq!(guide.channel, channel);
        assert_eq!(channel_from_slug(guide.slug), Some(channel));
        assert!(guide.kinds.iter().all(|kind| kind.channel() == channel));
        assert!(guide.advice.len() >= 5 && !guide.rules().is_empty());
    }
    assert_eq!(channel_from_slug("myspace"), None);
    assert_eq!(guide(Channel::LandingPage).slug, "landing_page");
    assert_eq!(guide(Channel::Linkedin).min_spacing, Some(TimeDelta::hours(12)));
    assert_eq!(guide(Channel::Ads).min_spacing, None);
}

#[test]
fn every_kind_belongs_to_the_guide_of_its_channel() {
    for kind in KINDS {
        assert!(guide(kind.channel()).kinds.contains(&kind));
        assert!(!kind_label(kind).is_empty());
    }
}

#[test]
fn rules_are_listed_once_and_say_something() {
    for kind in KINDS {
        let rules = rules_for(kind);
        let ids: HashSet<&str> = rules.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), rules.len());
        assert!(rules.is_sorted_by_key(|rule| rule.severity));
        for rule in rules {
            let summary = rule.summary();
            assert!(summary.ends_with('.') && !summary.contains('!') && !summary.contains("  "), "{summary}");
            assert!(rule.source.is_none_or(|source| source.starts_with("https://")));
        }
    }
    let words: Vec<String> = guide(Channel::X).rules().iter().map(|rule| rule.summary()).collect();
    assert!(words.iter().any(|rule| rule.contains("280 characters")));
    assert!(words.iter().any(|rule| rule.contains("2 to 25 posts")));
}

/// Drafts that break many rules at once, and texts that have broken parsers before.
fn odd_drafts() -> Vec<Draft> {
    let nasty = [
        String::new(),
        "\0".into(),
        "---".into(),
        "---\n---\n---".into(),
        "\u{feff}\u{fffe}\u{ffff}".into(),
        "\u{202e}txet\u{202c}".into(),
        "🏳️‍🌈\u{200d}\u{200d}\u{fe0f}\u{20e3}".into(),
        "\u{301}\u{301}#\u{301}@".into(),
        "# ## ### [](]( ![![".into(),
        "[a](b \"c) ![](<".into(),
        "https://https://.com./..//?#".into(),
        "xn--.xn--a.com://".into(),
        "A!B! C!! WOW FREE CASH NOW GIFT ".repeat(40),
        "#a@b ".repeat(700),
        "ﷺ".repeat(300),
        "\r\n".repeat(2_000),
    ];
    nasty
        .into_iter()
        .map(|text| Draft {
            title: Some(text.clone()),
            body: text.clone(),
            subject: Some(text.clone()),
            preheader: Some(text.clone()),
            description: Some(text.clone()),
            link: Some(text.clone()),
            media: vec![Media { url: text.clone(), media_type: MediaType::Image, alt: Some(text) }; 3],
        })
        .chain([Draft::default()])
        .collect()
}

#[test]
fn whatever_is_found_belongs_to_a_listed_rule_and_is_stable() {
    let brand = Profile { forbidden_claims: vec!["wow".into(), "\u{301}".into(), "#a".into()], ..Profile::default() };
    let mut broken = HashSet::new();
    for kind in KINDS {
        for draft in odd_drafts() {
            let findings = marketing::check(kind, &draft, &brand);
            assert_eq!(findings, marketing::check(kind, &draft, &brand));
            assert!(findings.0.is_sorted_by_key(|finding| finding.severity));
            for finding in findings.0 {
                let rules = rules_for(kind);
                let rule = rules.iter().find(|rule| rule.id == finding.rule);
                assert!(rule.is_some_and(|rule| {
                    rule.severity == finding.severity && rule.source == finding.source.as_deref()
                }));
                assert!(finding.message.ends_with('.') && finding.fix.ends_with('.'), "{finding:?}");
                broken.insert(finding.rule);
            }
            assert_eq!(marketing::validate_draft(kind, &draft), marketing::validate_draft(kind, &draft));
        }
    }
    assert!(broken.len() > 35, "{} rules were broken: {broken:?}", broken.len());
}

#[test]
fn a_finding_that_blocks_comes_first() {
    let draft = Draft { body: format!("{} #a", "long ".repeat(900)), ..Draft::default() };
    let findings = marketing::check(ContentKind::LinkedinPost, &draft, &Profile::default());
    let severities: Vec<Severity> = findings.0.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Blocking, Severity::Warning, Severity::Note]);
}

#[test]
fn the_list_of_findings_is_short_however_many_lines_there_are() {
    let long = format!("{}!!\n", "ab".repeat(50));
    for (kind, body) in [(ContentKind::Ad, long.repeat(900)), (ContentKind::XThread, "---\n".repeat(20_000))] {
        let draft = Draft { title: Some(long.repeat(900)), body, ..Draft::default() };
        let findings = marketing::check(kind, &draft, &Profile::default());
        assert!(findings.0.len() < 70, "{} findings", findings.0.len());
    }
}

#[test]
fn the_largest_drafts_are_checked_in_little_time() {
    let brand = Profile { forbidden_claims: vec!["guaranteed results".into(); 20], ..Profile::default() };
    for text in ["ﷺ", "a ", "[a](", "*a_", "> ", "a.com/(", "# a\n", "It is a fact. ", "\n---\n"] {
        let draft = Draft { body: text.chars().cycle().take(100_000).collect(), ..Draft::default() };
        for kind in [ContentKind::BlogPost, ContentKind::XThread] {
            // Square in the length they would take many minutes.
            let start = Instant::now();
            let findings = marketing::check(kind, &draft, &brand);
            assert!(findings.0.len() < 40, "{} findings", findings.0.len());
            assert!(start.elapsed() < Duration::from_secs(60), "{kind:?} {text}: {:?}", start.elapsed());
        }
    }
}
