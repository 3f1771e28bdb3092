//! The log, on standard error, and traces, for whoever collects them.

mod traces;

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};
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
        let filter = env_filter(filter.unwrap_or(DEFAULT_FILTER))?;
        let log = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            // Where the log cannot be written, as on a full disk, saying so would end in a panic and cost a request.
            .log_internal_errors(false)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
        let log = match format {
            LogFormat::Pretty => log.with_target(false).boxed(),
            LogFormat::Json => log.json().boxed(),
        };
        let traces = collector.map(|collector| Traces::start(program, collector)).transpose()?;
        let tracing = traces.as_ref().map(|traces| {
            let spans = filter_fn(|it| it.is_span() && TRACED.contains(&it.name()) && !it.target().starts_with("rmcp"));
            tracing_opentelemetry::layer()
                .with_tracer(traces.tracer())
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(spans)
        });
        Registry::default()
            .with(log.with_filter(filter))
            .with(tracing)
            .try_init()
            .map_err(|error| format!("cannot start the log: {error}"))?;
        Ok(Self { traces })
    }

    /// Sends the traces that are left, for some seconds at most.
    pub async fn stop(self) {
        if let Some(traces) = self.traces {
            traces.stop().await;
        }
    }
}

/// What rmcp may log. Below WARN it logs whole requests, with their arguments. Its service loop takes a client that went
/// away before its answer for an error, and has nothing else to report that is not logged by us.
const QUIET_RMCP: [&str; 2] = ["rmcp=warn", "rmcp::service=off"];

/// The model's client would log whole answers that it cannot read.
const QUIET_MODEL: [&str; 1] = ["async_openai=off"];

/// Libraries that log what others have said are quiet unless the filter names them.
fn env_filter(text: &str) -> Result<EnvFilter, String> {
    let filter: EnvFilter = text
        .parse()
        .map_err(|error| format!("RUST_LOG is not a filter such as \"info\" or \"info,web=debug\": {error}"))?;
    let libraries = [("rmcp", QUIET_RMCP.as_slice()), ("async_openai", QUIET_MODEL.as_slice())];
    let quiet = libraries.into_iter().filter(|(name, _)| !text.contains(name)).flat_map(|(_, quiet)| quiet);
    quiet.into_iter().try_fold(filter, |filter, quiet| {
        let directive = quiet.parse().map_err(|error| format!("cannot add {quiet} to the filter: {error}"))?;
        Ok(filter.add_directive(directive))
    })
}
