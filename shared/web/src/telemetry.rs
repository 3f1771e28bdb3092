//! The log, on standard error.

use tracing_subscriber::EnvFilter;

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

/// Starts the log. `filter` is what `RUST_LOG` says.
///
/// # Errors
///
/// When the filter cannot be read, or logging was started before.
pub fn start(format: LogFormat, filter: Option<&str>) -> Result<(), String> {
    let filter = env_filter(filter.unwrap_or(DEFAULT_FILTER))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Where the log cannot be written, as on a full disk, saying so would end in a panic and cost a request.
        .log_internal_errors(false)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let started = match format {
        LogFormat::Pretty => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| format!("cannot start the log: {error}"))
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
