//! Connected platforms: how they stand, links under way, what was published on them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    integer, json_binary, string_len, string_len_null, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;
const ENUM: u32 = 20;
/// Ids that others make.
const FOREIGN_ID: u32 = 255;
/// A SHA-256 in hexadecimal.
const HASH: u32 = 64;

const TABLES: [fn() -> TableCreateStatement; 5] =
    [connections, connect_states, auth_configs, composio_events, publications];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.create_table(table()).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["publications", "composio_events", "auth_configs", "connect_states", "connections"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn belongs(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(table, column).to(to, "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}

fn connections() -> TableCreateStatement {
    Table::create()
        .table("connections")
        .col(string_len("customer_id", ID))
        .col(string_len("platform", ENUM))
        .col(string_len("account_id", FOREIGN_ID))
        .col(string_len("status", ENUM))
        .col(text_null("reason"))
        .col(timestamp_with_time_zone_null("connected_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .primary_key(Index::create().col("customer_id").col("platform"))
        .foreign_key(&mut belongs("connections", "customer_id", "customers"))
        .to_owned()
}

fn connect_states() -> TableCreateStatement {
    Table::create()
        .table("connect_states")
        .col(string_len("hash", HASH).primary_key())
        .col(string_len("customer_id", ID))
        .col(string_len("platform", ENUM))
        .col(string_len("account_id", FOREIGN_ID))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(&mut belongs("connect_states", "customer_id", "customers"))
        .to_owned()
}

fn auth_configs() -> TableCreateStatement {
    Table::create()
        .table("auth_configs")
        .col(string_len("platform", ENUM).primary_key())
        .col(string_len("auth_config_id", FOREIGN_ID))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

fn composio_events() -> TableCreateStatement {
    Table::create()
        .table("composio_events")
        .col(string_len("id", FOREIGN_ID).primary_key())
        .col(timestamp_with_time_zone("received_at"))
        .to_owned()
}

fn publications() -> TableCreateStatement {
    Table::create()
        .table("publications")
        .col(string_len("id", ID).primary_key())
        .col(string_len("customer_id", ID))
        .col(string_len("content_id", ID))
        .col(string_len("platform", ENUM))
        .col(integer("revision"))
        .col(string_len("status", ENUM))
        .col(string_len("account_id", FOREIGN_ID))
        .col(json_binary("progress"))
        .col(string_len_null("external_id", FOREIGN_ID))
        .col(text_null("url"))
        .col(text_null("error"))
        .col(integer("attempts"))
        .col(timestamp_with_time_zone("claimed_until"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("published_at"))
        .foreign_key(&mut belongs("publications", "customer_id", "customers"))
        .foreign_key(&mut belongs("publications", "content_id", "content"))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table(table);
        for column in columns {
            index.col(*column);
        }
        index
    };
    vec![
        index("connect_states_customer_id", "connect_states", &["customer_id"]),
        index("connect_states_expires_at", "connect_states", &["expires_at"]),
        index("connections_account_id", "connections", &["account_id"]),
        index("composio_events_received_at", "composio_events", &["received_at"]),
        index("publications_content", "publications", &["content_id", "platform"]).unique().to_owned(),
        index("publications_customer_id", "publications", &["customer_id", "id"]),
    ]
}
