//! Who is connected: the registry that both transports count in and that ends what a revoked credential opened.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::CustomerId;
use http::StatusCode;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use web::metrics;

use super::config::Limits;
use super::lock;
use super::refusal::Refusal;
use crate::caller::{Caller, Credential};

/// A wall clock may be set: a distant expiry is looked at again at least this often.
const CLOCK_CHECK: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A session of the older transport: one stream that stays open.
    SseSession,
    /// A Streamable HTTP session: only state, its streams are exchanges.
    HttpSession,
    /// One HTTP exchange on `/mcp`, until its answer or stream ends.
    Exchange,
}

impl Kind {
    fn is_session(self) -> bool {
        self.transport().is_some()
    }

    /// Of a session, as metrics call it.
    fn transport(self) -> Option<&'static str> {
        match self {
            Self::SseSession => Some("legacy_sse"),
            Self::HttpSession => Some("streamable_http"),
            Self::Exchange => None,
        }
    }

    /// What limits how many there may be, as metrics call it.
    fn limit(self) -> &'static str {
        if self.is_session() { "sessions" } else { "exchanges" }
    }

    /// Whether somebody is waiting at the other end, so that a shutdown gives it time.
    fn is_connected(self) -> bool {
        self != Self::HttpSession
    }
}

struct Entry {
    customer: CustomerId,
    credential: Credential,
    kind: Kind,
    end: CancellationToken,
}

#[derive(Default)]
struct Table {
    next: u64,
    entries: HashMap<u64, Entry>,
    sessions: usize,
    connected: usize,
    /// By customer, and whether sessions or exchanges are counted.
    by_customer: HashMap<(CustomerId, bool), usize>,
}

impl Table {
    fn count(&self, sessions: bool) -> usize {
        if sessions { self.sessions } else { self.entries.len() - self.sessions }
    }
}

#[derive(Clone, Copy)]
struct Caps {
    all: usize,
    of_one_customer: usize,
}

/// Everything that is open, whose it is and what opened it.
pub struct Sessions {
    table: Mutex<Table>,
    session_caps: Caps,
    exchange_caps: Caps,
    left: Notify,
    joined: Notify,
    shutdown: CancellationToken,
    /// The parent of everything that is open: cancelled when the shutdown's patience is over.
    cut: CancellationToken,
}

impl Sessions {
    /// An empty registry. Cancelling `shutdown` refuses whoever is new and lets calls in flight finish.
    #[must_use]
    pub fn new(limits: &Limits, shutdown: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            session_caps: Caps { all: limits.max_sessions, of_one_customer: limits.max_sessions_per_customer },
            exchange_caps: Caps { all: limits.max_exchanges, of_one_customer: limits.max_exchanges_per_customer },
            left: Notify::new(),
            joined: Notify::new(),
            shutdown,
            cut: CancellationToken::new(),
        })
    }

    /// Ends everything that was opened with this, at once.
    pub fn end(&self, credential: &Credential) {
        self.end_where(|entry| entry.credential == *credential);
    }

    /// Ends everything of this customer, at once.
    pub fn end_customer(&self, customer: &CustomerId) {
        self.end_where(|entry| entry.customer == *customer);
    }

    /// What something is open with.
    #[must_use]
    pub fn live_credentials(&self) -> HashSet<Credential> {
        lock(&self.table).entries.values().map(|entry| entry.credential.clone()).collect()
    }

    /// How many sessions are open.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.table).count(true)
    }

    /// How many HTTP exchanges on `/mcp` are under way.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        lock(&self.table).count(false)
    }

    /// Waits until something is open.
    pub async fn occupied(&self) {
        while lock(&self.table).entries.is_empty() {
            // A permit is kept for whoever joins between the look and the wait.
            self.joined.notified().await;
        }
    }

    /// How many sessions of a customer are open, and how many more may be.
    #[must_use]
    pub fn places(&self, customer: &CustomerId) -> (usize, usize) {
        let open = lock(&self.table).by_customer.get(&(customer.clone(), true)).copied().unwrap_or_default();
        (open, self.session_caps.of_one_customer.saturating_sub(open))
    }

    pub(super) fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    pub(super) fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// Takes a place, or says which limit is in the way. Dropping the slot gives the place back.
    pub(super) fn admit(self: &Arc<Self>, caller: &Caller, kind: Kind) -> Result<Slot, Refusal> {
        if self.shutdown.is_cancelled() {
            return Err(Refusal::shutting_down());
        }
        let caps = if kind.is_session() { self.session_caps } else { self.exchange_caps };
        let mut table = lock(&self.table);
        if table.count(kind.is_session()) >= caps.all {
            metrics::limited(kind.limit());
            return Err(server_full());
        }
        let mine = table.by_customer.entry((caller.customer_id.clone(), kind.is_session())).or_default();
        if *mine >= caps.of_one_customer {
            metrics::limited(kind.limit());
            return Err(customer_full(kind, caps.of_one_customer));
        }
        *mine += 1;
        table.sessions += usize::from(kind.is_session());
        table.connected += usize::from(kind.is_connected());
        let id = table.next;
        table.next += 1;
        let end = self.cut.child_token();
        let (customer, credential) = (caller.customer_id.clone(), caller.credential.clone());
        table.entries.insert(id, Entry { customer, credential, kind, end: end.clone() });
        drop(table);
        if let Some(transport) = kind.transport() {
            metrics::sessions_changed(transport, 1);
        }
        self.joined.notify_one();
        Ok(Slot { sessions: self.clone(), id, end })
    }

    /// Waits for the shutdown, gives what is in flight its time, and then cuts what is left.
    pub(super) async fn drain(self: Arc<Self>, patience: Duration) {
        self.shutdown.cancelled().await;
        let done = async {
            loop {
                let changed = self.left.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if lock(&self.table).connected == 0 {
                    break;
                }
                changed.await;
            }
        };
        // Elapsed or not, the rest goes now.
        tokio::time::timeout(patience, done).await.ok();
        self.cut.cancel();
    }

    fn end_where(&self, is_meant: impl Fn(&Entry) -> bool) {
        // Cancelled outside the lock: whoever wakes up may want to give its place back.
        let ended: Vec<_> =
            lock(&self.table).entries.values().filter(|entry| is_meant(entry)).map(|entry| entry.end.clone()).collect();
        for end in ended {
            end.cancel();
        }
    }

    fn leave(&self, id: u64) {
        let mut table = lock(&self.table);
        let Some(entry) = table.entries.remove(&id) else { return };
        if let Some(transport) = entry.kind.transport() {
            metrics::sessions_changed(transport, -1);
        }
        table.sessions -= usize::from(entry.kind.is_session());
        table.connected -= usize::from(entry.kind.is_connected());
        let place = (entry.customer, entry.kind.is_session());
        if let Some(mine) = table.by_customer.get_mut(&place) {
            *mine = mine.saturating_sub(1);
            if *mine == 0 {
                table.by_customer.remove(&place);
            }
        }
        if table.entries.is_empty() {
            table.entries.shrink_to_fit();
            table.by_customer.shrink_to_fit();
        }
        drop(table);
        self.left.notify_waiters();
    }
}

/// A place in the registry, given back when dropped.
pub(super) struct Slot {
    sessions: Arc<Sessions>,
    id: u64,
    end: CancellationToken,
}

impl Slot {
    /// Cancelled when whatever holds the slot has to end.
    pub(super) fn end(&self) -> &CancellationToken {
        &self.end
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.end.cancel();
        self.sessions.leave(self.id);
    }
}

/// Resolves at this time; never, if there is none.
pub(super) async fn expiry(at: Option<DateTime<Utc>>) {
    let Some(at) = at else { return std::future::pending().await };
    while let Ok(left) = (at - Utc::now()).to_std() {
        if left.is_zero() {
            break;
        }
        tokio::time::sleep(left.min(CLOCK_CHECK)).await;
    }
}

fn server_full() -> Refusal {
    Refusal::for_now(StatusCode::SERVICE_UNAVAILABLE, "server_full", "The server is full; try again in a moment")
}

fn customer_full(kind: Kind, cap: usize) -> Refusal {
    let (code, message) = if kind.is_session() {
        ("too_many_sessions", format!("{cap} sessions of this account are open already; close one and try again"))
    } else {
        ("too_many_requests_at_once", format!("{cap} requests of this account are under way; wait for one to finish"))
    };
    Refusal::for_now(StatusCode::TOO_MANY_REQUESTS, code, message)
}
