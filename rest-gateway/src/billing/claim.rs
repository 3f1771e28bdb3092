//! Claiming the key of a paid checkout.

use axum::http::StatusCode;
use entity::billing::{self as store, Claimed};
use web::ApiError;

use super::Billing;
use super::sync::Outcome;

const MAX_ID_CHARS: usize = 200;

impl Billing {
    /// Gives out the key of a paid checkout, once. Does not wait for the webhook: asks Stripe itself.
    ///
    /// # Errors
    ///
    /// 404 for an unknown checkout, 409 `checkout_incomplete`, 410 `checkout_expired`, 502 when Stripe fails.
    pub async fn claim(&self, checkout: &str) -> Result<Claimed, ApiError> {
        if !is_checkout_id(checkout) {
            return Err(unknown());
        }
        match store::claim(&self.db, checkout).await {
            Err(entity::Error::NotFound(_)) => {}
            claimed => return claimed.map_err(refusal),
        }
        let account = self.account()?;
        match self.sync_checkout(account, checkout, None).await {
            Ok(Outcome::Fulfilled) => store::claim(&self.db, checkout).await.map_err(refusal),
            Ok(Outcome::Unpaid) => Err(ApiError::new(
                StatusCode::CONFLICT,
                "checkout_incomplete",
                "This checkout is not paid yet. Finish it, or try again in a moment if you just did.",
            )),
            Ok(Outcome::Expired) => Err(ApiError::new(
                StatusCode::GONE,
                "checkout_expired",
                "This checkout was not finished in time. Nothing was charged; start again.",
            )),
            Ok(Outcome::Foreign) => Err(unknown()),
            Err(super::Error::Stripe(error)) if error.is_not_found() => Err(unknown()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whatever is not an id of Stripe's form does not reach Stripe.
fn is_checkout_id(text: &str) -> bool {
    let random = text.strip_prefix("cs_test_").or_else(|| text.strip_prefix("cs_live_"));
    random.is_some_and(|random| {
        (1..=MAX_ID_CHARS).contains(&random.len()) && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "There is no checkout with this id.")
}

fn refusal(error: entity::Error) -> ApiError {
    let expired = matches!(error, entity::Error::Conflict { code: "checkout_expired", .. });
    let mut refusal = ApiError::from(error);
    if expired {
        refusal.status = StatusCode::GONE;
    }
    refusal
}
