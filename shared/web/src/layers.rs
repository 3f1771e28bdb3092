//! What stands around every route: request ids, the access log, the error shape, what is left of rate limits, panics,
//! time and size limits.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use entity::ids::CustomerId;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use ulid::Ulid;

use crate::error::ApiError;
use crate::rate_limit::Told;
use crate::{metrics, telemetry};

/// How long a request to the gateway may take. Streams begin at once and are not bound by it.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How large a request body may be where nothing else is said, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;
/// How large MCP messages, webhooks and Inngest calls may be, in bytes.
pub const LARGE_BODY_LIMIT: usize = 4 * 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID_CHARS: usize = 64;

/// The id of a request, in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The span of a request, in its extensions: what goes on after its answer, in another task, still belongs to it.
#[derive(Clone, Debug)]
pub struct RequestSpan(pub Span);

/// Puts the common layers around a finished router. `timeout` is how long a request may take until its answer begins.
///
/// Unknown routes and wrong methods are answered in the error shape too. The access log names the route, not the
/// address: a query may hold a key.
pub fn around(router: Router, timeout: Duration) -> Router {
    router
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::of_status(StatusCode::METHOD_NOT_ALLOWED))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(self::timeout(timeout))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(finish))
}

/// On an answer: worth no line in the log if all went well.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

/// Gives a request up after this time.
pub fn timeout(after: Duration) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, after)
}

/// The panic itself is in the log, by the panic hook.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// Gives the request its id, writes error bodies and the headers of rate limits, and logs one line.
async fn finish(mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let told = Told::default();
    request.extensions_mut().insert(told.clone());
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map(MatchedPath::as_str);
    let span = span(&id, &method, route.unwrap_or("(none)"));
    telemetry::received(&span, &method, route.unwrap_or("(none)"), request.headers());
    request.extensions_mut().insert(RequestSpan(span.clone()));
    let started = Instant::now();

    let response = next.run(request).instrument(span.clone()).await;
    let mut response = with_error_body(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.headers_mut().extend(told.take());
    let took = started.elapsed();
    metrics::answered(&method, route, response.status(), took);
    telemetry::answered(&span, response.status());
    let (status, millis) = (response.status().as_u16(), took.as_secs_f64() * 1_000.0);
    if response.extensions().get::<Quiet>().is_some() && response.status().is_success() {
        span.in_scope(|| tracing::debug!(status, millis, "answered"));
    } else {
        span.in_scope(|| tracing::info!(status, millis, "answered"));
    }
    response
}

/// Whoever finds out writes the customer and the session into it; then they are in every line of the request's.
fn span(id: &str, method: &Method, route: &str) -> Span {
    tracing::info_span!(
        "request",
        %id,
        %method,
        route,
        customer = Empty,
        session = Empty,
        otel.name = Empty,
        otel.kind = Empty,
    )
}

/// Whose request it is that is being handled, for the log.
pub fn note_customer(id: &CustomerId) {
    Span::current().record("customer", tracing::field::display(id));
}

/// In which session it came, for the log.
pub fn note_session(id: &str) {
    Span::current().record("session", id);
}

fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let well_formed = |id: &&str| {
        (1..=MAX_REQUEST_ID_CHARS).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    given.filter(well_formed).map_or_else(|| format!("req_{}", Ulid::generate()), str::to_owned)
}

fn with_error_body(mut response: Response, id: &str) -> Response {
    let error = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => error,
        None if has_body_of_its_own(&response) => return response,
        None => ApiError::of_status(response.status()),
    };
    let Ok(json) = serde_json::to_vec(&error.body(id)) else { return response };
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = Body::from(json);
    // For whoever stands further out and says it in another form.
    response.extensions_mut().insert(error);
    response
}

/// Plain-text errors come from libraries; every other body was written on purpose.
fn has_body_of_its_own(response: &Response) -> bool {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    !(status.is_client_error() || status.is_server_error())
        || content_type.is_some_and(|value| !value.starts_with("text/plain"))
}
