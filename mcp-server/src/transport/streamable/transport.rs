//! rmcp's view of a session.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification, RequestId,
    ServerJsonRpcMessage,
};
use rmcp::service::RoleServer;
use rmcp::transport::Transport;
use tokio::sync::mpsc;

use super::session::{Over, Posted, Session};
use crate::transport::sessions::{Slot, expiry};

/// Holds the session's place in the registry for as long as rmcp serves it, and ends the session with that.
pub(super) struct SessionTransport {
    session: Arc<Session>,
    inbox: mpsc::Receiver<Posted>,
    ends_at: Option<DateTime<Utc>>,
    /// Once the session is over: the calls that have to be told so.
    untold: Option<Vec<RequestId>>,
    _slot: Slot,
}

impl SessionTransport {
    pub(super) fn new(
        session: Arc<Session>,
        inbox: mpsc::Receiver<Posted>,
        slot: Slot,
        ends_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self { session, inbox, ends_at, untold: None, _slot: slot }
    }

    /// Calls under way are cancelled one by one, so that their handlers stop at once; then the input ends.
    fn wind_up(&mut self) -> Option<ClientJsonRpcMessage> {
        let untold = self.untold.get_or_insert_with(|| {
            self.session.close();
            self.session.under_way()
        });
        let params = CancelledNotificationParam::new(Some(untold.pop()?), Some("the session ended".to_owned()));
        let cancelled = ClientNotification::CancelledNotification(CancelledNotification::new(params));
        Some(ClientJsonRpcMessage::notification(cancelled))
    }
}

impl Transport<RoleServer> for SessionTransport {
    type Error = Over;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.session.deliver(message)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        if self.untold.is_none() {
            tokio::select! {
                biased;
                () = self.session.end.cancelled() => {}
                () = expiry(self.ends_at) => {}
                Some(message) = self.inbox.recv() => return Some(*message),
                () = self.session.silence() => {}
            }
        }
        self.wind_up()
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.session.close();
        Ok(())
    }
}

impl Drop for SessionTransport {
    fn drop(&mut self) {
        self.session.close();
    }
}
