//! A customer's keys.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Duration, Utc};
use entity::db::{Db, now};
use entity::ids::KeyId;
use entity::keys::{self, ApiKey, NewKey};
use serde::{Deserialize, Serialize};
use web::ApiError;
use web::auth::Owner;
use web::timestamp;

use super::NO_STORE;

const MAX_DAYS: u16 = 3_650;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyIn {
    label: Option<String>,
    expires_in_days: Option<u16>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewKeyOut {
    id: KeyId,
    api_key: String,
    label: String,
    last4: String,
    created_at: String,
    expires_at: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyOut {
    id: KeyId,
    label: String,
    last4: String,
    created_at: String,
    last_used_at: Option<String>,
    expires_at: Option<String>,
    revoked_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct KeysOut {
    keys: Vec<KeyOut>,
}

impl From<ApiKey> for KeyOut {
    fn from(key: ApiKey) -> Self {
        let text = |time: Option<DateTime<Utc>>| time.map(timestamp);
        Self {
            id: key.id,
            label: key.label,
            last4: key.last4,
            created_at: timestamp(key.created_at),
            last_used_at: text(key.last_used_at),
            expires_at: text(key.expires_at),
            revoked_at: text(key.revoked_at),
        }
    }
}

/// Makes a key and shows it, this once.
pub async fn create(
    Owner(holder): Owner,
    State(db): State<Db>,
    web::body::Json(input): web::body::Json<KeyIn>,
) -> Result<impl IntoResponse, ApiError> {
    let expires_at = input.expires_in_days.map(expiry).transpose()?;
    let (key, plain) = keys::create(&db, &holder.customer.id, NewKey { label: input.label, expires_at }).await?;
    let body = NewKeyOut {
        id: key.id,
        api_key: plain.expose().to_owned(),
        label: key.label,
        last4: key.last4,
        created_at: timestamp(key.created_at),
        expires_at: key.expires_at.map(timestamp),
    };
    Ok((StatusCode::CREATED, NO_STORE, Json(body)))
}

fn expiry(days: u16) -> Result<DateTime<Utc>, ApiError> {
    if (1..=MAX_DAYS).contains(&days) {
        Ok(now() + Duration::days(days.into()))
    } else {
        Err(ApiError::invalid("expiresInDays", format!("must be from 1 to {MAX_DAYS}")))
    }
}

/// Every key there ever was, newest first, without its secret.
pub async fn list(Owner(holder): Owner, State(db): State<Db>) -> Result<impl IntoResponse, ApiError> {
    let keys = keys::list(&db, &holder.customer.id).await?;
    Ok((NO_STORE, Json(KeysOut { keys: keys.into_iter().map(KeyOut::from).collect() })))
}

/// Takes a key out of use for good, but not the last usable one.
pub async fn revoke(
    Owner(holder): Owner,
    State(db): State<Db>,
    Path((_, key_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let key_id: KeyId = key_id.parse().map_err(|_| ApiError::not_found())?;
    keys::revoke_unless_last(&db, &holder.customer.id, &key_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
