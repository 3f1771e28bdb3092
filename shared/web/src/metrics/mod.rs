//! What is counted and measured, for Prometheus to fetch from a listener of its own.
//!
//! Nothing is counted until [`serve`] was called: without that listener a call of anything here is one look at a flag.

mod list;
mod now;
mod scrape;

use std::array::from_ref;
use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing::Instrument;

pub use list::{Kind, METRICS, Metric};
pub use scrape::serve;

/// What stands for a route or a tool that there is not.
const NONE: &str = "(none)";

/// From a millisecond to two minutes, as long as a tool may take.
const DURATIONS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];
/// From a second to the three days for which events are tried again.
const LAGS: [f64; 10] = [1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0, 21_600.0, 259_200.0];

type Text = Cow<'static, str>;
type Labels<const N: usize> = [(&'static str, Text); N];
type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

static COUNTED: OnceLock<Counted> = OnceLock::new();

/// What is counted as it happens. What is looked up when it is asked for is in [`now`].
struct Counted {
    registry: Registry,
    http_requests: Family<Labels<3>, Counter>,
    http_durations: Histograms<2>,
    tool_calls: Family<Labels<2>, Counter>,
    tool_durations: Histograms<1>,
    sessions: Family<Labels<1>, Gauge>,
    rate_limited: Family<Labels<1>, Counter>,
    upstream_requests: Family<Labels<2>, Counter>,
    upstream_durations: Histograms<1>,
    webhook_lags: Histograms<1>,
}

impl Counted {
    fn new() -> Self {
        let durations = || Histogram::new(DURATIONS);
        let lags = || Histogram::new(LAGS);
        let mut registry = Registry::default();
        let it = &mut registry;
        Self {
            http_requests: register(it, &list::HTTP_REQUESTS, Family::default()),
            http_durations: register(it, &list::HTTP_REQUEST_DURATION, Family::new_with_constructor(durations)),
            tool_calls: register(it, &list::TOOL_CALLS, Family::default()),
            tool_durations: register(it, &list::TOOL_CALL_DURATION, Family::new_with_constructor(durations)),
            sessions: register(it, &list::SESSIONS, Family::default()),
            rate_limited: register(it, &list::RATE_LIMITED, Family::default()),
            upstream_requests: register(it, &list::UPSTREAM_REQUESTS, Family::default()),
            upstream_durations: register(it, &list::UPSTREAM_REQUEST_DURATION, Family::new_with_constructor(durations)),
            webhook_lags: register(it, &list::WEBHOOK_LAG, Family::new_with_constructor(lags)),
            registry,
        }
    }
}

fn register<M: prometheus_client::registry::Metric + Clone>(registry: &mut Registry, metric: &Metric, it: M) -> M {
    // The library writes `_total` and the full stop by itself.
    registry.register(metric.name.trim_end_matches("_total"), metric.help, it.clone());
    it
}

/// A request was answered. `route` is the one of the router; none where there is no such route.
pub(crate) fn answered(method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
    let Some(counted) = COUNTED.get() else { return };
    let method = ("method", Text::Borrowed(known_method(method)));
    let route = ("route", route.map_or(Text::Borrowed(NONE), |route| Text::Owned(route.to_owned())));
    let status = ("status", Text::Borrowed(class(status)));
    counted.http_durations.get_or_create(&[method.clone(), route.clone()]).observe(took.as_secs_f64());
    counted.http_requests.get_or_create(&[method, route, status]).inc();
}

/// Anybody can make methods up.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

const fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// A tool was called; none where there is no such tool.
pub fn tool_called(tool: Option<Cow<'static, str>>, is_ok: bool, took: Duration) {
    let Some(counted) = COUNTED.get() else { return };
    let tool = ("tool", tool.unwrap_or(Text::Borrowed(NONE)));
    let outcome = ("outcome", Text::Borrowed(if is_ok { "ok" } else { "error" }));
    counted.tool_durations.get_or_create(from_ref(&tool)).observe(took.as_secs_f64());
    counted.tool_calls.get_or_create(&[tool, outcome]).inc();
}

/// How many sessions of this transport came, or went when it is negative.
pub fn sessions_changed(transport: &'static str, by: i64) {
    let Some(counted) = COUNTED.get() else { return };
    counted.sessions.get_or_create(&[("transport", Text::Borrowed(transport))]).inc_by(by);
}

/// Somebody was refused because this limit was reached.
pub fn limited(limit: &'static str) {
    let Some(counted) = COUNTED.get() else { return };
    counted.rate_limited.get_or_create(&[("limit", Text::Borrowed(limit))]).inc();
}

/// An event that others told us of was handled; `lag` is how long ago it happened.
pub fn webhook_handled(source: &'static str, lag: chrono::Duration) {
    let Some(counted) = COUNTED.get() else { return };
    // Their clock may be ahead of ours.
    let lag = lag.to_std().unwrap_or_default();
    counted.webhook_lags.get_or_create(&[("source", Text::Borrowed(source))]).observe(lag.as_secs_f64());
}

/// A service of somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// Who publishes the keys that sign reports of leaked ones.
    CodeHost,
    /// Platforms.
    Composio,
    /// Durable work.
    Inngest,
    /// What writes.
    Model,
    /// Pages that are scanned, whoever's they are.
    Page,
    /// Payments.
    Stripe,
}

impl Upstream {
    const fn name(self) -> &'static str {
        match self {
            Self::CodeHost => "code_host",
            Self::Composio => "composio",
            Self::Inngest => "inngest",
            Self::Model => "model",
            Self::Page => "page",
            Self::Stripe => "stripe",
        }
    }
}

/// How a call to one went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Ok,
    /// The answer is an error.
    Refused,
    /// There was no answer that can be read.
    Failed,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// A call was made.
pub fn upstream_called(upstream: Upstream, outcome: Outcome, took: Duration) {
    let Some(counted) = COUNTED.get() else { return };
    let upstream = ("upstream", Text::Borrowed(upstream.name()));
    let outcome = ("outcome", Text::Borrowed(outcome.name()));
    counted.upstream_durations.get_or_create(from_ref(&upstream)).observe(took.as_secs_f64());
    counted.upstream_requests.get_or_create(&[upstream, outcome]).inc();
}

/// Makes a call, counted and as a part of the trace. `outcome_of` tells errors apart.
pub async fn upstream<T, E>(
    upstream: Upstream,
    outcome_of: impl FnOnce(&E) -> Outcome,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let span = tracing::info_span!("upstream", service = upstream.name());
    let began = Instant::now();
    let result = call.instrument(span).await;
    upstream_called(upstream, result.as_ref().err().map_or(Outcome::Ok, outcome_of), began.elapsed());
    result
}
