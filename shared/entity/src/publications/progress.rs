use chrono::{DateTime, Utc};
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

/// What is on the platform already. Kept so that what was cut off goes on where it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// The posts that are there, in order: one, or those of a thread.
    pub posted: Vec<Posted>,
    /// What is prepared and not visible to anybody: a media container, a campaign.
    pub prepared: Option<String>,
    /// Since when a call is under way that makes something visible. If nobody is at it any more, its answer was lost.
    pub calling_since: Option<DateTime<Utc>>,
}

/// A post on a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Posted {
    /// The platform's id.
    pub id: String,
    /// Where people see it.
    pub url: Option<String>,
}

impl Progress {
    /// Whether something is, or may be, visible on the platform.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        !self.posted.is_empty() || self.calling_since.is_some()
    }
}
