//! The handler as a session of the older transport runs it.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use rmcp::ServerHandler;
use rmcp::model::{ClientNotification, ClientRequest, ErrorData, ProtocolVersion, ServerConfig, ServerResult};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, Service};

/// How long a cancelled call may take to stop by itself before it is dropped.
const GRACE: Duration = Duration::from_secs(5);

/// Caps the protocol at the last version that has sessions, and makes sure that every request ends.
///
/// Clients that can do more would otherwise negotiate a version here that has no server-to-client requests, and ask
/// for what this transport cannot do.
pub(super) struct LegacyHandler<H>(pub(super) H);

impl<H: ServerHandler> LegacyHandler<H> {
    fn versions(&self) -> Vec<ProtocolVersion> {
        let ours = ProtocolVersion::known_up_to(&ProtocolVersion::LATEST_WITH_INITIALIZE);
        let theirs = self.0.supported_protocol_versions();
        theirs.iter().filter(|version| ours.contains(version)).cloned().collect()
    }

    fn refuse_newer(&self, requested: Option<ProtocolVersion>) -> Result<(), ErrorData> {
        let Some(requested) = requested else { return Ok(()) };
        let supported = self.versions();
        if supported.contains(&requested) {
            return Ok(());
        }
        Err(ErrorData::unsupported_protocol_version(requested, &supported))
    }
}

impl<H: ServerHandler> Service<RoleServer> for LegacyHandler<H> {
    async fn handle_request(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        if !matches!(request, ClientRequest::InitializeRequest(_)) {
            self.refuse_newer(context.meta.protocol_version())?;
        }
        let cancelled = context.ct.clone();
        let call = AssertUnwindSafe(Service::handle_request(&self.0, request, context)).catch_unwind();
        let abandoned = async {
            cancelled.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let mut result = tokio::select! {
            result = call => result.unwrap_or_else(|_| Err(ErrorData::internal_error("Something went wrong on our side", None))),
            () = abandoned => Err(ErrorData::internal_error("The request was cancelled", None)),
        };
        if let Ok(ServerResult::DiscoverResult(discovered)) = &mut result {
            let supported = self.versions();
            discovered.supported_versions.retain(|version| supported.contains(version));
        }
        result
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.handle_notification(notification, context).await
    }

    fn get_info(&self) -> ServerConfig {
        ServerHandler::get_info(&self.0)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Owned(self.versions())
    }
}
