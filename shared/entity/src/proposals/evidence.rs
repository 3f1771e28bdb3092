//! What speaks for a proposal, as stored.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

/// What speaks for a proposal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Evidence(pub Vec<Fact>);

/// One thing that was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// What, in a sentence.
    pub text: String,
    /// Where it was seen.
    pub source: String,
    /// Some of the pieces that it was seen in.
    pub ids: Vec<String>,
    /// Its numbers by name.
    pub numbers: BTreeMap<String, f64>,
}
