//! How the durable functions are run: by Inngest, or by the embedded engine when nothing is said.

use inngest::{Config, Mode as InngestMode};

use super::{ConfigError, Environment, Mode};

const SIGNING_KEY: &str = "INNGEST_SIGNING_KEY";
const EVENT_KEY: &str = "INNGEST_EVENT_KEY";
const DEV: &str = "INNGEST_DEV";
/// Those of which one is enough.
const VARIABLES: [&str; 8] = [
    SIGNING_KEY,
    "INNGEST_SIGNING_KEY_FALLBACK",
    EVENT_KEY,
    DEV,
    "INNGEST_BASE_URL",
    "INNGEST_API_BASE_URL",
    "INNGEST_EVENT_API_BASE_URL",
    "INNGEST_ENV",
];

/// Where Inngest is, if any variable of its says so.
pub(super) fn from_environment(environment: &Environment, mode: Mode) -> Result<Option<Config>, ConfigError> {
    let config = Config::read(|name| environment.var(name).map(str::to_owned))
        .map_err(|error| ConfigError::new(error.name(), error.problem()))?;
    if VARIABLES.iter().all(|name| environment.var(name).is_none()) {
        return Ok(None);
    }
    match (config.mode, mode) {
        (InngestMode::Dev, Mode::Production) => {
            Err(ConfigError::new(DEV, "must not be set in production: nothing would be signed"))
        }
        (InngestMode::Dev, Mode::Development) => Ok(Some(config)),
        (InngestMode::Cloud, _) if config.signing_key.is_none() => Err(needed(SIGNING_KEY)),
        (InngestMode::Cloud, _) if config.event_key.is_none() => Err(needed(EVENT_KEY)),
        (InngestMode::Cloud, _) => Ok(Some(config)),
    }
}

fn needed(name: &'static str) -> ConfigError {
    let problem = "must be set too: Inngest needs INNGEST_SIGNING_KEY and INNGEST_EVENT_KEY, or INNGEST_DEV=1; with \
                   none of its variables the embedded engine does its work";
    ConfigError::new(name, problem)
}
