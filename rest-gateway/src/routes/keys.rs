//! A customer's keys.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Duration, Utc};
use entity::db::{Db, now};
use entity::ids::KeyId;
use entity::keys::{self, ApiKey, NewKey};
use entity::scopes::{Scope, Scopes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::ApiError;
use web::auth::Owner;
use web::error::ErrorOut;
use web::timestamp;

use super::NO_STORE;

const MAX_DAYS: f64 = 3_650.0;

/// What a key may do: see everything, change what stays inside, let something go out.
// Of the description only: the permission itself knows nothing of it.
#[derive(ToSchema)]
#[schema(as = Scope, rename_all = "snake_case")]
#[expect(dead_code, reason = "only described, never made")]
enum ScopeName {
    Read,
    Write,
    Publish,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyIn {
    #[schema(max_length = 60, pattern = r"^\P{Cc}*$", example = "laptop")]
    label: Option<String>,
    // For JSON, 90.0 is a whole number too.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 3650, example = 90)]
    expires_in_days: Option<f64>,
    /// What it may do; everything that the key which makes it may do, when left out.
    #[schema(value_type = Option<Vec<ScopeName>>, min_items = 1, example = json!(["read", "write"]))]
    scopes: Option<Vec<Scope>>,
}

/// Which key.
#[derive(Debug, Deserialize)]
pub struct KeyPath {
    key_id: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewKeyOut {
    #[schema(value_type = String, example = "key_01M851E88BEZS4E1V4ZSCPXFGH")]
    id: KeyId,
    api_key: String,
    label: String,
    last4: String,
    #[schema(value_type = Vec<ScopeName>, example = json!(["read", "write", "publish"]))]
    scopes: Scopes,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    created_at: String,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    expires_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyOut {
    #[schema(value_type = String, example = "key_01M851E88BEZS4E1V4ZSCPXFGH")]
    id: KeyId,
    label: String,
    last4: String,
    #[schema(value_type = Vec<ScopeName>, example = json!(["read", "write", "publish"]))]
    scopes: Scopes,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    created_at: String,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    last_used_at: Option<String>,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    expires_at: Option<String>,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    revoked_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct KeysOut {
    keys: Vec<KeyOut>,
}

impl From<ApiKey> for KeyOut {
    fn from(key: ApiKey) -> Self {
        let text = |time: Option<DateTime<Utc>>| time.map(timestamp);
        Self {
            id: key.id,
            label: key.label,
            last4: key.last4,
            scopes: key.scopes,
            created_at: timestamp(key.created_at),
            last_used_at: text(key.last_used_at),
            expires_at: text(key.expires_at),
            revoked_at: text(key.revoked_at),
        }
    }
}

/// Makes a key and shows it, this once. It cannot do what the key that makes it cannot.
#[utoipa::path(
    post,
    path = "/api/customer/{customer_id}/keys",
    tag = "Account",
    operation_id = "createKey",
    params(("customer_id" = String, Path, description = "Your own id")),
    request_body = KeyIn,
    responses((status = 201, body = NewKeyOut), (status = CONFLICT, body = ErrorOut, description = "`too_many_keys`, or `key_revoked` when the key that makes it was revoked meanwhile")),
    security(("apiKey" = [])),
)]
pub async fn create(
    Owner(holder): Owner,
    State(db): State<Db>,
    web::body::Json(input): web::body::Json<KeyIn>,
) -> Result<impl IntoResponse, ApiError> {
    let expires_at = input.expires_in_days.map(expiry).transpose()?;
    let scopes = scopes_within(input.scopes.map(Scopes::from_iter), holder.key.scopes)?;
    let made_by = Some(holder.key.id);
    let new = NewKey { made_by, label: input.label, expires_at, scopes: Some(scopes), ..NewKey::default() };
    let (key, plain) = keys::create(&db, &holder.customer.id, new).await?;
    let body = NewKeyOut {
        id: key.id,
        api_key: plain.expose().to_owned(),
        label: key.label,
        last4: key.last4,
        scopes: key.scopes,
        created_at: timestamp(key.created_at),
        expires_at: key.expires_at.map(timestamp),
    };
    Ok((StatusCode::CREATED, NO_STORE, Json(body)))
}

/// What a new key is to do: what was asked for, or else all that the key which makes it may do, and never more.
///
/// # Errors
///
/// When it is more.
pub fn scopes_within(asked: Option<Scopes>, own: Scopes) -> Result<Scopes, ApiError> {
    let asked = asked.unwrap_or(own);
    match asked.iter().find(|scope| !own.contains(*scope)) {
        Some(missing) => Err(ApiError::insufficient_scope(missing)),
        None => Ok(asked),
    }
}

fn expiry(days: f64) -> Result<DateTime<Utc>, ApiError> {
    if (1.0..=MAX_DAYS).contains(&days) && days.fract() == 0.0 {
        Ok(now() + Duration::days(days as i64))
    } else {
        Err(ApiError::invalid("expiresInDays", format!("must be a whole number from 1 to {MAX_DAYS}")))
    }
}

/// Every key there ever was, newest first, without its secret.
#[utoipa::path(
    get,
    path = "/api/customer/{customer_id}/keys",
    tag = "Account",
    operation_id = "listKeys",
    params(("customer_id" = String, Path, description = "Your own id")),
    responses((status = 200, body = KeysOut)),
    security(("apiKey" = [])),
)]
pub async fn list(Owner(holder): Owner, State(db): State<Db>) -> Result<impl IntoResponse, ApiError> {
    let keys = keys::list(&db, &holder.customer.id).await?;
    Ok((NO_STORE, Json(KeysOut { keys: keys.into_iter().map(KeyOut::from).collect() })))
}

/// Takes a key out of use for good, but not the last usable one.
#[utoipa::path(
    delete,
    path = "/api/customer/{customer_id}/keys/{key_id}",
    tag = "Account",
    operation_id = "revokeKey",
    params(("customer_id" = String, Path, description = "Your own id"), ("key_id" = String, Path, description = "The key's id")),
    responses((status = 204), (status = CONFLICT, body = ErrorOut, description = "`last_key`: make another key first")),
    security(("apiKey" = [])),
)]
pub async fn revoke(
    Owner(holder): Owner,
    State(db): State<Db>,
    Path(path): Path<KeyPath>,
) -> Result<StatusCode, ApiError> {
    let key_id: KeyId = path.key_id.parse().map_err(|_| ApiError::not_found())?;
    keys::revoke_unless_last(&db, &holder.customer.id, &key_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
