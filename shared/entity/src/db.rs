//! The one place that knows which database it is.
//!
//! The rules that keep SQLite and Postgres alike are kept here: write transactions begin IMMEDIATE on SQLite (a
//! deferred one that reads first fails with `database is locked` as soon as two processes write), the journal is WAL,
//! foreign keys are on, and times are UTC truncated to microseconds, which is what Postgres keeps.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Connection, SqliteConnection};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::bounded::{Bounded, Tx, bounded};
use crate::error::Result;
use crate::private;

/// How long a request waits for a free or new connection before it fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a statement may run on Postgres; also bounds how long a transaction can hold back the event feed.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);
/// How long SQLite waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// SQLite has one writer at a time; more connections only lengthen the tail.
const SQLITE_CONNECTIONS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// Any number will do that nobody else in this database locks: "heycmo" in ASCII.
const SCHEMA_LOCK: u64 = 0x6865_7963_6d6f;
const CLAIM_LOCK: u64 = SCHEMA_LOCK + 1;

/// Now, to the microsecond: what both databases give back unchanged.
#[must_use]
pub fn now() -> DateTime<Utc> {
    stored(Utc::now())
}

/// A time as it reads back: what a caller gave us may be finer than what both databases keep.
pub(crate) fn stored(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}

/// A `DATABASE_URL` of a database we support.
///
/// Not printable as such, because a Postgres URL may hold a password; [`DatabaseUrl::describe`] leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A Postgres server.
    Postgres(url::Url),
}

impl DatabaseUrl {
    /// Where the database is, without its password.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("SQLite file {}", path.display()),
            Self::Postgres(url) => {
                let host = url.host_str().unwrap_or("localhost");
                let port = url.port().unwrap_or(5432);
                format!("Postgres at {host}:{port}{}", url.path())
            }
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let expected = "must be postgres://user:password@host/database or sqlite://path/to/file.db";
        if let Some(path) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) {
            let path = path.split_once('?').map_or(path, |(path, _)| path);
            if path.is_empty() || path.contains(":memory:") {
                return Err(format!("{expected}; a database in memory cannot be shared by two processes"));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        match url::Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => Ok(Self::Postgres(url)),
            _ => Err(expected.to_owned()),
        }
    }
}

/// Connections of a process to its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// That wait for something to do.
    pub idle: u32,
    /// That somebody works with.
    pub used: u32,
}

/// The database, as every query and use case takes it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    connection: Bounded<DatabaseConnection>,
}

impl Db {
    /// Opens the database and proves that it answers.
    ///
    /// # Errors
    ///
    /// When it cannot be reached, or the SQLite file cannot be made or opened.
    pub async fn connect(url: &DatabaseUrl) -> Result<Self> {
        if let DatabaseUrl::Sqlite(path) = url {
            // SQLite would let everybody read it; what it puts beside it gets the same permissions. Where the file cannot
            // be made, SQLite says why.
            let _ = private::to_write().open(path);
        }
        let mut attempts_left = 20;
        loop {
            match Database::connect(options(url)).await {
                // Switching to WAL while another process does the same may be refused at once; it passes.
                Err(error) if attempts_left > 0 && is_sqlite_busy(&error) => {
                    attempts_left -= 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                result => return Ok(Self { connection: Bounded(result?) }),
            }
        }
    }

    /// The connection to read with.
    #[must_use]
    pub const fn connection(&self) -> &Bounded<DatabaseConnection> {
        &self.connection
    }

    /// The connection as the migrator takes it: with no limit of ours on how long a statement takes.
    #[must_use]
    pub const fn schema_connection(&self) -> &DatabaseConnection {
        &self.connection.0
    }

    /// Begins a transaction that may write.
    pub(crate) async fn write_tx(&self) -> Result<Tx> {
        Ok(Bounded(bounded(self.begin(to_write())).await?))
    }

    /// Begins a transaction in which every query sees the same moment.
    pub(crate) async fn snapshot(&self) -> Result<Tx> {
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
        };
        Ok(Bounded(bounded(self.begin(options)).await?))
    }

    /// Begins the transaction in which work is handed out: one at a time, whatever other processes do.
    pub(crate) async fn claim_tx(&self) -> Result<Tx> {
        let tx = self.write_tx().await?;
        if tx.get_database_backend() == DbBackend::Postgres {
            tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({CLAIM_LOCK})")).await?;
        }
        Ok(tx)
    }

    async fn begin(&self, options: TransactionOptions) -> std::result::Result<DatabaseTransaction, DbErr> {
        // In a task of its own, which ends also when the caller goes away: sqlx forgets a BEGIN that is under way then,
        // and whoever gets the connection next would write into a transaction that nobody commits.
        let connection = self.connection.0.clone();
        let begun = tokio::spawn(async move { connection.begin_with_options(options).await });
        begun.await.unwrap_or_else(|error| Err(DbErr::Conn(RuntimeErr::Internal(error.to_string()))))
    }

    /// Begins the transaction in which the schema is changed: alone, whatever other processes do, and without a time
    /// limit on statements.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn schema_tx(&self) -> Result<DatabaseTransaction> {
        let tx = self.begin(to_write()).await?;
        if tx.get_database_backend() == DbBackend::Postgres {
            tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
            tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")).await?;
        }
        Ok(tx)
    }

    /// Whether the database answers within the time it takes to notice that it does not.
    pub async fn answers(&self) -> bool {
        let probe = self.connection.execute_unprepared("SELECT 1");
        matches!(tokio::time::timeout(ACQUIRE_TIMEOUT, probe).await, Ok(Ok(_)))
    }

    /// How many connections there are right now. Asks nobody.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let connection = &self.connection.0;
        let (all, idle) = match connection.get_database_backend() {
            DbBackend::Postgres => {
                let pool = connection.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
            _ => {
                let pool = connection.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(all);
        Connections { idle, used: all - idle }
    }

    /// Closes every connection once the calls in flight are done.
    ///
    /// # Errors
    ///
    /// When a connection cannot be closed cleanly.
    pub async fn close(self) -> Result<()> {
        Ok(self.connection.0.close().await?)
    }
}

fn to_write() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

fn options(url: &DatabaseUrl) -> ConnectOptions {
    let text = match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{}?mode=rwc", path.display()),
        DatabaseUrl::Postgres(url) => url.to_string(),
    };
    let mut options = ConnectOptions::new(text);
    options.sqlx_logging(false).acquire_timeout(ACQUIRE_TIMEOUT).connect_timeout(ACQUIRE_TIMEOUT).min_connections(1);
    match url {
        DatabaseUrl::Sqlite(_) => {
            options.max_connections(SQLITE_CONNECTIONS).idle_timeout(None).max_lifetime(None).map_sqlx_sqlite_opts(
                |sqlite| {
                    sqlite
                        .journal_mode(SqliteJournalMode::Wal)
                        // FULL: what was answered survives a power cut, not only a crash of the process.
                        .synchronous(SqliteSynchronous::Full)
                        .busy_timeout(BUSY_TIMEOUT)
                        .foreign_keys(true)
                },
            );
            options.map_sqlx_sqlite_pool_opts(|pool| {
                pool.after_release(|connection, _| Box::pin(async move { is_outside_transactions(connection).await }))
            });
        }
        DatabaseUrl::Postgres(_) => {
            options
                .max_connections(POSTGRES_CONNECTIONS)
                .statement_timeout(STATEMENT_TIMEOUT)
                .set_application_name("heycmo");
        }
    }
    options
}

/// Whether a connection may be used again. Where a write failed, as on a full disk, SQLite has ended the transaction
/// itself, and sqlx, which cannot roll back any more, takes the connection to be inside it for ever: what the next one
/// writes would be in a transaction that nobody commits.
async fn is_outside_transactions(connection: &mut SqliteConnection) -> std::result::Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // After this a rollback that was only asked for is done.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn is_sqlite_busy(error: &DbErr) -> bool {
    let text = error.to_string();
    text.contains("database is locked") || text.contains("(code: 5)") || text.contains("(code: 261)")
}
