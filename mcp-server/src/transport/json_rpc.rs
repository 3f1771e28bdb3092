//! What both transports have to know of JSON-RPC.

use rmcp::model::{ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage};
use serde_json::Value;

/// The request that a message answers, if it is an answer.
pub(super) fn answered(message: &ServerJsonRpcMessage) -> Option<&RequestId> {
    match message {
        ServerJsonRpcMessage::Response(response) => Some(&response.id),
        ServerJsonRpcMessage::Error(error) => error.id.as_ref(),
        ServerJsonRpcMessage::Request(_) | ServerJsonRpcMessage::Notification(_) => None,
    }
}

/// An error of the server's own range, as the answer to a request that was not taken or not finished.
pub(super) fn refused(id: RequestId, message: impl Into<String>, data: Option<Value>) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::error(ErrorData::new(ErrorCode(-32000), message.into(), data), Some(id))
}
