use chrono::{DateTime, Duration, Utc};
use entity::connections::Platform;
use entity::content::{Content, Draft};
use entity::db::{Db, now};
use entity::publications::{self, Claimed, Posted, Progress, Publication, PublicationStatus, Settlement};
use serde_json::Value;

use super::Outcome;
use crate::access::Access;
use crate::arguments::Field;
use crate::{Error, Result, facts};

/// Clocks differ a little.
const CLOCK_TOLERANCE: Duration = Duration::minutes(1);

/// A claimed publication on its way.
pub(super) struct Posting<'a> {
    db: &'a Db,
    access: Access<'a>,
    publication: Publication,
    content: Content,
    draft: Draft,
}

/// Why publishing did not come to its end.
pub(super) enum Stop {
    /// What was asked for last was certainly not done.
    Failed { why: String, again: bool },
    /// What was asked for last may have been done.
    Unknown(String),
    /// Our own database; what was noted last stands.
    Store(entity::Error),
}

/// What a look on the platform shows.
pub(super) enum Found {
    /// It is there.
    There(Posted),
    /// It is not there now.
    NotThere,
    /// It cannot be told.
    Unsure,
}

impl Stop {
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), again: false }
    }
}

impl From<entity::Error> for Stop {
    fn from(error: entity::Error) -> Self {
        Self::Store(error)
    }
}

/// Of a call that only reads, so nothing was sent.
impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => Self::Store(error),
            error => Self::Failed { why: error.to_string(), again: matches!(error, Error::Upstream(..)) },
        }
    }
}

impl<'a> Posting<'a> {
    pub(super) fn new(db: &'a Db, access: Access<'a>, claimed: Claimed) -> Self {
        let Claimed { publication, content, draft } = claimed;
        Self { db, access, publication, content, draft }
    }

    pub(super) const fn platform(&self) -> Platform {
        self.publication.platform
    }

    pub(super) const fn content(&self) -> &Content {
        &self.content
    }

    pub(super) const fn draft(&self) -> &Draft {
        &self.draft
    }

    pub(super) const fn progress(&self) -> &Progress {
        &self.publication.progress
    }

    /// Whether something that was made at `time` can be what the lost call made.
    pub(super) fn is_of_lost_call(&self, time: Option<DateTime<Utc>>) -> bool {
        match (self.progress().calling_since, time) {
            (Some(since), Some(time)) => time >= since - CLOCK_TOLERANCE,
            _ => false,
        }
    }

    /// Reads from the platform.
    pub(super) async fn read(&self, tool: &str, fields: Vec<Field<'_>>) -> Result<Value> {
        let arguments = self.access.arguments(tool, fields).await?;
        self.access.read(tool, arguments).await
    }

    /// Makes something that nobody sees: another one would do no harm.
    pub(super) async fn prepare(&self, tool: &str, fields: Vec<Field<'_>>) -> std::result::Result<Value, Stop> {
        let arguments = self.access.arguments(tool, fields).await?;
        self.access.act(tool, arguments).await.map_err(|error| self.failed(error))
    }

    /// Remembers what was prepared.
    pub(super) async fn prepared(&mut self, id: String) -> std::result::Result<(), Stop> {
        let progress = Progress { prepared: Some(id), ..self.progress().clone() };
        self.advance(progress).await
    }

    /// Makes a post visible; `read` finds it in the answer.
    pub(super) async fn post(
        &mut self,
        tool: &str,
        fields: Vec<Field<'_>>,
        read: impl FnOnce(&Value) -> Option<Posted>,
    ) -> std::result::Result<(), Stop> {
        let arguments = self.access.arguments(tool, fields).await?;
        let before = self.progress().clone();
        self.advance(Progress { calling_since: Some(now()), ..before.clone() }).await?;
        let name = facts(self.platform()).name;
        match self.access.act(tool, arguments).await {
            Ok(answer) => match read(&answer) {
                Some(posted) => Ok(self.found(posted).await?),
                None => Err(Stop::Unknown(format!("{name} took it and did not say where it is."))),
            },
            Err(error) if error.may_have_been_done() => {
                tracing::warn!(%error, publication = %self.publication.id, "it is not known whether a post is out");
                Err(Stop::Unknown(format!("The answer of {name} was lost, so it may be out or not.")))
            }
            Err(error) => {
                self.advance(before).await?;
                Err(self.failed(error))
            }
        }
    }

    fn failed(&self, error: composio::Error) -> Stop {
        let again = error.is_outage();
        let why = match Error::upstream(self.platform(), error) {
            error @ Error::Refused(..) => error.to_string(),
            _ => format!("{} could not be reached.", facts(self.platform()).name),
        };
        Stop::Failed { why, again }
    }

    /// The post is there.
    pub(super) async fn found(&mut self, posted: Posted) -> entity::Result<()> {
        let mut progress = self.progress().clone();
        progress.posted.push(posted);
        progress.calling_since = None;
        self.advance_in(progress).await
    }

    /// The post is certainly not there.
    pub(super) async fn not_found(&mut self) -> entity::Result<()> {
        let progress = Progress { calling_since: None, ..self.progress().clone() };
        self.advance_in(progress).await
    }

    async fn advance(&mut self, progress: Progress) -> std::result::Result<(), Stop> {
        Ok(self.advance_in(progress).await?)
    }

    async fn advance_in(&mut self, progress: Progress) -> entity::Result<()> {
        self.publication = publications::advance(self.db, &self.publication, progress).await?;
        Ok(())
    }

    pub(super) async fn settle(self, settlement: Settlement) -> Result<Outcome> {
        let publication = publications::settle(self.db, &self.publication, settlement).await?;
        Ok(match publication.status {
            PublicationStatus::Published => Outcome::Published { publication, is_new: true },
            PublicationStatus::Unknown => Outcome::Unknown(publication),
            PublicationStatus::Failed | PublicationStatus::Publishing => Outcome::Failed { publication, again: false },
        })
    }
}

/// The text of a post whose link is to be followed: at its end, unless it stands in it.
pub(super) fn with_link(draft: &Draft) -> String {
    let body = draft.body.trim();
    match draft.link.as_deref().map(str::trim).filter(|link| !link.is_empty() && !body.contains(link)) {
        Some(link) => format!("{body}\n\n{link}"),
        None => body.to_owned(),
    }
}

/// Whether two texts are the same but for what platforms do to texts: links are shortened, some signs are escaped,
/// blanks are gathered. A text of links only is like no other.
pub(super) fn are_same(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (words(ours), words(theirs));
    !ours.is_empty() && ours == theirs
}

fn words(text: &str) -> Vec<String> {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let is_link = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
    text.split_whitespace().filter(|word| !is_link(word)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_again_after_the_platform_had_it() {
        assert!(are_same("Bread & butter\nhttps://shop.example/bread?x=1", "Bread &amp; butter https://t.co/abc"));
        assert!(!are_same("Bread", "Bread and butter"));
        assert!(!are_same("https://a.example", "https://t.co/abc"));
    }
}
