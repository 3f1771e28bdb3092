//! Beginning a checkout.

use axum::http::StatusCode;
use web::ApiError;

use crate::Gateway;

/// The address where the person pays.
///
/// # Errors
///
/// When paying is not possible.
pub async fn start(_: &Gateway, email: &str, _: Option<&str>) -> Result<String, ApiError> {
    entity::customers::normalized_email(email)?;
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_configured", "Payments are not set up here."))
}
