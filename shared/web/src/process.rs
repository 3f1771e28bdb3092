//! Starting a process of ours: configuration, log, database.

use std::process::ExitCode;

use entity::db::{DatabaseUrl, Db};
use entity::private;

use crate::config::{Config, Environment, Secrets};
use crate::telemetry::Telemetry;

/// What a process has once it has started.
#[derive(Debug)]
pub struct Process {
    /// What it was told.
    pub config: Config,
    /// The log and the traces.
    pub telemetry: Telemetry,
    /// The secrets.
    pub secrets: Secrets,
    /// The database, with the schema not yet looked at.
    pub db: Db,
}

impl Process {
    /// Reads the configuration, starts the log, and traces where a collector is set, and opens the database.
    ///
    /// # Errors
    ///
    /// One sentence for whoever started the process.
    pub async fn start(program: &'static str, environment: &Environment) -> Result<Self, String> {
        let config = Config::from_environment(environment).map_err(|error| error.to_string())?;
        let filter = config.log_filter.as_deref();
        let telemetry = Telemetry::start(program, config.log_format, filter, config.collector.as_ref())?;
        let secrets = Secrets::load(environment, config.mode, &config.data_dir).map_err(|error| error.to_string())?;
        let db = open_database(&config.database).await?;
        Ok(Self { config, telemetry, secrets, db })
    }
}

/// Opens the database; a SQLite file and its directory are made when they are not there.
///
/// # Errors
///
/// One sentence that names the database and the variable.
pub async fn open_database(url: &DatabaseUrl) -> Result<Db, String> {
    if let DatabaseUrl::Sqlite(path) = url {
        private::make_parent(path).map_err(|error| {
            format!(
                "cannot make the directory of the {}: {error}. Set HEYCMO_DATA_DIR or DATABASE_URL.",
                url.describe()
            )
        })?;
    }
    Db::connect(url).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        format!("cannot open the {}: {cause}. Check that it runs and that DATABASE_URL is right.", url.describe())
    })
}

/// Prints the error of a `main`, if any, as one sentence without a backtrace.
#[must_use]
#[expect(clippy::print_stderr, reason = "the last words of a process")]
pub fn exit_code(program: &str, result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{program}: {message}");
            ExitCode::FAILURE
        }
    }
}
