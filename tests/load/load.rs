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
mod floor;
mod growth;
mod pages;
mod sessions;
mod startup;
mod subject;
mod usage;

use std::time::Duration;

use clap::Parser;
use harness::{Backend, TestDb};

use floor::Floor;
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
    /// Calls per second in all, whether or not earlier ones are answered; each worker waits for its answer when absent.
    #[arg(long)]
    rate: Option<f64>,
    /// How often each call is measured, by turns with the floor; the median is shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A Postgres database to use.
    #[arg(long)]
    database_url: Option<String>,
    /// Use a Postgres server of its own; a SQLite file when there is neither.
    #[arg(long, conflicts_with = "database_url")]
    postgres: bool,
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
    /// How many events a log grows to; in tens from a thousand. Postgres only, as all that grows.
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// How many pieces of content there come to be.
    #[arg(long, default_value_t = 10_000)]
    pieces: u64,
    /// How often as many sessions are opened and abandoned.
    #[arg(long, default_value_t = 2)]
    storms: usize,
    /// Only what this part of the name fits: start, call, page, growth, session or engine.
    #[arg(long, default_value = "")]
    only: String,
    /// Be the floor of the comparison.
    #[arg(long, hide = true, requires = "database_url")]
    floor: bool,
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
    let mut options = Options::parse();
    if let (true, Some(url)) = (options.floor, &options.database_url) {
        return floor::serve(url).await;
    }
    let postgres = if options.postgres { Some(TestDb::empty(Backend::Postgres).await) } else { None };
    if let Some(postgres) = &postgres {
        options.database_url = Some(postgres.url_text());
    }
    let database = if options.database_url.is_some() { "Postgres" } else { "SQLite" };
    if options.wants("start") {
        println!("{database}, all on the same cores\n");
        startup::measure(&options).await;
    }
    // Postgres shares the callers' core and not the server's. Last of all ourselves, who see one core from then on.
    if let Some(postgres) = &postgres {
        usage::pin(usage::postgres(&postgres.url_text()).await, 1);
    }
    let pinned = usage::pin(std::process::id(), 1);
    let cores =
        if pinned { "the server on one core, callers and Postgres on another" } else { "all on the same cores" };
    println!("{database}, {} workers, RUST_LOG={}, {cores}\n", options.workers, options.log);
    measure(&options).await;
}

async fn measure(options: &Options) {
    if options.wants("engine") {
        engine::measure(options).await;
    }
    if !["call", "page", "growth", "session"].iter().any(|part| options.wants(part)) {
        return;
    }
    let subject = Subject::first_start(options).await;
    let database = options.database_url.as_deref();
    if options.wants("call") {
        let floor = match database {
            Some(url) => Some(Floor::start(url, &subject.customer).await),
            None => None,
        };
        calls::measure(&subject, floor.as_ref(), options).await;
    }
    if options.wants("page") {
        pages::measure(&subject.customer, Duration::from_secs_f64(options.seconds / 4.0)).await;
    }
    if let (true, Some(url)) = (options.wants("growth"), database) {
        growth::measure(&subject, url, options).await;
    }
    drop(subject);
    if options.wants("session") {
        let patience = Duration::from_secs_f64(options.patience);
        sessions::measure(options, options.sessions, patience).await;
    }
}
