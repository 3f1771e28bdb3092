//! Customers and the status that decides whether they may use the service.

use chrono::{DateTime, Utc};
use email_address::{EmailAddress, Options};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bounded::Tx;
use crate::brands::{self, Profile};
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{CustomerId, RunId};
use crate::keys::{self, By, NewKey, PlainKey};
use crate::tables::{customer, deletion, subscription};

/// A customer as stored.
pub type Customer = customer::Model;
/// What is left of a customer who was deleted.
pub type Deletion = deletion::Model;

/// The plan of a customer for whom none was named.
pub const DEFAULT_PLAN: &str = "pro";
const MAX_PLAN_CHARS: usize = 40;
const MAX_BRAND_NAME_CHARS: usize = 120;

/// How far the customer has come with the first steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
pub enum OnboardingState {
    /// The brand interview or the first connection is still to come.
    Open,
    /// Done.
    Completed,
}

/// What happens on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnboardingEvent {
    /// It has begun.
    Started,
    /// The customer was reminded.
    Reminded,
}

/// What is known of the customer's subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
pub enum SubscriptionState {
    /// Made by an operator; nobody is charged.
    Provisioned,
    /// Paid.
    Active,
    /// A payment failed; forgiven until the grace period ends.
    PastDue,
    /// Paused.
    Paused,
    /// Ended.
    Canceled,
}

/// The status of a customer, derived from the stored facts and never stored itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum CustomerStatus {
    /// Paid or provisioned; brand interview or first connection still open.
    Onboarding,
    /// In good standing.
    Active,
    /// Payment failed and the grace period is over.
    PastDue,
    /// Subscription paused.
    Paused,
    /// Subscription ended.
    Canceled,
    /// Stopped by an operator.
    Suspended,
}

impl CustomerStatus {
    /// Whether the customer's keys are accepted.
    #[must_use]
    pub const fn may_use_keys(self) -> bool {
        matches!(self, Self::Onboarding | Self::Active)
    }

    /// The name used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Onboarding => "onboarding",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Suspended => "suspended",
        }
    }
}

impl std::fmt::Display for CustomerStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Customer {
    /// The time zone in which the customer lives. One that a later time zone database dropped reads as UTC.
    #[must_use]
    pub fn zone(&self) -> chrono_tz::Tz {
        self.time_zone.parse().unwrap_or(chrono_tz::UTC)
    }

    /// The customer's status at a moment.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> CustomerStatus {
        if self.suspended_at.is_some() {
            return CustomerStatus::Suspended;
        }
        let in_grace = self.grace_ends_at.is_some_and(|ends_at| now < ends_at);
        match (self.subscription, self.onboarding) {
            (SubscriptionState::Canceled, _) => CustomerStatus::Canceled,
            (SubscriptionState::Paused, _) => CustomerStatus::Paused,
            (SubscriptionState::PastDue, _) if !in_grace => CustomerStatus::PastDue,
            (_, OnboardingState::Open) => CustomerStatus::Onboarding,
            (_, OnboardingState::Completed) => CustomerStatus::Active,
        }
    }
}

/// What an operator says of a new customer.
#[derive(Clone, Debug, Default)]
pub struct NewCustomer {
    /// Where to reach them; unique.
    pub email: String,
    /// Plan; [`DEFAULT_PLAN`] when absent.
    pub plan: Option<String>,
    /// Name of the brand, if known.
    pub brand_name: Option<String>,
    /// Website of the brand, if known.
    pub website: Option<String>,
}

/// Makes a customer with a first key, which is given out this once.
///
/// # Errors
///
/// When a field is invalid, or the e-mail address has a customer already (`email_taken`).
pub async fn provision(db: &Db, new: NewCustomer) -> Result<(Customer, PlainKey)> {
    let email = normalized_email(&new.email)?;
    let plan = valid_plan(new.plan)?;
    let brand_name = valid_brand_name("brandName", new.brand_name)?;
    let website = new.website.map(|website| brands::valid_website("website", &website)).transpose()?;

    let tx = db.write_tx().await?;
    let now = now();
    let row = customer::ActiveModel {
        id: Set(CustomerId::new()),
        email: Set(email),
        plan: Set(plan),
        brand_name: Set(brand_name),
        time_zone: Set(brands::DEFAULT_TIME_ZONE.to_owned()),
        onboarding: Set(OnboardingState::Open),
        subscription: Set(SubscriptionState::Provisioned),
        stripe_customer_id: Set(None),
        grace_ends_at: Set(None),
        suspended_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let customer = row.insert(&tx).await.map_err(|error| {
        if Error::is_duplicate(&error) {
            Error::conflict("email_taken", "There is a customer with this e-mail address already.")
        } else {
            Error::from(error)
        }
    })?;
    brands::create_in(&tx, &customer.id, Profile { website, ..Profile::default() }).await?;
    events::record(&tx, &customer.id, EventType::CustomerCreated, json!({ "plan": customer.plan })).await?;
    let (_, key) = keys::create_in(&tx, &customer.id, NewKey { by: By::Operator, ..NewKey::default() }).await?;
    tx.commit().await?;
    Ok((customer, key))
}

/// The customer with this id.
///
/// # Errors
///
/// When there is none.
pub async fn get(db: &Db, id: &CustomerId) -> Result<Customer> {
    customer::Entity::find_by_id(id.clone()).one(db.connection()).await?.ok_or(Error::NotFound("customer"))
}

/// The customer with this e-mail address, in any case.
///
/// # Errors
///
/// When there is none.
pub async fn get_by_email(db: &Db, email: &str) -> Result<Customer> {
    customer::Entity::find()
        .filter(customer::Column::Email.eq(email.trim().to_lowercase()))
        .one(db.connection())
        .await?
        .ok_or(Error::NotFound("customer"))
}

/// Everybody, newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn list(db: &Db) -> Result<Vec<Customer>> {
    Ok(customer::Entity::find().order_by_desc(customer::Column::Id).all(db.connection()).await?)
}

/// Deletes a customer and everything of theirs, for good, for an operator. Their log goes too; what stays is that there was
/// a customer with this id, when they went and by whom.
///
/// # Errors
///
/// When there is no such customer, or Stripe would go on charging them (`subscription_live`).
pub async fn delete(db: &Db, id: &CustomerId) -> Result<()> {
    let tx = db.write_tx().await?;
    lock(&tx, id).await?;
    refuse_while_charged(&tx, id).await?;
    customer::Entity::delete_by_id(id.clone()).exec(&tx).await?;
    let deletion = deletion::ActiveModel { id: Set(id.clone()), deleted_at: Set(now()), deleted_by: Set(By::Operator) };
    deletion.insert(&tx).await?;
    tx.commit().await?;
    tracing::warn!(customer = %id, by = "operator", "a customer and everything of theirs is deleted");
    Ok(())
}

/// Which customers were deleted, the newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn deletions(db: &Db) -> Result<Vec<Deletion>> {
    Ok(deletion::Entity::find().order_by_desc(deletion::Column::DeletedAt).all(db.connection()).await?)
}

/// Whether [`delete`] would be refused now; says why as an error.
///
/// # Errors
///
/// When Stripe goes on charging the customer (`subscription_live`), or the database fails.
pub async fn may_be_deleted(db: &Db, id: &CustomerId) -> Result<()> {
    refuse_while_charged(db.connection(), id).await
}

async fn refuse_while_charged<C: ConnectionTrait>(connection: &C, id: &CustomerId) -> Result<()> {
    let subscriptions = subscription::Entity::find().filter(subscription::Column::CustomerId.eq(id.clone()));
    let subscriptions = subscriptions.all(connection).await?;
    match subscriptions.into_iter().find(|subscription| !subscription.status.is_final()) {
        None => Ok(()),
        Some(live) => Err(Error::conflict(
            "subscription_live",
            format!(
                "Subscription {} is {}: cancel it at Stripe first, or it goes on charging.",
                live.id,
                live.status.as_str()
            ),
        )),
    }
}

/// Whether there is any customer yet.
///
/// # Errors
///
/// When the database fails.
pub async fn exist(db: &Db) -> Result<bool> {
    Ok(customer::Entity::find().limit(1).one(db.connection()).await?.is_some())
}

/// Stops a customer's access until it is resumed, for an operator. Doing it again changes nothing.
///
/// # Errors
///
/// When there is no such customer.
pub async fn suspend(db: &Db, id: &CustomerId) -> Result<Customer> {
    set_suspended(db, id, Some(now()), EventType::CustomerSuspended).await
}

/// Gives a suspended customer access again, for an operator. Doing it again changes nothing.
///
/// # Errors
///
/// When there is no such customer.
pub async fn resume(db: &Db, id: &CustomerId) -> Result<Customer> {
    set_suspended(db, id, None, EventType::CustomerResumed).await
}

async fn set_suspended(db: &Db, id: &CustomerId, at: Option<DateTime<Utc>>, event: EventType) -> Result<Customer> {
    let tx = db.write_tx().await?;
    let customer = lock(&tx, id).await?;
    if customer.suspended_at.is_some() == at.is_some() {
        return Ok(customer);
    }
    let mut change: customer::ActiveModel = customer.into();
    change.suspended_at = Set(at);
    change.updated_at = Set(now());
    let customer = change.update(&tx).await?;
    events::record(&tx, id, event, json!({ "by": By::Operator })).await?;
    tx.commit().await?;
    Ok(customer)
}

/// Notes in the log, once for each run, that the first steps with a customer have begun, or that they were reminded.
///
/// # Errors
///
/// When there is no such customer.
pub async fn note_onboarding(db: &Db, id: &CustomerId, run_id: &RunId, event: OnboardingEvent) -> Result<()> {
    let tx = db.write_tx().await?;
    lock(&tx, id).await?;
    let event = match event {
        OnboardingEvent::Started => EventType::OnboardingStarted,
        OnboardingEvent::Reminded => EventType::OnboardingReminded,
    };
    events::record_once(&tx, id, event, json!({ "runId": run_id })).await?;
    tx.commit().await?;
    Ok(())
}

/// Notes that the first steps with a customer are done. Doing it again changes nothing.
///
/// # Errors
///
/// When there is no such customer.
pub async fn complete_onboarding(db: &Db, id: &CustomerId) -> Result<()> {
    let tx = db.write_tx().await?;
    let customer = lock(&tx, id).await?;
    if customer.onboarding == OnboardingState::Completed {
        return Ok(());
    }
    let mut change: customer::ActiveModel = customer.into();
    change.onboarding = Set(OnboardingState::Completed);
    change.updated_at = Set(now());
    change.update(&tx).await?;
    events::record(&tx, id, EventType::OnboardingCompleted, json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Reads the customer's row and holds it until the transaction ends.
///
/// Every transaction that writes for a customer begins with this: their writes follow one another, and so do the ids
/// of their events.
pub(crate) async fn lock(tx: &Tx, id: &CustomerId) -> Result<Customer> {
    customer::Entity::find_by_id(id.clone())
        // Weaker than FOR UPDATE, so that it does not wait for foreign-key checks of other tables.
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or(Error::NotFound("customer"))
}

/// An e-mail address in the one form we store: trimmed and in lower case.
///
/// # Errors
///
/// When it is not an address.
pub fn normalized_email(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let has_dot_in_domain = email.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    // The bare address, without the name that may stand before it in a message.
    let options = Options::default().without_display_text().without_domain_literal();
    if has_dot_in_domain && EmailAddress::parse_with_options(&email, options).is_ok() {
        Ok(email)
    } else {
        Err(Error::invalid("email", "must be an e-mail address such as anna@example.com"))
    }
}

fn valid_plan(plan: Option<String>) -> Result<String> {
    let Some(plan) = plan else { return Ok(DEFAULT_PLAN.to_owned()) };
    let well_formed = plan.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    if !plan.is_empty() && plan.len() <= MAX_PLAN_CHARS && well_formed {
        Ok(plan)
    } else {
        Err(Error::invalid("plan", format!("must be 1 to {MAX_PLAN_CHARS} of a-z, 0-9, - and _")))
    }
}

/// A brand's name, trimmed; nothing when it is empty.
///
/// # Errors
///
/// When it is too long or holds control characters.
pub fn valid_brand_name(field: &str, name: Option<String>) -> Result<Option<String>> {
    let Some(name) = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) else { return Ok(None) };
    if name.chars().count() > MAX_BRAND_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("must be at most {MAX_BRAND_NAME_CHARS} printable characters")));
    }
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(subscription: SubscriptionState, onboarding: OnboardingState) -> Customer {
        Customer {
            id: CustomerId::new(),
            email: "a@example.com".into(),
            plan: "pro".into(),
            brand_name: None,
            time_zone: "UTC".into(),
            onboarding,
            subscription,
            stripe_customer_id: None,
            grace_ends_at: None,
            suspended_at: None,
            created_at: now(),
            updated_at: now(),
        }
    }

    #[test]
    fn status_follows_from_the_stored_facts() {
        use {CustomerStatus as C, OnboardingState as O, SubscriptionState as S};
        for (subscription, onboarding, expected) in [
            (S::Provisioned, O::Open, C::Onboarding),
            (S::Provisioned, O::Completed, C::Active),
            (S::Active, O::Open, C::Onboarding),
            (S::Active, O::Completed, C::Active),
            (S::PastDue, O::Completed, C::PastDue),
            (S::Paused, O::Completed, C::Paused),
            (S::Canceled, O::Open, C::Canceled),
        ] {
            assert_eq!(customer(subscription, onboarding).status(now()), expected);
        }
    }

    #[test]
    fn a_failed_payment_is_forgiven_until_the_grace_period_ends() {
        let ends_at = now();
        let mut customer = customer(SubscriptionState::PastDue, OnboardingState::Completed);
        customer.grace_ends_at = Some(ends_at);
        assert_eq!(customer.status(ends_at - chrono::Duration::microseconds(1)), CustomerStatus::Active);
        assert_eq!(customer.status(ends_at), CustomerStatus::PastDue);
    }

    #[test]
    fn suspension_outweighs_everything() {
        let mut customer = customer(SubscriptionState::Active, OnboardingState::Completed);
        customer.suspended_at = Some(now());
        assert_eq!(customer.status(now()), CustomerStatus::Suspended);
        assert!(!customer.status(now()).may_use_keys());
    }
}
