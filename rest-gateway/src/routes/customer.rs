//! A customer's own account.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use entity::customers::CustomerStatus;
use entity::db::now;
use entity::ids::CustomerId;
use entity::keys::PlainKey;
use serde::Serialize;
use web::auth::Owner;
use web::config::PublicUrl;
use web::connect::Connect;
use web::timestamp;

use super::NO_STORE;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomerOut {
    id: CustomerId,
    email: String,
    plan: String,
    status: CustomerStatus,
    mcp_endpoint: String,
    brand_name: Option<String>,
    created_at: String,
}

/// The account that the key belongs to.
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
