//! What operators do.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use entity::customers::{self, CustomerStatus, NewCustomer};
use entity::db::{Db, now};
use entity::ids::CustomerId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::ApiError;
use web::auth::Admin;
use web::config::PublicUrl;
use web::error::ErrorOut;

use super::NO_STORE;
use super::customer::mcp_endpoint;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvisionIn {
    #[schema(format = Email, example = "anna@example.com")]
    email: String,
    #[schema(pattern = "^[a-z0-9_-]{1,40}$", example = "pro")]
    plan: Option<String>,
    #[schema(max_length = 120, pattern = r"^\P{Cc}*$", example = "Acme")]
    brand_name: Option<String>,
    #[schema(example = "https://acme.example")]
    website: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionOut {
    #[schema(value_type = String, example = "cust_01M851E88BEZS4E1V4ZSCPXFGH")]
    customer_id: CustomerId,
    #[schema(example = "anna@example.com")]
    email: String,
    #[schema(example = "pro")]
    plan: String,
    #[schema(value_type = String, example = "active")]
    status: CustomerStatus,
    api_key: String,
    #[schema(example = "https://heycmo.example/mcp/sse?token=YOUR_API_KEY")]
    mcp_endpoint: String,
}

/// Makes a customer and shows their first key, this once.
#[utoipa::path(
    post,
    path = "/api/admin/provision",
    tag = "Operators",
    operation_id = "provisionCustomer",
    request_body = ProvisionIn,
    responses((status = 201, body = ProvisionOut), (status = CONFLICT, body = ErrorOut, description = "`email_taken`")),
    security(("adminSecret" = [])),
)]
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
