//! The log, on standard error, and traces, for whoever collects them.

mod traces;

use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use url::Url;

use traces::Traces;
pub(crate) use traces::{answered, received};

/// What is logged when `RUST_LOG` says nothing.
const DEFAULT_FILTER: &str = "info,sqlx=warn,sea_orm_migration=warn";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line, for collectors.
    Json,
}

/// The spans that are worth a place in a trace. Those of libraries are for their authors.
const TRACED: [&str; 3] = ["request", "tool", "upstream"];

/// What tells of a process while it runs.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<Traces>,
}

impl Telemetry {
    /// Starts the log, and sends traces to the collector, if there is one, in the name of the program. `filter` is
    /// what `RUST_LOG` says.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the filter cannot be read, or logging was started before.
    pub fn start(
        program: &'static str,
        format: LogFormat,
        filter: Option<&str>,
        collector: Option<&Url>,
    ) -> Result<Self, String> {
        let filter = targets(filter.unwrap_or(DEFAULT_FILTER))?;
        let log = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            // Where the log cannot be written, as on a full disk, saying so would end in a panic and cost a request.
            .log_internal_errors(false)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
        let log = match format {
            LogFormat::Pretty => log.with_target(false).boxed(),
            LogFormat::Json => log.json().boxed(),
        };
        let Some(collector) = collector else {
            // For all: filters of single layers are asked at every step of a request.
            let subscriber = Registry::default().with(log).with(filter);
            subscriber.try_init().map_err(|error| cannot_start(&error))?;
            return Ok(Self { traces: None });
        };
        let traces = Traces::start(program, collector)?;
        let spans = filter_fn(|it| it.is_span() && TRACED.contains(&it.name()) && !it.target().starts_with("rmcp"));
        let tracing = tracing_opentelemetry::layer()
            .with_tracer(traces.tracer())
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(spans);
        let subscriber = Registry::default().with(log.with_filter(filter)).with(tracing);
        subscriber.try_init().map_err(|error| cannot_start(&error))?;
        Ok(Self { traces: Some(traces) })
    }

    /// Sends the traces that are left, for some seconds at most.
    pub async fn stop(self) {
        if let Some(traces) = self.traces {
            traces.stop().await;
        }
    }
}

fn cannot_start(error: &dyn std::fmt::Display) -> String {
    format!("cannot start the log: {error}")
}

/// What libraries may log that log what others have said, unless the filter names them. Below WARN, rmcp logs whole
/// requests with their arguments; its service loop takes a client that went away before its answer for an error, and has
/// nothing else to report that is not logged by us. The model's client would log whole answers that it cannot read.
const QUIET: [(&str, LevelFilter); 3] =
    [("rmcp", LevelFilter::WARN), ("rmcp::service", LevelFilter::OFF), ("async_openai", LevelFilter::OFF)];

fn targets(text: &str) -> Result<Targets, String> {
    let filter: Targets = text
        .parse()
        .map_err(|error| format!("RUST_LOG is not a filter such as \"info\" or \"info,web=debug\": {error}"))?;
    let is_named = |target: &str| target.split("::").next().is_some_and(|library| text.contains(library));
    let quiet = QUIET.into_iter().filter(|(target, _)| !is_named(target));
    Ok(quiet.fold(filter, |filter, (target, level)| filter.with_target(target, level)))
}
