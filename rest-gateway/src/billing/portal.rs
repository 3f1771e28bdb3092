//! The pages at Stripe where customers manage their subscription.

use axum::http::StatusCode;
use entity::customers::Customer;
use stripe_billing::billing_portal_session::CreateBillingPortalSession;
use stripe_client_core::StripeRequest;
use ulid::Ulid;
use web::ApiError;

use super::reply::Portal;
use super::{Billing, Error};

impl Billing {
    /// Where the customer manages their subscription; good for one visit, so made anew for each.
    ///
    /// # Errors
    ///
    /// 409 `no_subscription` for somebody who never paid, 502 when Stripe fails, 503 without Stripe.
    pub async fn open_portal(&self, customer: &Customer) -> Result<String, ApiError> {
        let account = self.account()?;
        let payer = customer.stripe_customer_id.as_deref().ok_or_else(|| {
            ApiError::new(
                StatusCode::CONFLICT,
                "no_subscription",
                "This account was made by hand and has no subscription to manage.",
            )
        })?;
        let back = self.public_url.join(&format!("/api/dashboard/{}", customer.id));
        let request = CreateBillingPortalSession::new().customer(payer).return_url(back).build();
        let key = format!("portal-{}", Ulid::generate());
        let portal: Portal = account.stripe.post(&request, &key).await.map_err(Error::from)?;
        Ok(portal.url)
    }
}
