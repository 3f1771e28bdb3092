use entity::db::{DatabaseUrl, Db};
use tempfile::TempDir;

use crate::postgres;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A SQLite file.
    Sqlite,
    /// A database on a Postgres server.
    Postgres,
}

/// A database of the test's own; gone when this is dropped.
#[derive(Debug)]
pub struct TestDb {
    backend: Backend,
    url: DatabaseUrl,
    db: Db,
    _home: Home,
}

/// Where the database lives, which takes it down when dropped.
#[derive(Debug)]
enum Home {
    Directory { _directory: TempDir },
    Server { _database: postgres::FreshDatabase },
}

impl TestDb {
    /// A fresh database with the current schema.
    pub async fn migrated(backend: Backend) -> Self {
        let test_db = Self::empty(backend).await;
        migrations::up(&test_db.db).await.expect("the migrations apply to an empty database");
        test_db
    }

    /// A fresh database with nothing in it.
    pub async fn empty(backend: Backend) -> Self {
        let (url, home) = match backend {
            Backend::Sqlite => {
                let directory = tempfile::tempdir().expect("a temporary directory can be made");
                (DatabaseUrl::Sqlite(directory.path().join("test.db")), Home::Directory { _directory: directory })
            }
            Backend::Postgres => {
                let database = postgres::FreshDatabase::create().await;
                (database.url(), Home::Server { _database: database })
            }
        };
        let db = Db::connect(&url).await.expect("the fresh database can be connected to");
        Self { backend, url, db, _home: home }
    }

    /// Which database it is.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Where it is: for a server or another process that is to use it.
    #[must_use]
    pub fn url(&self) -> DatabaseUrl {
        self.url.clone()
    }

    /// The same as the value of `DATABASE_URL`.
    #[must_use]
    pub fn url_text(&self) -> String {
        match &self.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(url) => url.to_string(),
        }
    }

    /// The database; each call gives the same pool of connections.
    #[must_use]
    pub fn db(&self) -> Db {
        self.db.clone()
    }

    /// The database through connections of its own, as another process would have it.
    pub async fn another_db(&self) -> Db {
        Db::connect(&self.url).await.expect("the database can be connected to once more")
    }
}
