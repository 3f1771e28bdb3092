//! Stripe's webhooks: verified, kept, answered. The [`super::worker`] does the rest.

use axum::http::StatusCode;
use entity::billing::{self as store, NewStripeEvent};
use serde::Deserialize;
use serde_json::Value;
use web::ApiError;

use super::{Billing, reply, signature};

/// Stripe says that its ids may grow to this length.
const MAX_ID_CHARS: usize = 255;

/// The types that something is done about.
const HANDLED: [&str; 11] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.paid",
    "invoice.payment_failed",
    "charge.dispute.created",
];

/// What every event of every API version has.
#[derive(Debug, Deserialize)]
pub struct Envelope {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    created: Option<i64>,
    livemode: Option<bool>,
    pub(super) data: Data,
}

#[derive(Debug, Deserialize)]
pub(super) struct Data {
    pub(super) object: Value,
}

impl Envelope {
    /// Stripe's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Reads the body of a webhook; gives its text too.
///
/// # Errors
///
/// 400 for what is not an event of Stripe's.
pub fn read(body: &[u8]) -> Result<(Envelope, &str), ApiError> {
    let unreadable = || bad("invalid_event", "The body is not an event of Stripe's.");
    let payload = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let event: Envelope = serde_json::from_str(payload).map_err(|_| unreadable())?;
    if event.id.is_empty() || event.id.len() > MAX_ID_CHARS || event.event_type.len() > MAX_ID_CHARS {
        return Err(unreadable());
    }
    Ok((event, payload))
}

impl Billing {
    /// Keeps an event that Stripe signed, once.
    ///
    /// # Errors
    ///
    /// 400 for what Stripe did not sign, 500 when it cannot be kept, so that Stripe delivers it again.
    pub async fn receive(&self, signature: Option<&str>, body: &[u8]) -> Result<(), ApiError> {
        let account = self.account()?;
        let now = entity::db::now().timestamp();
        let signed = signature.is_some_and(|header| signature::is_valid(header, body, &account.webhook_secrets, now));
        if !signed {
            return Err(bad("invalid_signature", "The Stripe-Signature header does not fit this body."));
        }
        let (event, payload) = read(body)?;
        let other_mode = event.livemode.is_some_and(|live| live != account.live);
        if other_mode {
            tracing::warn!(event = event.id, "an event of Stripe's other mode (live or test) is kept and ignored");
        }
        let handled = HANDLED.contains(&event.event_type.as_str()) && !other_mode;
        let new = NewStripeEvent {
            id: event.id,
            event_type: event.event_type,
            payload: payload.to_owned(),
            created_at: event.created.and_then(reply::time).unwrap_or_else(entity::db::now),
            handled,
        };
        store::store(&self.db, new).await.map_err(|error| {
            tracing::error!(%error, "an event of Stripe's could not be kept");
            ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        })?;
        self.stored.notify_one();
        Ok(())
    }
}

fn bad(code: &'static str, message: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, code, message)
}
