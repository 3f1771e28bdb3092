//! A session's transport inside rmcp, watched: what is in flight, how long sending takes, and when it has to end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification, RequestId,
    ServerJsonRpcMessage,
};
use rmcp::service::RoleServer;
use rmcp::transport::Transport;

use super::live::Live;
use crate::transport::sessions::Slot;

/// How long rmcp's worker may take to end. Dropping its channels ends it too, only less tidily.
const CLOSING: Duration = Duration::from_secs(5);

/// Holds the session's place in the registry for as long as rmcp serves it.
pub(super) struct Tracked<T> {
    inner: T,
    live: Arc<Live>,
    over: BoxFuture<'static, ()>,
    /// Once the session is over: the calls that have to be told so.
    untold: Option<Vec<RequestId>>,
    _slot: Slot,
}

impl<T> Tracked<T> {
    pub(super) fn new(inner: T, live: Arc<Live>, slot: Slot) -> Self {
        Self { inner, over: live.over(), live, untold: None, _slot: slot }
    }

    /// Calls in flight are cancelled one by one, so that their handlers stop at once; then the input ends. They stay under
    /// way, because nobody has answered them.
    fn wind_up(&mut self) -> Option<ClientJsonRpcMessage> {
        self.live.streams.remove_all();
        let id = self.untold.get_or_insert_with(|| self.live.under_way()).pop()?;
        let params = CancelledNotificationParam::new(Some(id), Some("the session ended".to_owned()));
        let cancelled = ClientNotification::CancelledNotification(CancelledNotification::new(params));
        Some(ClientJsonRpcMessage::notification(cancelled))
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Tracked<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = answered(&message);
        let live = self.live.clone();
        let sending = self.inner.send(message);
        async move {
            tokio::pin!(sending);
            let result = match tokio::time::timeout(live.send_timeout, &mut sending).await {
                Ok(result) => result,
                Err(_) => {
                    tracing::info!("client does not read its stream: session ended");
                    live.end.cancel();
                    live.streams.remove_all();
                    sending.await
                }
            };
            if let Some(id) = answered {
                live.settle(&id);
            }
            result
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        if self.untold.is_none() {
            tokio::select! {
                biased;
                () = &mut self.over => {}
                message = self.inner.receive() => return message,
            }
        }
        self.wind_up()
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.live.end.cancel();
        self.live.streams.remove_all();
        tokio::time::timeout(CLOSING, self.inner.close()).await.unwrap_or(Ok(()))
    }
}

/// The request that the message answers.
fn answered(message: &ServerJsonRpcMessage) -> Option<RequestId> {
    match message {
        ServerJsonRpcMessage::Response(response) => Some(response.id.clone()),
        ServerJsonRpcMessage::Error(error) => error.id.clone(),
        ServerJsonRpcMessage::Request(_) | ServerJsonRpcMessage::Notification(_) => None,
    }
}
