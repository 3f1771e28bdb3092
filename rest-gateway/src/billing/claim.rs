//! Claiming what was paid for.

use axum::http::StatusCode;
use entity::customers::Customer;
use entity::keys::PlainKey;
use web::ApiError;

use crate::Gateway;

/// What a paid checkout gave.
#[derive(Debug)]
pub struct Claimed {
    /// The account.
    pub customer: Customer,
    /// The key, to the first claim of an account that this checkout made.
    pub key: Option<PlainKey>,
    /// Whether the account was there before; its old keys work again.
    pub reactivated: bool,
}

/// Claims the checkout session.
///
/// # Errors
///
/// 409 `checkout_incomplete`, 410 `checkout_expired`, 404, or 502 when Stripe fails.
pub async fn claim(_: &Gateway, _: &str) -> Result<Claimed, ApiError> {
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_configured", "Payments are not set up here."))
}
