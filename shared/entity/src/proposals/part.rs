//! The parts of the brand profile that proposals change.

use schemars::JsonSchema;
use sea_orm::FromJsonQueryResult;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Category;
use crate::brands::{Cadence, FormatWeight, Pillar, PostingTime, Profile};
use crate::content::Channel;

/// What of the profile a proposal changes. Two proposals for different parts do not stand in each other's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, FromJsonQueryResult)]
#[serde(tag = "field", content = "target")]
pub enum Part {
    /// The shares of the kinds of a channel: a list, empty where nothing was set.
    #[serde(rename = "formatWeights")]
    FormatWeights(Channel),
    /// The times of a channel: a list, empty where nothing was set.
    #[serde(rename = "postingTimes")]
    PostingTimes(Channel),
    /// The weights of all pillars: a list of names and weights.
    #[serde(rename = "pillars")]
    PillarWeights,
    /// An entry of what to do when writing: the entry, or null where it is not there.
    #[serde(rename = "voice.do")]
    VoiceDo(String),
    /// An entry of what to avoid when writing: the entry, or null where it is not there.
    #[serde(rename = "voice.dont")]
    VoiceDont(String),
    /// Pieces a week on a channel: a number, or null where nothing was set.
    #[serde(rename = "cadence")]
    Cadence(Channel),
}

/// A pillar without its description.
#[derive(Serialize, Deserialize)]
struct PillarWeight {
    name: String,
    weight: i64,
}

impl Part {
    /// What kind of proposal changes it.
    #[must_use]
    pub const fn category(&self) -> Category {
        match self {
            Self::FormatWeights(_) => Category::FormatWeights,
            Self::PostingTimes(_) => Category::PostingTimes,
            Self::PillarWeights => Category::TopicFocus,
            Self::VoiceDo(_) | Self::VoiceDont(_) => Category::VoiceRefinement,
            Self::Cadence(_) => Category::ChannelStrategy,
        }
    }

    /// The field of the profile, as in the API.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::FormatWeights(_) => "formatWeights",
            Self::PostingTimes(_) => "postingTimes",
            Self::PillarWeights => "pillars",
            Self::VoiceDo(_) => "voice.do",
            Self::VoiceDont(_) => "voice.dont",
            Self::Cadence(_) => "cadence",
        }
    }

    /// What it holds in a profile.
    #[must_use]
    pub fn read(&self, profile: &Profile) -> Value {
        let voice = &profile.voice;
        match self {
            Self::FormatWeights(channel) => {
                let of_channel = |format: &&FormatWeight| format.kind.channel() == *channel;
                json!(profile.format_weights.iter().filter(of_channel).collect::<Vec<_>>())
            }
            Self::PostingTimes(channel) => {
                let of_channel = |time: &&PostingTime| time.channel == *channel;
                json!(profile.posting_times.iter().filter(of_channel).collect::<Vec<_>>())
            }
            Self::PillarWeights => {
                let weight = |pillar: &Pillar| json!({ "name": pillar.name, "weight": pillar.weight });
                profile.pillars.iter().map(weight).collect()
            }
            Self::VoiceDo(entry) => json!(voice.dos.iter().find(|known| *known == entry)),
            Self::VoiceDont(entry) => json!(voice.donts.iter().find(|known| *known == entry)),
            Self::Cadence(channel) => {
                let of_channel = |cadence: &&Cadence| cadence.channel == *channel;
                json!(profile.cadence.iter().find(of_channel).map(|cadence| cadence.per_week))
            }
        }
    }

    /// Has a profile hold `value` there; everything else stays, in its order.
    ///
    /// # Errors
    ///
    /// When this part cannot hold such a value.
    pub fn write(&self, profile: &mut Profile, value: &Value) -> crate::Result<()> {
        match self {
            Self::FormatWeights(channel) => {
                let new: Vec<FormatWeight> = of(value)?;
                replace(&mut profile.format_weights, |format| format.kind.channel() == *channel, new);
            }
            Self::PostingTimes(channel) => {
                let new: Vec<PostingTime> = of(value)?;
                replace(&mut profile.posting_times, |time| time.channel == *channel, new);
            }
            Self::PillarWeights => {
                let weights: Vec<PillarWeight> = of(value)?;
                for pillar in &mut profile.pillars {
                    if let Some(new) = weights.iter().find(|weight| weight.name == pillar.name) {
                        pillar.weight = new.weight;
                    }
                }
            }
            Self::VoiceDo(entry) => replace(&mut profile.voice.dos, |known| known == entry, of::<Option<_>>(value)?),
            Self::VoiceDont(entry) => {
                replace(&mut profile.voice.donts, |known| known == entry, of::<Option<_>>(value)?);
            }
            Self::Cadence(channel) => {
                let per_week: Option<i64> = of(value)?;
                let new = per_week.map(|per_week| Cadence { channel: *channel, per_week });
                replace(&mut profile.cadence, |cadence| cadence.channel == *channel, new);
            }
        }
        Ok(())
    }
}

/// What is stored was written by us, so that it does not fit is a fault of ours.
fn of<T: DeserializeOwned>(value: &Value) -> crate::Result<T> {
    serde_json::from_value(value.clone()).map_err(|error| sea_orm::DbErr::Json(error.to_string()).into())
}

/// Puts the new entries where the first of the old ones was, or at the end.
fn replace<T>(list: &mut Vec<T>, is_old: impl Fn(&T) -> bool, new: impl IntoIterator<Item = T>) {
    let at = list.iter().position(&is_old);
    list.retain(|entry| !is_old(entry));
    let at = at.unwrap_or(list.len()).min(list.len());
    list.splice(at..at, new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brands::{Day, Voice};
    use crate::content::ContentKind;

    fn a_profile() -> Profile {
        let pillar = |name: &str, weight| Pillar { name: name.to_owned(), weight, description: Some(name.to_owned()) };
        let time = |channel, time: &str| PostingTime { channel, day: Day::Friday, time: time.to_owned() };
        Profile {
            voice: Voice {
                adjectives: vec![],
                dos: vec!["show".to_owned()],
                donts: vec!["hype".to_owned(), "shout".to_owned()],
            },
            pillars: vec![pillar("Craft", 3), pillar("People", 1)],
            cadence: vec![
                Cadence { channel: Channel::X, per_week: 5 },
                Cadence { channel: Channel::Linkedin, per_week: 2 },
            ],
            format_weights: vec![
                FormatWeight { kind: ContentKind::XPost, weight: 3 },
                FormatWeight { kind: ContentKind::Email, weight: 1 },
                FormatWeight { kind: ContentKind::XThread, weight: 1 },
            ],
            posting_times: vec![time(Channel::X, "09:00"), time(Channel::Linkedin, "10:00")],
            ..Profile::default()
        }
    }

    #[test]
    fn what_is_written_reads_back_and_nothing_else_changes() {
        let parts = [
            (Part::FormatWeights(Channel::X), json!([{ "kind": "x_thread", "weight": 60 }])),
            (Part::FormatWeights(Channel::Blog), json!([])),
            (Part::PostingTimes(Channel::X), json!([])),
            (Part::PostingTimes(Channel::Blog), json!([{ "channel": "blog", "day": "monday", "time": "09:00" }])),
            (Part::PillarWeights, json!([{ "name": "Craft", "weight": 40 }, { "name": "People", "weight": 60 }])),
            (Part::VoiceDo("say you".to_owned()), json!("say you")),
            (Part::VoiceDont("hype".to_owned()), Value::Null),
            (Part::Cadence(Channel::X), json!(4)),
            (Part::Cadence(Channel::Blog), json!(1)),
        ];
        for (part, value) in parts {
            let (before, mut profile) = (a_profile(), a_profile());
            part.write(&mut profile, &value).unwrap();
            assert_eq!(part.read(&profile), value, "{part:?}");
            // Every other part reads as before.
            for channel in [Channel::X, Channel::Linkedin, Channel::Email, Channel::Blog] {
                for other in [Part::FormatWeights(channel), Part::PostingTimes(channel), Part::Cadence(channel)] {
                    assert!(other == part || other.read(&profile) == other.read(&before), "{part:?}: {other:?}");
                }
            }
            assert_eq!(profile.pillars[0].description, before.pillars[0].description);
            // Taken back, the part holds what it held.
            part.write(&mut profile, &part.read(&before)).unwrap();
            assert_eq!(part.read(&profile), part.read(&before), "{part:?}");
        }
    }

    #[test]
    fn a_part_has_one_spelling_in_the_database() {
        let part = Part::Cadence(Channel::Linkedin);
        assert_eq!(serde_json::to_value(&part).unwrap(), json!({ "field": "cadence", "target": "linkedin" }));
        assert_eq!(serde_json::to_value(Part::PillarWeights).unwrap(), json!({ "field": "pillars" }));
        for part in [part, Part::PillarWeights, Part::VoiceDo("show".to_owned())] {
            let stored = serde_json::to_value(&part).unwrap();
            assert_eq!(stored["field"], part.field());
            assert_eq!(serde_json::from_value::<Part>(stored).unwrap(), part);
        }
    }

    #[test]
    fn a_value_that_does_not_fit_changes_nothing() {
        let mut profile = a_profile();
        assert!(Part::Cadence(Channel::X).write(&mut profile, &json!("five")).is_err());
        assert_eq!(profile, a_profile());
    }
}
