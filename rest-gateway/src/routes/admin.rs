//! What operators do.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use entity::customers::{self, CustomerStatus, NewCustomer};
use entity::db::{Db, now};
use entity::ids::CustomerId;
use serde::{Deserialize, Serialize};
use web::ApiError;
use web::auth::Admin;
use web::config::PublicUrl;

use super::NO_STORE;
use super::customer::mcp_endpoint;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvisionIn {
    email: String,
    plan: Option<String>,
    brand_name: Option<String>,
    website: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProvisionOut {
    customer_id: CustomerId,
    email: String,
    plan: String,
    status: CustomerStatus,
    api_key: String,
    mcp_endpoint: String,
}

/// Makes a customer and shows their first key, this once.
pub async fn provision(
    _: Admin,
    State(db): State<Db>,
    State(mcp_url): State<PublicUrl>,
    web::body::Json(input): web::body::Json<ProvisionIn>,
) -> Result<impl IntoResponse, ApiError> {
    let ProvisionIn { email, plan, brand_name, website } = input;
    let (customer, key) = customers::provision(&db, NewCustomer { email, plan, brand_name, website }).await?;
    let body = ProvisionOut {
        status: customer.status(now()),
        mcp_endpoint: mcp_endpoint(&mcp_url, &key),
        api_key: key.expose().to_owned(),
        customer_id: customer.id,
        email: customer.email,
        plan: customer.plan,
    };
    Ok((StatusCode::CREATED, NO_STORE, Json(body)))
}
