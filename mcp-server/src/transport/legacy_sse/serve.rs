//! The life of a session: which lifecycle it follows, and everything that ends it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::OptionFuture;
use rmcp::ServerHandler;
use rmcp::model::{
    ClientCapabilities, ClientJsonRpcMessage, ClientRequest, EmptyResult, GetMeta, Implementation,
    InitializeRequestParams, ProtocolVersion, ServerJsonRpcMessage, ServerResult,
};
use rmcp::service::{RoleServer, serve_directly_with_ct, serve_server_with_ct};
use rmcp::transport::{Transport, TransportAdapterIdentity};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::handler::LegacyHandler;
use super::outbox::Closed;
use super::session::{Posted, Session};
use crate::transport::sessions::{Slot, expiry};

/// rmcp's view of a session.
struct SessionTransport {
    session: Arc<Session>,
    inbox: mpsc::Receiver<Posted>,
    /// Read already, to see which lifecycle it starts.
    first: Option<Posted>,
    shutdown: CancellationToken,
}

impl Transport<RoleServer> for SessionTransport {
    type Error = Closed;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.session.deliver(&message)
    }

    /// At shutdown the input ends, and rmcp gives the calls in flight a few seconds to finish.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        if let Some(first) = self.first.take() {
            return Some(*first);
        }
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => None,
            posted = self.inbox.recv() => posted.map(|message| *message),
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Lets go of the session however its task ends, a panic included.
struct Release<F: FnOnce()> {
    session: Arc<Session>,
    deliver_the_rest: bool,
    forget: Option<F>,
}

impl<F: FnOnce()> Drop for Release<F> {
    fn drop(&mut self) {
        if let Some(forget) = self.forget.take() {
            forget();
        }
        self.session.release(self.deliver_the_rest);
    }
}

/// What a session's task works with.
pub(super) struct Life<H, F> {
    pub(super) handler: H,
    pub(super) session: Arc<Session>,
    pub(super) inbox: mpsc::Receiver<Posted>,
    pub(super) slot: Slot,
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) shutdown: CancellationToken,
    /// Takes the session out of the map that posts look in.
    pub(super) forget: F,
}

impl<H: ServerHandler, F: FnOnce() + Send> Life<H, F> {
    /// Runs the session until its client goes, its time is over, it falls silent, or the server shuts down.
    pub(super) async fn run(self) {
        let Self { handler, session, inbox, slot, ends_at, shutdown, forget } = self;
        let mut release = Release { session: session.clone(), deliver_the_rest: false, forget: Some(forget) };
        let transport = SessionTransport { session: session.clone(), inbox, first: None, shutdown };
        // Boxed, because most keys do not expire and then this takes no room in the session.
        let expiring: OptionFuture<_> = ends_at.map(|at| Box::pin(expiry(Some(at)))).into();
        tokio::select! {
            () = session.end.cancelled() => {}
            () = session.silence() => {}
            Some(()) = expiring => {}
            () = serve(handler, transport, session.end.clone()) => release.deliver_the_rest = true,
        }
        drop(release);
        drop(slot);
    }
}

/// Waits for the first message that starts something and serves the session by the lifecycle it belongs to.
async fn serve<H: ServerHandler>(handler: H, mut transport: SessionTransport, end: CancellationToken) {
    let Some(first) = first_message(&mut transport).await else { return };
    let opens = opens_a_session(&first);
    transport.first = Some(first);
    let handler = LegacyHandler(handler);
    let running = if opens {
        // Boxed: the handshake's state is large and gone when it is done.
        let handshake = Box::pin(serve_server_with_ct::<_, _, _, TransportAdapterIdentity>(handler, transport, end));
        match handshake.await {
            Ok(running) => running,
            Err(error) => {
                tracing::debug!(%error, "session ended during its handshake");
                return;
            }
        }
    } else {
        serve_directly_with_ct::<RoleServer, _, _, _, TransportAdapterIdentity>(
            handler,
            transport,
            Some(unknown_client()),
            end,
        )
    };
    if let Err(error) = running.waiting().await {
        tracing::error!(%error, "a session's loop failed");
    }
}

/// Answers pings, which may come before anything else and say nothing of the lifecycle.
async fn first_message(transport: &mut SessionTransport) -> Option<Posted> {
    loop {
        let message = Box::new(transport.receive().await?);
        match *message {
            ClientJsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::PingRequest(_)) => {
                let pong = ServerResult::EmptyResult(EmptyResult {});
                transport.session.deliver(&ServerJsonRpcMessage::response(pong, request.id)).await.ok()?;
            }
            _ => return Some(message),
        }
    }
}

/// Whether a first message belongs to a client that is about to agree on a version.
///
/// Everything else comes from a client that did so before: its connection broke, most likely because this server was
/// restarted, and it goes on over a new stream without initializing again. Refusing would leave it broken for good.
fn opens_a_session(first: &ClientJsonRpcMessage) -> bool {
    let ClientJsonRpcMessage::Request(request) = first else { return false };
    matches!(request.request, ClientRequest::InitializeRequest(_) | ClientRequest::DiscoverRequest(_))
        || request.request.get_meta().protocol_version().is_some()
}

/// What is assumed of a client that goes on without having said what it can: the first version, and no extras.
fn unknown_client() -> InitializeRequestParams {
    InitializeRequestParams::new(ClientCapabilities::default(), Implementation::new("unknown", "0"))
        .with_protocol_version(ProtocolVersion::V_2024_11_05)
}
