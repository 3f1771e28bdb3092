//! Starting to pay.

use axum::http::StatusCode;
use entity::billing as store;
use entity::customers::{self, DEFAULT_PLAN, SubscriptionState};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use stripe_checkout::CheckoutSessionMode;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionSubscriptionData,
};
use stripe_client_core::StripeRequest;
use web::ApiError;

use super::reply::{Checkout, NewCheckout};
use super::{Billing, Error};

/// Somebody who asks twice within this many seconds gets the same checkout.
const SAME_CHECKOUT_SECONDS: i64 = 300;
/// How we tell our checkouts and subscriptions from others in the same Stripe account.
const PRODUCT: (&str, &str) = ("product", "heycmo");

/// Whether a checkout was made by [`start`].
pub(super) fn is_ours(checkout: &Checkout) -> bool {
    let product = checkout.metadata.as_ref().and_then(|metadata| metadata.get(PRODUCT.0));
    product.is_some_and(|product| product == PRODUCT.1)
}

impl Billing {
    /// Where to pay for a new subscription.
    ///
    /// # Errors
    ///
    /// 400 for a bad e-mail address or plan, 409 `already_subscribed`, 502 when Stripe fails, 503 without Stripe.
    pub async fn start_checkout(&self, email: &str, plan: Option<&str>) -> Result<String, ApiError> {
        let email = customers::normalized_email(email)?;
        if plan.is_some_and(|plan| plan != DEFAULT_PLAN) {
            return Err(ApiError::invalid("plan", format!("must be `{DEFAULT_PLAN}`; there is no other plan")));
        }
        let account = self.account()?;
        let last = self.last_subscription(&email).await?;
        let request = self.request(&account.price, &email).build();
        let key = idempotency_key(&request.body.clone().unwrap_or_default(), last.as_deref());
        let checkout: NewCheckout = account.stripe.post(&request, &key).await.map_err(Error::from)?;
        checkout.url.ok_or_else(|| Error::Unexpected("a new checkout without an address".to_owned()).into())
    }

    /// The id of the customer's last subscription; refused while one is live.
    async fn last_subscription(&self, email: &str) -> Result<Option<String>, ApiError> {
        let customer = match customers::get_by_email(&self.db, email).await {
            Ok(customer) => customer,
            Err(entity::Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if matches!(customer.subscription, SubscriptionState::Active | SubscriptionState::PastDue) {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "already_subscribed",
                "There is a subscription for this e-mail address already. Log in to manage it; if its last payment failed, pay the invoice that Stripe e-mailed.",
            ));
        }
        let subscriptions = store::of_customer(&self.db, &customer.id).await?;
        Ok(subscriptions.into_iter().next().map(|subscription| subscription.id))
    }

    fn request(&self, price: &str, email: &str) -> CreateCheckoutSession {
        let ours = HashMap::from([(PRODUCT.0.to_owned(), PRODUCT.1.to_owned())]);
        let mut item = CreateCheckoutSessionLineItems::new();
        item.price = Some(price.to_owned());
        item.quantity = Some(1);
        let mut subscription = CreateCheckoutSessionSubscriptionData::new();
        subscription.metadata = Some(ours.clone());
        CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Subscription)
            .line_items(vec![item])
            // Never `customer`: whoever types an address must not see the cards that its owner has stored.
            .customer_email(email)
            .success_url(self.public_url.join("/checkout/success?session_id={CHECKOUT_SESSION_ID}"))
            .cancel_url(self.public_url.join("/?checkout=cancelled"))
            .allow_promotion_codes(true)
            .metadata(ours)
            .subscription_data(subscription)
    }
}

/// The same for the same request within some minutes, until the customer's subscription is another one: Stripe then
/// answers with the checkout that there is instead of making a second.
fn idempotency_key(request: &str, last_subscription: Option<&str>) -> String {
    let window = entity::db::now().timestamp() / SAME_CHECKOUT_SECONDS;
    let what = format!("{request}\n{}\n{window}", last_subscription.unwrap_or_default());
    format!("checkout-{}", hex::encode(Sha256::digest(what)))
}
