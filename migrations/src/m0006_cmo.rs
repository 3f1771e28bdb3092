//! What a CMO keeps: briefs, watched pages and snapshots; and which runs the clock has asked for.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    date, json_binary, string_len, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;

const TABLES: [fn() -> TableCreateStatement; 2] = [watched_pages, snapshots];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("content").add_column(text_null("brief")).to_owned()).await?;
        let due_at = timestamp_with_time_zone_null("due_at");
        manager.alter_table(Table::alter().table("workflow_runs").add_column(due_at).to_owned()).await?;
        for table in TABLES {
            manager.create_table(table()).await?;
        }
        for (name, table, columns, is_unique) in INDEXES {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            if is_unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("workflow_runs_due").table("workflow_runs").to_owned()).await?;
        for table in ["snapshots", "watched_pages"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("workflow_runs").drop_column("due_at").to_owned()).await?;
        manager.alter_table(Table::alter().table("content").drop_column("brief").to_owned()).await
    }
}

const INDEXES: [(&str, &str, &[&str], bool); 3] = [
    // The clock asks for each run once, whichever process looks at it. Runs that people ask for have no such time.
    ("workflow_runs_due", "workflow_runs", &["customer_id", "workflow", "due_at"], true),
    ("snapshots_customer_id", "snapshots", &["customer_id", "id"], false),
    ("snapshots_run_id", "snapshots", &["run_id"], true),
];

fn belongs(table: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(table, "customer_id").to("customers", "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}

fn watched_pages() -> TableCreateStatement {
    Table::create()
        .table("watched_pages")
        .col(string_len("customer_id", ID))
        .col(text("url"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("customer_id").col("url"))
        .foreign_key(&mut belongs("watched_pages"))
        .to_owned()
}

fn snapshots() -> TableCreateStatement {
    Table::create()
        .table("snapshots")
        .col(string_len("id", ID).primary_key())
        .col(string_len("customer_id", ID))
        .col(string_len("run_id", ID))
        .col(date("first_day"))
        .col(date("last_day"))
        .col(json_binary("data"))
        .col(timestamp_with_time_zone("captured_at"))
        .foreign_key(&mut belongs("snapshots"))
        .to_owned()
}
