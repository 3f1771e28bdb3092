//! Databases on a Postgres server.

mod private_server;

use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use entity::db::DatabaseUrl;
use entity::ids::EventId;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use url::Url;

use private_server::PrivateServer;

const VARIABLE: &str = "TEST_DATABASE_URL";
/// How long the end of a test waits for its database to be dropped.
const DROP_PATIENCE: Duration = Duration::from_secs(5);

/// The server that every test of this process uses.
enum Server {
    Given(Url),
    Private(PrivateServer),
}

impl Server {
    /// Starts it, if need be, for the first who asks.
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Server, String>> = OnceLock::new();
        match SHARED.get_or_init(Self::find) {
            Ok(server) => server,
            Err(problem) => panic!("{problem}"),
        }
    }

    fn find() -> Result<Self, String> {
        match std::env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => match text.parse() {
                Ok(DatabaseUrl::Postgres(url)) => Ok(Self::Given(url)),
                _ => Err(format!("{VARIABLE} must be postgres://user:password@host/database")),
            },
            _ => PrivateServer::start().map(Self::Private),
        }
    }

    /// A database that is always there, to make others from.
    fn url(&self) -> Url {
        match self {
            Self::Given(url) => url.clone(),
            Self::Private(server) => server.url(),
        }
    }
}

/// A new, empty database; dropped when this is.
#[derive(Debug)]
pub struct FreshDatabase {
    name: String,
    url: Url,
}

impl FreshDatabase {
    pub async fn create() -> Self {
        let name = format!("test_{}", EventId::new().as_str().to_lowercase());
        let mut url = Server::shared().url();
        // template0 can be copied by any number of tests at once, and nobody has put anything in it.
        administer(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        url.set_path(&name);
        Self { name, url }
    }

    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::Postgres(self.url.clone())
    }
}

impl Drop for FreshDatabase {
    /// Also when the test panicked; on a thread of its own, since the test's runtime may not be blocked or is gone.
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let (done, is_done) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(administer(&sql));
            // Nobody may wait for it any more.
            let _ = done.send(());
        });
        // A private server takes it along anyway; elsewhere it is not to be left behind. The server waits for
        // connections that are just being opened, perhaps by the runtime of this thread, which can go on with them
        // once this returns. A database that could not be dropped is no reason to fail a test.
        if matches!(Server::shared(), Server::Given(_)) {
            let _ = is_done.recv_timeout(DROP_PATIENCE);
        }
    }
}

async fn administer(sql: &str) {
    let url = Server::shared().url();
    let mut options = ConnectOptions::new(url.as_str());
    options.sqlx_logging(false).max_connections(1);
    let whose = || format!("the Postgres server for the tests ({:?})", DatabaseUrl::Postgres(url.clone()));
    let connection = Database::connect(options).await.unwrap_or_else(|error| panic!("{}: {error}", whose()));
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{}: {sql}: {error}", whose()));
    connection.close().await.expect("a connection can be closed");
}
