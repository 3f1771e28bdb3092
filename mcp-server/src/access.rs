//! Ends what a key opened once the key is no longer accepted, whichever process took it away.

use std::sync::Arc;
use std::time::Duration;

use entity::db::Db;
use entity::feed::Feed;
use entity::keys;
use tokio::sync::broadcast::error::RecvError;

use crate::transport::Sessions;

/// How often the sessions are looked at besides. Events say at once what changed; this finds what has no event, such
/// as the end of a grace period, and what happened while the database was away.
const INTERVAL: Duration = Duration::from_secs(60);

/// Watches for ever.
pub async fn watch(db: Db, feed: Feed, sessions: Arc<Sessions>) {
    loop {
        sessions.occupied().await;
        let mut events = feed.subscribe();
        end_refused(&db, &sessions).await;
        while sessions.count() + sessions.exchanges() > 0 {
            let may_have_changed = match tokio::time::timeout(INTERVAL, events.recv()).await {
                Ok(Ok(event)) => event.event_type.may_end_access(),
                Ok(Err(RecvError::Lagged(_))) | Err(_) => true,
                Ok(Err(RecvError::Closed)) => return,
            };
            if may_have_changed {
                end_refused(&db, &sessions).await;
            }
        }
    }
}

async fn end_refused(db: &Db, sessions: &Sessions) {
    let live = sessions.live_keys();
    if live.is_empty() {
        return;
    }
    let accepted = match keys::still_accepted(db, live.iter().cloned().collect()).await {
        Ok(accepted) => accepted,
        // Every request checks its key anyway; the next look catches the open streams.
        Err(error) => return tracing::warn!(%error, "could not check the keys of the open sessions"),
    };
    let accepted: std::collections::HashSet<_> = accepted.into_iter().collect();
    for key in live.difference(&accepted) {
        tracing::info!(%key, "ending the sessions of a key that is no longer accepted");
        sessions.end_key(key);
    }
}
