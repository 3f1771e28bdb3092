//! Paying: checkout, Stripe's webhooks, the key of a paid checkout, the billing portal.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use entity::ids::CustomerId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::ApiError;
use web::auth::Owner;
use web::config::PublicUrl;
use web::error::ErrorOut;

use super::NO_STORE;
use super::customer::{mcp_endpoint, mcp_endpoint_without_key};
use crate::billing::Billing;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutIn {
    #[schema(format = Email, example = "anna@example.com")]
    email: String,
    #[schema(pattern = "^pro$", example = "pro")]
    plan: Option<String>,
}

/// An address to go to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressOut {
    #[schema(example = "https://checkout.stripe.com/c/pay/cs_live_a1b2")]
    url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedOut {
    received: bool,
}

impl ReceivedOut {
    pub const fn received() -> Self {
        Self { received: true }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionOut {
    #[schema(value_type = String, example = "cust_01M851E88BEZS4E1V4ZSCPXFGH")]
    customer_id: CustomerId,
    #[schema(example = "anna@example.com")]
    email: String,
    api_key: Option<String>,
    #[schema(example = "https://heycmo.example/mcp/sse?token=YOUR_API_KEY")]
    mcp_endpoint: String,
}

/// Starts to pay.
#[utoipa::path(
    post,
    path = "/api/checkout",
    tag = "Billing",
    operation_id = "startCheckout",
    request_body = CheckoutIn,
    responses((status = 200, body = AddressOut), (status = CONFLICT, body = ErrorOut, description = "`already_subscribed`"), (status = BAD_GATEWAY, body = ErrorOut, description = "`stripe_failed`")),
)]
pub async fn checkout(
    State(billing): State<Billing>,
    web::body::Json(input): web::body::Json<CheckoutIn>,
) -> Result<impl IntoResponse, ApiError> {
    let url = billing.start_checkout(&input.email, input.plan.as_deref()).await?;
    Ok((NO_STORE, Json(AddressOut { url })))
}

/// Takes an event from Stripe.
#[utoipa::path(
    post,
    path = "/api/webhooks/stripe",
    tag = "Billing",
    operation_id = "receiveStripeEvent",
    params(("Stripe-Signature" = String, Header, description = "Stripe's signature of the body")),
    request_body = Object,
    responses((status = 200, body = ReceivedOut), (status = BAD_REQUEST, body = ErrorOut, description = "`invalid_signature`, `invalid_event`")),
)]
pub async fn webhook(
    State(billing): State<Billing>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    billing.receive(signature, &body).await?;
    Ok(Json(ReceivedOut::received()))
}

/// What a paid checkout has led to; the key is in it for the first who asks.
#[utoipa::path(
    get,
    path = "/api/session/{session_id}",
    tag = "Billing",
    operation_id = "claimCheckout",
    params(("session_id" = String, Path, description = "Stripe's id of the checkout session")),
    responses((status = 200, body = SessionOut), (status = CONFLICT, body = ErrorOut, description = "`checkout_incomplete`"), (status = GONE, body = ErrorOut, description = "`checkout_expired`"), (status = BAD_GATEWAY, body = ErrorOut, description = "`stripe_failed`")),
)]
pub async fn session(
    State(billing): State<Billing>,
    State(mcp_url): State<PublicUrl>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let claimed = billing.claim(&id).await?;
    let endpoint =
        claimed.key.as_ref().map_or_else(|| mcp_endpoint_without_key(&mcp_url), |key| mcp_endpoint(&mcp_url, key));
    let body = SessionOut {
        customer_id: claimed.customer.id,
        email: claimed.customer.email,
        api_key: claimed.key.map(|key| key.expose().to_owned()),
        mcp_endpoint: endpoint,
    };
    Ok((NO_STORE, Json(body)))
}

/// Where the customer manages their subscription.
#[utoipa::path(
    post,
    path = "/api/billing/portal/{customer_id}",
    tag = "Billing",
    operation_id = "openBillingPortal",
    params(("customer_id" = String, Path, description = "Your own id")),
    responses((status = 200, body = AddressOut), (status = CONFLICT, body = ErrorOut, description = "`no_subscription`"), (status = BAD_GATEWAY, body = ErrorOut, description = "`stripe_failed`")),
    security(("apiKey" = [])),
)]
pub async fn portal(Owner(holder): Owner, State(billing): State<Billing>) -> Result<impl IntoResponse, ApiError> {
    let url = billing.open_portal(&holder.customer).await?;
    Ok((NO_STORE, Json(AddressOut { url })))
}
