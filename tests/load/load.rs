//! The load tool: what HeyCMO costs on this machine. See README.md beside this file.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a command-line tool that gives up when anything is not as it should be"
)]

mod calls;
mod engine;
mod pages;
mod sessions;
mod startup;
mod subject;

use std::time::Duration;

use clap::Parser;

use subject::Subject;

/// Measures the release build of `heycmo`.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench --bench load --")]
struct Options {
    /// How many idle sessions of each transport to hold.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// How long each kind of call is repeated.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How many callers there are at once, each waiting for its answer before it asks again.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// A Postgres database to use; a SQLite file of its own when not given.
    #[arg(long)]
    database_url: Option<String>,
    /// RUST_LOG of the server. The default writes what production writes, a line and more for each call.
    #[arg(long, default_value = "info,sqlx=warn,sea_orm_migration=warn")]
    log: String,
    /// How many seconds to wait until abandoned sessions are gone.
    #[arg(long, default_value_t = 10.0)]
    patience: f64,
    /// How many runs of a durable function to do.
    #[arg(long, default_value_t = 1_000)]
    runs: usize,
    /// How many more runs are asleep while timers are looked at.
    #[arg(long, default_value_t = 10_000)]
    sleeping: usize,
    /// Only what this part of the name fits: start, call, page, session or engine.
    #[arg(long, default_value = "")]
    only: String,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn wants(&self, part: &str) -> bool {
        part.contains(&self.only)
    }
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let database = if options.database_url.is_some() { "Postgres" } else { "SQLite" };
    println!("{database}, {} workers, RUST_LOG={}\n", options.workers, options.log);
    if options.wants("engine") {
        engine::measure(&options).await;
    }
    if !["start", "call", "page", "session"].iter().any(|part| options.wants(part)) {
        return;
    }
    let subject =
        if options.wants("start") { startup::measure(&options).await } else { Subject::first_start(&options).await };
    if options.wants("call") {
        let seconds = Duration::from_secs_f64(options.seconds);
        calls::measure(&subject, options.workers, seconds).await;
    }
    if options.wants("page") {
        pages::measure(&subject.customer, Duration::from_secs_f64(options.seconds / 4.0)).await;
    }
    if options.wants("session") {
        let patience = Duration::from_secs_f64(options.patience);
        sessions::measure(&options, options.sessions, patience).await;
    }
}
