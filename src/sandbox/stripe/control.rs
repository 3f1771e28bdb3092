//! `/sandbox`: what tests do to the sandbox and ask of it, in JSON.

use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::actions::{SessionAction, SubscriptionAction};
use super::error::StripeError;
use super::faults::Faults;
use super::state::Event;
use super::{Sandbox, WebhookTarget, render, webhooks};

pub fn router() -> Router<Sandbox> {
    Router::new()
        .route("/sandbox/sessions/{id}/{action}", post(act_on_session))
        .route("/sandbox/subscriptions/{id}/{action}", post(act_on_subscription))
        .route("/sandbox/events", get(events))
        .route("/sandbox/events/{id}/deliver", post(deliver))
        .route("/sandbox/requests", get(requests))
        .route("/sandbox/faults", post(set_faults).delete(clear_faults))
        .route("/sandbox/webhooks", post(set_webhooks))
}

#[derive(Deserialize)]
struct Payer {
    email: Option<String>,
}

async fn act_on_session(
    Shared(sandbox): Shared<Sandbox>,
    Path((id, action)): Path<(String, SessionAction)>,
    Query(payer): Query<Payer>,
) -> Result<Json<Value>, StripeError> {
    let session = sandbox.change(|state| {
        state.act_on_session(&id, action, payer.email.as_deref())?;
        Ok(render::session(state, state.session(&id)?))
    })?;
    Ok(Json(session))
}

async fn act_on_subscription(
    Shared(sandbox): Shared<Sandbox>,
    Path((id, action)): Path<(String, SubscriptionAction)>,
) -> Result<Json<Value>, StripeError> {
    let subscription = sandbox.change(|state| {
        state.act_on_subscription(&id, action)?;
        Ok(render::subscription(state.subscription(&id)?))
    })?;
    Ok(Json(subscription))
}

/// All events, oldest first, with the attempts to deliver them.
async fn events(Shared(sandbox): Shared<Sandbox>) -> Result<Json<Value>, StripeError> {
    let events = sandbox.read(|state| Ok(state.events.iter().map(with_deliveries).collect::<Vec<_>>()))?;
    Ok(Json(json!({ "events": events })))
}

fn with_deliveries(event: &Event) -> Value {
    json!({ "id": event.id, "type": event.kind, "body": render::event(event), "deliveries": event.attempts })
}

async fn deliver(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Result<Response, StripeError> {
    Ok(Json(webhooks::deliver(&sandbox, &id).await?).into_response())
}

/// The calls to `/v1`, oldest first.
async fn requests(Shared(sandbox): Shared<Sandbox>) -> Json<Value> {
    Json(json!({ "requests": sandbox.live().requests }))
}

async fn set_faults(Shared(sandbox): Shared<Sandbox>, Json(faults): Json<Faults>) -> StatusCode {
    sandbox.live().faults = Some(faults);
    StatusCode::NO_CONTENT
}

async fn clear_faults(Shared(sandbox): Shared<Sandbox>) -> StatusCode {
    sandbox.live().faults = None;
    StatusCode::NO_CONTENT
}

/// Where events go from now on; what is left out stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhooks {
    url: Option<String>,
    secret: Option<SecretString>,
    /// False holds events back until it is true again.
    deliver: Option<bool>,
}

async fn set_webhooks(
    Shared(sandbox): Shared<Sandbox>,
    Json(wanted): Json<Webhooks>,
) -> Result<StatusCode, StripeError> {
    let url = wanted.url.map(|url| Url::parse(&url)).transpose();
    let url = url.map_err(|_| StripeError::param("url", "url_invalid", "Not a valid URL"))?;
    let mut live = sandbox.live();
    let before = live.webhook.clone();
    live.webhook = WebhookTarget { url: url.unwrap_or(before.url), secret: wanted.secret.unwrap_or(before.secret) };
    live.delivers = wanted.deliver.unwrap_or(live.delivers);
    drop(live);
    sandbox.0.changed.notify_one();
    Ok(StatusCode::NO_CONTENT)
}
