//! `heycmo-migrate`: the schema by hand.

use std::io::{ErrorKind, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use entity::db::{DatabaseUrl, Db};

/// Applies or takes back HeyCMO's database schema.
#[derive(Parser)]
#[command(
    name = "heycmo-migrate",
    version,
    after_help = "Example:\n  DATABASE_URL=postgres://heycmo@localhost/heycmo heycmo-migrate up"
)]
struct Arguments {
    /// postgres://user:password@host/database or sqlite://path/to/file.db
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, required_unless_present = "database_url_file")]
    database_url: Option<DatabaseUrl>,
    /// The file that holds it instead.
    #[arg(long, env = "DATABASE_URL_FILE", conflicts_with = "database_url")]
    database_url_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the schema up to date.
    Up,
    /// Take back the newest steps, with the data in what they made.
    Down {
        /// How many steps.
        #[arg(default_value_t = 1)]
        steps: u32,
    },
    /// Say which steps are still to be applied.
    Status,
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a command-line tool")]
async fn main() -> ExitCode {
    // A missing .env is the normal case.
    let _ = dotenvy::dotenv();
    let Arguments { database_url, database_url_file, command } = Arguments::parse();
    let outcome = match url(database_url, database_url_file) {
        Ok(url) => run(&url, &command).await.map_err(|error| format!("{}: {error}", url.describe())),
        Err(problem) => Err(problem),
    };
    match outcome.and_then(|answer| print(&answer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("heycmo-migrate: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whoever reads no further is told nothing.
fn print(answer: &str) -> Result<(), String> {
    match writeln!(stdout(), "{answer}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        _ => Ok(()),
    }
}

/// What was given, or what the file holds.
fn url(given: Option<DatabaseUrl>, file: Option<PathBuf>) -> Result<DatabaseUrl, String> {
    match (given, file) {
        (Some(url), _) => Ok(url),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("DATABASE_URL cannot be read from {}: {error}", path.display()))?;
            text.trim().parse().map_err(|problem| format!("DATABASE_URL {problem}"))
        }
        (None, None) => Err("DATABASE_URL must be set".to_owned()),
    }
}

async fn run(url: &DatabaseUrl, command: &Command) -> entity::Result<String> {
    let db = Db::connect(url).await?;
    match *command {
        Command::Up => {
            migrations::up(&db).await?;
            Ok("The schema is up to date.".to_owned())
        }
        Command::Down { steps } => {
            migrations::down(&db, steps).await?;
            Ok(format!("Took back {steps} step(s)."))
        }
        Command::Status => Ok(match migrations::pending(&db).await?.as_slice() {
            [] => "The schema is up to date.".to_owned(),
            pending => format!("Still to be applied: {}", pending.join(", ")),
        }),
    }
}
