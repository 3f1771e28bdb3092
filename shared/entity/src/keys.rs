//! API keys: made here, shown once, stored as a hash, looked up by hash and compared in constant time.
//!
//! A key is `hcmo_live_` and 64 lower-case hex characters. It may do what its scopes say; one that makes another cannot
//! give it more than it has itself.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder, QuerySelect, Set,
};
use serde_json::json;

use crate::bounded::Tx;
use crate::customers::{self, Customer, CustomerStatus};
use crate::db::{Db, now, stored};
use crate::error::{Error, Result};
use crate::events::{self, Event, EventType, TypeFilter};
use crate::ids::{CustomerId, EventId, KeyId};
use crate::oauth;
use crate::scopes::Scopes;
use crate::secret::plain_secret;
use crate::tables::{api_key, customer, event};

/// A key as stored, without its secret.
pub type ApiKey = api_key::Model;

/// Last use is recorded at most this often for a key, so that reading does not mean writing.
const LAST_USE_RESOLUTION: Duration = Duration::minutes(1);
/// Clocks of different machines differ by less.
const CLOCK_SKEW: Duration = Duration::hours(1);
/// More ends of sessions than that are not looked through.
const MAX_ENDS: u64 = 1_000;
/// For so long a customer is told of a key that was found.
const LEAKS_ARE_TOLD_FOR: Duration = Duration::days(14);
/// More are in the log.
const MAX_LEAKS: u64 = 3;
const MAX_LABEL_CHARS: usize = 60;
const MAX_KEYS: usize = 50;

plain_secret!(
    /// The key itself.
    PlainKey,
    "hcmo_live_"
);

impl PlainKey {
    fn last4(&self) -> String {
        let key = self.expose();
        key.get(key.len().saturating_sub(4)..).unwrap_or_default().to_owned()
    }
}

/// A customer whose key was accepted.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who it is.
    pub customer: Customer,
    /// The key that was presented.
    pub key: ApiKey,
}

/// Why a well-formed key was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody's key, or one that was revoked or has expired.
    #[error("unknown, revoked or expired key")]
    UnknownKey,
    /// An app's access token that was good until lately.
    #[error("expired access token")]
    ExpiredToken,
    /// The key is good, but its customer may not use the service now.
    #[error("the account is {0}")]
    Inactive(CustomerStatus),
    /// The check itself failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Checks a key: one joined look-up by hash.
///
/// # Errors
///
/// [`Refused`] says which of them it is.
pub async fn authenticate(db: &Db, key: &PlainKey) -> std::result::Result<Authenticated, Refused> {
    let hash = key.hash();
    let found = api_key::Entity::find()
        .filter(api_key::Column::Hash.eq(hash.clone()))
        .find_also_related(customer::Entity)
        .one(db.connection())
        .await
        .map_err(Error::from)?;
    accept(db, found.filter(|(key, _)| key.hash.is(&hash)))
}

/// Checks a key of the customer by its id, for somebody who showed the key itself before: one joined look-up.
///
/// # Errors
///
/// As [`authenticate`].
pub async fn authenticate_by_id(
    db: &Db,
    customer_id: &CustomerId,
    key_id: &KeyId,
) -> std::result::Result<Authenticated, Refused> {
    let found = api_key::Entity::find_by_id(key_id.clone())
        .filter(api_key::Column::CustomerId.eq(customer_id.clone()))
        .find_also_related(customer::Entity)
        .one(db.connection())
        .await
        .map_err(Error::from)?;
    accept(db, found)
}

fn accept(db: &Db, found: Option<(ApiKey, Option<Customer>)>) -> std::result::Result<Authenticated, Refused> {
    let Some((key, Some(customer))) = found else { return Err(Refused::UnknownKey) };
    let now = now();
    if !is_usable(&key, now) {
        return Err(Refused::UnknownKey);
    }
    let status = customer.status(now);
    if !status.may_use_keys() {
        return Err(Refused::Inactive(status));
    }
    record_use(db, &key, now);
    Ok(Authenticated { customer, key })
}

fn is_usable(key: &ApiKey, now: DateTime<Utc>) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|expires_at| expires_at > now)
}

/// Notes in the background that the key was used, unless that was noted within the last minute.
fn record_use(db: &Db, key: &ApiKey, now: DateTime<Utc>) {
    let stale = key.last_used_at.is_none_or(|last| last <= now - LAST_USE_RESOLUTION);
    if !stale {
        return;
    }
    let (db, id, seen) = (db.clone(), key.id.clone(), key.last_used_at);
    tokio::spawn(async move {
        // Compared with what was read, so that of many simultaneous requests one writes.
        let unchanged = match seen {
            Some(seen) => api_key::Column::LastUsedAt.eq(seen),
            None => api_key::Column::LastUsedAt.is_null(),
        };
        let result = api_key::Entity::update_many()
            .col_expr(api_key::Column::LastUsedAt, sea_orm::sea_query::Expr::value(now))
            .filter(api_key::Column::Id.eq(id))
            .filter(unchanged)
            .exec(db.connection())
            .await;
        if let Err(error) = result {
            tracing::warn!(%error, "could not record the last use of a key");
        }
    });
}

/// Who does something with an account and what opens it, as the log keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The customer themselves, with a key or a session, or by paying.
    #[default]
    Customer,
    /// An app that the customer let in.
    App,
    /// Whoever runs the server.
    Operator,
    /// The server, because a secret was reported or has come twice.
    Server,
}

impl By {
    /// The name in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::App => "app",
            Self::Operator => "operator",
            Self::Server => "server",
        }
    }
}

/// What a new key is to be.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// Who makes it.
    pub by: By,
    /// The key that it is made with, if it is made with one: what that key made can be found when it leaks.
    pub made_by: Option<KeyId>,
    /// What its owner calls it; "default" when absent.
    pub label: Option<String>,
    /// When it stops working, if ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it may do; everything when absent.
    pub scopes: Option<Scopes>,
}

/// Makes a key for a customer and gives it out this once.
///
/// # Errors
///
/// When the customer does not exist, the label is too long, the expiry is past, there is nothing that it may do, there
/// are too many keys, or the one that it is made with was revoked meanwhile (`key_revoked`).
pub async fn create(db: &Db, customer_id: &CustomerId, new: NewKey) -> Result<(ApiKey, PlainKey)> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    if let Some(maker) = &new.made_by {
        require_usable_in(&tx, customer_id, maker).await?;
    }
    if usable_in(&tx, customer_id).await?.len() >= MAX_KEYS {
        return Err(Error::conflict(
            "too_many_keys",
            format!("There are {MAX_KEYS} keys already. Revoke one that is no longer used."),
        ));
    }
    let created = create_in(&tx, customer_id, new).await?;
    tx.commit().await?;
    Ok(created)
}

pub(crate) async fn create_in(tx: &Tx, customer_id: &CustomerId, new: NewKey) -> Result<(ApiKey, PlainKey)> {
    let now = now();
    let label = new.label.as_deref().map(str::trim).filter(|label| !label.is_empty()).unwrap_or("default").to_owned();
    if label.chars().count() > MAX_LABEL_CHARS || label.chars().any(char::is_control) {
        return Err(Error::invalid("label", format!("must be at most {MAX_LABEL_CHARS} printable characters")));
    }
    if new.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Error::invalid("expiresAt", "must be in the future"));
    }
    let scopes = new.scopes.unwrap_or(Scopes::ALL);
    if scopes.is_empty() {
        return Err(Error::invalid("scopes", "must name at least one of read, write, publish"));
    }
    let plain = PlainKey::generate()?;
    let key = api_key::ActiveModel {
        id: Set(KeyId::new()),
        customer_id: Set(customer_id.clone()),
        hash: Set(plain.hash()),
        last4: Set(plain.last4()),
        label: Set(label),
        scopes: Set(scopes),
        made_by: Set(new.made_by),
        created_at: Set(now),
        last_used_at: Set(None),
        expires_at: Set(new.expires_at.map(stored)),
        revoked_at: Set(None),
    };
    let key = key.insert(tx).await?;
    let ApiKey { id, label, last4, scopes, made_by, .. } = &key;
    let data = json!({
        "keyId": id, "label": label, "last4": last4, "scopes": scopes, "by": new.by, "madeBy": made_by,
    });
    events::record(tx, customer_id, EventType::KeyCreated, data).await?;
    Ok((key, plain))
}

/// Every key a customer ever had, newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn list(db: &Db, customer_id: &CustomerId) -> Result<Vec<ApiKey>> {
    let keys = api_key::Entity::find()
        .filter(api_key::Column::CustomerId.eq(customer_id.clone()))
        .order_by_desc(api_key::Column::Id)
        .all(db.connection())
        .await?;
    Ok(keys)
}

/// Takes a key out of use for good, for an operator. Revoking it again changes nothing.
///
/// # Errors
///
/// When the customer has no such key.
pub async fn revoke(db: &Db, customer_id: &CustomerId, key_id: &KeyId) -> Result<ApiKey> {
    revoke_if(db, customer_id, key_id, By::Operator, |_| Ok(())).await
}

/// The same for customers themselves, who must not lock themselves out.
///
/// # Errors
///
/// When the customer has no such key, or it is their last usable one, or the last that may do everything (`last_key`).
pub async fn revoke_unless_last(db: &Db, customer_id: &CustomerId, key_id: &KeyId) -> Result<ApiKey> {
    revoke_if(db, customer_id, key_id, By::Customer, |usable| {
        let (revoked, others): (Vec<_>, Vec<_>) = usable.iter().partition(|key| key.id == *key_id);
        let is_whole = |keys: &[&ApiKey]| keys.iter().any(|key| key.scopes == Scopes::ALL);
        match (others.is_empty(), is_whole(&revoked) && !is_whole(&others)) {
            _ if revoked.is_empty() => Ok(()),
            (true, _) => Err(Error::conflict(
                "last_key",
                "This is the last usable key. Make another one first, then revoke this.",
            )),
            (false, true) => Err(Error::conflict(
                "last_key",
                "This is the last key that may do everything. Make another such key first, then revoke this.",
            )),
            (false, false) => Ok(()),
        }
    })
    .await
}

/// Where everybody can read a key.
#[derive(Clone, Debug, Default)]
pub struct FoundAt {
    /// Address of the place, if it is known.
    pub url: Option<String>,
    /// What kind of place it is, in the words of whoever found it.
    pub source: Option<String>,
}

/// Takes a key out of use that was found where everybody can read it, the last one too, and tells its customer. Whoever
/// found it first may have made keys with it, or let apps in: all that came of it ends too. Gives the customer's id;
/// nothing where it is nobody's key. The same report again changes nothing.
///
/// # Errors
///
/// When the database fails.
pub async fn revoke_leaked(db: &Db, key: &PlainKey, found_at: &FoundAt) -> Result<Option<CustomerId>> {
    let hash = key.hash();
    let found = api_key::Entity::find().filter(api_key::Column::Hash.eq(hash.clone())).one(db.connection()).await?;
    let Some(key) = found.filter(|key| key.hash.is(&hash)) else { return Ok(None) };
    let customer_id = key.customer_id;
    let tx = db.write_tx().await?;
    customers::lock(&tx, &customer_id).await?;
    let Some(key) = find_in(&tx, &customer_id, &key.id).await? else { return Ok(None) };
    let FoundAt { url, source } = found_at;
    let data = json!({ "keyId": key.id, "label": key.label, "last4": key.last4, "url": url, "source": source });
    events::record_once(&tx, &customer_id, EventType::KeyLeaked, data).await?;
    let spoilt = with_all_it_made_in(&tx, key).await?;
    let ids: Vec<KeyId> = spoilt.iter().map(|key| key.id.clone()).collect();
    for key in spoilt.into_iter().filter(|key| key.revoked_at.is_none()) {
        revoke_in(&tx, key, By::Server).await?;
    }
    oauth::end_let_in_by(&tx, &customer_id, &ids).await?;
    tx.commit().await?;
    Ok(Some(customer_id))
}

/// A key, the keys that were made with it, those that were made with them, and so on.
async fn with_all_it_made_in(tx: &Tx, key: ApiKey) -> Result<Vec<ApiKey>> {
    let made = api_key::Entity::find()
        .filter(api_key::Column::CustomerId.eq(key.customer_id.clone()))
        .filter(api_key::Column::MadeBy.is_not_null())
        .order_by_asc(api_key::Column::Id)
        .all(tx)
        .await?;
    let mut by_maker: HashMap<KeyId, Vec<ApiKey>> = HashMap::new();
    for key in made {
        if let Some(maker) = key.made_by.clone() {
            by_maker.entry(maker).or_default().push(key);
        }
    }
    let (mut all, mut next) = (Vec::new(), vec![key]);
    while let Some(key) = next.pop() {
        next.extend(by_maker.remove(&key.id).unwrap_or_default());
        all.push(key);
    }
    Ok(all)
}

/// What of the customer's was found where everybody can read it, keys and apps' tokens, within the last two weeks: the
/// newest few.
///
/// # Errors
///
/// When the database fails.
pub async fn leaked_lately(db: &Db, customer_id: &CustomerId) -> Result<Vec<Event>> {
    let leaks = TypeFilter::Only(vec![EventType::KeyLeaked, EventType::GrantLeaked]);
    let mut events = events::list(db, customer_id, &leaks, None, MAX_LEAKS).await?.events;
    let since = now() - LEAKS_ARE_TOLD_FOR;
    events.retain(|event| event.created_at > since);
    Ok(events)
}

/// Notes in the log that somebody has logged in with a key.
///
/// # Errors
///
/// When the database fails.
pub async fn start_session(db: &Db, key: &ApiKey, session_id: &str) -> Result<()> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, &key.customer_id).await?;
    let data = json!({ "sessionId": session_id, "keyId": key.id });
    events::record(&tx, &key.customer_id, EventType::SessionStarted, data).await?;
    tx.commit().await?;
    Ok(())
}

/// Notes in the log that somebody has logged out: the session is over for good then, and what their browser has open
/// ends everywhere.
///
/// # Errors
///
/// When there is no such customer.
pub async fn end_session(db: &Db, customer_id: &CustomerId, session_id: &str) -> Result<()> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    events::record(&tx, customer_id, EventType::SessionEnded, json!({ "sessionId": session_id })).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether somebody has logged out of this session, which began at `begun_at`: one indexed look into the log. Where so
/// many did meanwhile that they are not all looked through, it is over too.
///
/// # Errors
///
/// When the database fails.
pub async fn session_is_over(
    db: &Db,
    customer_id: &CustomerId,
    session_id: &str,
    begun_at: DateTime<Utc>,
) -> Result<bool> {
    let ends = event::Entity::find()
        .filter(event::Column::CustomerId.eq(customer_id.clone()))
        .filter(event::Column::EventType.eq(EventType::SessionEnded))
        .filter(event::Column::Id.gte(EventId::first_at(begun_at - CLOCK_SKEW)))
        .limit(MAX_ENDS)
        .all(db.connection())
        .await?;
    Ok(ends.len() as u64 == MAX_ENDS || ends.iter().any(|end| end.ends_session(session_id)))
}

async fn revoke_if(
    db: &Db,
    customer_id: &CustomerId,
    key_id: &KeyId,
    by: By,
    allowed: impl FnOnce(&[ApiKey]) -> Result<()> + Send,
) -> Result<ApiKey> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let key = find_in(&tx, customer_id, key_id).await?.ok_or(Error::NotFound("key"))?;
    if key.revoked_at.is_some() {
        return Ok(key);
    }
    allowed(&usable_in(&tx, customer_id).await?)?;
    let key = revoke_in(&tx, key, by).await?;
    tx.commit().await?;
    Ok(key)
}

async fn revoke_in(tx: &Tx, key: ApiKey, by: By) -> Result<ApiKey> {
    let data = json!({ "keyId": key.id, "label": key.label, "last4": key.last4, "by": by });
    let mut change: api_key::ActiveModel = key.into();
    change.revoked_at = Set(Some(now()));
    let key = change.update(tx).await?;
    events::record(tx, &key.customer_id, EventType::KeyRevoked, data).await?;
    Ok(key)
}

/// Of the given keys, those that are still accepted: for ending the sessions of the others.
///
/// # Errors
///
/// When the database fails.
pub async fn still_accepted(db: &Db, keys: Vec<KeyId>) -> Result<Vec<KeyId>> {
    let now = now();
    let mut accepted = Vec::new();
    // SQLite binds at most 32,766 values to a statement.
    for chunk in keys.chunks(1_000) {
        let found = api_key::Entity::find()
            .filter(api_key::Column::Id.is_in(chunk.iter().cloned()))
            .find_also_related(customer::Entity)
            .all(db.connection())
            .await?;
        let usable = found.into_iter().filter(|(key, customer)| {
            is_usable(key, now) && customer.as_ref().is_some_and(|customer| customer.status(now).may_use_keys())
        });
        accepted.extend(usable.map(|(key, _)| key.id));
    }
    Ok(accepted)
}

async fn find_in(tx: &Tx, customer_id: &CustomerId, key_id: &KeyId) -> Result<Option<ApiKey>> {
    let key = api_key::Entity::find_by_id(key_id.clone())
        .filter(api_key::Column::CustomerId.eq(customer_id.clone()))
        .one(tx)
        .await?;
    Ok(key)
}

/// The key, if it is still accepted now that the customer's row is locked: it may have been revoked since it was checked,
/// and nothing is to come of it after that.
pub(crate) async fn require_usable_in(tx: &Tx, customer_id: &CustomerId, key_id: &KeyId) -> Result<ApiKey> {
    let key = find_in(tx, customer_id, key_id).await?.filter(|key| is_usable(key, now()));
    key.ok_or_else(|| {
        Error::conflict("key_revoked", "The key that you do this with does not work any more. Use another one.")
    })
}

async fn usable_in(tx: &Tx, customer_id: &CustomerId) -> Result<Vec<ApiKey>> {
    let now = now();
    let keys = api_key::Entity::find()
        .filter(api_key::Column::CustomerId.eq(customer_id.clone()))
        .filter(api_key::Column::RevokedAt.is_null())
        .all(tx)
        .await?;
    Ok(keys.into_iter().filter(|key| is_usable(key, now)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::HashedSecret;

    const PREFIX: &str = PlainKey::PREFIX;

    #[test]
    fn a_key_has_the_published_form_and_never_prints() {
        let key = PlainKey::generate().unwrap();
        assert_eq!(key.expose().len(), PREFIX.len() + 64);
        assert!(key.expose().parse::<PlainKey>().is_ok());
        assert!(!format!("{key:?}").contains(&key.expose()[PREFIX.len()..]));
        assert_ne!(key.expose(), PlainKey::generate().unwrap().expose());
    }

    #[test]
    fn only_the_published_form_is_a_key() {
        let good = format!("{PREFIX}{}", "0123456789abcdef".repeat(4));
        assert!(good.parse::<PlainKey>().is_ok());
        for wrong in [
            String::new(),
            good.to_uppercase(),
            good.replace("live", "test"),
            good.replace("abcdef", "abcdeg"),
            format!("{good}0"),
            good[..good.len() - 1].to_owned(),
            format!(" {good}"),
        ] {
            assert!(wrong.parse::<PlainKey>().is_err(), "{wrong} was accepted");
        }
    }

    #[test]
    fn the_hash_is_sha256_in_hex() {
        let key: PlainKey = format!("{PREFIX}{}", "0".repeat(64)).parse().unwrap();
        assert_eq!(key.hash(), HashedSecret::of(&format!("{PREFIX}{}", "0".repeat(64))));
        // Of `echo -n abc | sha256sum`.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(format!("{:?}", HashedSecret::of("abc")).contains(abc));
    }
}
