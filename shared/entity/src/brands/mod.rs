//! The brand of a customer: its name and time zone (kept with the customer) and its profile.

mod profile;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set};
use serde_json::{Value, json};

pub use profile::{
    Cadence, Competitor, Day, FormatWeight, Pillar, PostingTime, Profile, QuietHours, Voice, time_of_day,
};

use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::CustomerId;
use crate::outbox;
use crate::tables::{brand, customer};

/// The time zone of a customer who has not named one.
pub const DEFAULT_TIME_ZONE: &str = "UTC";
/// The event that tells that a brand has become complete.
pub const INTERVIEW_COMPLETED: &str = "brand/interview.completed";
const MAX_URL_CHARS: usize = 2_048;

/// A customer's brand.
#[derive(Clone, Debug, PartialEq)]
pub struct Brand {
    /// Name, once known.
    pub name: Option<String>,
    /// The zone in which the customer reads and gives times.
    pub time_zone: chrono_tz::Tz,
    /// Everything else they told us.
    pub profile: Profile,
    /// When the profile was last changed.
    pub updated_at: DateTime<Utc>,
}

/// The brand after a change, and the fields that the change touched (none: nothing was written).
#[derive(Clone, Debug)]
pub struct Updated {
    /// The brand as it is now.
    pub brand: Brand,
    /// Names of the changed fields, as in the API.
    pub changed: Vec<String>,
}

/// The customer's brand.
///
/// # Errors
///
/// When there is no such customer.
pub async fn get(db: &Db, customer_id: &CustomerId) -> Result<Brand> {
    read(db.connection(), customer_id).await
}

/// Changes the brand by `change`, which may refuse; then nothing is written. With a change that makes it complete the
/// brand interview is over.
///
/// # Errors
///
/// Whatever `change` says, or when there is no such customer.
pub async fn update(
    db: &Db,
    customer_id: &CustomerId,
    change: impl FnOnce(&mut Brand) -> Result<()>,
    is_complete: impl Fn(&Brand) -> bool,
) -> Result<Updated> {
    let tx = db.write_tx().await?;
    let updated = update_in(&tx, customer_id, change, is_complete).await?;
    tx.commit().await?;
    Ok(updated)
}

/// The same as a part of a transaction.
pub(crate) async fn update_in(
    tx: &Tx,
    customer_id: &CustomerId,
    change: impl FnOnce(&mut Brand) -> Result<()>,
    is_complete: impl Fn(&Brand) -> bool,
) -> Result<Updated> {
    let customer = customers::lock(tx, customer_id).await?;
    let before = read(tx, customer_id).await?;
    let mut brand = before.clone();
    change(&mut brand)?;
    let changed = changed_fields(&before, &brand)?;
    if changed.is_empty() {
        return Ok(Updated { brand, changed });
    }

    brand.updated_at = now();
    let mut customer: customer::ActiveModel = customer.into();
    customer.brand_name = Set(brand.name.clone());
    customer.time_zone = Set(brand.time_zone.name().to_owned());
    customer.updated_at = Set(brand.updated_at);
    customer.update(tx).await?;
    let row = brand::ActiveModel {
        customer_id: Set(customer_id.clone()),
        profile: Set(brand.profile.clone()),
        updated_at: Set(brand.updated_at),
    };
    row.update(tx).await?;
    events::record(tx, customer_id, EventType::BrandUpdated, json!({ "changed": changed })).await?;
    if is_complete(&brand) && !is_complete(&before) {
        outbox::write(tx, Some(customer_id), INTERVIEW_COMPLETED, &json!({ "customerId": customer_id })).await?;
    }
    Ok(Updated { brand, changed })
}

pub(crate) async fn create_in(tx: &Tx, customer_id: &CustomerId, profile: Profile) -> Result<()> {
    let row =
        brand::ActiveModel { customer_id: Set(customer_id.clone()), profile: Set(profile), updated_at: Set(now()) };
    row.insert(tx).await?;
    Ok(())
}

pub(crate) async fn read(connection: &impl ConnectionTrait, customer_id: &CustomerId) -> Result<Brand> {
    let customer = customer::Entity::find_by_id(customer_id.clone()).one(connection).await?;
    let brand = brand::Entity::find_by_id(customer_id.clone()).one(connection).await?;
    let (Some(customer), Some(brand)) = (customer, brand) else { return Err(Error::NotFound("customer")) };
    Ok(Brand {
        time_zone: customer.zone(),
        name: customer.brand_name,
        profile: brand.profile,
        updated_at: brand.updated_at,
    })
}

fn changed_fields(before: &Brand, after: &Brand) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    if before.name != after.name {
        changed.push("name".to_owned());
    }
    if before.time_zone != after.time_zone {
        changed.push("timeZone".to_owned());
    }
    let (old, new) = (fields(&before.profile)?, fields(&after.profile)?);
    changed.extend(new.into_iter().filter(|(field, value)| old.get(field) != Some(value)).map(|(field, _)| field));
    Ok(changed)
}

fn fields(profile: &Profile) -> Result<serde_json::Map<String, Value>> {
    match serde_json::to_value(profile) {
        Ok(Value::Object(fields)) => Ok(fields),
        other => Err(sea_orm::DbErr::Json(format!("a profile is an object, not {other:?}")).into()),
    }
}

/// A time zone by its IANA name.
///
/// # Errors
///
/// When there is no such zone.
pub fn valid_time_zone(field: &str, name: &str) -> Result<chrono_tz::Tz> {
    name.trim()
        .parse()
        .map_err(|_| Error::invalid(field, "must be an IANA time zone such as Europe/Berlin or America/New_York"))
}

/// A website's address; `https://` is added where there is no scheme.
///
/// # Errors
///
/// When it is not the address of a website.
pub fn valid_website(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let has_host = url::Url::parse(&with_scheme).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| host.contains('.'))
    });
    if has_host
        && with_scheme.chars().count() <= MAX_URL_CHARS
        && !with_scheme.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        Ok(with_scheme)
    } else {
        Err(Error::invalid(field, "must be the address of a website, such as https://example.com"))
    }
}
