//! The first steps with a customer.

use axum::Json;
use axum::extract::State;
use entity::db::Db;
use entity::workflows::{self, Workflow};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::auth::Owner;
use web::error::ApiError;

#[derive(Debug, Serialize, ToSchema)]
pub struct OnboardingOut {
    #[schema(example = "onboarding_started")]
    status: &'static str,
}

/// Starts the brand interview and what follows from it. While it is under way, asking again starts nothing.
#[utoipa::path(
    post,
    path = "/api/onboard/{customer_id}",
    tag = "Account",
    operation_id = "startOnboarding",
    params(("customer_id" = String, Path, description = "Your own id")),
    responses((status = 200, body = OnboardingOut)),
    security(("apiKey" = [])),
)]
pub async fn start(Owner(holder): Owner, State(db): State<Db>) -> Result<Json<OnboardingOut>, ApiError> {
    workflows::request(&db, &holder.customer.id, Workflow::Onboarding, json!({})).await?;
    Ok(Json(OnboardingOut { status: "onboarding_started" }))
}
