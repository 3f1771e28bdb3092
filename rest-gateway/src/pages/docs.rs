//! The routes for programs, as a page.

use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use web::ApiError;

use super::Site;
use crate::openapi::Route;

/// Every route with what it needs and answers.
pub fn show(site: &Site, routes: &[Route]) -> Result<Response, ApiError> {
    site.page("docs.html", context! { routes => Serde(routes) })
}
