//! Answers that are larger than clients take, of whichever transport.

use axum::body::Bytes;
use rmcp::model::{ErrorData, RequestId, ServerJsonRpcMessage};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What replaces an answer that no client would take.
pub(super) fn too_large(id: Option<RequestId>, bytes: usize, max: usize) -> ServerJsonRpcMessage {
    let message = format!("The result has {bytes} bytes, more than the {max} that fit; ask for less at once");
    ServerJsonRpcMessage::error(ErrorData::internal_error(message, None), id)
}

/// The same for a message that is written already; nothing when it fits or is no answer with a result.
pub(super) fn instead_of(json: &[u8], max: usize) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Answer {
        id: RequestId,
        #[serde(rename = "result")]
        _result: IgnoredAny,
    }
    if json.len() <= max {
        return None;
    }
    let answer: Answer = serde_json::from_slice(json).ok()?;
    serde_json::to_vec(&too_large(Some(answer.id), json.len(), max)).ok().map(Bytes::from)
}

/// The same for a whole event of a stream: the event as it may leave.
pub(super) fn event(event: Bytes, max: usize) -> Bytes {
    if event.len() <= max {
        return event;
    }
    let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
    match data.and_then(|json| instead_of(json, max)) {
        Some(error) => [b"data: ", error.as_ref(), b"\n\n"].concat().into(),
        None => event,
    }
}
