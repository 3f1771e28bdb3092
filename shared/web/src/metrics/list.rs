//! Every metric there is, once: what it is called, what it counts, and what tells its series apart.
//!
//! Labels have few values, which we choose: routes as they are written in the router, tools that exist. Never an id, an
//! address, a key, or anything else that a caller can make up.

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from the start of the process.
    Counter,
    /// How things are now.
    Gauge,
    /// How often each size came.
    Histogram,
}

impl Kind {
    /// As Prometheus calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, which ends with its unit, and `_total` when it only grows.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// In what it is counted.
    pub unit: &'static str,
    /// What tells its series apart.
    pub labels: &'static [&'static str],
    /// One line, without a full stop.
    pub help: &'static str,
}

const fn counter(
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Counter, unit, labels, help }
}

const fn gauge(name: &'static str, unit: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, unit, labels, help }
}

/// Every histogram of ours is of times.
const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, unit: "seconds", labels, help }
}

pub(super) const HTTP_REQUESTS: Metric = counter(
    "heycmo_http_requests_total",
    "requests",
    &["method", "route", "status"],
    "Requests that were answered, by route and by status class, such as 2xx",
);
pub(super) const HTTP_REQUEST_DURATION: Metric = histogram(
    "heycmo_http_request_duration_seconds",
    &["method", "route"],
    "From a request until its answer begins, which for a stream is at once",
);
pub(super) const TOOL_CALLS: Metric =
    counter("heycmo_tool_calls_total", "calls", &["tool", "outcome"], "Calls of MCP tools: ok or error");
pub(super) const TOOL_CALL_DURATION: Metric =
    histogram("heycmo_tool_call_duration_seconds", &["tool"], "How long calls of MCP tools took");
pub(super) const SESSIONS: Metric = gauge(
    "heycmo_sessions",
    "sessions",
    &["transport"],
    "MCP sessions that are open in this process: legacy_sse or streamable_http",
);
pub(super) const RATE_LIMITED: Metric = counter(
    "heycmo_rate_limited_total",
    "requests",
    &["limit"],
    "Requests that were refused because a limit was reached, by the limit",
);
pub(super) const UPSTREAM_REQUESTS: Metric = counter(
    "heycmo_upstream_requests_total",
    "requests",
    &["upstream", "outcome"],
    "Calls to services of others, with all their attempts: ok, refused (an answer that is an error) or failed (no answer)",
);
pub(super) const UPSTREAM_REQUEST_DURATION: Metric = histogram(
    "heycmo_upstream_request_duration_seconds",
    &["upstream"],
    "How long calls to services of others took, with all their attempts",
);
pub(super) const WEBHOOK_LAG: Metric = histogram(
    "heycmo_webhook_lag_seconds",
    &["source"],
    "From when an event happened at its source until we had handled it",
);
pub(super) const WEBHOOK_WAITING: Metric = gauge(
    "heycmo_webhook_oldest_waiting_seconds",
    "seconds",
    &["source"],
    "Age of the oldest event that was received and is not handled yet",
);
pub(super) const OUTBOX_LAG: Metric = gauge(
    "heycmo_outbox_lag_seconds",
    "seconds",
    &[],
    "Age of the oldest event that was not delivered to the durable functions yet",
);
pub(super) const OUTBOX_WAITING: Metric =
    gauge("heycmo_outbox_waiting", "events", &[], "Events that were not delivered to the durable functions yet");
pub(super) const ENGINE_LAG: Metric = gauge(
    "heycmo_engine_lag_seconds",
    "seconds",
    &[],
    "How late the step is that the embedded engine should have begun first; absent where Inngest does the work",
);
pub(super) const DATABASE_UP: Metric =
    gauge("heycmo_database_up", "boolean", &[], "Whether the database told in time what waits: 1 or 0");
pub(super) const DATABASE_CONNECTIONS: Metric = gauge(
    "heycmo_database_connections",
    "connections",
    &["state"],
    "Connections of this process to the database: idle or used",
);
pub(super) const BUILD_INFO: Metric = gauge("heycmo_build_info", "boolean", &["version"], "Always 1");
pub(super) const CPU: Metric = counter("process_cpu_seconds_total", "seconds", &[], "Processor time of the process");
pub(super) const RESIDENT_MEMORY: Metric =
    gauge("process_resident_memory_bytes", "bytes", &[], "Memory of the process that is in RAM");
pub(super) const OPEN_FILES: Metric =
    gauge("process_open_fds", "files", &[], "Files, sockets and the like that the process has open");
pub(super) const MAX_FILES: Metric = gauge("process_max_fds", "files", &[], "How many of them it may have open");
pub(super) const START_TIME: Metric =
    gauge("process_start_time_seconds", "seconds", &[], "When the process started, in Unix time");

/// Every metric. Those of the process itself are there on Linux only.
pub const METRICS: [Metric; 21] = [
    HTTP_REQUESTS,
    HTTP_REQUEST_DURATION,
    TOOL_CALLS,
    TOOL_CALL_DURATION,
    SESSIONS,
    RATE_LIMITED,
    UPSTREAM_REQUESTS,
    UPSTREAM_REQUEST_DURATION,
    WEBHOOK_LAG,
    WEBHOOK_WAITING,
    OUTBOX_LAG,
    OUTBOX_WAITING,
    ENGINE_LAG,
    DATABASE_UP,
    DATABASE_CONNECTIONS,
    BUILD_INFO,
    CPU,
    RESIDENT_MEMORY,
    OPEN_FILES,
    MAX_FILES,
    START_TIME,
];
