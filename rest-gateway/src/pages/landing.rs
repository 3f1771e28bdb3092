//! The start page, and the way from it to paying.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;
use serde::Deserialize;
use web::ApiError;
use web::session::{SameOrigin, see_other};

use super::Site;
use crate::{Gateway, discovery};

#[derive(Debug, Deserialize)]
pub struct LandingQuery {
    checkout: Option<String>,
    mode: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct CheckoutForm {
    #[serde(default)]
    email: String,
    plan: Option<String>,
}

/// What HeyCMO is: as a page, or as text for who says that they are an agent.
pub async fn show(
    State(gateway): State<Gateway>,
    Query(query): Query<LandingQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut response = if query.mode.as_deref() == Some("agent") {
        discovery::index(State(gateway), headers).await?
    } else {
        let cancelled = query.checkout.as_deref() == Some("cancelled");
        let mut page = page(&gateway.site, "", None, cancelled.then_some(CANCELLED))?;
        page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        page
    };
    response.headers_mut().insert(header::LINK, HeaderValue::from_static(discovery::LINKS));
    Ok(response)
}

const CANCELLED: &str = "You left the checkout. Nothing was charged; begin again whenever you like.";

/// Sends the person to the checkout, or says at the form why not.
pub async fn begin_checkout(
    _: SameOrigin,
    State(gateway): State<Gateway>,
    Form(form): Form<CheckoutForm>,
) -> Result<Response, ApiError> {
    let plan = form.plan.as_deref().filter(|plan| !plan.is_empty());
    let error = match gateway.billing.start_checkout(form.email.trim(), plan).await {
        Ok(url) => return Ok(see_other(&url)),
        Err(error) => error,
    };
    let page = match (error.fields.get("email"), error.status) {
        (Some(_), _) => {
            page(&gateway.site, &form.email, Some("Enter an e-mail address such as anna@example.com."), None)?
        }
        (None, StatusCode::CONFLICT) => page(&gateway.site, &form.email, Some(&error.message), None)?,
        (None, _) => {
            let problem = format!("{} Nothing was charged.", error.message);
            page(&gateway.site, &form.email, None, Some(&problem))?
        }
    };
    Ok((error.status, page).into_response())
}

fn page(site: &Site, email: &str, email_error: Option<&str>, message: Option<&str>) -> Result<Response, ApiError> {
    site.page("landing.html", context! { email, email_error, message })
}
