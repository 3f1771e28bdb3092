//! What customers have let apps do.

use chrono::{DateTime, Duration, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::json;

use super::tokens::EXPIRED_KEPT;
use super::{Code, clients};
use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{CustomerId, GrantId, KeyId};
use crate::keys::{self, ApiKey, By, FoundAt};
use crate::scopes::Scopes;
use crate::tables::{customer, oauth_code, oauth_grant, oauth_token};

/// A grant as stored.
pub type Grant = oauth_grant::Model;

/// How long a code is good: apps exchange it at once.
const CODE_LIFETIME: Duration = Duration::seconds(60);
/// How many grants a customer may have at a time.
const MAX_GRANTS: usize = 100;
/// How many of them may be one app's: it has one on each computer, and leaves one behind wherever it was thrown away.
const MAX_OF_ONE_APP: usize = 10;
/// How long a grant is remembered after its end.
const KEPT: Duration = Duration::days(7);

/// What somebody agreed to.
#[derive(Clone, Debug)]
pub struct Consent {
    /// Which app.
    pub client_id: String,
    /// As it was called on the page.
    pub client_name: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// The server that the tokens are for.
    pub resource: String,
    /// What the app may do.
    pub scopes: Scopes,
    /// Of PKCE, by the method S256.
    pub challenge: String,
}

impl Grant {
    /// Whether it has neither been revoked nor ended by itself.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }

    /// When anything was last heard of it.
    fn last_seen(&self) -> DateTime<Utc> {
        self.last_used_at.unwrap_or(self.created_at)
    }

    /// A time when it ends, or the end that it has anyway, whichever is first.
    pub(super) fn at_most(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        self.ends_at.map_or(time, |ends_at| time.min(ends_at))
    }

    fn event(&self, by: By) -> serde_json::Value {
        json!({
            "grantId": self.id, "clientName": self.client_name, "clientId": self.client_id, "scopes": self.scopes,
            "keyId": self.key_id, "by": by,
        })
    }
}

/// An app that a customer lets in, however often they were asked.
#[derive(Clone, Debug)]
pub struct App {
    /// The newest grant, which names it.
    pub newest: Grant,
    /// How many there are.
    pub grants: usize,
    /// What it may do by any of them.
    pub scopes: Scopes,
    /// When it was first let in.
    pub since: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Lets an app in, by somebody who has shown a key, with which it ends at the latest; gives the code that the app fetches
/// its first tokens with. Of too many grants of the same app the one that was used longest ago ends.
///
/// # Errors
///
/// When the app is forgotten, it may do nothing, there are too many (`too_many_apps`), or the key was revoked meanwhile
/// (`key_revoked`).
pub async fn allow(db: &Db, key: &ApiKey, consent: Consent) -> Result<(Grant, Code)> {
    if consent.scopes.is_empty() {
        return Err(Error::invalid("scopes", "must name at least one of read, write, publish"));
    }
    let code = Code::generate()?;
    let customer_id = &key.customer_id;
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let key = keys::require_usable_in(&tx, customer_id, &key.id).await?;
    let now = now();
    let grants = live(customer_id, now).all(&tx).await?;
    let is_of_the_same = |grant: &&Grant| grant.client_id == consent.client_id;
    if grants.iter().filter(is_of_the_same).count() >= MAX_OF_ONE_APP {
        if let Some(oldest) = grants.iter().filter(is_of_the_same).min_by_key(|grant| grant.last_seen()) {
            end_in(&tx, oldest.clone(), EventType::GrantRevoked, By::Server).await?;
        }
    } else if grants.len() >= MAX_GRANTS {
        return Err(Error::conflict(
            "too_many_apps",
            format!("You have let {MAX_GRANTS} apps in already. Take back one that you no longer use."),
        ));
    }
    clients::note_use(&tx, &consent.client_id).await?;
    // Until the code was exchanged there is no more than the code.
    let expires_at = now + CODE_LIFETIME;
    let grant = oauth_grant::ActiveModel {
        id: Set(GrantId::new()),
        customer_id: Set(customer_id.clone()),
        client_id: Set(consent.client_id),
        client_name: Set(consent.client_name),
        redirect_uri: Set(consent.redirect_uri),
        resource: Set(consent.resource),
        scopes: Set(consent.scopes),
        key_id: Set(Some(key.id)),
        created_at: Set(now),
        last_used_at: Set(None),
        expires_at: Set(key.expires_at.map_or(expires_at, |ends_at| expires_at.min(ends_at))),
        ends_at: Set(key.expires_at),
        revoked_at: Set(None),
    };
    let grant = grant.insert(&tx).await?;
    let row = oauth_code::ActiveModel {
        hash: Set(code.hash()),
        customer_id: Set(customer_id.clone()),
        grant_id: Set(grant.id.clone()),
        challenge: Set(consent.challenge),
        created_at: Set(now),
        expires_at: Set(expires_at),
        used_at: Set(None),
    };
    row.insert(&tx).await?;
    events::record(&tx, customer_id, EventType::GrantCreated, grant.event(By::Customer)).await?;
    tx.commit().await?;
    Ok((grant, code))
}

/// What a customer lets apps do now, newest first.
///
/// # Errors
///
/// When the database fails.
pub async fn list(db: &Db, customer_id: &CustomerId) -> Result<Vec<Grant>> {
    let grants = live(customer_id, now()).order_by_desc(oauth_grant::Column::Id).all(db.connection()).await?;
    Ok(grants)
}

/// The apps that a customer lets in now, the one let in last first.
///
/// # Errors
///
/// When the database fails.
pub async fn apps(db: &Db, customer_id: &CustomerId) -> Result<Vec<App>> {
    let mut apps: Vec<App> = Vec::new();
    for grant in list(db, customer_id).await? {
        match apps.iter_mut().find(|app| app.newest.client_id == grant.client_id) {
            Some(app) => {
                app.grants += 1;
                app.scopes = app.scopes.or(grant.scopes);
                app.since = grant.created_at;
                app.last_used_at = app.last_used_at.max(grant.last_used_at);
            }
            None => apps.push(App {
                grants: 1,
                scopes: grant.scopes,
                since: grant.created_at,
                last_used_at: grant.last_used_at,
                newest: grant,
            }),
        }
    }
    Ok(apps)
}

fn live(customer_id: &CustomerId, now: DateTime<Utc>) -> sea_orm::Select<oauth_grant::Entity> {
    oauth_grant::Entity::find()
        .filter(oauth_grant::Column::CustomerId.eq(customer_id.clone()))
        .filter(oauth_grant::Column::RevokedAt.is_null())
        .filter(oauth_grant::Column::ExpiresAt.gt(now))
}

/// Lets the app of this grant in no longer, by none of its grants. Doing it again changes nothing.
///
/// # Errors
///
/// When the customer has no such grant.
pub async fn revoke(db: &Db, customer_id: &CustomerId, id: &GrantId) -> Result<()> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let grant = find_in(&tx, customer_id, id).await?.ok_or(Error::NotFound("app"))?;
    for same in live(customer_id, now()).filter(oauth_grant::Column::ClientId.eq(grant.client_id)).all(&tx).await? {
        end_in(&tx, same, EventType::GrantRevoked, By::Customer).await?;
    }
    tx.commit().await
}

pub(super) async fn find_in(tx: &Tx, customer_id: &CustomerId, id: &GrantId) -> Result<Option<Grant>> {
    let grant = oauth_grant::Entity::find_by_id(id.clone())
        .filter(oauth_grant::Column::CustomerId.eq(customer_id.clone()))
        .one(tx)
        .await?;
    Ok(grant)
}

/// Ends a grant, unless it is over already. The event says why.
pub(super) async fn end_in(tx: &Tx, grant: Grant, why: EventType, by: By) -> Result<()> {
    if grant.is_live(now()) {
        events::record(tx, &grant.customer_id, why, grant.event(by)).await?;
        note_end_in(tx, grant).await?;
    }
    Ok(())
}

/// Ends a grant one of whose tokens everybody can read. That it was found is told where it is over too.
pub(super) async fn end_leaked_in(tx: &Tx, grant: Grant, found_at: &FoundAt) -> Result<()> {
    let FoundAt { url, source } = found_at;
    let data = json!({ "grantId": grant.id, "clientName": grant.client_name, "url": url, "source": source });
    events::record_once(tx, &grant.customer_id, EventType::GrantLeaked, data).await?;
    if grant.is_live(now()) {
        note_end_in(tx, grant).await?;
    }
    Ok(())
}

async fn note_end_in(tx: &Tx, grant: Grant) -> Result<()> {
    let mut change: oauth_grant::ActiveModel = grant.into();
    change.revoked_at = Set(Some(now()));
    change.update(tx).await?;
    Ok(())
}

/// Ends what any of these keys of the customer let in.
pub(crate) async fn end_let_in_by(tx: &Tx, customer_id: &CustomerId, keys: &[KeyId]) -> Result<()> {
    // Of these there are few; of keys there may be more than a statement takes.
    let grants = live(customer_id, now()).order_by_asc(oauth_grant::Column::Id).all(tx).await?;
    for grant in grants {
        if grant.key_id.as_ref().is_some_and(|key_id| keys.contains(key_id)) {
            end_in(tx, grant, EventType::GrantRevoked, By::Server).await?;
        }
    }
    Ok(())
}

/// Of the given grants, those that still let somebody in: for ending the sessions of the others.
///
/// # Errors
///
/// When the database fails.
pub async fn still_accepted(db: &Db, grants: Vec<GrantId>) -> Result<Vec<GrantId>> {
    let now = now();
    let mut accepted = Vec::new();
    // SQLite binds at most 32,766 values to a statement.
    for chunk in grants.chunks(1_000) {
        let found = oauth_grant::Entity::find()
            .filter(oauth_grant::Column::Id.is_in(chunk.iter().cloned()))
            .find_also_related(customer::Entity)
            .all(db.connection())
            .await?;
        let usable = found.into_iter().filter(|(grant, customer)| {
            grant.is_live(now) && customer.as_ref().is_some_and(|customer| customer.status(now).may_use_keys())
        });
        accepted.extend(usable.map(|(grant, _)| grant.id));
    }
    Ok(accepted)
}

/// Forgets codes and tokens that ran out, grants that are over, and apps that nobody lets in; says how many rows.
///
/// # Errors
///
/// When the database fails.
pub async fn forget_dead(db: &Db) -> Result<u64> {
    let now = now();
    let tokens = oauth_token::Entity::delete_many().filter(oauth_token::Column::ExpiresAt.lt(now - EXPIRED_KEPT));
    let tokens = tokens.exec(db.connection()).await?.rows_affected;
    // A code that was used is known until its grant is over: it may come again.
    let over = Condition::any()
        .add(oauth_grant::Column::RevokedAt.lt(now - KEPT))
        .add(oauth_grant::Column::ExpiresAt.lt(now - KEPT));
    let grants = oauth_grant::Entity::delete_many().filter(over).exec(db.connection()).await?.rows_affected;
    Ok(tokens + grants + clients::forget(db).await?)
}
