//! The bytes of the older transport: events on the stream, and the address to post to.

use std::io;

use axum::body::Bytes;
use rmcp::model::ServerJsonRpcMessage;
use url::form_urlencoded;

const MESSAGE: &[u8] = b"event: message\ndata: ";
const END: &[u8] = b"\n\n";

/// A comment: keeps proxies and clients from giving up on a quiet stream.
pub(super) const PING: Bytes = Bytes::from_static(b": ping\n\n");

/// A message as an event, with its JSON findable inside.
#[derive(Clone, Debug)]
pub(super) struct Frame(Bytes);

impl Frame {
    /// Writes the message once; JSON has no raw line breaks, so it is one `data` line.
    pub(super) fn message(message: &ServerJsonRpcMessage) -> serde_json::Result<Self> {
        let mut bytes = MESSAGE.to_vec();
        serde_json::to_writer(io::Write::by_ref(&mut bytes), message)?;
        bytes.extend_from_slice(END);
        Ok(Self(bytes.into()))
    }

    /// The event as it goes on the stream.
    pub(super) fn event(&self) -> Bytes {
        self.0.clone()
    }

    /// The message alone.
    pub(super) fn json(&self) -> Bytes {
        self.0.slice(MESSAGE.len()..self.0.len().saturating_sub(END.len()))
    }
}

/// The first event: where to post. The key is repeated only for a client that has no other way to send it.
pub(super) fn endpoint(path: &str, session_id: &str, token: Option<&str>) -> Bytes {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("sessionId", session_id);
    if let Some(token) = token {
        query.append_pair("token", token);
    }
    format!("event: endpoint\ndata: {path}?{}\n\n", query.finish()).into()
}

/// The first value of a query parameter.
pub(super) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}
