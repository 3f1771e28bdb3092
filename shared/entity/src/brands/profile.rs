//! The brand profile as the customer's assistant reads and writes it.

use chrono::{NaiveTime, Weekday};
use schemars::JsonSchema;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::content::{Channel, ContentKind};

/// What a customer has told us of their brand. Stored whole; lists keep the order they were given in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, FromJsonQueryResult)]
#[serde(rename_all = "camelCase", default)]
pub struct Profile {
    /// The website, https preferred.
    pub website: Option<String>,
    /// What the brand sells and to whom it matters, in a few sentences.
    pub offering: Option<String>,
    /// Who should read the content: roles, situations, problems.
    pub audience: Option<String>,
    /// How the brand sounds.
    pub voice: Voice,
    /// The themes the brand keeps coming back to.
    pub pillars: Vec<Pillar>,
    /// Who else the audience considers.
    pub competitors: Vec<Competitor>,
    /// What marketing is to achieve, ideally with a number and a date.
    pub goals: Vec<String>,
    /// Words or claims that must never appear in content, such as "guaranteed results".
    pub forbidden_claims: Vec<String>,
    /// How often to publish on each channel.
    pub cadence: Vec<Cadence>,
    /// Shares of the kinds of content where a channel has several.
    pub format_weights: Vec<FormatWeight>,
    /// When to publish, before all other times.
    pub posting_times: Vec<PostingTime>,
    /// When nothing is published; from 21:00 to 07:00 when nothing was said.
    pub quiet_hours: Option<QuietHours>,
    /// ISO 3166 code of the country whose public holidays are kept free; that of the time zone when nothing was said.
    pub country: Option<String>,
}

/// How the brand sounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Voice {
    /// Three to five adjectives, such as "plain", "warm", "exact".
    pub adjectives: Vec<String>,
    /// What to do when writing.
    #[serde(rename = "do")]
    pub dos: Vec<String>,
    /// What to avoid when writing.
    #[serde(rename = "dont")]
    pub donts: Vec<String>,
}

/// One theme of the brand's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pillar {
    /// Short name, unique among the pillars.
    pub name: String,
    /// Share of the content relative to the other pillars.
    #[schemars(range(min = 1, max = 100))]
    pub weight: i64,
    /// What belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Somebody else the audience considers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Competitor {
    /// Name of the company or product.
    pub name: String,
    /// Its website.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How often to publish on a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cadence {
    /// The channel.
    pub channel: Channel,
    /// Pieces a week; 0 for none.
    #[schemars(range(min = 0, max = 50))]
    pub per_week: i64,
}

/// How much of a kind to publish, relative to the other kinds of its channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormatWeight {
    /// The kind.
    pub kind: ContentKind,
    /// Its share; 0 for none.
    #[schemars(range(min = 0, max = 100))]
    pub weight: i64,
}

/// A time of the week at which to publish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostingTime {
    /// The channel.
    pub channel: Channel,
    /// Day of the week.
    pub day: Day,
    /// Local time, such as 09:30.
    pub time: String,
}

impl PostingTime {
    /// The time of day, if it is one.
    #[must_use]
    pub fn time(&self) -> Option<NaiveTime> {
        time_of_day(&self.time)
    }
}

/// A part of the day; it may go over midnight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuietHours {
    /// Local time at which it begins, such as 21:00.
    pub from: String,
    /// Local time at which it ends; the same as `from` for no quiet hours.
    pub to: String,
}

/// A time of day written like 09:30.
#[must_use]
pub fn time_of_day(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| text.len() == 5)
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "days need none")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    /// The day as the calendar counts it.
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        match self {
            Self::Monday => Weekday::Mon,
            Self::Tuesday => Weekday::Tue,
            Self::Wednesday => Weekday::Wed,
            Self::Thursday => Weekday::Thu,
            Self::Friday => Weekday::Fri,
            Self::Saturday => Weekday::Sat,
            Self::Sunday => Weekday::Sun,
        }
    }

    /// The other way round.
    #[must_use]
    pub const fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Mon => Self::Monday,
            Weekday::Tue => Self::Tuesday,
            Weekday::Wed => Self::Wednesday,
            Weekday::Thu => Self::Thursday,
            Weekday::Fri => Self::Friday,
            Weekday::Sat => Self::Saturday,
            Weekday::Sun => Self::Sunday,
        }
    }
}
