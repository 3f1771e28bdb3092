//! A posted message: whose session it is for, whether it is taken, and what the post is answered.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, RequestId, ServerJsonRpcMessage};
use serde_json::json;
use tokio::sync::oneshot;
use web::layers::note_session;

use super::Endpoint;
use super::outbox::NotSent;
use super::session::{NotTaken, Posted, Session};
use super::wire::{self, Frame};
use crate::transport::refusal::Refusal;
use crate::transport::{intake, json_rpc};

const JSON: &str = "application/json";

/// Put into the extensions of a request to `/mcp/message` when its customer is over the rate limit.
///
/// The message is not refused by status, because some clients end their session on any status that is not 2xx.
/// Instead its request is answered with an error on the stream.
#[derive(Clone, Debug)]
pub struct Throttled {
    /// Seconds until the next message is taken.
    pub retry_after: u64,
    /// Headers for the answer to the post, such as `Retry-After` and `RateLimit`.
    pub headers: HeaderMap,
}

/// Takes a post, or says why not.
pub(super) async fn accept<H>(endpoint: &Endpoint<H>, request: Request) -> Result<Response, Refusal> {
    let session = session_of(endpoint, &request)?;
    note_session(&session.id);
    intake::require_json(request.headers())?;
    let wants_json = accepts_only_json(request.headers());
    let (mut parts, body) = request.into_parts();
    let body = intake::read_message(body, &endpoint.limits).await?;
    let mut message: Posted = serde_json::from_slice(&body).map(Box::new).map_err(|error| not_a_message(&error))?;
    drop(body);

    if let Some(throttled) = parts.extensions.remove::<Throttled>() {
        return throttle(&session, message, throttled, wants_json).await;
    }
    intake::redact(&mut parts);
    message.insert_extension(parts);
    take(&session, message, wants_json).await
}

/// A session that is not the caller's does not exist for them.
fn session_of<H>(endpoint: &Endpoint<H>, request: &Request) -> Result<Arc<Session>, Refusal> {
    let caller = intake::caller(request)?;
    wire::parameter(request.uri().query(), "sessionId")
        .and_then(|id| endpoint.find(&id))
        .filter(|session| session.customer == caller.customer_id && !session.end.is_cancelled())
        .ok_or_else(Refusal::no_sse_session)
}

/// Whether the caller takes nothing but JSON: curl and simple scripts do, no MCP client does.
fn accepts_only_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(ACCEPT).iter();
    let first = values.next().and_then(|value| value.to_str().ok());
    values.next().is_none() && first.is_some_and(|value| value.trim().eq_ignore_ascii_case(JSON))
}

/// The parser's words, which tell position and reason but repeat nothing of the body beyond a name.
fn not_a_message(error: &serde_json::Error) -> Refusal {
    if error.is_data() {
        return intake::bad_json("The body is JSON, but not a JSON-RPC message that MCP knows");
    }
    intake::bad_json(format!("The body is not valid JSON: {error}"))
}

async fn take(session: &Arc<Session>, message: Posted, wants_json: bool) -> Result<Response, Refusal> {
    match &*message {
        ClientJsonRpcMessage::Request(request) => {
            let id = request.id.clone();
            take_request(session, id, message, wants_json).await
        }
        other => {
            let cancelled = cancelled_request(other);
            forward(session, message)?;
            if let Some(id) = cancelled {
                // rmcp answers a cancelled request no more, so nothing else would free its place.
                session.give_up(&id);
            }
            Ok(accepted())
        }
    }
}

async fn take_request(
    session: &Arc<Session>,
    id: RequestId,
    message: Posted,
    wants_json: bool,
) -> Result<Response, Refusal> {
    let (waiting, answer) = if wants_json {
        let (sender, receiver) = oneshot::channel();
        (Some(sender), Some(receiver))
    } else {
        (None, None)
    };
    if let Err(not_taken) = session.begin(&id, waiting) {
        return refuse(session, id, why(&not_taken), None, wants_json).await;
    }
    if let Err(refusal) = forward(session, message) {
        session.give_up(&id);
        return Err(refusal);
    }
    match answer {
        Some(answer) => Ok(wait_for(answer, session, id).await),
        None => Ok(accepted()),
    }
}

fn why(not_taken: &NotTaken) -> String {
    match not_taken {
        NotTaken::TooMany => "Too many requests at once; wait for one to be answered",
        NotTaken::Duplicate => "A request with this id is not answered yet",
    }
    .to_owned()
}

fn forward(session: &Session, message: Posted) -> Result<(), Refusal> {
    session.post(message).map_err(|error| match error {
        NotSent::Full => {
            Refusal::for_now(StatusCode::SERVICE_UNAVAILABLE, "session_busy", "The session has too much to do")
        }
        NotSent::Closed => Refusal::no_sse_session(),
    })
}

/// Answers the request itself, as an error on the stream, because the post must not fail.
async fn refuse(
    session: &Arc<Session>,
    id: RequestId,
    message: String,
    data: Option<serde_json::Value>,
    wants_json: bool,
) -> Result<Response, Refusal> {
    let error = json_rpc::refused(id, message, data);
    let frame = Frame::message(&error).map_err(|_| Refusal::internal())?;
    session.announce(&frame).await.map_err(|_| Refusal::no_sse_session())?;
    Ok(if wants_json { json_answer(frame.json()) } else { accepted() })
}

/// Over the rate limit: requests get an error, and only what ends or answers something still counts.
async fn throttle(
    session: &Arc<Session>,
    message: Posted,
    throttled: Throttled,
    wants_json: bool,
) -> Result<Response, Refusal> {
    let mut response = match &*message {
        ClientJsonRpcMessage::Request(request) => {
            let text = format!("Too many requests; try again in {} s", throttled.retry_after);
            let data = json!({ "retryAfter": throttled.retry_after });
            refuse(session, request.id.clone(), text, Some(data), wants_json).await?
        }
        ClientJsonRpcMessage::Notification(_) if cancelled_request(&message).is_none() => accepted(),
        _ => take(session, message, wants_json).await?,
    };
    response.headers_mut().extend(throttled.headers);
    Ok(response)
}

/// The request that a message cancels, if it does that.
fn cancelled_request(message: &ClientJsonRpcMessage) -> Option<RequestId> {
    let ClientJsonRpcMessage::Notification(notification) = message else { return None };
    let ClientNotification::CancelledNotification(cancelled) = &notification.notification else { return None };
    cancelled.params.request_id.clone()
}

/// The answer as the body of the post, for a caller that asked for it there.
async fn wait_for(answer: oneshot::Receiver<Bytes>, session: &Session, id: RequestId) -> Response {
    if let Ok(answer) = answer.await {
        return json_answer(answer);
    }
    let why =
        if session.end.is_cancelled() { "The session ended before the answer" } else { "The request was cancelled" };
    let error: ServerJsonRpcMessage = json_rpc::refused(id, why, None);
    match serde_json::to_vec(&error) {
        Ok(body) => json_answer(body.into()),
        Err(_) => Refusal::internal().into_response(),
    }
}

/// Never JSON: the .NET SDK would take a JSON body as the message itself.
fn accepted() -> Response {
    (StatusCode::ACCEPTED, [(CONTENT_TYPE, HeaderValue::from_static("text/plain"))], "Accepted").into_response()
}

fn json_answer(body: Bytes) -> Response {
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(JSON)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (headers, body).into_response()
}
