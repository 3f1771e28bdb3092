//! What no function of the product shows: the schema, every row as text, and changes by hand.

use sea_orm::{ConnectionTrait, QueryResult, Statement};

use crate::{Backend, TestDb};

impl TestDb {
    /// Runs a statement by hand and says how many rows it changed.
    pub async fn execute(&self, sql: &str) -> u64 {
        let result = self.db().connection().execute_unprepared(sql).await;
        result.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }

    /// A number by hand, such as a count.
    pub async fn number(&self, sql: &str) -> i64 {
        self.column(sql).await.pop().unwrap_or_else(|| panic!("{sql}: no row"))
    }

    /// A column of text by hand.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        self.column(sql).await
    }

    /// Names of the product's tables.
    pub async fn tables(&self) -> Vec<String> {
        self.column(match self.backend() {
            Backend::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                 AND name <> 'seaql_migrations' ORDER BY name"
            }
            Backend::Postgres => {
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()
                 AND table_name <> 'seaql_migrations' ORDER BY table_name"
            }
        })
        .await
    }

    /// Names of a table's columns.
    pub async fn columns(&self, table: &str) -> Vec<String> {
        self.column(&match self.backend() {
            Backend::Sqlite => format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"),
            Backend::Postgres => format!(
                "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema()
                 AND table_name = '{table}' ORDER BY column_name"
            ),
        })
        .await
    }

    /// Everything that makes the schema: tables, columns, indexes and constraints, a line each.
    pub async fn schema(&self) -> Vec<String> {
        self.column(match self.backend() {
            Backend::Sqlite => {
                "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') FROM sqlite_master
                 ORDER BY 1"
            }
            Backend::Postgres => {
                "SELECT format('column %s.%s %s %s %s', table_name, column_name, udt_name, character_maximum_length,
                        is_nullable)
                 FROM information_schema.columns WHERE table_schema = current_schema()
                 UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
                 UNION ALL SELECT format('constraint %s on %s: %s', conname, conrelid::regclass,
                        pg_get_constraintdef(oid))
                 FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
                 ORDER BY 1"
            }
        })
        .await
    }

    /// Every value of every row of the product's tables as text, a row a line, in an order that does not change.
    pub async fn dump(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for table in self.tables().await {
            let values: Vec<String> = self
                .columns(&table)
                .await
                .iter()
                .map(|column| format!("'{column}=' || coalesce(CAST(\"{column}\" AS text), 'NULL')"))
                .collect();
            let sql = format!("SELECT '{table}: ' || {} FROM \"{table}\" ORDER BY 1", values.join(" || ' ' || "));
            lines.extend(self.column::<String>(&sql).await);
        }
        lines
    }

    async fn column<T: sea_orm::TryGetable>(&self, sql: &str) -> Vec<T> {
        let db = self.db();
        let backend = db.connection().get_database_backend();
        let rows = db.connection().query_all_raw(Statement::from_string(backend, sql)).await;
        let rows: Vec<QueryResult> = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.iter().map(|row| row.try_get_by_index(0).unwrap_or_else(|error| panic!("{sql}: {error}"))).collect()
    }
}
