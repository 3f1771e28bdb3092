//! A customer's own account.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use entity::customers::CustomerStatus;
use entity::db::now;
use entity::ids::CustomerId;
use entity::keys::PlainKey;
use serde::Serialize;
use utoipa::ToSchema;
use web::auth::Owner;
use web::config::PublicUrl;
use web::connect::Connect;
use web::timestamp;

use super::NO_STORE;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerOut {
    #[schema(value_type = String, example = "cust_01M851E88BEZS4E1V4ZSCPXFGH")]
    id: CustomerId,
    #[schema(example = "anna@example.com")]
    email: String,
    #[schema(example = "pro")]
    plan: String,
    #[schema(value_type = String, example = "active")]
    status: CustomerStatus,
    #[schema(example = "https://heycmo.example/mcp/sse?token=YOUR_API_KEY")]
    mcp_endpoint: String,
    #[schema(max_length = 120, example = "Acme")]
    brand_name: Option<String>,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    created_at: String,
}

/// The account that the key belongs to.
#[utoipa::path(
    get,
    path = "/api/customer/{customer_id}",
    tag = "Account",
    operation_id = "getCustomer",
    params(("customer_id" = String, Path, description = "Your own id")),
    responses((status = 200, body = CustomerOut)),
    security(("apiKey" = [])),
)]
pub async fn show(Owner(holder): Owner, State(mcp_url): State<PublicUrl>) -> impl IntoResponse {
    let customer = holder.customer;
    let body = CustomerOut {
        status: customer.status(now()),
        mcp_endpoint: mcp_endpoint(&mcp_url, &holder.presented),
        created_at: timestamp(customer.created_at),
        id: customer.id,
        email: customer.email,
        plan: customer.plan,
        brand_name: customer.brand_name,
    };
    (NO_STORE, Json(body))
}

/// What a person pastes into an assistant that takes a single address.
pub fn mcp_endpoint(mcp_url: &PublicUrl, key: &PlainKey) -> String {
    Connect::new(mcp_url, key.expose()).sse_url()
}

/// The same for whoever knows their key, when we do not.
pub fn mcp_endpoint_without_key(mcp_url: &PublicUrl) -> String {
    mcp_url.join("/mcp/sse?token=YOUR_API_KEY")
}
