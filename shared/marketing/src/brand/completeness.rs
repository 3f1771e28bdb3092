//! How much of the profile is known, and the questions of the interview.

use entity::brands::{Brand, Profile};
use schemars::JsonSchema;
use serde::Serialize;

use crate::text::{columns, filled};

/// How complete a profile is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Completeness {
    /// Weighted share of what is known, 0 to 100; 100 only when nothing is missing.
    pub percent: i64,
    /// What to ask next, in the order of the interview.
    pub missing: Vec<Question>,
}

/// A question of the interview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The field that the answer goes to, such as `voice.do`.
    pub field: &'static str,
    /// The question, as one would ask the owner.
    pub question: &'static str,
}

/// One field of the interview.
struct Item {
    field: &'static str,
    /// Share of the whole, in percent. The weights add up to 100.
    weight: usize,
    /// What makes the field complete: list entries, or half the columns of a text that says enough.
    enough: usize,
    /// How much of that there is.
    have: usize,
    /// Asked when there is nothing.
    first: &'static str,
    /// Asked when there is too little.
    more: &'static str,
}

/// Columns of a text from which on it says enough: about one full sentence. Wide characters count two.
const FULL_TEXT: usize = 60;

/// Whether the interview has nothing left to ask.
#[must_use]
pub fn is_complete(brand: &Brand) -> bool {
    completeness(&brand.profile, brand.name.as_deref()).missing.is_empty()
}

/// How complete the profile is, and the next questions of the interview for fields that are empty or thin.
///
/// `name` is the name of the brand, which is kept apart from the profile.
#[must_use]
pub fn completeness(profile: &Profile, name: Option<&str>) -> Completeness {
    let items = interview(profile, name);
    let percent: usize = items.iter().map(|item| item.weight * item.have.min(item.enough) / item.enough.max(1)).sum();
    let missing = items
        .iter()
        .filter(|item| item.have < item.enough)
        .map(|item| Question { field: item.field, question: if item.have == 0 { item.first } else { item.more } })
        .collect();
    Completeness { percent: i64::try_from(percent).unwrap_or(100), missing }
}

fn interview(profile: &Profile, name: Option<&str>) -> [Item; 12] {
    let voice = &profile.voice;
    let competitors = profile.competitors.iter().map(|competitor| competitor.name.as_str());
    let pillars = profile.pillars.iter().map(|pillar| pillar.name.as_str());
    [
        Item {
            field: "name",
            weight: 5,
            enough: 1,
            have: entries([name.unwrap_or_default()]),
            first: "What is the brand called, spelled exactly as it should appear?",
            more: "",
        },
        Item {
            field: "website",
            weight: 8,
            enough: 1,
            have: entries([profile.website.as_deref().unwrap_or_default()]),
            first: "What is the address of the website?",
            more: "",
        },
        Item {
            field: "offering",
            weight: 15,
            enough: FULL_TEXT,
            have: text(profile.offering.as_deref()),
            first: "What do you sell, and what can a customer do with it that they could not do before?",
            more: "Can you say more about the offer: what it is, what it costs, and why people choose it over doing nothing?",
        },
        Item {
            field: "audience",
            weight: 15,
            enough: FULL_TEXT,
            have: text(profile.audience.as_deref()),
            first: "Who is your best customer: which role, in what kind of company or life, and what had gone wrong on the day they started to look for you?",
            more: "Can you describe that customer more closely: their role, their situation, and the problem in their own words?",
        },
        Item {
            field: "goals",
            weight: 10,
            enough: 1,
            have: entries(profile.goals.iter().map(String::as_str)),
            first: "What should marketing achieve in the next three months? Name one number and a date.",
            more: "",
        },
        Item {
            field: "pillars",
            weight: 12,
            enough: 3,
            have: entries(pillars),
            first: "Which three to five topics do you want to be known for, and how important is each compared with the others?",
            more: "Which other topics should the content keep coming back to? Three to five keep a calendar varied.",
        },
        Item {
            field: "voice.adjectives",
            weight: 8,
            enough: 3,
            have: entries(voice.adjectives.iter().map(String::as_str)),
            first: "If the brand were a person in a meeting, which three to five words would describe how it speaks?",
            more: "Which other words describe how the brand speaks? Three to five make it recognisable.",
        },
        Item {
            field: "voice.do",
            weight: 6,
            enough: 2,
            have: entries(voice.dos.iter().map(String::as_str)),
            first: "What should every text do? For example: say “you”, open with the result, show a number.",
            more: "What else should every text do?",
        },
        Item {
            field: "voice.dont",
            weight: 6,
            enough: 2,
            have: entries(voice.donts.iter().map(String::as_str)),
            first: "What makes you wince when you read it in other companies' marketing?",
            more: "Which other habits of writing should be avoided?",
        },
        Item {
            field: "competitors",
            weight: 5,
            enough: 2,
            have: entries(competitors),
            first: "What else do customers consider before they buy from you? Name two or three, with their websites.",
            more: "Who else comes up when customers compare?",
        },
        Item {
            field: "forbiddenClaims",
            weight: 4,
            enough: 1,
            have: entries(profile.forbidden_claims.iter().map(String::as_str)),
            first: "Which words or promises must never appear, for legal reasons or because they are not true? For example “guaranteed results”.",
            more: "",
        },
        Item {
            field: "cadence",
            weight: 6,
            enough: 1,
            have: profile.cadence.iter().filter(|cadence| cadence.per_week > 0).count(),
            first: "On which channels do you want to appear, and how many pieces a week can you honestly keep up on each?",
            more: "",
        },
    ]
}

/// Entries that are not blank.
fn entries<'a>(list: impl IntoIterator<Item = &'a str>) -> usize {
    list.into_iter().filter(|entry| !entry.trim().is_empty()).count()
}

fn text(text: Option<&str>) -> usize {
    filled(text).map_or(0, columns)
}
