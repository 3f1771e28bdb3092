//! What the MCP server lists.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// `catalogue.json`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    pub protocol_versions: Vec<String>,
    pub tools: Vec<Tool>,
    pub prompts: Vec<Prompt>,
    pub resources: Vec<Resource>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    pub name: String,
    pub title: String,
    pub description: String,
    /// Whether it only reads.
    pub read_only: bool,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Prompt {
    pub name: String,
    pub title: String,
    pub description: String,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Resource {
    /// Its address, with names in braces for what differs.
    pub uri: String,
    pub title: String,
    pub description: String,
}

#[expect(clippy::expect_used, reason = "the file is part of the program; a test writes it and every test reads it")]
pub static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| serde_json::from_str(include_str!("catalogue.json")).expect("the catalogue is well-formed"));
