//! The description of the API, generated from the handlers.
//!
//! A handler says what is its own. What follows from how it is called (who may, what a body can be wrong in, what a
//! limit answers) is added here, in one place.

use serde::Serialize;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr};
use utoipa::{Modify, OpenApi as _};
use web::error::ErrorOut;
use web::rate_limit::Scope;

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

/// Says of every operation that requests to it are counted by the client's address, against this limit.
pub fn limited_by_address(api: &mut OpenApi, scope: Scope) {
    let description = format!(
        "More requests a minute from one address than the limit `{}` allows; `Retry-After` says how many seconds to wait",
        scope.name()
    );
    for item in api.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            operation.responses.responses.insert("429".to_owned(), RefOr::T(error("429", &description)));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [("GET", &mut item.get), ("POST", &mut item.post), ("PUT", &mut item.put), ("DELETE", &mut item.delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// A route as a person reads of it.
#[derive(Debug, Serialize)]
pub struct Route {
    method: &'static str,
    path: String,
    summary: String,
    /// The credential, in words; none for everybody.
    credential: Option<&'static str>,
    answers: Vec<Answer>,
}

/// A status and when it is answered.
#[derive(Debug, Serialize)]
pub struct Answer {
    status: String,
    description: String,
}

/// Every route, in the order of its path.
pub fn routes(mut api: OpenApi) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            routes.push(Route {
                method,
                path: path.clone(),
                summary: operation.summary.clone().unwrap_or_default(),
                credential: credential(path, operation),
                answers: answers(operation),
            });
        }
    }
    routes
}

fn credential(path: &str, operation: &Operation) -> Option<&'static str> {
    operation.security.as_ref()?;
    Some(if path.starts_with("/api/admin/") { "the admin secret" } else { "an API key of this customer" })
}

fn answers(operation: &Operation) -> Vec<Answer> {
    let description = |response: &RefOr<Response>| match response {
        RefOr::T(response) => response.description.clone(),
        RefOr::Ref(_) => String::new(),
    };
    let responses = operation.responses.responses.iter();
    responses.map(|(status, response)| Answer { status: status.clone(), description: description(response) }).collect()
}

/// Adds to every operation what follows from how it is called: its errors, and a word for what handlers say nothing of,
/// since OpenAPI requires one of every answer.
pub fn completed(mut api: OpenApi) -> OpenApi {
    for (path, item) in &mut api.paths.paths {
        for (_, operation) in operations(item) {
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    response.description = "Done".to_owned();
                }
            }
            for (status, description) in common_errors(path, operation) {
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

fn common_errors(path: &str, operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut errors = vec![
        ("408", "It took too long and was given up"),
        ("500", "A fault of ours; it is logged under the request id"),
        (
            "503",
            "The database is away (`database_unavailable`), was lost while it saved (`outcome_unknown`: look before \
             trying again) or cannot write (`storage_full`), or this is not set up here (`not_configured`)",
        ),
    ];
    if operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty())
        || operation.request_body.is_some()
    {
        errors.push(("400", "Invalid input; `fields` names what is wrong"));
    }
    if path.contains('{') {
        errors.push(("404", "There is no such thing, or it is not yours"));
    }
    if operation.security.is_some() {
        errors.push(("401", "No or an unknown credential"));
    }
    if operation.security.is_some() && !path.starts_with("/api/admin/") {
        errors.push(("403", "The account may not be used now, or the key may not do this (`insufficient_scope`)"));
        errors.push((
            "429",
            "More requests a minute with one key than the limit `api` allows; `Retry-After` says how many seconds to wait",
        ));
    }
    if operation.request_body.is_some() {
        errors.push(("413", "The body is too large"));
        errors.push(("415", "The body is not JSON"));
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
