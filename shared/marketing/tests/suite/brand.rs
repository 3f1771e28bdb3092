use entity::brands::{Cadence, Competitor, Pillar, Profile, Voice};
use entity::content::Channel;
use marketing::brand::{completeness, validate};

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

fn pillar(name: &str) -> Pillar {
    Pillar { name: name.into(), weight: 1, description: None }
}

fn full() -> Profile {
    Profile {
        website: Some("https://example.com".into()),
        offering: Some("A planner for small bakeries that turns last week's sales into this week's orders.".into()),
        audience: Some(
            "Owners of one to three bakeries who order flour by feel and throw away bread every evening.".into(),
        ),
        voice: Voice {
            adjectives: list(&["plain", "warm", "exact"]),
            dos: list(&["say you", "show numbers"]),
            donts: list(&["jargon", "urgency"]),
        },
        pillars: vec![pillar("Waste"), pillar("Planning"), pillar("Craft")],
        competitors: vec![
            Competitor { name: "A spreadsheet".into(), url: None },
            Competitor { name: "Other".into(), url: Some("https://example.org".into()) },
        ],
        goals: list(&["50 trials by June"]),
        forbidden_claims: list(&["guaranteed results"]),
        cadence: vec![Cadence { channel: Channel::Linkedin, per_week: 2 }],
        ..Profile::default()
    }
}

fn asked(profile: &Profile, name: Option<&str>) -> Vec<&'static str> {
    completeness(profile, name).missing.into_iter().map(|question| question.field).collect()
}

#[test]
fn an_empty_profile_is_asked_everything_in_order() {
    let empty = completeness(&Profile::default(), None);
    assert_eq!(empty.percent, 0);
    assert_eq!(
        asked(&Profile::default(), None),
        [
            "name",
            "website",
            "offering",
            "audience",
            "goals",
            "pillars",
            "voice.adjectives",
            "voice.do",
            "voice.dont",
            "competitors",
            "forbiddenClaims",
            "cadence"
        ]
    );
    assert!(empty.missing.iter().all(|question| question.question.len() > 20));
}

#[test]
fn a_full_profile_is_asked_nothing() {
    let full = completeness(&full(), Some("Crumb"));
    assert_eq!((full.percent, full.missing.len()), (100, 0));
}

#[test]
fn thin_answers_count_in_part_and_are_asked_on() {
    let mut profile = full();
    profile.offering = Some("A planner".into());
    profile.pillars.truncate(1);
    let thin = completeness(&profile, Some("Crumb"));
    assert_eq!(asked(&profile, Some("Crumb")), ["offering", "pillars"]);
    assert!((70..100).contains(&thin.percent), "{}", thin.percent);
    assert!(thin.missing.iter().all(|question| !question.question.is_empty()));
    profile.offering = None;
    assert!(completeness(&profile, Some("Crumb")).percent < thin.percent);
    profile.pillars = vec![pillar(" ")];
    profile.cadence = vec![Cadence { channel: Channel::X, per_week: 0 }];
    assert_eq!(asked(&profile, Some(" ")), ["name", "offering", "pillars", "cadence"]);
}

fn refused(change: impl FnOnce(&mut Profile)) -> Vec<String> {
    let mut profile = full();
    change(&mut profile);
    validate(&profile).into_iter().map(|problem| problem.field).collect()
}

#[test]
fn a_good_profile_can_be_saved() {
    assert_eq!(validate(&full()), []);
    assert_eq!(validate(&Profile::default()), []);
    let at_the_limits = refused(|profile| {
        profile.offering = Some("語".repeat(2_000));
        profile.goals = vec!["語".repeat(300); 20];
        profile.pillars[0].weight = 100;
        profile.cadence[0].per_week = 50;
    });
    assert_eq!(at_the_limits, Vec::<String>::new());
}

#[test]
fn every_limit_names_its_field() {
    type Change = fn(&mut Profile);
    let cases: [(&str, Change); 22] = [
        ("website", |p| p.website = Some("example.com".into())),
        ("website", |p| p.website = Some("ftp://example.com".into())),
        ("offering", |p| p.offering = Some("a".repeat(2_001))),
        ("audience", |p| p.audience = Some("a\0".into())),
        ("voice.adjectives", |p| p.voice.adjectives = vec!["a".into(); 21]),
        ("voice.do[1]", |p| p.voice.dos[1] = "a".repeat(301)),
        ("voice.dont[0]", |p| p.voice.donts[0] = " ".into()),
        ("pillars", |p| p.pillars = (0..21).map(|n| pillar(&n.to_string())).collect()),
        ("pillars[2].name", |p| p.pillars[2].name = " WASTE ".into()),
        ("pillars[0].name", |p| p.pillars[0].name = String::new()),
        ("pillars[2].weight", |p| p.pillars[2].weight = 0),
        ("pillars[2].weight", |p| p.pillars[2].weight = 101),
        ("pillars[1].description", |p| p.pillars[1].description = Some("a".repeat(2_001))),
        ("competitors[1].url", |p| p.competitors[1].url = Some("nowhere".into())),
        ("competitors[0].name", |p| p.competitors[0].name = "a".repeat(301)),
        ("goals", |p| p.goals = vec!["a".into(); 21]),
        ("goals[0]", |p| p.goals[0] = "a".repeat(301)),
        ("forbiddenClaims", |p| p.forbidden_claims = vec!["a".into(); 21]),
        ("forbiddenClaims[0]", |p| p.forbidden_claims[0] = "!!!".into()),
        ("cadence[0].perWeek", |p| p.cadence[0].per_week = 51),
        ("cadence[0].perWeek", |p| p.cadence[0].per_week = -1),
        ("cadence[1].channel", |p| p.cadence.push(Cadence { channel: Channel::Linkedin, per_week: 1 })),
    ];
    for (field, change) in cases {
        assert_eq!(refused(change), [field]);
    }
}
