use chrono::{DateTime, Duration, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder, QuerySelect, Set,
};
use serde_json::json;

use super::{stale, stripe_events};
use crate::bounded::Tx;
use crate::customers::{self, Customer, SubscriptionState};
use crate::db::{Db, now, stored};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::CustomerId;
use crate::tables::{customer, subscription};

/// A subscription as last seen.
pub type Subscription = subscription::Model;

/// Stripe's word for how a subscription stands: <https://docs.stripe.com/api/subscriptions/object#subscription_object-status>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[allow(missing_docs, reason = "Stripe's own words")]
pub enum SubscriptionStatus {
    Trialing,
    Active,
    PastDue,
    Unpaid,
    Paused,
    Incomplete,
    IncompleteExpired,
    Canceled,
}

impl SubscriptionStatus {
    /// The status that Stripe calls so; none for a word that we do not know.
    #[must_use]
    pub fn of_stripe(word: &str) -> Option<Self> {
        sea_orm::ActiveEnum::try_from_value(&word.to_owned()).ok()
    }

    /// Stripe's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing can follow any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }

    /// What it means for the customer. None before the first payment: then nothing is known yet.
    const fn meaning(self) -> Option<SubscriptionState> {
        match self {
            Self::Trialing | Self::Active => Some(SubscriptionState::Active),
            Self::PastDue | Self::Unpaid => Some(SubscriptionState::PastDue),
            Self::Paused => Some(SubscriptionState::Paused),
            Self::Canceled | Self::IncompleteExpired => Some(SubscriptionState::Canceled),
            Self::Incomplete => None,
        }
    }

    /// With several subscriptions the best one counts.
    const fn rank(self) -> u8 {
        match self {
            Self::Active => 6,
            Self::Trialing => 5,
            Self::PastDue => 4,
            Self::Unpaid => 3,
            Self::Paused => 2,
            Self::Canceled | Self::IncompleteExpired => 1,
            Self::Incomplete => 0,
        }
    }
}

/// What Stripe answered when it was asked for a subscription.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Stripe's id of the subscription.
    pub id: String,
    /// Stripe's id of who pays.
    pub stripe_customer_id: String,
    /// How it stands.
    pub status: SubscriptionStatus,
    /// Whether it ends with the period that is paid.
    pub cancel_at_period_end: bool,
    /// End of the period that is paid.
    pub period_ends_at: Option<DateTime<Utc>>,
    /// When the payment that is missing was due, if Stripe says so.
    pub past_due_since: Option<DateTime<Utc>>,
    /// What [`version`] said before Stripe was asked.
    pub seen: Option<i64>,
}

/// How many looks at a subscription were written. Read it before asking Stripe.
///
/// # Errors
///
/// When the database fails.
pub async fn version(db: &Db, id: &str) -> Result<Option<i64>> {
    let found = subscription::Entity::find_by_id(id).one(db.connection()).await?;
    Ok(found.map(|subscription| subscription.version))
}

/// Whose subscription it is, by the subscription or by who pays at Stripe; none for somebody who is no customer (yet).
///
/// # Errors
///
/// When the database fails.
pub async fn customer_of(db: &Db, subscription: Option<&str>, stripe_customer: &str) -> Result<Option<CustomerId>> {
    if let Some(id) = subscription
        && let Some(known) = subscription::Entity::find_by_id(id).one(db.connection()).await?
    {
        return Ok(Some(known.customer_id));
    }
    let payer = subscription::Entity::find()
        .filter(subscription::Column::StripeCustomerId.eq(stripe_customer))
        .one(db.connection())
        .await?;
    if let Some(known) = payer {
        return Ok(Some(known.customer_id));
    }
    let customer = customer::Entity::find()
        .filter(customer::Column::StripeCustomerId.eq(stripe_customer))
        .one(db.connection())
        .await?;
    Ok(customer.map(|customer| customer.id))
}

/// The customer's subscriptions, newest look first.
///
/// # Errors
///
/// When the database fails.
pub async fn of_customer(db: &Db, customer_id: &CustomerId) -> Result<Vec<Subscription>> {
    let subscriptions = subscription::Entity::find()
        .filter(subscription::Column::CustomerId.eq(customer_id.clone()))
        .order_by_desc(subscription::Column::UpdatedAt)
        .all(db.connection())
        .await?;
    Ok(subscriptions)
}

/// Everybody's subscriptions that may still change.
///
/// # Errors
///
/// When the database fails.
pub async fn unfinished(db: &Db) -> Result<Vec<Subscription>> {
    let finals = [SubscriptionStatus::Canceled, SubscriptionStatus::IncompleteExpired];
    let subscriptions = subscription::Entity::find()
        .filter(subscription::Column::Status.is_not_in(finals))
        .order_by_asc(subscription::Column::Id)
        .all(db.connection())
        .await?;
    Ok(subscriptions)
}

/// Writes what Stripe answered, what follows for the customer, and that the event which made us ask is done: together.
///
/// # Errors
///
/// `stale` when somebody wrote a later answer; when there is no such customer.
pub async fn observe(
    db: &Db,
    customer_id: &CustomerId,
    observation: Observation,
    grace: Duration,
    event: Option<&str>,
) -> Result<Customer> {
    let tx = db.write_tx().await?;
    let customer = customers::lock(&tx, customer_id).await?;
    if !stripe_events::finish_in(&tx, event).await? {
        return Ok(customer);
    }
    let customer = observe_in(&tx, customer, observation, grace).await?;
    tx.commit().await?;
    Ok(customer)
}

/// The customer's row must be locked, or new in this transaction.
pub(super) async fn observe_in(
    tx: &Tx,
    customer: Customer,
    observation: Observation,
    grace: Duration,
) -> Result<Customer> {
    let before = rows(tx, &customer.id).await?;
    let known = before.iter().find(|row| row.id == observation.id);
    if known.map(|row| row.version) != observation.seen {
        return Err(stale());
    }
    let row = row(&customer.id, observation, known);
    if known.is_some() {
        row.update(tx).await?
    } else {
        row.insert(tx).await?
    };
    let after = rows(tx, &customer.id).await?;
    conclude(tx, customer, best(&before), best(&after), grace).await
}

async fn rows(tx: &Tx, customer_id: &CustomerId) -> Result<Vec<Subscription>> {
    let rows =
        subscription::Entity::find().filter(subscription::Column::CustomerId.eq(customer_id.clone())).all(tx).await?;
    Ok(rows)
}

fn row(customer_id: &CustomerId, seen: Observation, known: Option<&Subscription>) -> subscription::ActiveModel {
    let now = now();
    let owes = seen.status.meaning() == Some(SubscriptionState::PastDue);
    let since = seen.past_due_since.or_else(|| known.and_then(|row| row.past_due_since)).unwrap_or(now);
    subscription::ActiveModel {
        id: Set(seen.id),
        customer_id: Set(customer_id.clone()),
        stripe_customer_id: Set(seen.stripe_customer_id),
        status: Set(seen.status),
        cancel_at_period_end: Set(seen.cancel_at_period_end),
        period_ends_at: Set(seen.period_ends_at.map(stored)),
        past_due_since: Set(owes.then_some(stored(since))),
        version: Set(known.map_or(1, |row| row.version + 1)),
        updated_at: Set(now),
    }
}

fn best(rows: &[Subscription]) -> Option<&Subscription> {
    // Among equals the one that is paid for longest, so that the answer does not depend on the order of the rows.
    rows.iter().max_by_key(|row| (row.status.rank(), row.period_ends_at, &row.id))
}

/// Derives the customer's state from their best subscription, and logs it when it is another one than before.
async fn conclude(
    tx: &Tx,
    customer: Customer,
    before: Option<&Subscription>,
    best: Option<&Subscription>,
    grace: Duration,
) -> Result<Customer> {
    let Some((best, state)) = best.and_then(|best| Some((best, best.status.meaning()?))) else { return Ok(customer) };
    let now = now();
    let grace_ends_at = best
        .past_due_since
        .filter(|_| best.status == SubscriptionStatus::PastDue)
        .map(|since| stored(since + grace))
        .filter(|ends_at| *ends_at > now);
    let ending_changed = before.is_some_and(|before| before.cancel_at_period_end) != best.cancel_at_period_end;
    let changed = customer.subscription != state || customer.grace_ends_at != grace_ends_at || ending_changed;
    if !changed && customer.stripe_customer_id.as_ref() == Some(&best.stripe_customer_id) {
        return Ok(customer);
    }
    let mut change: customer::ActiveModel = customer.into();
    change.subscription = Set(state);
    change.grace_ends_at = Set(grace_ends_at);
    change.stripe_customer_id = Set(Some(best.stripe_customer_id.clone()));
    change.updated_at = Set(now);
    let customer = change.update(tx).await?;
    if changed {
        let data = json!({
            "status": best.status.as_str(),
            "cancelAtPeriodEnd": best.cancel_at_period_end,
            "periodEndsAt": best.period_ends_at,
            "graceEndsAt": grace_ends_at,
        });
        events::record(tx, &customer.id, EventType::SubscriptionUpdated, data).await?;
    }
    Ok(customer)
}

/// When the next grace period ends, if one runs.
///
/// # Errors
///
/// When the database fails.
pub async fn next_grace_end(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let next = customer::Entity::find()
        .filter(customer::Column::GraceEndsAt.is_not_null())
        .order_by_asc(customer::Column::GraceEndsAt)
        .limit(1)
        .one(db.connection())
        .await?;
    Ok(next.and_then(|customer| customer.grace_ends_at))
}

/// Logs the grace periods that are over, each once, so that whoever follows the log ends what the keys opened. Says how
/// many.
///
/// # Errors
///
/// When the database fails.
pub async fn end_grace_periods(db: &Db) -> Result<usize> {
    let over = customer::Entity::find().filter(customer::Column::GraceEndsAt.lte(now())).all(db.connection()).await?;
    let mut ended = 0;
    for customer in over {
        let tx = db.write_tx().await?;
        let customer = customers::lock(&tx, &customer.id).await?;
        if customer.grace_ends_at.is_none_or(|ends_at| ends_at > now()) {
            continue;
        }
        let id = customer.id.clone();
        let mut change: customer::ActiveModel = customer.into();
        change.grace_ends_at = Set(None);
        change.updated_at = Set(now());
        change.update(&tx).await?;
        events::record(&tx, &id, EventType::SubscriptionGraceEnded, json!({})).await?;
        tx.commit().await?;
        ended += 1;
    }
    Ok(ended)
}

/// Logs that a payment is disputed, and that the event that said so is done: together.
///
/// # Errors
///
/// When there is no such customer.
pub async fn record_dispute(
    db: &Db,
    customer_id: &CustomerId,
    dispute: serde_json::Value,
    event: Option<&str>,
) -> Result<()> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    if !stripe_events::finish_in(&tx, event).await? {
        return Ok(());
    }
    events::record(&tx, customer_id, EventType::PaymentDisputed, dispute).await?;
    tx.commit().await?;
    Ok(())
}

impl From<SubscriptionStatus> for &'static str {
    fn from(status: SubscriptionStatus) -> Self {
        status.as_str()
    }
}

/// Two checkouts may be for one customer only if the database says so.
pub(super) fn taken(error: sea_orm::DbErr) -> Error {
    if Error::is_duplicate(&error) { stale() } else { error.into() }
}
