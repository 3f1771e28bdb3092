//! Tokens: exchanged, checked, and ended.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::grants::{self, Grant};
use super::{AccessToken, Code, RefreshToken, TokenKind, clients};
use crate::bounded::Tx;
use crate::customers::{self, Customer, CustomerStatus};
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::EventType;
use crate::ids::{CustomerId, GrantId};
use crate::keys::{By, FoundAt, Refused};
use crate::scopes::Scopes;
use crate::secret::HashedSecret;
use crate::tables::{customer, oauth_code, oauth_grant, oauth_token};

type Token = oauth_token::Model;

const ACCESS_LIFETIME: Duration = Duration::minutes(15);
/// How long an app may stay away before it has to ask again.
const IDLE: Duration = Duration::days(30);
/// How long an app may come again with a refresh token whose answer it never got.
const LOST_ANSWER: Duration = Duration::minutes(1);
/// How long an access token that ran out is remembered, so that its app is told that and nothing else.
pub(super) const EXPIRED_KEPT: Duration = Duration::days(1);
/// How long an app is let in at most, however often it comes.
const LONGEST: Duration = Duration::days(365);
/// Last use is recorded at most this often for a grant, so that reading does not mean writing.
const LAST_USE_RESOLUTION: Duration = Duration::minutes(1);

/// An app with a code.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// Who it says it is.
    pub client_id: String,
    /// Where it says the code was sent, if it says so: OAuth 2.1 no longer asks for it.
    pub redirect_uri: Option<String>,
    /// Of PKCE: what the challenge is the hash of.
    pub verifier: String,
}

/// New tokens.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Lets in.
    pub access: AccessToken,
    /// How long that is good.
    pub lifetime: Duration,
    /// For the next tokens.
    pub refresh: RefreshToken,
    /// What the access token is good for.
    pub scopes: Scopes,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum NotIssued {
    /// There is no such app, or it was forgotten.
    #[error("unknown app")]
    UnknownClient,
    /// The code or token is unknown, was used, has run out, or is not this app's: nobody is told which.
    #[error("unknown, used, expired, or not of this app")]
    Invalid,
    /// More was asked for than the customer has agreed to.
    #[error("more than was granted")]
    Scope,
    /// The customer may not use the service now.
    #[error("the account is {0}")]
    Inactive(CustomerStatus),
    /// The exchange itself failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<sea_orm::DbErr> for NotIssued {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Failed(error.into())
    }
}

/// An app whose access token was accepted.
#[derive(Clone, Debug)]
pub struct Authorized {
    /// For whom it acts.
    pub customer: Customer,
    /// What let it in.
    pub grant_id: GrantId,
    /// What it may do.
    pub scopes: Scopes,
    /// When the token runs out.
    pub expires_at: DateTime<Utc>,
}

/// Exchanges a code for the first tokens.
///
/// # Errors
///
/// [`NotIssued`] says why not. A code that its own app brings a second time also ends the grant.
pub async fn redeem(db: &Db, code: &Code, redemption: &Redemption) -> std::result::Result<Issued, NotIssued> {
    require_known(db, &redemption.client_id).await?;
    let known = oauth_code::Entity::find_by_id(code.hash()).one(db.connection()).await?.ok_or(NotIssued::Invalid)?;
    let tx = db.write_tx().await?;
    let customer = lock(&tx, &known.customer_id).await?;
    let found = oauth_code::Entity::find_by_id(code.hash()).one(&tx).await?.ok_or(NotIssued::Invalid)?;
    let grant = grants::find_in(&tx, &found.customer_id, &found.grant_id).await?.ok_or(NotIssued::Invalid)?;
    let is_theirs = grant.client_id == redemption.client_id
        && redemption.redirect_uri.as_ref().is_none_or(|uri| *uri == grant.redirect_uri)
        && answers(&found.challenge, &redemption.verifier);
    // Codes stand in histories and logs. Who finds one there, and has no more, must not be able to shut the app out.
    if !is_theirs {
        return Err(NotIssued::Invalid);
    }
    if found.used_at.is_some() {
        return Err(end_as_copied(tx, grant).await?);
    }
    let now = now();
    if found.expires_at <= now || !grant.is_live(now) {
        return Err(NotIssued::Invalid);
    }
    require_active(&customer)?;
    let mut used: oauth_code::ActiveModel = found.into();
    used.used_at = Set(Some(now));
    used.update(&tx).await?;
    let scopes = grant.scopes;
    let issued = issue_in(&tx, grant, scopes).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Exchanges a refresh token for the next tokens; `asked` are fewer permissions for the access token, if wanted.
///
/// An app that never got the answer comes again with the same token. For a minute, and while nobody has used what the
/// lost answer had, it gets another pair, and the lost one is good for nothing.
///
/// # Errors
///
/// [`NotIssued`] says why not. Otherwise a token that comes a second time also ends the grant, and so does one of a lost
/// answer.
pub async fn refresh(
    db: &Db,
    token: &RefreshToken,
    client_id: &str,
    asked: Option<Scopes>,
) -> std::result::Result<Issued, NotIssued> {
    require_known(db, client_id).await?;
    let known =
        find(db, &token.hash()).await?.filter(|token| token.kind != TokenKind::Access).ok_or(NotIssued::Invalid)?;
    let tx = db.write_tx().await?;
    let customer = lock(&tx, &known.customer_id).await?;
    let found = oauth_token::Entity::find_by_id(token.hash()).one(&tx).await?.ok_or(NotIssued::Invalid)?;
    let grant = grants::find_in(&tx, &found.customer_id, &found.grant_id).await?.ok_or(NotIssued::Invalid)?;
    let now = now();
    let lost_at = match found.used_at {
        None if found.kind == TokenKind::Refresh => None,
        Some(used_at) if grant.client_id == client_id && may_be_lost(&tx, &grant, used_at).await? => Some(used_at),
        _ => return Err(end_as_copied(tx, grant).await?),
    };
    if grant.client_id != client_id || found.expires_at <= now || !grant.is_live(now) {
        return Err(NotIssued::Invalid);
    }
    require_active(&customer)?;
    let scopes = asked.unwrap_or(grant.scopes);
    if scopes.is_empty() || !scopes.is_within(grant.scopes) {
        return Err(NotIssued::Scope);
    }
    if let Some(lost_at) = lost_at {
        take_back(&tx, &grant, lost_at).await?;
    } else {
        let mut used: oauth_token::ActiveModel = found.into();
        used.used_at = Set(Some(now));
        used.update(&tx).await?;
    }
    let issued = issue_in(&tx, grant, scopes).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Whether the answer to what was exchanged at this time may never have arrived: it was a moment ago, and nobody has used
/// any of it.
async fn may_be_lost(tx: &Tx, grant: &Grant, used_at: DateTime<Utc>) -> Result<bool> {
    if used_at <= now() - LOST_ANSWER {
        return Ok(false);
    }
    let used = issued_since(grant, used_at).filter(oauth_token::Column::UsedAt.is_not_null()).one(tx).await?;
    Ok(used.is_none())
}

/// Makes a lost answer good for nothing. Its refresh token is remembered: should it come after all, somebody else got the
/// answer that came later.
async fn take_back(tx: &Tx, grant: &Grant, lost_at: DateTime<Utc>) -> Result<()> {
    for token in issued_since(grant, lost_at).all(tx).await? {
        if token.kind == TokenKind::Access {
            oauth_token::Entity::delete_by_id(token.hash).exec(tx).await?;
        } else {
            let mut lost: oauth_token::ActiveModel = token.into();
            lost.kind = Set(TokenKind::Lost);
            lost.update(tx).await?;
        }
    }
    Ok(())
}

fn issued_since(grant: &Grant, time: DateTime<Utc>) -> sea_orm::Select<oauth_token::Entity> {
    oauth_token::Entity::find()
        .filter(oauth_token::Column::GrantId.eq(grant.id.clone()))
        .filter(oauth_token::Column::CreatedAt.gte(time))
}

/// Somebody has what only one app should have. Whoever it is, nothing of the grant is good any more.
async fn end_as_copied(tx: Tx, grant: Grant) -> Result<NotIssued> {
    tracing::warn!(grant = %grant.id, "a code or refresh token came a second time: the grant is ended");
    grants::end_in(&tx, grant, EventType::GrantReused, By::Server).await?;
    tx.commit().await?;
    Ok(NotIssued::Invalid)
}

async fn lock(tx: &Tx, customer_id: &CustomerId) -> std::result::Result<Customer, NotIssued> {
    customers::lock(tx, customer_id).await.map_err(|error| match error {
        Error::NotFound(_) => NotIssued::Invalid,
        other => other.into(),
    })
}

async fn require_known(db: &Db, client_id: &str) -> std::result::Result<(), NotIssued> {
    clients::client(db, client_id).await?.map(drop).ok_or(NotIssued::UnknownClient)
}

fn require_active(customer: &Customer) -> std::result::Result<(), NotIssued> {
    let status = customer.status(now());
    if status.may_use_keys() { Ok(()) } else { Err(NotIssued::Inactive(status)) }
}

/// Whether the challenge is the verifier's, by the method S256 of RFC 7636.
fn answers(challenge: &str, verifier: &str) -> bool {
    let of_verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    challenge.as_bytes().ct_eq(of_verifier.as_bytes()).into()
}

async fn issue_in(tx: &Tx, grant: Grant, scopes: Scopes) -> Result<Issued> {
    let (access, refresh, now) = (AccessToken::generate()?, RefreshToken::generate()?, now());
    let of = |hash: HashedSecret, kind: TokenKind, lifetime: Duration| oauth_token::ActiveModel {
        hash: Set(hash),
        customer_id: Set(grant.customer_id.clone()),
        grant_id: Set(grant.id.clone()),
        kind: Set(kind),
        scopes: Set(scopes),
        created_at: Set(now),
        expires_at: Set(now + lifetime),
        used_at: Set(None),
    };
    of(access.hash(), TokenKind::Access, ACCESS_LIFETIME).insert(tx).await?;
    of(refresh.hash(), TokenKind::Refresh, IDLE).insert(tx).await?;
    let expires_at = grant.at_most((now + IDLE).min(grant.created_at + LONGEST));
    let mut change: oauth_grant::ActiveModel = grant.into();
    change.expires_at = Set(expires_at);
    change.update(tx).await?;
    Ok(Issued { access, lifetime: ACCESS_LIFETIME, refresh, scopes })
}

async fn find(db: &Db, hash: &HashedSecret) -> Result<Option<Token>> {
    Ok(oauth_token::Entity::find_by_id(hash.clone()).one(db.connection()).await?)
}

/// Checks an access token for the server with this address: one joined look-up by hash.
///
/// # Errors
///
/// [`Refused`] says why not, as for keys; a token that has run out is told apart, since its app has only to come with
/// the next.
pub async fn authenticate(db: &Db, token: &AccessToken, resource: &str) -> std::result::Result<Authorized, Refused> {
    let hash = token.hash();
    let found = oauth_token::Entity::find_by_id(hash.clone())
        .filter(oauth_token::Column::Kind.eq(TokenKind::Access))
        .find_also_related(oauth_grant::Entity)
        .find_also_related(customer::Entity)
        .one(db.connection())
        .await
        .map_err(Error::from)?;
    let Some((token, Some(grant), Some(customer))) = found else { return Err(Refused::UnknownKey) };
    let now = now();
    if !token.hash.is(&hash) || !grant.is_live(now) || grant.resource != resource {
        return Err(Refused::UnknownKey);
    }
    if token.expires_at <= now {
        return Err(Refused::ExpiredToken);
    }
    let status = customer.status(now);
    if !status.may_use_keys() {
        return Err(Refused::Inactive(status));
    }
    record_use(db, &token, &grant, now);
    let expires_at = token.expires_at.min(grant.expires_at);
    Ok(Authorized { customer, grant_id: grant.id, scopes: token.scopes, expires_at })
}

/// Notes in the background that the token was used, if this is the first time, and that the app was there, unless that was
/// noted within the last minute.
fn record_use(db: &Db, token: &Token, grant: &Grant, now: DateTime<Utc>) {
    let is_first = token.used_at.is_none();
    if !is_first && grant.last_used_at.is_some_and(|last| last > now - LAST_USE_RESOLUTION) {
        return;
    }
    let (db, hash, id, seen) = (db.clone(), token.hash.clone(), grant.id.clone(), grant.last_used_at);
    tokio::spawn(async move {
        let of_token = async {
            let first = oauth_token::Entity::update_many().col_expr(oauth_token::Column::UsedAt, Expr::value(now));
            let first = first.filter(oauth_token::Column::Hash.eq(hash)).filter(oauth_token::Column::UsedAt.is_null());
            if is_first { first.exec(db.connection()).await.map(drop) } else { Ok(()) }
        };
        let of_grant = async {
            // Compared with what was read, so that of many simultaneous requests one writes.
            let unchanged = match seen {
                Some(seen) => oauth_grant::Column::LastUsedAt.eq(seen),
                None => oauth_grant::Column::LastUsedAt.is_null(),
            };
            let last = oauth_grant::Entity::update_many().col_expr(oauth_grant::Column::LastUsedAt, Expr::value(now));
            last.filter(oauth_grant::Column::Id.eq(id)).filter(unchanged).exec(db.connection()).await.map(drop)
        };
        if let Err(error) = of_token.await.and(of_grant.await) {
            tracing::warn!(%error, "could not record the use of an app's token");
        }
    });
}

/// Ends the grant that a token is of: its app says goodbye. A token that is nobody's is no error, and one that has run out
/// is as good as any.
///
/// # Errors
///
/// [`NotIssued::Invalid`] when the token is of another app than `client_id`.
pub async fn end(db: &Db, token: &HashedSecret, client_id: Option<&str>) -> std::result::Result<(), NotIssued> {
    let Some(known) = oauth_token::Entity::find_by_id(token.clone()).one(db.connection()).await? else {
        return Ok(());
    };
    let tx = db.write_tx().await?;
    lock(&tx, &known.customer_id).await?;
    let Some(grant) = grants::find_in(&tx, &known.customer_id, &known.grant_id).await? else { return Ok(()) };
    if client_id.is_some_and(|client_id| client_id != grant.client_id) {
        return Err(NotIssued::Invalid);
    }
    grants::end_in(&tx, grant, EventType::GrantRevoked, By::App).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends the grant of a token that was found where everybody can read it, and tells its customer. Gives the customer's id;
/// nothing where it is nobody's token. The same report again changes nothing.
///
/// # Errors
///
/// When the database fails.
pub async fn end_leaked(db: &Db, token: &HashedSecret, found_at: &FoundAt) -> Result<Option<CustomerId>> {
    let Some(known) = oauth_token::Entity::find_by_id(token.clone()).one(db.connection()).await? else {
        return Ok(None);
    };
    let tx = db.write_tx().await?;
    customers::lock(&tx, &known.customer_id).await?;
    if let Some(grant) = grants::find_in(&tx, &known.customer_id, &known.grant_id).await? {
        grants::end_leaked_in(&tx, grant, found_at).await?;
    }
    tx.commit().await?;
    Ok(Some(known.customer_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn a_challenge_is_answered_by_its_verifier_only() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(answers(challenge, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        for wrong in ["", challenge, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK"] {
            assert!(!answers(challenge, wrong), "{wrong}");
        }
    }

    #[test]
    fn tokens_never_print() {
        let token = AccessToken::generate().unwrap();
        assert_eq!(format!("{token:?}"), "AccessToken(hcmo_at_…)");
        assert!(token.expose().parse::<RefreshToken>().is_err() && token.expose().parse::<AccessToken>().is_ok());
    }
}
