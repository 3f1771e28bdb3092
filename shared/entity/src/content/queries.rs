//! Reading content.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Content, ContentKind, ContentStatus, DecisionRecord, Findings, Piece, Revision, current_revision};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::{ContentId, CustomerId, DecisionId, RevisionId};
use crate::tables::{content, content_decision, content_revision};

/// Which pieces; everything absent means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this kind.
    pub kind: Option<ContentKind>,
    /// Only this status.
    pub status: Option<ContentStatus>,
    /// Only pieces scheduled at this time or later.
    pub scheduled_from: Option<DateTime<Utc>>,
    /// Only pieces scheduled before this time.
    pub scheduled_before: Option<DateTime<Utc>>,
    /// Only pieces whose words contain this, in any case.
    pub text: Option<String>,
}

/// One page of pieces.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub pieces: Vec<Content>,
    /// Give this as `before` to get the next page; absent on the last one.
    pub next: Option<ContentId>,
}

/// All that was written and decided on a piece.
#[derive(Clone, Debug)]
pub struct History {
    /// Newest first.
    pub revisions: Vec<Revision>,
    /// Newest first.
    pub decisions: Vec<DecisionRecord>,
}

/// What the rules found in a version of a piece.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The piece.
    pub content_id: ContentId,
    /// What it is.
    pub kind: ContentKind,
    /// What was found.
    pub findings: Findings,
}

/// How much waits for the customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pieces that wait for a decision.
    pub in_review: u64,
    /// Pieces that a person wanted changed.
    pub changes_requested: u64,
    /// Drafts that break a rule.
    pub drafts: u64,
    /// Pieces whose time is set for the future but that nobody has approved.
    pub scheduled_unapproved: u64,
    /// Pieces whose time passed before anybody approved them, approved since or not.
    pub missed: u64,
}

/// The customer's piece with its current words.
///
/// # Errors
///
/// When the customer has no such piece.
pub async fn get(db: &Db, customer_id: &CustomerId, id: &ContentId) -> Result<Piece> {
    let content = of_customer(customer_id)
        .filter(content::Column::Id.eq(id.clone()))
        .one(db.connection())
        .await?
        .ok_or(Error::NotFound("piece of content"))?;
    let current = current_revision(db.connection(), &content).await?;
    Ok(Piece { content, current })
}

/// These pieces of the customer with their current words, in the same order: one statement for a page
/// of [`list`]. A piece of somebody else, or one that changed in between, is left out.
///
/// # Errors
///
/// When the database fails.
pub async fn with_words(db: &Db, customer_id: &CustomerId, pieces: Vec<Content>) -> Result<Vec<Piece>> {
    if pieces.is_empty() {
        return Ok(Vec::new());
    }
    let current = pieces.iter().map(|piece| {
        content_revision::Column::ContentId
            .eq(piece.id.clone())
            .and(content_revision::Column::Number.eq(piece.revision))
    });
    let current = current.fold(Condition::any(), Condition::add);
    let revisions = content_revision::Entity::find()
        .filter(content_revision::Column::CustomerId.eq(customer_id.clone()))
        .filter(current)
        .all(db.connection())
        .await?;
    let mut of_piece: HashMap<ContentId, Revision> =
        revisions.into_iter().map(|revision| (revision.content_id.clone(), revision)).collect();
    let with_words = |content: Content| of_piece.remove(&content.id).map(|current| Piece { content, current });
    Ok(pieces.into_iter().filter_map(with_words).collect())
}

/// The customer's newest pieces on a theme that have words and were not rejected, at most `limit`; of no theme when none
/// is named.
///
/// # Errors
///
/// When the database fails.
pub async fn written_on(db: &Db, customer_id: &CustomerId, pillar: Option<&str>, limit: u64) -> Result<Vec<Piece>> {
    let pillar = match pillar {
        Some(pillar) => content::Column::Pillar.eq(pillar),
        None => content::Column::Pillar.is_null(),
    };
    let pieces = of_customer(customer_id)
        .filter(pillar)
        .filter(content::Column::Status.is_not_in([ContentStatus::Planned, ContentStatus::Rejected]))
        .order_by_desc(content::Column::Id)
        .limit(limit)
        .all(db.connection())
        .await?;
    with_words(db, customer_id, pieces).await
}

/// Revision `number` of the customer's piece.
///
/// # Errors
///
/// When there is none (field `revision`).
pub async fn revision(db: &Db, customer_id: &CustomerId, id: &ContentId, number: i64) -> Result<Revision> {
    let found = match i32::try_from(number) {
        Ok(number) => {
            content_revision::Entity::find()
                .filter(content_revision::Column::CustomerId.eq(customer_id.clone()))
                .filter(content_revision::Column::ContentId.eq(id.clone()))
                .filter(content_revision::Column::Number.eq(number))
                .one(db.connection())
                .await?
        }
        Err(_) => None,
    };
    found.ok_or_else(|| Error::invalid("revision", "is not the number of a revision of this piece"))
}

/// The newest revisions and decisions of the customer's piece, at most `limit` of each.
///
/// # Errors
///
/// When the database fails. A piece of somebody else has no history.
pub async fn history(db: &Db, customer_id: &CustomerId, id: &ContentId, limit: u64) -> Result<History> {
    let revisions = content_revision::Entity::find()
        .filter(content_revision::Column::CustomerId.eq(customer_id.clone()))
        .filter(content_revision::Column::ContentId.eq(id.clone()))
        .order_by_desc(content_revision::Column::Number)
        .limit(limit)
        .all(db.connection())
        .await?;
    let decisions = content_decision::Entity::find()
        .filter(content_decision::Column::CustomerId.eq(customer_id.clone()))
        .filter(content_decision::Column::ContentId.eq(id.clone()))
        .order_by_desc(content_decision::Column::Id)
        .limit(limit)
        .all(db.connection())
        .await?;
    Ok(History { revisions, decisions })
}

/// A page of the customer's pieces, newest first.
///
/// # Errors
///
/// When `before` is not a piece of this customer (field `cursor`).
pub async fn list(
    db: &Db,
    customer_id: &CustomerId,
    filter: &Filter,
    before: Option<&ContentId>,
    limit: u64,
) -> Result<Page> {
    if let Some(before) = before {
        let known =
            of_customer(customer_id).filter(content::Column::Id.eq(before.clone())).one(db.connection()).await?;
        known.ok_or_else(|| Error::invalid("cursor", "is not a cursor that list_content gave you"))?;
    }
    let mut select = filtered(of_customer(customer_id), filter);
    if let Some(before) = before {
        select = select.filter(content::Column::Id.lt(before.clone()));
    }
    // One more than asked for tells whether there is another page.
    let mut pieces = select.order_by_desc(content::Column::Id).limit(limit + 1).all(db.connection()).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = pieces.len() > wanted;
    pieces.truncate(wanted);
    let next = if more { pieces.last().map(|piece| piece.id.clone()) } else { None };
    Ok(Page { pieces, next })
}

/// The customer's decisions since a time, newest first, at most `limit`.
///
/// # Errors
///
/// When the database fails.
pub async fn decisions_since(
    db: &Db,
    customer_id: &CustomerId,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<DecisionRecord>> {
    let decisions = content_decision::Entity::find()
        .filter(content_decision::Column::CustomerId.eq(customer_id.clone()))
        .filter(content_decision::Column::Id.gte(DecisionId::first_at(since)))
        .order_by_desc(content_decision::Column::Id)
        .limit(limit)
        .all(db.connection())
        .await?;
    Ok(decisions)
}

/// What the rules found in the versions that were written since a time, newest first, at most `limit`. Briefs that
/// nobody has written yet are no versions.
///
/// # Errors
///
/// When the database fails.
pub async fn checked_since(
    db: &Db,
    customer_id: &CustomerId,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Checked>> {
    let found: Vec<(ContentId, Findings)> = content_revision::Entity::find()
        .select_only()
        .columns([content_revision::Column::ContentId, content_revision::Column::Findings])
        .filter(content_revision::Column::CustomerId.eq(customer_id.clone()))
        .filter(content_revision::Column::Id.gte(RevisionId::first_at(since)))
        .order_by_desc(content_revision::Column::Id)
        .limit(limit)
        .into_tuple()
        .all(db.connection())
        .await?;
    let pieces = of_customer(customer_id)
        .filter(content::Column::Id.is_in(found.iter().map(|(id, _)| id.clone())))
        .filter(content::Column::Status.ne(ContentStatus::Planned))
        .all(db.connection())
        .await?;
    let kinds: HashMap<ContentId, ContentKind> = pieces.into_iter().map(|piece| (piece.id, piece.kind)).collect();
    let checked = |(content_id, findings)| {
        let kind = *kinds.get(&content_id)?;
        Some(Checked { content_id, kind, findings })
    };
    Ok(found.into_iter().filter_map(checked).collect())
}

/// How much waits for the customer at a moment.
///
/// # Errors
///
/// When the database fails.
pub async fn counts(db: &Db, customer_id: &CustomerId, now: DateTime<Utc>) -> Result<Counts> {
    let with_status = |status: ContentStatus| {
        of_customer(customer_id).filter(content::Column::Status.eq(status)).count(db.connection())
    };
    let unapproved =
        content::Column::Status.is_in([ContentStatus::Draft, ContentStatus::InReview, ContentStatus::ChangesRequested]);
    let scheduled_unapproved = of_customer(customer_id)
        .filter(content::Column::ScheduledAt.gte(now))
        .filter(unapproved.clone())
        .count(db.connection())
        .await?;
    // A time is set before it comes, so an approved piece that changed after its time was approved after it.
    let approved_late = Condition::all()
        .add(content::Column::Status.eq(ContentStatus::Approved))
        .add(content::Column::UpdatedAt.into_expr().gt(content::Column::ScheduledAt.into_expr()));
    let missed = of_customer(customer_id)
        .filter(content::Column::ScheduledAt.lt(now))
        .filter(Condition::any().add(unapproved).add(approved_late))
        .count(db.connection())
        .await?;
    Ok(Counts {
        in_review: with_status(ContentStatus::InReview).await?,
        changes_requested: with_status(ContentStatus::ChangesRequested).await?,
        drafts: with_status(ContentStatus::Draft).await?,
        scheduled_unapproved,
        missed,
    })
}

fn of_customer(customer_id: &CustomerId) -> sea_orm::Select<content::Entity> {
    content::Entity::find().filter(content::Column::CustomerId.eq(customer_id.clone()))
}

fn filtered(mut select: sea_orm::Select<content::Entity>, filter: &Filter) -> sea_orm::Select<content::Entity> {
    if let Some(kind) = filter.kind {
        select = select.filter(content::Column::Kind.eq(kind));
    }
    if let Some(status) = filter.status {
        select = select.filter(content::Column::Status.eq(status));
    }
    if let Some(from) = filter.scheduled_from {
        select = select.filter(content::Column::ScheduledAt.gte(from));
    }
    if let Some(before) = filter.scheduled_before {
        select = select.filter(content::Column::ScheduledAt.lt(before));
    }
    if let Some(text) = &filter.text {
        select = select.filter(Expr::col((content::Entity, content::Column::SearchText)).like(containing(text)));
    }
    select
}

/// LIKE differs between the databases in upper and lower case; here both sides are lower case already.
fn containing(text: &str) -> LikeExpr {
    let mut escaped = String::with_capacity(text.len() + 2);
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    LikeExpr::new(format!("%{escaped}%")).escape('\\')
}
