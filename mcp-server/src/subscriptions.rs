//! Telling clients that a resource has changed, whichever process changed it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use entity::events::{Event, EventType};
use entity::feed::Feed;
use entity::ids::CustomerId;
use marketing::report;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::SubscriptionContext;
use rmcp::{ErrorData, Peer, RoleServer};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::resources::{BRAND_URI, CALENDAR, content_uri, playbook_uris};

/// More than any client has use for.
const MAX_URIS: usize = 200;

/// What an event means for whoever reads resources.
struct Change {
    /// Resources that read differently now.
    updated: Vec<String>,
    /// Whether there is one more or less of them.
    list_changed: bool,
    /// Whether a week may read differently; which one is not looked up.
    calendar: bool,
}

impl Change {
    fn of(event: &Event) -> Self {
        let (updated, list_changed) = match event.event_type {
            // A playbook says how to write for this brand.
            EventType::BrandUpdated => (std::iter::once(BRAND_URI.to_owned()).chain(playbook_uris()).collect(), false),
            EventType::ContentCreated | EventType::ContentPlanned => (Vec::new(), true),
            EventType::ReportCompleted => {
                (event.data.get("runId").and_then(|id| id.as_str()).map(report::uri).into_iter().collect(), true)
            }
            EventType::ContentNotDrafted
            | EventType::ContentUpdated
            | EventType::ContentApproved
            | EventType::ContentRejected
            | EventType::ContentRevised
            | EventType::ContentScheduled
            | EventType::ContentUnscheduled
            | EventType::ContentPublished
            | EventType::ContentPublishFailed => {
                (event.data.get("contentId").and_then(|id| id.as_str()).map(content_uri).into_iter().collect(), false)
            }
            EventType::CustomerCreated
            | EventType::CustomerSuspended
            | EventType::CustomerResumed
            | EventType::SubscriptionUpdated
            | EventType::SubscriptionGraceEnded
            | EventType::PaymentDisputed
            | EventType::KeyCreated
            | EventType::KeyRevoked
            | EventType::KeyLeaked
            | EventType::SessionStarted
            | EventType::SessionEnded
            | EventType::GrantCreated
            | EventType::GrantRevoked
            | EventType::GrantReused
            | EventType::GrantLeaked
            | EventType::OnboardingStarted
            | EventType::OnboardingReminded
            | EventType::OnboardingCompleted
            | EventType::ConnectionLinkCreated
            | EventType::ConnectionEstablished
            | EventType::ConnectionLost
            | EventType::ContentDue
            | EventType::ScanRegressed
            | EventType::PageWatched
            | EventType::PageUnwatched
            | EventType::SnapshotCaptured
            // An approval changes the brand, which has an event of its own.
            | EventType::ProposalOpened
            | EventType::ProposalApproved
            | EventType::ProposalRejected
            | EventType::ProposalRolledBack
            | EventType::WorkflowStarted
            | EventType::WorkflowCompleted
            | EventType::WorkflowFailed
            | EventType::WorkflowCancelled
            | EventType::ScanCompleted
            | EventType::LeadLogged => (Vec::new(), false),
        };
        let is_content = event.event_type.as_str().starts_with("content.");
        Self { updated, list_changed, calendar: is_content || event.event_type == EventType::BrandUpdated }
    }
}

impl Change {
    fn concerns(&self, uri: &String) -> bool {
        self.updated.contains(uri) || self.calendar && uri.starts_with(CALENDAR)
    }
}

/// The customer's next change; all that is subscribed counts as changed when the feed was too fast. None at the end.
async fn next_change(
    events: &mut Receiver<Arc<Event>>,
    customer_id: &CustomerId,
    subscribed: impl Fn() -> Vec<String>,
) -> Option<Change> {
    loop {
        match events.recv().await {
            Ok(event) if event.customer_id == *customer_id => return Some(Change::of(&event)),
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => {
                return Some(Change { updated: subscribed(), list_changed: true, calendar: true });
            }
            Err(RecvError::Closed) => return None,
        }
    }
}

/// The subscriptions of one session of a client before 2026-07-28. Dropping them ends the watch.
#[derive(Default)]
pub struct Subscriptions {
    uris: Arc<Mutex<BTreeSet<String>>>,
    watch: Mutex<Option<DropGuard>>,
}

impl Subscriptions {
    /// Tells `peer` from now on when the resource changes.
    ///
    /// # Errors
    ///
    /// When there are too many subscriptions.
    pub fn add(
        &self,
        feed: &Feed,
        customer_id: &CustomerId,
        uri: String,
        peer: Peer<RoleServer>,
    ) -> Result<(), ErrorData> {
        let mut uris = self.uris.lock().unwrap_or_else(PoisonError::into_inner);
        if uris.len() >= MAX_URIS && !uris.contains(&uri) {
            return Err(ErrorData::invalid_params(
                format!("There are {MAX_URIS} subscriptions already; unsubscribe from one first."),
                None,
            ));
        }
        uris.insert(uri);
        drop(uris);
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.is_none() {
            let end = CancellationToken::new();
            let task = tell(peer, feed.subscribe(), customer_id.clone(), self.uris.clone());
            tokio::spawn(end.clone().run_until_cancelled_owned(task));
            *watch = Some(end.drop_guard());
        }
        Ok(())
    }

    /// No longer.
    pub fn remove(&self, uri: &str) {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }
}

async fn tell(
    peer: Peer<RoleServer>,
    mut events: Receiver<Arc<Event>>,
    customer_id: CustomerId,
    uris: Arc<Mutex<BTreeSet<String>>>,
) {
    let all = || uris.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect::<Vec<_>>();
    while let Some(change) = next_change(&mut events, &customer_id, all).await {
        for uri in all().into_iter().filter(|uri| change.concerns(uri)) {
            if peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await.is_err() {
                return;
            }
        }
        if change.list_changed && peer.notify_resource_list_changed().await.is_err() {
            return;
        }
    }
}

/// Serves one `subscriptions/listen` (2026-07-28) until the client ends it. The sink drops what was not asked for.
pub async fn listen(feed: &Feed, customer_id: &CustomerId, context: &SubscriptionContext) {
    let mut events = feed.subscribe();
    let accepted = context.accepted();
    let wanted = accepted.resource_subscriptions.clone().unwrap_or_default();
    let lists = accepted.resources_list_changed == Some(true);
    let serve = async {
        while let Some(change) = next_change(&mut events, customer_id, || wanted.clone()).await {
            for uri in wanted.iter().filter(|uri| change.concerns(uri)) {
                if context.sink().notify_resource_updated(uri.clone()).await.is_err() {
                    return;
                }
            }
            if change.list_changed && lists && context.sink().notify_resource_list_changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = serve => {}
        () = context.cancelled() => {}
    }
}
