//! The description of the API, generated from the handlers.
//!
//! A handler says what is its own. What follows from how it is called (who may, what a body can be wrong in, what a
//! limit answers) is added here, in one place.

use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr};
use utoipa::{Modify, OpenApi as _};
use web::error::ErrorOut;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "HeyCMO",
        description = "The REST gateway of HeyCMO, an AI chief marketing officer for the assistant you already use.\n\nEvery error has one shape, `ErrorOut`. Every answer has the header `x-request-id`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "Account", description = "A customer's own account, by their key"),
        (name = "Billing", description = "Paying, at Stripe"),
        (name = "Operators", description = "Whoever runs this server"),
        (name = "Health", description = "Whether it runs"),
    ),
    components(schemas(ErrorOut)),
    modifiers(&Credentials),
)]
struct Description;

/// What [`crate::router`] begins with.
pub fn description() -> OpenApi {
    Description::openapi()
}

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, api: &mut OpenApi) {
        let bearer = |text: &str| {
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build())
        };
        let components = api.components.get_or_insert_with(Components::new);
        components.add_security_scheme("apiKey", bearer("A customer's API key, `hcmo_live_…`"));
        components.add_security_scheme("adminSecret", bearer("The operator's ADMIN_SECRET"));
    }
}

/// Adds to every operation the errors that follow from how it is called.
pub fn with_common_errors(mut api: OpenApi) -> OpenApi {
    for (path, item) in &mut api.paths.paths {
        let limited = !path.starts_with("/api/health");
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            for (status, description) in common_errors(operation, limited) {
                operation
                    .responses
                    .responses
                    .entry(status.to_owned())
                    .or_insert_with(|| RefOr::T(error(status, description)));
            }
        }
    }
    api
}

fn common_errors(operation: &Operation, limited: bool) -> Vec<(&'static str, &'static str)> {
    let mut errors = vec![
        ("408", "It took too long and was given up"),
        ("500", "A fault of ours; it is logged under the request id"),
        ("503", "The database is away (`database_unavailable`), or this is not set up here (`not_configured`)"),
    ];
    if operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty())
        || operation.request_body.is_some()
    {
        errors.push(("400", "Invalid input; `fields` names what is wrong"));
    }
    if operation.parameters.is_some() {
        errors.push(("404", "There is no such thing, or it is not yours"));
    }
    if operation.security.is_some() {
        errors.push(("401", "No or an unknown credential"));
        errors.push(("403", "The account may not be used now"));
    }
    if operation.request_body.is_some() {
        errors.push(("413", "The body is too large"));
        errors.push(("415", "The body is not JSON"));
    }
    if limited {
        errors.push(("429", "Too many requests; `Retry-After` says how long to wait, in seconds"));
    }
    errors
}

fn error(status: &str, description: &str) -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name("ErrorOut"));
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", ContentBuilder::new().schema(Some(schema)).build());
    if status == "429" { response.header("Retry-After", HeaderBuilder::new().build()) } else { response }.build()
}
