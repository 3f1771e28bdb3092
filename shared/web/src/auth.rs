//! Credentials as extractors: who may call a handler is visible in its signature. What changes nothing needs the
//! permission to read, everything else the one to write; handlers ask for more by themselves.

use std::collections::HashMap;

use axum::extract::{FromRef, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use entity::customers::Customer;
use entity::db::Db;
use entity::ids::CustomerId;
use entity::keys::{self, ApiKey, PlainKey};
use entity::scopes::{self, Scopes};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::ApiError;
use crate::rate_limit::{Payer, RateLimiter, Scope};

/// A caller whose API key was accepted.
#[derive(Clone, Debug)]
pub struct KeyHolder {
    /// Whose key it is.
    pub customer: Customer,
    /// The key as stored.
    pub key: ApiKey,
    /// The key as presented.
    pub presented: PlainKey,
}

/// A caller whose API key belongs to the customer that the path names (`{customer_id}`). Everybody else gets a 404,
/// whether or not there is such a customer.
#[derive(Clone, Debug)]
pub struct Owner(pub KeyHolder);

/// An operator, by the admin secret.
#[derive(Clone, Copy, Debug)]
pub struct Admin;

/// The operator's secret. Never printed.
#[derive(Clone, Debug)]
pub struct AdminSecret(SecretString);

impl AdminSecret {
    /// A secret from the configuration.
    #[must_use]
    pub const fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// The secret as text, to be shown to the operator's own machine.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Compared as hashes, so that neither content nor length can be measured.
    fn is(&self, presented: &str) -> bool {
        Sha256::digest(self.expose()).ct_eq(&Sha256::digest(presented)).into()
    }
}

/// The token of an `Authorization: Bearer` header.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether somebody with these permissions may do what needs this one.
///
/// # Errors
///
/// 403 when it is not among them.
pub fn require(scopes: Scopes, needed: scopes::Scope) -> Result<(), ApiError> {
    if scopes.contains(needed) { Ok(()) } else { Err(ApiError::insufficient_scope(needed)) }
}

/// What a request by this method needs at least.
pub(crate) fn needed_by(method: &Method) -> scopes::Scope {
    if method.is_safe() { scopes::Scope::Read } else { scopes::Scope::Write }
}

/// Checks a presented key. A malformed one does not reach the database.
///
/// # Errors
///
/// 401 for no or an unknown key, 403 for an account that may not use it now, 503 when the check cannot be made.
pub async fn authenticate(db: &Db, presented: Option<&str>) -> Result<KeyHolder, ApiError> {
    let Some(presented) = presented else {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "missing_key",
            "An API key is needed: send the header Authorization: Bearer hcmo_live_….",
        ));
    };
    let presented: PlainKey = presented.parse().map_err(|_| ApiError::from(keys::Refused::UnknownKey))?;
    let accepted = keys::authenticate(db, &presented).await?;
    crate::layers::note_customer(&accepted.customer.id);
    Ok(KeyHolder { customer: accepted.customer, key: accepted.key, presented })
}

/// Every request with a good key is charged to that key, and every other one to the client's address.
impl<S> FromRequestParts<S> for KeyHolder
where
    S: Send + Sync,
    Db: FromRef<S>,
    RateLimiter: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let limiter = RateLimiter::from_ref(state);
        let holder = authenticate(&Db::from_ref(state), bearer(&parts.headers))
            .await
            .map_err(|error| limiter.after_failure(&parts.extensions, &parts.headers, error))?;
        limiter.charge(&parts.extensions, Scope::Api, &Payer::Key(holder.key.id.clone()))?;
        require(holder.key.scopes, needed_by(&parts.method))?;
        Ok(holder)
    }
}

impl<S> FromRequestParts<S> for Owner
where
    S: Send + Sync,
    Db: FromRef<S>,
    RateLimiter: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let holder = KeyHolder::from_request_parts(parts, state).await?;
        let Path(path) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found())?;
        let named: Option<CustomerId> = path.get("customer_id").and_then(|id| id.parse().ok());
        if named.as_ref() == Some(&holder.customer.id) { Ok(Self(holder)) } else { Err(ApiError::not_found()) }
    }
}

impl<S> FromRequestParts<S> for Admin
where
    S: Send + Sync,
    AdminSecret: FromRef<S>,
    RateLimiter: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let is_admin = bearer(&parts.headers).is_some_and(|presented| AdminSecret::from_ref(state).is(presented));
        if is_admin {
            return Ok(Self);
        }
        let error =
            ApiError::new(StatusCode::UNAUTHORIZED, "invalid_admin_secret", "The admin secret is missing or wrong.");
        Err(RateLimiter::from_ref(state).after_failure(&parts.extensions, &parts.headers, error))
    }
}
