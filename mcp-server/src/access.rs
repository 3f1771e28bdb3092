//! Ends what a key or an app opened once it is no longer accepted, whichever process took it away.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use entity::db::Db;
use entity::feed::Feed;
use entity::{keys, oauth};
use tokio::sync::broadcast::error::RecvError;

use crate::caller::Credential;
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
    let live = sessions.live_credentials();
    if live.is_empty() {
        return;
    }
    let accepted = match still_accepted(db, &live).await {
        Ok(accepted) => accepted,
        // Every request checks its credential anyway; the next look catches the open streams.
        Err(error) => return tracing::warn!(%error, "could not check what the open sessions were opened with"),
    };
    for credential in live.difference(&accepted) {
        tracing::info!(%credential, "ending the sessions of what is no longer accepted");
        sessions.end(credential);
    }
}

async fn still_accepted(db: &Db, live: &HashSet<Credential>) -> entity::Result<HashSet<Credential>> {
    let (mut of_keys, mut of_grants) = (Vec::new(), Vec::new());
    for credential in live {
        match credential {
            Credential::Key(id) => of_keys.push(id.clone()),
            Credential::Grant(id) => of_grants.push(id.clone()),
        }
    }
    let of_keys = keys::still_accepted(db, of_keys).await?.into_iter().map(Credential::Key);
    let of_grants = oauth::still_accepted(db, of_grants).await?.into_iter().map(Credential::Grant);
    Ok(of_keys.chain(of_grants).collect())
}
