//! What is known of a Streamable HTTP session beside what rmcp keeps.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, FutureExt};
use rmcp::model::RequestId;
use tokio_util::sync::CancellationToken;

use super::streams::Streams;
use crate::transport::config::Limits;
use crate::transport::lock;
use crate::transport::sessions::expiry;

/// Shared by the session manager and the session's transport. Ends when `end` is cancelled.
pub(super) struct Live {
    /// Cancelled when the session has to end.
    pub(super) end: CancellationToken,
    pub(super) streams: Streams,
    pub(super) send_timeout: Duration,
    max_in_flight: usize,
    in_flight: Mutex<HashSet<RequestId>>,
    ends_at: Option<DateTime<Utc>>,
}

impl Live {
    pub(super) fn new(end: CancellationToken, ends_at: Option<DateTime<Utc>>, limits: &Limits) -> Self {
        Self {
            end,
            streams: Streams::default(),
            send_timeout: limits.send_timeout,
            max_in_flight: limits.max_in_flight_per_session,
            in_flight: Mutex::default(),
            ends_at,
        }
    }

    /// Takes note of a request until it is settled, or says why it is not taken.
    pub(super) fn begin(&self, id: &RequestId) -> Result<(), &'static str> {
        let mut in_flight = lock(&self.in_flight);
        if in_flight.contains(id) {
            return Err("A request with this id is not answered yet");
        }
        if in_flight.len() >= self.max_in_flight {
            return Err("Too many requests at once; wait for one to be answered");
        }
        in_flight.insert(id.clone());
        Ok(())
    }

    /// The request is answered, cancelled, or was never handed on. Whether it was under way until now.
    pub(super) fn settle(&self, id: &RequestId) -> bool {
        let mut in_flight = lock(&self.in_flight);
        let was_under_way = in_flight.remove(id);
        if in_flight.is_empty() {
            *in_flight = HashSet::new();
        }
        was_under_way
    }

    /// The requests that are under way.
    pub(super) fn under_way(&self) -> Vec<RequestId> {
        lock(&self.in_flight).iter().cloned().collect()
    }

    /// Resolves when the session has to end: it was ended, or its time was over.
    pub(super) fn over(&self) -> BoxFuture<'static, ()> {
        let (end, ends_at) = (self.end.clone(), self.ends_at);
        if ends_at.is_none() {
            return end.cancelled_owned().boxed();
        }
        async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = expiry(ends_at) => end.cancel(),
            }
        }
        .boxed()
    }
}
