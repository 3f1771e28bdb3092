use chrono::{DateTime, Duration, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use serde_json::json;

use super::subscriptions::{observe_in, taken};
use super::{Observation, stripe_events};
use crate::bounded::Tx;
use crate::brands::{self, Profile};
use crate::customers::{self, Customer, OnboardingState, SubscriptionState};
use crate::db::{Db, now, stored};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::CustomerId;
use crate::keys::{self, NewKey, PlainKey};
use crate::tables::{checkout_session, customer};

/// How long after the payment the key can be claimed.
const CLAIM_WINDOW: Duration = Duration::hours(24);

/// A checkout that Stripe says was paid.
#[derive(Clone, Debug)]
pub struct PaidCheckout {
    /// Stripe's id of the checkout session.
    pub id: String,
    /// Who paid, as entered at Stripe.
    pub email: String,
    /// What was bought.
    pub plan: String,
    /// When it was paid, by Stripe's clock.
    pub completed_at: DateTime<Utc>,
    /// The subscription that it started.
    pub subscription: Observation,
}

/// What a paid checkout has led to.
#[derive(Clone, Debug)]
pub struct Fulfilled {
    /// The customer, new or not.
    pub customer: Customer,
    /// Whether this checkout made the customer.
    pub made_customer: bool,
}

/// What a claim gives out.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The customer.
    pub customer: Customer,
    /// The key, for the first claim of a checkout that made its customer.
    pub key: Option<PlainKey>,
    /// Whether this checkout made the customer.
    pub made_customer: bool,
}

/// Makes the customer of a paid checkout, or gives the customer with this e-mail address their access back; together
/// with the note that the event which told us is done. Doing it again only looks at the subscription again.
///
/// No key is made here: it is made when it is claimed, so that none is stored in readable form.
///
/// # Errors
///
/// `stale` when somebody did the same in the meantime; field `email` when Stripe's address is none.
pub async fn fulfil(db: &Db, paid: PaidCheckout, grace: Duration, event: Option<&str>) -> Result<Fulfilled> {
    let email = customers::normalized_email(&paid.email)?;
    let tx = db.write_tx().await?;
    let known = checkout_session::Entity::find_by_id(&paid.id).one(&tx).await?;
    let (customer, made_customer) = match known {
        Some(checkout) => (customers::lock(&tx, &checkout.customer_id).await?, checkout.made_customer),
        None => {
            let (customer, made) = find_or_make(&tx, &paid, email).await?;
            note(&tx, &paid, &customer.id, made).await?;
            (customer, made)
        }
    };
    if !stripe_events::finish_in(&tx, event).await? {
        return Ok(Fulfilled { customer, made_customer });
    }
    let customer = observe_in(&tx, customer, paid.subscription, grace).await?;
    tx.commit().await?;
    Ok(Fulfilled { customer, made_customer })
}

async fn find_or_make(tx: &Tx, paid: &PaidCheckout, email: String) -> Result<(Customer, bool)> {
    let found = customer::Entity::find().filter(customer::Column::Email.eq(&email)).one(tx).await?;
    if let Some(found) = found {
        return Ok((customers::lock(tx, &found.id).await?, false));
    }
    let now = now();
    let row = customer::ActiveModel {
        id: Set(CustomerId::new()),
        email: Set(email),
        plan: Set(paid.plan.clone()),
        brand_name: Set(None),
        time_zone: Set(brands::DEFAULT_TIME_ZONE.to_owned()),
        onboarding: Set(OnboardingState::Open),
        subscription: Set(SubscriptionState::Active),
        stripe_customer_id: Set(None),
        grace_ends_at: Set(None),
        suspended_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    // Of two that make the same customer the later one is told to look again, and then finds them.
    let customer = row.insert(tx).await.map_err(taken)?;
    brands::create_in(tx, &customer.id, Profile::default()).await?;
    events::record(tx, &customer.id, EventType::CustomerCreated, json!({ "plan": customer.plan })).await?;
    Ok((customer, true))
}

async fn note(tx: &Tx, paid: &PaidCheckout, customer_id: &CustomerId, made_customer: bool) -> Result<()> {
    let row = checkout_session::ActiveModel {
        id: Set(paid.id.clone()),
        customer_id: Set(customer_id.clone()),
        made_customer: Set(made_customer),
        completed_at: Set(stored(paid.completed_at)),
        claimed_at: Set(None),
        created_at: Set(now()),
    };
    row.insert(tx).await.map_err(taken)?;
    Ok(())
}

/// Whether [`fulfil`] was done for a checkout.
///
/// # Errors
///
/// When the database fails.
pub async fn is_fulfilled(db: &Db, id: &str) -> Result<bool> {
    Ok(checkout_session::Entity::find_by_id(id).one(db.connection()).await?.is_some())
}

/// Gives out the key of a fulfilled checkout: to the first who asks, within a day, and only if the checkout made its
/// customer. Somebody who pays with another's e-mail address gets that account paid, and nothing of theirs.
///
/// # Errors
///
/// When the checkout is not known, or was paid too long ago (`checkout_expired`).
pub async fn claim(db: &Db, id: &str) -> Result<Claimed> {
    let tx = db.write_tx().await?;
    let not_found = Error::NotFound("checkout");
    let checkout = checkout_session::Entity::find_by_id(id).one(&tx).await?.ok_or(not_found)?;
    let customer = customers::lock(&tx, &checkout.customer_id).await?;
    // Read again: only under the lock it is certain that nobody else claims at this moment.
    let checkout = checkout_session::Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound("checkout"))?;
    let made_customer = checkout.made_customer;
    if now() - checkout.completed_at > CLAIM_WINDOW {
        return Err(Error::conflict(
            "checkout_expired",
            "This checkout was completed more than 24 hours ago, and its key can no longer be claimed. Write to us and we make you another.",
        ));
    }
    if checkout.claimed_at.is_some() || !made_customer {
        return Ok(Claimed { customer, key: None, made_customer });
    }
    let mut change: checkout_session::ActiveModel = checkout.into();
    change.claimed_at = Set(Some(now()));
    change.update(&tx).await?;
    let (_, key) = keys::create_in(&tx, &customer.id, NewKey::default()).await?;
    tx.commit().await?;
    Ok(Claimed { customer, key: Some(key), made_customer })
}

/// Whether any key of the account that a checkout was for has been used.
///
/// # Errors
///
/// When there is no such checkout.
pub async fn has_used_key(db: &Db, id: &str) -> Result<bool> {
    let checkout = checkout_session::Entity::find_by_id(id).one(db.connection()).await?;
    let customer_id = checkout.ok_or(Error::NotFound("checkout"))?.customer_id;
    Ok(keys::list(db, &customer_id).await?.iter().any(|key| key.last_used_at.is_some()))
}
