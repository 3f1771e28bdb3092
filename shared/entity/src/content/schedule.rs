//! Giving content its time.

use chrono::{DateTime, Duration, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::json;

use super::{Content, ContentStatus, Piece, event_data, piece_in, require_unpublished};
use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now, stored};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{ContentId, CustomerId};
use crate::tables::content;
use crate::workflows::{self, Workflow};

/// A planning horizon that no slip of the keyboard exceeds.
const MAX_AHEAD: Duration = Duration::days(366 * 2);
/// How many neighbours are looked at for the next free time.
const NEIGHBOURS: u64 = 200;

/// When a piece is to go out.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The time.
    pub at: DateTime<Utc>,
    /// Least distance to other pieces of the same channel, if any is kept.
    pub spacing: Option<Duration>,
}

/// The outcome of a scheduling call.
#[derive(Clone, Debug)]
pub enum Scheduled {
    /// The piece has the time now (or none, if that was asked).
    Done(Box<Piece>),
    /// Another piece of the channel is too close; nothing was written.
    TooClose {
        /// That piece.
        neighbour: Box<Content>,
        /// The first time from the wanted one on that is free.
        next_free: DateTime<Utc>,
    },
}

/// Sets the time of a piece, or takes it away. The same time again writes nothing.
///
/// # Errors
///
/// When the customer has no such piece, it was rejected (`content_rejected`), or the time is past or more than two
/// years ahead (field `at`).
pub async fn schedule(
    db: &Db,
    customer_id: &CustomerId,
    id: &ContentId,
    wanted: Option<Schedule>,
) -> Result<Scheduled> {
    let wanted = wanted.map(|wanted| Schedule { at: stored(wanted.at), ..wanted });
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let Piece { content, current } = piece_in(&tx, customer_id, id).await?;
    let may_be = wanted.is_none_or(|wanted| wanted.at > now());
    if may_be && content.scheduled_at == wanted.map(|wanted| wanted.at) {
        return Ok(Scheduled::Done(Box::new(Piece { content, current })));
    }
    require_unpublished(&tx, &content).await?;
    if let Some(wanted) = wanted {
        require_schedulable(&content, wanted.at)?;
        if let Some(too_close) = conflict(&tx, &content, wanted).await? {
            return Ok(too_close);
        }
    }

    let mut change: content::ActiveModel = content.into();
    change.scheduled_at = Set(wanted.map(|wanted| wanted.at));
    change.updated_at = Set(now());
    let content = change.update(&tx).await?;
    let event = if wanted.is_some() { EventType::ContentScheduled } else { EventType::ContentUnscheduled };
    let mut data = event_data(&content);
    if let Some(fields) = data.as_object_mut() {
        fields.insert("scheduledAt".to_owned(), json!(content.scheduled_at));
    }
    plan_publishing(&tx, &content).await?;
    events::record(&tx, customer_id, event, data).await?;
    tx.commit().await?;
    Ok(Scheduled::Done(Box::new(Piece { content, current })))
}

/// The run that waits for the time of a piece goes with its time.
pub(super) async fn plan_publishing(tx: &Tx, content: &Content) -> Result<()> {
    let customer_id = &content.customer_id;
    let id = content.id.as_str();
    workflows::cancel_where_in(tx, customer_id, Workflow::PublishDue, "contentId", id, "Its time was changed.").await?;
    if content.scheduled_at.is_some() {
        let input = json!({ "contentId": id, "scheduledAt": content.scheduled_at });
        workflows::request_in(tx, customer_id, Workflow::PublishDue, input, None).await?;
    }
    Ok(())
}

/// How a piece stands when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is to go out.
    Now,
    /// It has another time by now, or none.
    Rescheduled,
    /// Nobody has approved it.
    NotApproved,
    /// It went out before.
    Published,
}

/// Sees how a piece stands whose time was `at`; that it is to go out is noted in the log, once.
///
/// # Errors
///
/// When the customer has no such piece.
pub async fn come_due(db: &Db, customer_id: &CustomerId, id: &ContentId, at: DateTime<Utc>) -> Result<Due> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let Piece { content, .. } = piece_in(&tx, customer_id, id).await?;
    if content.scheduled_at != Some(at) {
        return Ok(Due::Rescheduled);
    }
    match content.status {
        ContentStatus::Approved => {}
        ContentStatus::Published => return Ok(Due::Published),
        _ => return Ok(Due::NotApproved),
    }
    let mut data = event_data(&content);
    if let Some(fields) = data.as_object_mut() {
        fields.insert("scheduledAt".to_owned(), json!(at));
    }
    events::record_once(&tx, customer_id, EventType::ContentDue, data).await?;
    tx.commit().await?;
    Ok(Due::Now)
}

fn require_schedulable(content: &Content, at: DateTime<Utc>) -> Result<()> {
    let now = now();
    if at <= now {
        return Err(Error::invalid(
            "at",
            format!("must be in the future; it is now {} UTC", now.format("%Y-%m-%d %H:%M")),
        ));
    }
    if at > now + MAX_AHEAD {
        return Err(Error::invalid("at", "must be within the next two years"));
    }
    if content.status == ContentStatus::Rejected {
        return Err(Error::conflict("content_rejected", "It was rejected. Revise it first, then schedule it."));
    }
    Ok(())
}

async fn conflict(tx: &Tx, content: &Content, wanted: Schedule) -> Result<Option<Scheduled>> {
    let Some(spacing) = wanted.spacing else { return Ok(None) };
    let neighbours = content::Entity::find()
        .filter(content::Column::CustomerId.eq(content.customer_id.clone()))
        .filter(content::Column::Channel.eq(content.channel))
        .filter(content::Column::ScheduledAt.gt(wanted.at - spacing))
        .filter(content::Column::Id.ne(content.id.clone()))
        .filter(content::Column::Status.ne(ContentStatus::Rejected))
        .order_by_asc(content::Column::ScheduledAt)
        .limit(NEIGHBOURS)
        .all(tx)
        .await?;
    let Some(neighbour) = neighbours.iter().find(|piece| is_within(piece, wanted.at, spacing)) else { return Ok(None) };
    let next_free = next_free(&neighbours, wanted.at, spacing);
    Ok(Some(Scheduled::TooClose { neighbour: Box::new(neighbour.clone()), next_free }))
}

fn is_within(piece: &Content, at: DateTime<Utc>, spacing: Duration) -> bool {
    piece.scheduled_at.is_some_and(|other| (other - at).abs() < spacing)
}

/// `neighbours` are in the order of their times, so one pass finds the first gap that is wide enough.
fn next_free(neighbours: &[Content], from: DateTime<Utc>, spacing: Duration) -> DateTime<Utc> {
    let times = neighbours.iter().filter_map(|piece| piece.scheduled_at);
    times.fold(from, |candidate, taken| if (taken - candidate).abs() < spacing { taken + spacing } else { candidate })
}
