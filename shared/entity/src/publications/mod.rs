//! Pieces of content on platforms: claimed before anything is sent, settled after, never sent twice.

mod progress;

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use schemars::JsonSchema;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder, QuerySelect, Set,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use progress::{Posted, Progress};

use crate::bounded::Tx;
use crate::connections::Platform;
use crate::content::{self, Content, ContentStatus, Draft};
use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{ContentId, CustomerId, PublicationId};
use crate::tables::{self, publication};

/// Longer than any one call to a platform may take. Whoever claimed a publication renews it before each call.
pub(crate) const LEASE: Duration = Duration::minutes(3);

/// A piece of content on a platform, or on its way there.
pub type Publication = publication::Model;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PublicationStatus {
    /// Somebody is at it.
    Publishing,
    /// It is there.
    Published,
    /// It is not there, and can be tried again.
    Failed,
    /// An answer was lost: it may be there or not. A person has to look.
    Unknown,
}

/// What happens when somebody wants to publish a piece.
#[derive(Clone, Debug)]
pub enum Claim {
    /// They may, and nobody else.
    Yours(Box<Claimed>),
    /// It is there already.
    Published(Box<Publication>),
    /// Somebody is at it.
    Busy(Box<Publication>),
    /// It may be there: look before anything else.
    Unknown(Box<Claimed>),
}

/// A claimed publication, and the words that were approved.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The claim.
    pub publication: Publication,
    /// What the piece is.
    pub content: Content,
    /// The approved revision.
    pub draft: Draft,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Everything is there.
    Published,
    /// The rest is not there, for this reason.
    Failed(String),
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// Claims a piece for publishing, under the account that is connected.
///
/// # Errors
///
/// When the customer has no such piece, or it is not approved (`not_approved`).
pub async fn claim(
    db: &Db,
    customer_id: &CustomerId,
    content_id: &ContentId,
    platform: Platform,
    account_id: &str,
) -> Result<Claim> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let piece = content::piece_in(&tx, customer_id, content_id).await?;
    let known = find_in(&tx, customer_id, content_id, platform).await?;
    let now = now();
    if let Some(known) = &known {
        match known.status {
            PublicationStatus::Published => return Ok(Claim::Published(Box::new(known.clone()))),
            PublicationStatus::Publishing if known.claimed_until > now => {
                return Ok(Claim::Busy(Box::new(known.clone())));
            }
            PublicationStatus::Publishing | PublicationStatus::Failed | PublicationStatus::Unknown => {}
        }
    }
    // What is partly there is finished as it began, whatever the piece has become since.
    let revision = known.as_ref().filter(|known| known.progress.is_begun()).map(|known| known.revision);
    let (revision, draft) = match revision {
        Some(number) => (number, content::revision_in(&tx, customer_id, content_id, number).await?.draft),
        None if piece.content.status == ContentStatus::Approved => (piece.content.revision, piece.current.draft),
        None => return Err(not_approved()),
    };
    let lost_answer = known.as_ref().is_some_and(|known| known.progress.calling_since.is_some());
    let publication = match known {
        Some(known) => {
            let attempts = known.attempts + 1;
            let begun = known.progress.is_begun();
            let mut change: publication::ActiveModel = known.into();
            change.status = Set(PublicationStatus::Publishing);
            change.revision = Set(revision);
            if !begun {
                change.account_id = Set(account_id.to_owned());
                change.progress = Set(Progress::default());
            }
            change.attempts = Set(attempts);
            change.claimed_until = Set(now + LEASE);
            change.updated_at = Set(now);
            change.update(&tx).await?
        }
        None => insert(&tx, &piece.content, platform, account_id).await?,
    };
    tx.commit().await?;
    let claimed = Box::new(Claimed { publication, content: piece.content, draft });
    Ok(if lost_answer { Claim::Unknown(claimed) } else { Claim::Yours(claimed) })
}

fn not_approved() -> Error {
    Error::conflict(
        "not_approved",
        "Nobody has approved its current revision. Show it to the person and record their decision first.",
    )
}

async fn insert(tx: &Tx, piece: &Content, platform: Platform, account_id: &str) -> Result<Publication> {
    let now = now();
    let row = publication::ActiveModel {
        id: Set(PublicationId::new()),
        customer_id: Set(piece.customer_id.clone()),
        content_id: Set(piece.id.clone()),
        platform: Set(platform),
        revision: Set(piece.revision),
        status: Set(PublicationStatus::Publishing),
        account_id: Set(account_id.to_owned()),
        progress: Set(Progress::default()),
        external_id: Set(None),
        url: Set(None),
        error: Set(None),
        attempts: Set(1),
        claimed_until: Set(now + LEASE),
        created_at: Set(now),
        updated_at: Set(now),
        published_at: Set(None),
    };
    Ok(row.insert(tx).await?)
}

/// Notes how far a claimed publication is, and renews the claim. To be done before and after each call that makes
/// something visible.
///
/// # Errors
///
/// When the claim is lost (`claim_lost`): then nothing more may be sent.
pub async fn advance(db: &Db, claimed: &Publication, progress: Progress) -> Result<Publication> {
    let tx = db.write_tx().await?;
    let row = held(&tx, claimed).await?;
    let mut change: publication::ActiveModel = row.into();
    change.progress = Set(progress);
    change.claimed_until = Set(now() + LEASE);
    change.updated_at = Set(now());
    let row = change.update(&tx).await?;
    tx.commit().await?;
    Ok(row)
}

/// Notes how the attempt ended, tells the log, and marks the piece as published when it is.
///
/// # Errors
///
/// When the claim is lost (`claim_lost`): whoever has it now will settle it.
pub async fn settle(db: &Db, claimed: &Publication, settlement: Settlement) -> Result<Publication> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, &claimed.customer_id).await?;
    let row = held(&tx, claimed).await?;
    let row = settle_in(&tx, row, settlement).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes a person's word on a publication of which nobody else knows whether it is there.
///
/// # Errors
///
/// When there is no such publication, or it is not unknown (`not_unknown`).
pub async fn resolve(
    db: &Db,
    customer_id: &CustomerId,
    content_id: &ContentId,
    platform: Platform,
    is_there: bool,
) -> Result<Publication> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let known = find_in(&tx, customer_id, content_id, platform).await?.ok_or(Error::NotFound("publication"))?;
    if known.status != PublicationStatus::Unknown {
        return Err(Error::conflict(
            "not_unknown",
            "It is known how its publication stands; there is nothing to settle.",
        ));
    }
    let settlement = if is_there {
        Settlement::Published
    } else {
        Settlement::Failed("A person looked and did not find it.".to_owned())
    };
    let mut change: publication::ActiveModel = known.clone().into();
    change.progress = Set(Progress { calling_since: None, ..known.progress });
    let row = change.update(&tx).await?;
    let row = settle_in(&tx, row, settlement).await?;
    tx.commit().await?;
    Ok(row)
}

async fn settle_in(tx: &Tx, row: Publication, settlement: Settlement) -> Result<Publication> {
    let now = now();
    let first = row.progress.posted.first().cloned();
    let customer_id = row.customer_id.clone();
    let told = row.error.clone();
    let mut change: publication::ActiveModel = row.into();
    let (status, error) = match settlement {
        Settlement::Published => (PublicationStatus::Published, None),
        Settlement::Failed(why) => (PublicationStatus::Failed, Some(why)),
        Settlement::Unknown(why) => (PublicationStatus::Unknown, Some(why)),
    };
    change.status = Set(status);
    change.error = Set(error);
    change.external_id = Set(first.as_ref().map(|posted| posted.id.clone()));
    change.url = Set(first.and_then(|posted| posted.url));
    change.published_at = Set((status == PublicationStatus::Published).then_some(now));
    change.claimed_until = Set(now);
    change.updated_at = Set(now);
    let row = change.update(tx).await?;
    let piece = content::piece_in(tx, &customer_id, &row.content_id).await?.content;
    let label = piece.label.clone();
    if status == PublicationStatus::Published {
        content::mark_published(tx, piece).await?;
    }
    // The same failure again is no news.
    if status == PublicationStatus::Published || told != row.error {
        let event = match status {
            PublicationStatus::Published => EventType::ContentPublished,
            _ => EventType::ContentPublishFailed,
        };
        events::record(tx, &customer_id, event, event_data(&row, &label)).await?;
    }
    Ok(row)
}

fn event_data(row: &Publication, label: &str) -> serde_json::Value {
    json!({
        "contentId": row.content_id,
        "label": label,
        "platform": row.platform,
        "revision": row.revision,
        "status": row.status,
        "url": row.url,
        "error": row.error,
    })
}

/// The publication as long as this claim on it is the last.
async fn held(tx: &Tx, claimed: &Publication) -> Result<Publication> {
    let row = publication::Entity::find_by_id(claimed.id.clone())
        .filter(publication::Column::CustomerId.eq(claimed.customer_id.clone()))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or(Error::NotFound("publication"))?;
    if row.attempts != claimed.attempts || row.status != PublicationStatus::Publishing {
        return Err(Error::conflict("claim_lost", "Somebody else is publishing this piece by now."));
    }
    Ok(row)
}

/// Whether somebody is publishing the piece, or it is partly there, or may be: then its words must stay.
pub(crate) async fn is_under_way(tx: &Tx, content: &Content) -> Result<bool> {
    let rows = publication::Entity::find()
        .filter(publication::Column::CustomerId.eq(content.customer_id.clone()))
        .filter(publication::Column::ContentId.eq(content.id.clone()))
        .all(tx)
        .await?;
    let now = now();
    Ok(rows.iter().any(|row| {
        let is_held = row.status == PublicationStatus::Publishing && row.claimed_until > now;
        row.status != PublicationStatus::Published && (is_held || row.progress.is_begun())
    }))
}

async fn find_in(
    tx: &Tx,
    customer_id: &CustomerId,
    content_id: &ContentId,
    platform: Platform,
) -> Result<Option<Publication>> {
    let row = publication::Entity::find()
        .filter(publication::Column::CustomerId.eq(customer_id.clone()))
        .filter(publication::Column::ContentId.eq(content_id.clone()))
        .filter(publication::Column::Platform.eq(platform))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(row)
}

/// Where a piece is published, or on its way.
///
/// # Errors
///
/// When the database fails.
pub async fn of_content(db: &Db, customer_id: &CustomerId, content_id: &ContentId) -> Result<Vec<Publication>> {
    let rows = publication::Entity::find()
        .filter(publication::Column::CustomerId.eq(customer_id.clone()))
        .filter(publication::Column::ContentId.eq(content_id.clone()))
        .order_by_asc(publication::Column::Id)
        .all(db.connection())
        .await?;
    Ok(rows)
}

/// How many pieces the customer published on each platform, from one time until before another.
///
/// # Errors
///
/// When the database fails.
pub async fn count_between(
    db: &Db,
    customer_id: &CustomerId,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<Vec<(Platform, u64)>> {
    let counts: Vec<(Platform, i64)> = publication::Entity::find()
        .select_only()
        .column(publication::Column::Platform)
        .column_as(publication::Column::Id.count(), "published")
        .filter(publication::Column::CustomerId.eq(customer_id.clone()))
        .filter(publication::Column::PublishedAt.gte(from))
        .filter(publication::Column::PublishedAt.lt(before))
        .group_by(publication::Column::Platform)
        .order_by_asc(publication::Column::Platform)
        .into_tuple()
        .all(db.connection())
        .await?;
    Ok(counts.into_iter().map(|(platform, count)| (platform, u64::try_from(count).unwrap_or_default())).collect())
}

/// The customer's publications of a platform since a time, newest first, at most `limit`.
///
/// # Errors
///
/// When the database fails.
pub async fn published_since(
    db: &Db,
    customer_id: &CustomerId,
    platform: Platform,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Publication>> {
    let rows = publication::Entity::find()
        .filter(publication::Column::CustomerId.eq(customer_id.clone()))
        .filter(publication::Column::Platform.eq(platform))
        .filter(publication::Column::PublishedAt.gte(since))
        .order_by_desc(publication::Column::Id)
        .limit(limit)
        .all(db.connection())
        .await?;
    Ok(rows)
}

/// What the customer published since a time, on all platforms, newest first, at most `limit`.
///
/// # Errors
///
/// When the database fails.
pub async fn pieces_since(
    db: &Db,
    customer_id: &CustomerId,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<(Publication, Content)>> {
    let publications = publication::Entity::find()
        .filter(publication::Column::CustomerId.eq(customer_id.clone()))
        .filter(publication::Column::PublishedAt.gte(since))
        .order_by_desc(publication::Column::Id)
        .limit(limit)
        .all(db.connection())
        .await?;
    let pieces = tables::content::Entity::find()
        .filter(tables::content::Column::CustomerId.eq(customer_id.clone()))
        .filter(tables::content::Column::Id.is_in(publications.iter().map(|row| row.content_id.clone())))
        .all(db.connection())
        .await?;
    let pieces: HashMap<ContentId, Content> = pieces.into_iter().map(|piece| (piece.id.clone(), piece)).collect();
    let with_piece = |row: Publication| {
        let piece = pieces.get(&row.content_id)?.clone();
        Some((row, piece))
    };
    Ok(publications.into_iter().filter_map(with_piece).collect())
}
