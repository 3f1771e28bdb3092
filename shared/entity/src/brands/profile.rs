//! The brand profile as the customer's assistant reads and writes it.

use schemars::JsonSchema;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::content::Channel;

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
