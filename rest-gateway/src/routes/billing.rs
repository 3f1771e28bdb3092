//! Paying: checkout, Stripe's webhooks, the key of a paid checkout, the billing portal.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use entity::ids::CustomerId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::ApiError;
use web::auth::Owner;
use web::config::PublicUrl;

use super::NO_STORE;
use super::customer::{mcp_endpoint, mcp_endpoint_without_key};
use crate::billing::Billing;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckoutIn {
    email: String,
    plan: Option<String>,
}

/// An address to go to.
#[derive(Debug, Serialize)]
struct AddressOut {
    url: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionOut {
    customer_id: CustomerId,
    email: String,
    api_key: Option<String>,
    mcp_endpoint: String,
}

/// Starts to pay.
pub async fn checkout(
    State(billing): State<Billing>,
    web::body::Json(input): web::body::Json<CheckoutIn>,
) -> Result<impl IntoResponse, ApiError> {
    let url = billing.start_checkout(&input.email, input.plan.as_deref()).await?;
    Ok((NO_STORE, Json(AddressOut { url })))
}

/// Takes an event from Stripe.
pub async fn webhook(
    State(billing): State<Billing>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    billing.receive(signature, &body).await?;
    Ok(Json(json!({ "received": true })))
}

/// What a paid checkout has led to; the key is in it for the first who asks.
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
pub async fn portal(Owner(holder): Owner, State(billing): State<Billing>) -> Result<impl IntoResponse, ApiError> {
    let url = billing.open_portal(&holder.customer).await?;
    Ok((NO_STORE, Json(AddressOut { url })))
}
