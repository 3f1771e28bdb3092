//! The sessions of Streamable HTTP by their ids, for rmcp: with places in the registry, limits per session, and an end.
//!
//! rmcp has a manager of its own, whose sessions pass every message through one more task and four more channels. That was
//! a seventh of a call's cost and half of an idle session's memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::future::Either;
use futures::stream::{self, Stream};
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, RequestId, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::{RestoreOutcome, ServerSseMessage, SessionId, SessionManager};

use super::EXCHANGE;
use super::events::Events;
use super::session::Session;
use super::transport::SessionTransport;
use crate::transport::config::Limits;
use crate::transport::refusal::Refusal;
use crate::transport::sessions::{Kind, Sessions};
use crate::transport::{json_rpc, lock, random_id};

/// Why an exchange does not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManagerError {
    /// What the client is told was put into the exchange.
    #[error("refused")]
    Refused,
    /// rmcp answers with a stream that is over.
    #[error("no stream has this event")]
    UnknownEvent,
}

pub(super) struct Manager {
    limits: Arc<Limits>,
    registry: Arc<Sessions>,
    open: Mutex<HashMap<SessionId, Arc<Session>>>,
}

impl Manager {
    pub(super) fn new(limits: &Limits, registry: Arc<Sessions>) -> Self {
        Self { limits: Arc::new(limits.clone()), registry, open: Mutex::default() }
    }

    /// A session of the caller whose request this is, in the place of one of the same id that has ended.
    fn open(&self, id: SessionId) -> Result<SessionTransport, ManagerError> {
        let caller = super::current_caller().ok_or_else(|| refuse(Refusal::no_caller()))?;
        let slot = self.registry.admit(&caller, Kind::HttpSession).map_err(refuse)?;
        let (session, inbox) = Session::new(slot.end().clone(), self.limits.clone());
        lock(&self.open).insert(id, session.clone());
        Ok(SessionTransport::new(session, inbox, slot, caller.ends_at()))
    }

    /// A session that is on its way out is gone for its client.
    fn find(&self, id: &SessionId) -> Option<Arc<Session>> {
        lock(&self.open).get(id).filter(|session| !session.end.is_cancelled()).cloned()
    }

    fn get(&self, id: &SessionId) -> Result<Arc<Session>, ManagerError> {
        self.find(id).ok_or_else(gone)
    }

    /// Takes a session out, whatever state it is in, or only one that has ended.
    fn take(&self, id: &SessionId, is_meant: impl Fn(&Session) -> bool) -> Option<Arc<Session>> {
        let mut open = lock(&self.open);
        let taken = if open.get(id).is_some_and(|session| is_meant(session)) { open.remove(id) } else { None };
        if open.is_empty() {
            open.shrink_to_fit();
        }
        taken
    }
}

/// Leaves the client's answer with the exchange; rmcp itself only learns that something failed.
fn refuse(refusal: Refusal) -> ManagerError {
    // Without an exchange there is nobody to tell.
    EXCHANGE.try_with(|exchange| *lock(&exchange.refused) = Some(refusal)).ok();
    ManagerError::Refused
}

/// A session that ended in the middle of an exchange, by its idle limit for example.
fn gone() -> ManagerError {
    refuse(Refusal::no_http_session())
}

/// The request that the client cancels with this message.
fn taken_back(message: &ClientJsonRpcMessage) -> Option<&RequestId> {
    let ClientJsonRpcMessage::Notification(notification) = message else { return None };
    let ClientNotification::CancelledNotification(cancelled) = &notification.notification else { return None };
    cancelled.params.request_id.as_ref()
}

impl SessionManager for Manager {
    type Error = ManagerError;
    type Transport = SessionTransport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let id = SessionId::from(random_id().map_err(refuse)?);
        let transport = self.open(id.clone())?;
        Ok((id, transport))
    }

    async fn restore_session(&self, id: SessionId) -> Result<RestoreOutcome<Self::Transport>, Self::Error> {
        if self.find(&id).is_some() {
            return Ok(RestoreOutcome::AlreadyPresent);
        }
        self.open(id).map(RestoreOutcome::Restored)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let session = self.get(id)?;
        let ClientJsonRpcMessage::Request(request) = message else { return Err(ManagerError::Refused) };
        // The session is new, so there is nothing else under way.
        let mut reader = session.ask(request).await.map_err(|_| gone())?.map_err(|_| ManagerError::Refused)?;
        let answer = reader.events.recv().await.and_then(|event| event.message);
        answer.map(Arc::unwrap_or_clone).ok_or_else(gone)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.find(id).is_some())
    }

    /// Asked for by the client, and by rmcp once it serves the session no more. By then there may be another session with
    /// the same id, whose client has come back.
    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        let by_the_client = super::current_caller().is_some();
        if let Some(session) = self.take(id, |session| by_the_client || session.end.is_cancelled()) {
            session.close();
        }
        Ok(())
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let session = self.get(id)?;
        let ClientJsonRpcMessage::Request(request) = message else { return Err(ManagerError::Refused) };
        let request_id = request.id.clone();
        let reader = match session.ask(request).await.map_err(|_| gone())? {
            Ok(reader) => reader,
            Err(why) => {
                let answer = json_rpc::refused(request_id, why, None);
                return Ok(Either::Left(stream::iter([ServerSseMessage::from_message(answer)])));
            }
        };
        Ok(Either::Right(Events::new(session, reader).until(super::see_to_the_end())))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        let session = self.get(id)?;
        if let Some(request) = taken_back(&message) {
            // rmcp does not answer it any more.
            session.give_up(request);
        }
        session.post(message).await.map_err(|_| gone())
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let session = self.get(id)?;
        let reader = session.listen();
        Ok(Events::new(session, reader))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let session = self.get(id)?;
        let reader = session.resume(&last_event_id).ok_or(ManagerError::UnknownEvent)?;
        Ok(Events::new(session, reader))
    }
}
