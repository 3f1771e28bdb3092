//! `/composio/sandbox`: what tests do to the sandbox and ask of it, in JSON.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ComposioError;
use super::faults::Faults;
use super::{Sandbox, api, webhooks};

pub fn router() -> Router<Sandbox> {
    Router::new()
        .route("/composio/sandbox/faults", post(add_faults).delete(clear_faults))
        .route("/composio/sandbox/requests", get(requests))
        .route("/composio/sandbox/posts", get(posts))
        .route("/composio/sandbox/accounts", get(accounts))
        .route("/composio/sandbox/accounts/{id}/status", post(set_status))
}

/// Adds to what is to go wrong; of several that fit a call the first counts.
async fn add_faults(Shared(sandbox): Shared<Sandbox>, Json(faults): Json<Faults>) -> StatusCode {
    sandbox.live().faults.push(faults);
    StatusCode::NO_CONTENT
}

async fn clear_faults(Shared(sandbox): Shared<Sandbox>) -> StatusCode {
    sandbox.live().faults.clear();
    StatusCode::NO_CONTENT
}

/// The calls to the API, oldest first.
async fn requests(Shared(sandbox): Shared<Sandbox>) -> Json<Value> {
    Json(json!({ "requests": sandbox.live().requests }))
}

/// What was published, oldest first.
async fn posts(Shared(sandbox): Shared<Sandbox>) -> Json<Value> {
    Json(json!({ "posts": sandbox.live().state.posts }))
}

async fn accounts(Shared(sandbox): Shared<Sandbox>) -> Result<Json<Value>, ComposioError> {
    let accounts = sandbox.read(|state| Ok(state.accounts.iter().map(api::account).collect::<Vec<_>>()))?;
    Ok(Json(json!({ "accounts": accounts })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    status: String,
    reason: Option<String>,
}

/// Gives an account any status; the gateway is told of `EXPIRED`, as Composio tells it.
async fn set_status(
    Shared(sandbox): Shared<Sandbox>,
    Path(id): Path<String>,
    Json(wanted): Json<Status>,
) -> Result<Json<Value>, ComposioError> {
    let account = sandbox.change(|state| state.set_status(&id, &wanted.status, wanted.reason.as_deref()))?;
    if account.status == "EXPIRED" {
        webhooks::tell_expired(&sandbox, &account);
    }
    Ok(Json(api::account(&account)))
}
