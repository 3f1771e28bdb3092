//! Progress notifications of calls that take a while.

use rmcp::model::{ProgressNotificationParam, ProgressToken, RequestMetaObject};
use rmcp::{Peer, RoleServer};

/// Tells a client that asked for it how far its call is.
pub struct Teller {
    peer: Peer<RoleServer>,
    token: ProgressToken,
    /// How often it was told.
    told: u32,
    /// What was told last; it is not told twice.
    last: String,
}

impl Teller {
    /// None where the client does not want to know.
    pub fn of(meta: &RequestMetaObject, peer: Peer<RoleServer>) -> Option<Self> {
        let token = meta.get_progress_token()?;
        Some(Self { peer, token, told: 0, last: String::new() })
    }

    /// Tells what is being done, unless it was told already.
    pub async fn tell(&mut self, message: String) {
        if self.last == message {
            return;
        }
        self.told += 1;
        self.last.clone_from(&message);
        let progress = ProgressNotificationParam::new(self.token.clone(), self.told.into()).with_message(message);
        // A client that does not hear it still gets the answer.
        let _ = self.peer.notify_progress(progress).await;
    }
}
