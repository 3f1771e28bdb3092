//! What the customer's own results, decisions and findings say should change: proposals, which a person decides on.
//!
//! [`propose`] is pure: the same evidence gives the same proposals.

mod cadence;
mod contrast;
mod desk;
mod formats;
mod times;
mod topics;
mod voice;

use chrono::{DateTime, NaiveDate, Utc};
use entity::brands::Brand;
use entity::content::{Channel, Checked, ContentKind, Decision};
use entity::ids::ContentId;
use entity::proposals::{Category, NewProposal, Part};
use serde_json::Value;

use crate::brand::validate;
use crate::guide::{guide, kind_label};

pub use contrast::{CHANCE, MIN_POSTS};
pub use desk::{approve, renew_proposals, roll_back, still_needed};

/// Everything that proposals are made of: of the last half year, as far as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The brand as it is.
    pub brand: Brand,
    /// The moment.
    pub now: DateTime<Utc>,
    /// Posts and how they did.
    pub posts: Vec<OwnPost>,
    /// What people decided on pieces.
    pub verdicts: Vec<Verdict>,
    /// What the rules found in the versions of pieces.
    pub checked: Vec<Checked>,
    /// What was planned and what went out, in the last whole weeks where the brand is.
    pub weeks: Vec<Week>,
}

/// A post of the customer's and how it did.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPost {
    /// Where it was.
    pub channel: Channel,
    /// When it went out.
    pub published_at: DateTime<Utc>,
    /// As [`crate::calendar::PostResult`] has it: comparable within its channel only.
    pub engagement: f64,
    /// Whether that is a rate.
    pub is_rate: bool,
    /// The piece that it was published from, if it was one.
    pub piece: Option<PublishedPiece>,
}

/// A piece that went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPiece {
    /// Which.
    pub id: ContentId,
    /// What it is.
    pub kind: ContentKind,
    /// The theme that it serves.
    pub pillar: Option<String>,
}

/// A person's decision on a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The piece.
    pub content_id: ContentId,
    /// The decision.
    pub decision: Decision,
    /// Why.
    pub reason: Option<String>,
}

/// A week of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// The channel.
    pub channel: Channel,
    /// Its first day.
    pub monday: NaiveDate,
    /// Pieces that had a time in it.
    pub planned: usize,
    /// Posts that went out in it.
    pub published: usize,
}

/// What the evidence is good for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Advice {
    /// In the order of the categories.
    pub proposals: Vec<NewProposal>,
    /// What is missing before more can be said.
    pub needed: Vec<Needed>,
}

/// What a category lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Which.
    pub category: Category,
    /// What, in a sentence.
    pub what: String,
}

/// Makes proposals of the evidence; none where it is too little or the difference may be chance.
#[must_use]
pub fn propose(evidence: &Evidence) -> Advice {
    let mut advice = Advice::default();
    formats::propose(evidence, &mut advice);
    times::propose(evidence, &mut advice);
    topics::propose(evidence, &mut advice);
    voice::propose(evidence, &mut advice);
    cadence::propose(evidence, &mut advice);
    let profile = &evidence.brand.profile;
    // What could not be saved is not proposed.
    advice.proposals.retain(|proposal| {
        let mut changed = profile.clone();
        proposal.part.write(&mut changed, &proposal.proposed).is_ok() && validate(&changed).is_empty()
    });
    advice
}

/// What a part holds, in words.
#[must_use]
pub fn in_words(part: &Part, value: &Value) -> String {
    let text = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let weight = |entry: &Value| entry.get("weight").and_then(Value::as_i64).unwrap_or_default();
    let list = |word: &dyn Fn(&Value) -> String| {
        let words: Vec<String> = value.as_array().into_iter().flatten().map(word).collect();
        if words.is_empty() { "not set".to_owned() } else { words.join(", ") }
    };
    match part {
        Part::FormatWeights(_) => list(&|entry| {
            let kind = entry.get("kind").and_then(|kind| serde_json::from_value(kind.clone()).ok());
            format!("{} {}", kind.map_or("other", kind_label), weight(entry))
        }),
        Part::PostingTimes(_) => list(&|entry| format!("{} {}", text(entry, "day"), text(entry, "time"))),
        Part::PillarWeights => list(&|entry| format!("{} {}", text(entry, "name"), weight(entry))),
        Part::VoiceDo(_) | Part::VoiceDont(_) => match value.as_str() {
            Some(entry) => format!("“{entry}”"),
            None => "not said".to_owned(),
        },
        Part::Cadence(channel) => {
            let per_week = value.as_i64().map_or_else(|| "not set".to_owned(), |per_week| format!("{per_week} a week"));
            format!("{} {per_week}", guide(*channel).name)
        }
    }
}
