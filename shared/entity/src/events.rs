//! The event log: what happened to a customer, written in the transaction of what it tells.

use std::fmt;
use std::str::FromStr;

use futures::future::try_join_all;
use sea_orm::sea_query::ValueTypeErr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use crate::bounded::Tx;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, EventId};
use crate::tables::event;

/// Further back nobody looks for a repetition.
const RECENT: u64 = 200;

/// An entry of the log.
pub type Event = event::Model;

macro_rules! event_types {
    ($($variant:ident = $name:literal,)*) => {
        /// Every event there is, named `<thing>.<past participle>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sea_orm::DeriveValueType)]
        #[sea_orm(value_type = "String")]
        #[allow(missing_docs, reason = "the name says it")]
        pub enum EventType { $($variant,)* }

        impl EventType {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The dotted name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl FromStr for EventType {
            type Err = ValueTypeErr;

            fn from_str(name: &str) -> std::result::Result<Self, ValueTypeErr> {
                match name { $($name => Ok(Self::$variant),)* _ => Err(ValueTypeErr) }
            }
        }
    };
}

event_types! {
    CustomerCreated = "customer.created",
    CustomerSuspended = "customer.suspended",
    CustomerResumed = "customer.resumed",
    SubscriptionUpdated = "subscription.updated",
    SubscriptionGraceEnded = "subscription.grace_ended",
    PaymentDisputed = "payment.disputed",
    KeyCreated = "key.created",
    KeyRevoked = "key.revoked",
    KeyLeaked = "key.leaked",
    SessionStarted = "session.started",
    SessionEnded = "session.ended",
    GrantCreated = "grant.created",
    GrantRevoked = "grant.revoked",
    GrantReused = "grant.reused",
    GrantLeaked = "grant.leaked",
    OnboardingStarted = "onboarding.started",
    OnboardingReminded = "onboarding.reminded",
    OnboardingCompleted = "onboarding.completed",
    BrandUpdated = "brand.updated",
    ConnectionLinkCreated = "connection.link_created",
    ConnectionEstablished = "connection.established",
    ConnectionLost = "connection.lost",
    ContentPlanned = "content.planned",
    ContentNotDrafted = "content.not_drafted",
    ContentCreated = "content.created",
    ContentUpdated = "content.updated",
    ContentApproved = "content.approved",
    ContentRejected = "content.rejected",
    ContentRevised = "content.revised",
    ContentScheduled = "content.scheduled",
    ContentUnscheduled = "content.unscheduled",
    ContentDue = "content.due",
    ContentPublished = "content.published",
    ContentPublishFailed = "content.publish_failed",
    ScanCompleted = "scan.completed",
    ScanRegressed = "scan.regressed",
    PageWatched = "page.watched",
    PageUnwatched = "page.unwatched",
    SnapshotCaptured = "snapshot.captured",
    ReportCompleted = "report.completed",
    ProposalOpened = "proposal.opened",
    ProposalApproved = "proposal.approved",
    ProposalRejected = "proposal.rejected",
    ProposalRolledBack = "proposal.rolled_back",
    LeadLogged = "lead.logged",
    WorkflowStarted = "workflow.started",
    WorkflowCompleted = "workflow.completed",
    WorkflowFailed = "workflow.failed",
    WorkflowCancelled = "workflow.cancelled",
}

impl EventType {
    /// Whether keys and apps may no longer be accepted after it.
    #[must_use]
    pub const fn may_end_access(self) -> bool {
        matches!(
            self,
            Self::KeyRevoked
                | Self::GrantRevoked
                | Self::GrantReused
                | Self::GrantLeaked
                | Self::CustomerSuspended
                | Self::SubscriptionUpdated
                | Self::SubscriptionGraceEnded
        )
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for EventType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Which events: all, one type, or the types that begin alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TypeFilter {
    /// All.
    #[default]
    Any,
    /// Only these; may be none.
    Only(Vec<EventType>),
}

impl TypeFilter {
    /// Whether an event of this type is wanted.
    #[must_use]
    pub fn includes(&self, event_type: EventType) -> bool {
        match self {
            Self::Any => true,
            Self::Only(types) => types.contains(&event_type),
        }
    }
}

impl FromStr for TypeFilter {
    type Err = std::convert::Infallible;

    /// `content.created` for exactly that, `content.*` or `con*` for all that begin so. A type that there is not
    /// matches nothing.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let matches = |event: &&EventType| match text.strip_suffix('*') {
            Some(prefix) => event.as_str().starts_with(prefix),
            None => event.as_str() == text,
        };
        let types: Vec<EventType> = EventType::ALL.iter().filter(matches).copied().collect();
        Ok(if types.len() == EventType::ALL.len() { Self::Any } else { Self::Only(types) })
    }
}

/// One page of the log.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub events: Vec<Event>,
    /// Give this as `before` to get the next page; absent on the last one.
    pub next: Option<EventId>,
}

impl Event {
    /// Whether somebody logged out of this browser session with it.
    #[must_use]
    pub fn ends_session(&self, session_id: &str) -> bool {
        let ended = self.data.get("sessionId").and_then(|id| id.as_str());
        self.event_type == EventType::SessionEnded && ended == Some(session_id)
    }
}

/// Writes an event. The customer's row must be locked by this transaction, or be new in it.
pub(crate) async fn record(
    tx: &Tx,
    customer_id: &CustomerId,
    event_type: EventType,
    data: serde_json::Value,
) -> Result<Event> {
    let row = event::ActiveModel {
        id: Set(next_id(tx, customer_id).await?),
        customer_id: Set(customer_id.clone()),
        event_type: Set(event_type),
        data: Set(data),
        created_at: Set(now()),
    };
    Ok(row.insert(tx).await?)
}

/// The same for what whoever does it may do again without knowing: once.
pub(crate) async fn record_once(
    tx: &Tx,
    customer_id: &CustomerId,
    event_type: EventType,
    data: serde_json::Value,
) -> Result<()> {
    let recent = event::Entity::find()
        .filter(event::Column::CustomerId.eq(customer_id.clone()))
        .filter(event::Column::EventType.eq(event_type))
        .order_by_desc(event::Column::Id)
        .limit(RECENT)
        .all(tx)
        .await?;
    if recent.iter().all(|event| event.data != data) {
        record(tx, customer_id, event_type, data).await?;
    }
    Ok(())
}

/// An id after all of this customer's, also when another process with a faster clock wrote the last one.
async fn next_id(tx: &Tx, customer_id: &CustomerId) -> Result<EventId> {
    let last = event::Entity::find()
        .filter(event::Column::CustomerId.eq(customer_id.clone()))
        .order_by_desc(event::Column::Id)
        .one(tx)
        .await?;
    let id = EventId::new();
    Ok(match last {
        Some(last) if last.id >= id => last.id.next(),
        _ => id,
    })
}

/// A page of a customer's log, newest first.
///
/// # Errors
///
/// When `before` is not an event of this customer (field `before`).
pub async fn list(
    db: &Db,
    customer_id: &CustomerId,
    filter: &TypeFilter,
    before: Option<&EventId>,
    limit: u64,
) -> Result<Page> {
    if let Some(before) = before {
        find(db, customer_id, before)
            .await?
            .ok_or_else(|| Error::invalid("before", "is not the id of an event of yours"))?;
    }
    // One more than asked for tells whether there is another page.
    let mut events = newest(db, customer_id, filter, before, limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = events.len() > wanted;
    events.truncate(wanted);
    let next = if more { events.last().map(|event| event.id.clone()) } else { None };
    Ok(Page { events, next })
}

/// Each type is one range of an index, so that a rare type costs no more in a long log than in a short one.
async fn newest(
    db: &Db,
    customer_id: &CustomerId,
    filter: &TypeFilter,
    before: Option<&EventId>,
    limit: u64,
) -> Result<Vec<Event>> {
    let of_customer = || {
        let mut select = event::Entity::find().filter(event::Column::CustomerId.eq(customer_id.clone()));
        if let Some(before) = before {
            select = select.filter(event::Column::Id.lt(before.clone()));
        }
        select.order_by_desc(event::Column::Id).limit(limit)
    };
    let TypeFilter::Only(types) = filter else { return Ok(of_customer().all(db.connection()).await?) };
    let queries = types
        .iter()
        .map(|event_type| of_customer().filter(event::Column::EventType.eq(*event_type)).all(db.connection()));
    let mut events: Vec<Event> = try_join_all(queries).await?.into_iter().flatten().collect();
    events.sort_by(|a, b| b.id.cmp(&a.id));
    events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(events)
}

/// The customer's events after `after`, oldest first, at most `limit`.
///
/// # Errors
///
/// When the database fails.
pub async fn since(db: &Db, customer_id: &CustomerId, after: &EventId, limit: u64) -> Result<Vec<Event>> {
    let events = event::Entity::find()
        .filter(event::Column::CustomerId.eq(customer_id.clone()))
        .filter(event::Column::Id.gt(after.clone()))
        .order_by_asc(event::Column::Id)
        .limit(limit)
        .all(db.connection())
        .await?;
    Ok(events)
}

/// The customer's newest event, if any.
///
/// # Errors
///
/// When the database fails.
pub async fn latest(db: &Db, customer_id: &CustomerId) -> Result<Option<Event>> {
    Ok(newest(db, customer_id, &TypeFilter::Any, None, 1).await?.pop())
}

async fn find(db: &Db, customer_id: &CustomerId, id: &EventId) -> Result<Option<Event>> {
    let event = event::Entity::find_by_id(id.clone())
        .filter(event::Column::CustomerId.eq(customer_id.clone()))
        .one(db.connection())
        .await?;
    Ok(event)
}

/// Everybody's events after `after`, in the order of their ids: for the feed.
pub(crate) async fn all_since(connection: &impl ConnectionTrait, after: &EventId, limit: u64) -> Result<Vec<Event>> {
    let events = event::Entity::find()
        .filter(event::Column::Id.gt(after.clone()))
        .order_by_asc(event::Column::Id)
        .limit(limit)
        .all(connection)
        .await?;
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_exact_or_a_prefix_with_a_star() {
        let only = |types: &[EventType]| TypeFilter::Only(types.to_vec());
        for (text, expected) in [
            ("key.created", only(&[EventType::KeyCreated])),
            ("key.*", only(&[EventType::KeyCreated, EventType::KeyRevoked, EventType::KeyLeaked])),
            ("k*", only(&[EventType::KeyCreated, EventType::KeyRevoked, EventType::KeyLeaked])),
            ("key.", only(&[])),
            ("nothing.*", only(&[])),
            ("*", TypeFilter::Any),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn every_type_reads_back() {
        for event_type in EventType::ALL {
            assert_eq!(event_type.as_str().parse::<EventType>().ok(), Some(*event_type));
        }
    }
}
