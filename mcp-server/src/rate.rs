//! How often a customer may call, over all their sessions and both transports.

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use rmcp::ErrorData;
use rmcp::handler::server::common::{AsRequestContext, FromContextPart};
use web::ApiError;
use web::rate_limit::{Allowance, Payer, RateLimiter, Scope};

use crate::caller::Caller;
use crate::transport::{self, Throttled};

/// Charges the customer for whatever opens a stream or brings a message.
///
/// On the older transport a message over the limit is answered on the stream: the official Python client ends its
/// session when a post fails. Everywhere else the refusal is a 429, after which every client can go on.
pub async fn limit(
    State(limiter): State<RateLimiter>,
    Extension(caller): Extension<Caller>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let is_legacy_message = match (request.method(), request.uri().path()) {
        (&Method::GET, "/mcp/sse" | "/mcp") | (&Method::POST, "/mcp") => false,
        (&Method::POST, "/mcp/message") => true,
        _ => return Ok(next.run(request).await),
    };
    match limiter.charge(request.extensions(), Scope::Mcp, &Payer::Customer(caller.customer_id)) {
        Ok(Some(allowance)) => drop(request.extensions_mut().insert(allowance)),
        Ok(None) => {}
        Err(exceeded) if is_legacy_message => {
            let throttled = Throttled { retry_after: exceeded.retry_after(), headers: exceeded.headers() };
            request.extensions_mut().insert(throttled);
        }
        Err(exceeded) => {
            transport::read_off(request).await;
            return Err(exceeded.into());
        }
    }
    Ok(next.run(request).await)
}

/// What is left of the customer's budget after the call that a tool is answering; none where there is no limit.
pub struct Left(pub Option<Allowance>);

impl<C: AsRequestContext> FromContextPart<C> for Left {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        let parts = context.as_request_context().extensions.get::<http::request::Parts>();
        Ok(Self(parts.and_then(|parts| parts.extensions.get().copied())))
    }
}
