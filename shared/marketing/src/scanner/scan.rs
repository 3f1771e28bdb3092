//! Everything that a scan has found.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fixes::{Fix, fixes};
use super::geo::{self, Engines};
use super::page::Page;
use super::rule::Score;
use super::{geo_score, seo_score};

/// What a scan has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scan {
    /// Where the page is, after all redirects.
    pub url: String,
    /// Its title.
    pub title: Option<String>,
    /// When it was looked at.
    pub scanned_at: DateTime<Utc>,
    /// How many words its content has.
    pub words: u32,
    /// For search engines.
    pub seo: Score,
    /// For answer engines.
    pub geo: Score,
    /// The second score for each answer engine.
    pub engines: Engines,
    /// Ready-made texts.
    pub fixes: Vec<Fix>,
}

impl Scan {
    /// Scores a page.
    #[must_use]
    pub fn of(page: &Page, scanned_at: DateTime<Utc>) -> Self {
        let (seo, geo) = (seo_score(page), geo_score(page));
        let engines = geo::engines(page, &geo);
        Self {
            url: page.facts.url.to_string(),
            title: page.title().map(|title| title.chars().take(300).collect()),
            scanned_at,
            words: u32::try_from(page.words).unwrap_or(u32::MAX),
            fixes: fixes(page, &seo, &geo),
            seo,
            geo,
            engines,
        }
    }
}
