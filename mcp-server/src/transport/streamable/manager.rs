//! rmcp's local sessions, with places in the registry, limits per session, and an end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::future::Either;
use futures::stream::{self, Stream, StreamExt};
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage};
use rmcp::transport::WorkerTransport;
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, LocalSessionWorker,
};
use rmcp::transport::streamable_http_server::session::{RestoreOutcome, ServerSseMessage, SessionId, SessionManager};

use super::EXCHANGE;
use super::live::Live;
use super::owed::Owed;
use super::tracked::Tracked;
use crate::caller::Caller;
use crate::transport::config::Limits;
use crate::transport::lock;
use crate::transport::refusal::Refusal;
use crate::transport::sessions::{Kind, Sessions, Slot};

/// Messages that may wait in each of a session's channels. rmcp reserves room for them when a session starts.
const CHANNEL: usize = 4;
/// rmcp's own wait between making a session and getting its first message, which follow each other at once.
const HANDSHAKE: std::time::Duration = std::time::Duration::from_secs(30);

/// Why an exchange does not go on. What the client is told was put into the exchange.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManagerError {
    #[error("refused")]
    Refused,
    #[error(transparent)]
    Session(#[from] LocalSessionManagerError),
}

pub(super) struct Manager {
    inner: LocalSessionManager,
    limits: Limits,
    registry: Arc<Sessions>,
    live: Mutex<HashMap<SessionId, Arc<Live>>>,
}

type LocalTransport = WorkerTransport<LocalSessionWorker>;

impl Manager {
    pub(super) fn new(limits: &Limits, registry: Arc<Sessions>) -> Self {
        let mut inner = LocalSessionManager::default();
        let config = &mut inner.session_config;
        config.channel_capacity = CHANNEL;
        config.keep_alive = Some(limits.keep_alive);
        config.init_timeout = Some(limits.init_timeout.min(HANDSHAKE));
        config.sse_retry = None;
        Self { inner, limits: limits.clone(), registry, live: Mutex::default() }
    }

    /// A place for a session of the caller whose request this is.
    fn admit(&self) -> Result<(Slot, Caller), ManagerError> {
        let caller = super::current_caller().ok_or_else(|| refuse(Refusal::no_caller()))?;
        let slot = self.registry.admit(&caller, Kind::HttpSession).map_err(refuse)?;
        Ok((slot, caller))
    }

    fn track(&self, id: SessionId, transport: LocalTransport, slot: Slot, caller: &Caller) -> Tracked<LocalTransport> {
        let live = Arc::new(Live::new(slot.end().clone(), caller.ends_at(), &self.limits));
        lock(&self.live).insert(id, live.clone());
        Tracked::new(transport, live, slot)
    }

    /// A session that is on its way out is gone for its client, even while rmcp still knows it.
    fn live(&self, id: &SessionId) -> Result<Arc<Live>, ManagerError> {
        let live = lock(&self.live).get(id).cloned();
        live.filter(|live| !live.end.is_cancelled()).ok_or_else(|| refuse(Refusal::no_http_session()))
    }

    fn forget(&self, id: &SessionId) {
        let mut live = lock(&self.live);
        live.remove(id);
        if live.is_empty() {
            live.shrink_to_fit();
        }
    }
}

/// Leaves the client's answer with the exchange; rmcp itself only learns that something failed.
fn refuse(refusal: Refusal) -> ManagerError {
    // Without an exchange there is nobody to tell.
    EXCHANGE.try_with(|exchange| *lock(&exchange.refused) = Some(refusal)).ok();
    ManagerError::Refused
}

/// A session that ended in the middle of an exchange, by its idle limit for example.
fn gone(error: LocalSessionManagerError) -> ManagerError {
    tracing::debug!(%error, "session ended while it was used");
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
    type Transport = Tracked<LocalTransport>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (slot, caller) = self.admit()?;
        let (id, transport) = self.inner.create_session().await?;
        let transport = self.track(id.clone(), transport, slot, &caller);
        Ok((id, transport))
    }

    async fn restore_session(&self, id: SessionId) -> Result<RestoreOutcome<Self::Transport>, Self::Error> {
        let (slot, caller) = self.admit()?;
        Ok(match self.inner.restore_session(id.clone()).await? {
            RestoreOutcome::Restored(transport) => RestoreOutcome::Restored(self.track(id, transport, slot, &caller)),
            RestoreOutcome::AlreadyPresent => RestoreOutcome::AlreadyPresent,
            _ => RestoreOutcome::NotSupported,
        })
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        Ok(self.inner.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        if lock(&self.live).contains_key(id) {
            return self.live(id).map(|_| true);
        }
        Ok(self.inner.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        if let Ok(live) = self.live(id) {
            // A worker that waits for a stuck reader would not hear that it is to end.
            live.streams.remove_all();
        }
        let closed = self.inner.close_session(id).await;
        self.forget(id);
        Ok(closed?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let live = self.live(id)?;
        let ClientJsonRpcMessage::Request(request) = &message else { return Err(ManagerError::Refused) };
        let request_id = request.id.clone();
        if let Err(why) = live.begin(&request_id) {
            let error = ErrorData::new(ErrorCode(-32000), why, None);
            let answer = ServerSseMessage::from_message(ServerJsonRpcMessage::error(error, Some(request_id)));
            return Ok(Either::Left(stream::iter([answer])));
        }
        match self.inner.create_stream(id, message).await {
            Ok(stream) => {
                let stream = live.streams.wrap(stream).take_until(Box::pin(super::see_to_the_end()));
                Ok(Either::Right(Owed::new(stream, live, request_id)))
            }
            Err(error) => {
                live.settle(&request_id);
                Err(gone(error))
            }
        }
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        let live = self.live(id)?;
        if let Some(request) = taken_back(&message) {
            // rmcp answers it no more, so nothing else would free its place.
            live.settle(request);
        }
        self.inner.accept_message(id, message).await.map_err(gone)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let live = self.live(id)?;
        let stream = self.inner.create_standalone_stream(id).await.map_err(gone)?;
        Ok(live.streams.wrap(stream))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let live = self.live(id)?;
        let stream = self.inner.resume(id, last_event_id).await?;
        Ok(live.streams.wrap(stream))
    }
}
