//! Pieces of content: drafted, revised, decided on, scheduled. Every word and decision is kept.

mod draft;
mod plan;
mod queries;
mod review;
mod schedule;

use schemars::JsonSchema;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder, QuerySelect, Set,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use draft::{Channel, ContentKind, Draft, Finding, Findings, Media, MediaType, Severity};
pub use plan::{NewBrief, leave_planned, plan, scheduled_between, write_planned};
pub use queries::{
    Checked, Counts, Filter, History, Page, checked_since, counts, decisions_since, get, history, list, revision,
    with_words, written_on,
};
pub use review::{Review, Reviewed, review};
pub use schedule::{Due, Schedule, Scheduled, come_due, schedule};

use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{ContentId, CustomerId, RevisionId};
use crate::publications;
use crate::tables::{content, content_decision, content_revision};

/// A piece of content without its words.
pub type Content = content::Model;
/// One version of a piece.
pub type Revision = content_revision::Model;
/// One decision on a piece.
pub type DecisionRecord = content_decision::Model;

/// The same piece created again within this time is the same piece: an assistant that got no answer tries again.
const RETRY_WINDOW: chrono::Duration = chrono::Duration::minutes(10);
const MAX_LABEL_CHARS: usize = 80;

/// Where a piece stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ContentStatus {
    /// Its time is planned and nothing is written yet.
    Planned,
    /// It breaks a rule and cannot be approved yet.
    Draft,
    /// It waits for a person's decision.
    InReview,
    /// A person asked for a change.
    ChangesRequested,
    /// A person approved the current revision.
    Approved,
    /// A person decided against it.
    Rejected,
    /// It is out: its words can no longer be changed.
    Published,
}

/// What a person decides on a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Decision {
    /// It may go out as it is.
    Approved,
    /// It shall not go out.
    Rejected,
    /// It needs a change first.
    Revised,
}

/// A piece with its current words.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Where it stands.
    pub content: Content,
    /// The current revision.
    pub current: Revision,
}

/// What an author saves.
#[derive(Clone, Debug)]
pub struct Version {
    /// The words and media.
    pub draft: Draft,
    /// What the rules found in them.
    pub findings: Findings,
    /// The brand's theme that it serves.
    pub pillar: Option<String>,
    /// What changed and why.
    pub note: Option<String>,
}

/// A saved piece, and whether this call wrote anything.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The piece as it is now.
    pub piece: Piece,
    /// False when the same had been saved before.
    pub is_new: bool,
}

/// Saves a new piece. The same piece saved again within ten minutes is not saved twice.
///
/// # Errors
///
/// When there is no such customer.
pub async fn create(db: &Db, customer_id: &CustomerId, kind: ContentKind, version: Version) -> Result<Saved> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    if let Some(piece) = saved_just_now(&tx, customer_id, kind, &version.draft).await? {
        return Ok(Saved { piece, is_new: false });
    }
    let now = now();
    let row = content::ActiveModel {
        id: Set(ContentId::new()),
        customer_id: Set(customer_id.clone()),
        kind: Set(kind),
        channel: Set(kind.channel()),
        status: Set(status_of(&version.findings)),
        label: Set(label(&version.draft)),
        revision: Set(1),
        pillar: Set(version.pillar.clone()),
        brief: Set(None),
        scheduled_at: Set(None),
        search_text: Set(search_text(&version.draft)),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let content = row.insert(&tx).await?;
    let current = insert_revision(&tx, &content, version).await?;
    events::record(&tx, customer_id, EventType::ContentCreated, event_data(&content)).await?;
    tx.commit().await?;
    Ok(Saved { piece: Piece { content, current }, is_new: true })
}

/// Saves a new revision over revision number `over`; the piece goes back to review. The same words again save nothing.
///
/// # Errors
///
/// When the customer has no such piece, or `over` is no longer the current revision (`revision_conflict`).
pub async fn revise(db: &Db, customer_id: &CustomerId, id: &ContentId, over: i32, version: Version) -> Result<Saved> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let piece = piece_in(&tx, customer_id, id).await?;
    if piece.current.draft == version.draft && piece.content.pillar == version.pillar {
        return Ok(Saved { piece, is_new: false });
    }
    require_unpublished(&tx, &piece.content).await?;
    require_current(&piece.content, over)?;
    let piece = save_revision(&tx, piece.content, version).await?;
    tx.commit().await?;
    Ok(Saved { piece, is_new: true })
}

/// The customer's row must be locked by this transaction.
async fn save_revision(tx: &Tx, content: Content, version: Version) -> Result<Piece> {
    let number = content.revision + 1;
    let mut change: content::ActiveModel = content.into();
    change.status = Set(status_of(&version.findings));
    change.label = Set(label(&version.draft));
    change.revision = Set(number);
    change.pillar = Set(version.pillar.clone());
    change.search_text = Set(search_text(&version.draft));
    change.updated_at = Set(now());
    let content = change.update(tx).await?;
    let current = insert_revision(tx, &content, version).await?;
    events::record(tx, &content.customer_id, EventType::ContentUpdated, event_data(&content)).await?;
    Ok(Piece { content, current })
}

fn require_current(content: &Content, revision: i32) -> Result<()> {
    if content.revision == revision {
        return Ok(());
    }
    Err(Error::conflict(
        "revision_conflict",
        format!("Revision {revision} is not the current one, {} is. Read the piece again first.", content.revision),
    ))
}

async fn insert_revision(tx: &Tx, content: &Content, version: Version) -> Result<Revision> {
    let row = content_revision::ActiveModel {
        id: Set(RevisionId::new()),
        customer_id: Set(content.customer_id.clone()),
        content_id: Set(content.id.clone()),
        number: Set(content.revision),
        draft: Set(version.draft),
        findings: Set(version.findings),
        note: Set(version.note),
        created_at: Set(content.updated_at),
    };
    Ok(row.insert(tx).await?)
}

async fn saved_just_now(tx: &Tx, customer_id: &CustomerId, kind: ContentKind, draft: &Draft) -> Result<Option<Piece>> {
    let recent = content::Entity::find()
        .filter(content::Column::CustomerId.eq(customer_id.clone()))
        .filter(content::Column::Id.gte(ContentId::first_at(now() - RETRY_WINDOW)))
        .filter(content::Column::Kind.eq(kind))
        .filter(content::Column::Label.eq(label(draft)))
        .order_by_desc(content::Column::Id)
        .limit(20)
        .all(tx)
        .await?;
    for content in recent {
        let current = current_revision(tx, &content).await?;
        if current.draft == *draft {
            return Ok(Some(Piece { content, current }));
        }
    }
    Ok(None)
}

/// The customer's piece, held until the transaction ends.
pub(crate) async fn piece_in(tx: &Tx, customer_id: &CustomerId, id: &ContentId) -> Result<Piece> {
    let content = content::Entity::find_by_id(id.clone())
        .filter(content::Column::CustomerId.eq(customer_id.clone()))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or(Error::NotFound("piece of content"))?;
    let current = current_revision(tx, &content).await?;
    Ok(Piece { content, current })
}

/// A certain revision of the customer's piece.
pub(crate) async fn revision_in(tx: &Tx, customer_id: &CustomerId, id: &ContentId, number: i32) -> Result<Revision> {
    content_revision::Entity::find()
        .filter(content_revision::Column::ContentId.eq(id.clone()))
        .filter(content_revision::Column::CustomerId.eq(customer_id.clone()))
        .filter(content_revision::Column::Number.eq(number))
        .one(tx)
        .await?
        .ok_or(Error::NotFound("revision"))
}

/// The piece is out; its time is kept. The customer's row must be locked by this transaction.
pub(crate) async fn mark_published(tx: &Tx, content: Content) -> Result<()> {
    let mut change: content::ActiveModel = content.into();
    change.status = Set(ContentStatus::Published);
    change.updated_at = Set(now());
    change.update(tx).await?;
    Ok(())
}

/// What is out, or on its way out, stays as it was approved.
async fn require_unpublished(tx: &Tx, content: &Content) -> Result<()> {
    if content.status == ContentStatus::Published {
        return Err(Error::conflict(
            "already_published",
            "It is published, so it can no longer be changed. Make a new piece.",
        ));
    }
    if publications::is_under_way(tx, content).await? {
        return Err(Error::conflict(
            "being_published",
            "It is being published, or may be out already, so it cannot be changed now.",
        ));
    }
    Ok(())
}

async fn current_revision(connection: &impl sea_orm::ConnectionTrait, content: &Content) -> Result<Revision> {
    content_revision::Entity::find()
        .filter(content_revision::Column::ContentId.eq(content.id.clone()))
        .filter(content_revision::Column::CustomerId.eq(content.customer_id.clone()))
        .filter(content_revision::Column::Number.eq(content.revision))
        .one(connection)
        .await?
        .ok_or(Error::NotFound("revision"))
}

fn status_of(findings: &Findings) -> ContentStatus {
    if findings.blocking().next().is_some() { ContentStatus::Draft } else { ContentStatus::InReview }
}

/// What every event on a piece says of it.
fn event_data(content: &Content) -> Value {
    json!({ "contentId": content.id, "kind": content.kind, "label": content.label, "revision": content.revision })
}

fn label(draft: &Draft) -> String {
    let written = [draft.title.as_deref(), draft.subject.as_deref(), Some(draft.body.as_str())];
    let mut lines = written.into_iter().flatten().flat_map(str::lines).map(str::trim);
    shortened(lines.find(|line| !line.is_empty()).unwrap_or("Untitled"))
}

/// A line as long as lists have room for.
fn shortened(line: &str) -> String {
    if line.chars().count() <= MAX_LABEL_CHARS {
        return line.to_owned();
    }
    let cut: String = line.chars().take(MAX_LABEL_CHARS - 1).collect();
    format!("{}…", cut.trim_end())
}

fn search_text(draft: &Draft) -> String {
    let words = [
        draft.title.as_deref(),
        draft.subject.as_deref(),
        draft.preheader.as_deref(),
        draft.description.as_deref(),
        Some(&draft.body),
    ];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    words.join("\n").to_lowercase()
}
