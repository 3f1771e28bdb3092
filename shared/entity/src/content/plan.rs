//! Pieces that are to be written.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::json;

use super::schedule::plan_publishing;
use super::{
    Content, ContentKind, ContentStatus, Draft, Findings, Piece, Version, event_data, insert_revision, piece_in,
    save_revision, shortened,
};
use crate::customers;
use crate::db::{Db, now, stored};
use crate::error::Result;
use crate::events::{self, EventType};
use crate::ids::{ContentId, CustomerId};
use crate::tables::{content, content_revision};

/// A piece of which only this is known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBrief {
    /// What it will be.
    pub kind: ContentKind,
    /// When it goes out.
    pub at: DateTime<Utc>,
    /// The brand's theme that it serves.
    pub pillar: Option<String>,
    /// What it is to be about.
    pub brief: String,
}

/// The customer's pieces with a time from `span.0` until before `span.1`, in the order of their times; without those
/// that were rejected.
///
/// # Errors
///
/// When the database fails.
pub async fn scheduled_between(
    db: &Db,
    customer_id: &CustomerId,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<Vec<Content>> {
    scheduled(db.connection(), customer_id, (from, before)).await
}

/// Saves what `plan` makes of the pieces that have a time within the span. Nobody else gives anything of this customer a
/// time meanwhile.
///
/// # Errors
///
/// When there is no such customer.
pub async fn plan(
    db: &Db,
    customer_id: &CustomerId,
    span: (DateTime<Utc>, DateTime<Utc>),
    plan: impl FnOnce(&[Content]) -> Vec<NewBrief>,
) -> Result<Vec<Content>> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let briefs = plan(&scheduled(&tx, customer_id, span).await?);
    let mut pieces = Vec::new();
    for brief in briefs {
        let now = now();
        let row = content::ActiveModel {
            id: Set(ContentId::new()),
            customer_id: Set(customer_id.clone()),
            kind: Set(brief.kind),
            channel: Set(brief.kind.channel()),
            status: Set(ContentStatus::Planned),
            label: Set(shortened(&brief.brief)),
            revision: Set(1),
            pillar: Set(brief.pillar),
            brief: Set(Some(brief.brief.clone())),
            scheduled_at: Set(Some(stored(brief.at))),
            search_text: Set(brief.brief.to_lowercase()),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let content = row.insert(&tx).await?;
        let nothing = Version { draft: Draft::default(), findings: Findings::default(), pillar: None, note: None };
        insert_revision(&tx, &content, nothing).await?;
        let mut data = event_data(&content);
        if let Some(fields) = data.as_object_mut() {
            fields.insert("scheduledAt".to_owned(), json!(content.scheduled_at));
        }
        plan_publishing(&tx, &content).await?;
        events::record(&tx, customer_id, EventType::ContentPlanned, data).await?;
        pieces.push(content);
    }
    tx.commit().await?;
    Ok(pieces)
}

/// Saves the first words of a piece that is still to be written, as [`super::revise`] does; none when somebody has
/// written it or decided on it meanwhile.
///
/// # Errors
///
/// When the customer has no such piece.
pub async fn write_planned(
    db: &Db,
    customer_id: &CustomerId,
    id: &ContentId,
    version: Version,
) -> Result<Option<Piece>> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let piece = piece_in(&tx, customer_id, id).await?;
    if piece.content.status != ContentStatus::Planned {
        return Ok(None);
    }
    let piece = save_revision(&tx, piece.content, version).await?;
    tx.commit().await?;
    Ok(Some(piece))
}

/// Notes why a piece that is still to be written could not be drafted. The same note again records nothing, and so does
/// one on a piece that somebody has written or decided on meanwhile.
///
/// # Errors
///
/// When the customer has no such piece.
pub async fn leave_planned(db: &Db, customer_id: &CustomerId, id: &ContentId, why: &str) -> Result<()> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let Piece { content, current } = piece_in(&tx, customer_id, id).await?;
    if content.status != ContentStatus::Planned || current.note.as_deref() == Some(why) {
        return Ok(());
    }
    let mut data = event_data(&content);
    if let Some(fields) = data.as_object_mut() {
        fields.insert("why".to_owned(), json!(why));
    }
    let mut change: content::ActiveModel = content.into();
    change.updated_at = Set(now());
    change.update(&tx).await?;
    // The empty revision holds no author's words, so the note is its only content.
    let mut change: content_revision::ActiveModel = current.into();
    change.note = Set(Some(why.to_owned()));
    change.update(&tx).await?;
    events::record(&tx, customer_id, EventType::ContentNotDrafted, data).await?;
    tx.commit().await?;
    Ok(())
}

async fn scheduled(
    connection: &impl sea_orm::ConnectionTrait,
    customer_id: &CustomerId,
    (from, before): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Content>> {
    let pieces = content::Entity::find()
        .filter(content::Column::CustomerId.eq(customer_id.clone()))
        .filter(content::Column::ScheduledAt.gte(from))
        .filter(content::Column::ScheduledAt.lt(before))
        .filter(content::Column::Status.ne(ContentStatus::Rejected))
        .order_by_asc(content::Column::ScheduledAt)
        .order_by_asc(content::Column::Id)
        .all(connection)
        .await?;
    Ok(pieces)
}
