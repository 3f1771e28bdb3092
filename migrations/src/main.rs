//! `heycmo-migrate`: the schema by hand.

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
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: DatabaseUrl,
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
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]
async fn main() -> ExitCode {
    // A missing .env is the normal case.
    let _ = dotenvy::dotenv();
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("heycmo-migrate: {}: {error}", arguments.database_url.describe());
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> entity::Result<String> {
    let db = Db::connect(&arguments.database_url).await?;
    match arguments.command {
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
