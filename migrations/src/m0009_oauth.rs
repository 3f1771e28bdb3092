//! Apps that customers let in, and what keys and apps may do.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    json_binary, string_len, text, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;
/// Addresses of documents are ids of apps too.
const CLIENT_ID: u32 = 500;
const NAME: u32 = 100;
const KIND: u32 = 20;
/// Names of permissions, with a blank between them.
const SCOPES: u32 = 100;
/// A SHA-256 in hexadecimal.
const HASH: u32 = 64;

const TABLES: [fn() -> TableCreateStatement; 4] = [oauth_clients, oauth_grants, oauth_codes, oauth_tokens];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Keys from before may do what keys could.
        let scopes = string_len("scopes", SCOPES).default("read write publish").to_owned();
        manager.alter_table(Table::alter().table("api_keys").add_column(scopes).to_owned()).await?;
        for table in TABLES {
            manager.create_table(table()).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["oauth_tokens", "oauth_codes", "oauth_grants", "oauth_clients"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("api_keys").drop_column("scopes").to_owned()).await
    }
}

fn belongs(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(table, column).to(to, "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}

fn oauth_clients() -> TableCreateStatement {
    Table::create()
        .table("oauth_clients")
        .col(string_len("id", CLIENT_ID).primary_key())
        .col(string_len("name", NAME))
        .col(json_binary("redirect_uris"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("fresh_until"))
        .col(timestamp_with_time_zone_null("last_used_at"))
        .to_owned()
}

fn oauth_grants() -> TableCreateStatement {
    let mut of_client = ForeignKey::create();
    of_client.from("oauth_grants", "client_id").to("oauth_clients", "id");
    Table::create()
        .table("oauth_grants")
        .col(string_len("id", ID).primary_key())
        .col(string_len("customer_id", ID))
        .col(string_len("client_id", CLIENT_ID))
        .col(string_len("client_name", NAME))
        .col(text("redirect_uri"))
        .col(text("resource"))
        .col(string_len("scopes", SCOPES))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("last_used_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .foreign_key(&mut belongs("oauth_grants", "customer_id", "customers"))
        .foreign_key(&mut of_client)
        .to_owned()
}

fn oauth_codes() -> TableCreateStatement {
    Table::create()
        .table("oauth_codes")
        .col(string_len("hash", HASH).primary_key())
        .col(string_len("customer_id", ID))
        .col(string_len("grant_id", ID))
        .col(string_len("challenge", HASH))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(&mut belongs("oauth_codes", "customer_id", "customers"))
        .foreign_key(&mut belongs("oauth_codes", "grant_id", "oauth_grants"))
        .to_owned()
}

fn oauth_tokens() -> TableCreateStatement {
    Table::create()
        .table("oauth_tokens")
        .col(string_len("hash", HASH).primary_key())
        .col(string_len("customer_id", ID))
        .col(string_len("grant_id", ID))
        .col(string_len("kind", KIND))
        .col(string_len("scopes", SCOPES))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(&mut belongs("oauth_tokens", "customer_id", "customers"))
        .foreign_key(&mut belongs("oauth_tokens", "grant_id", "oauth_grants"))
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
        index("oauth_clients_last_used_at", "oauth_clients", &["last_used_at", "created_at"]),
        index("oauth_grants_customer_id", "oauth_grants", &["customer_id", "id"]),
        index("oauth_grants_client_id", "oauth_grants", &["client_id"]),
        index("oauth_codes_customer_id", "oauth_codes", &["customer_id"]),
        index("oauth_codes_grant_id", "oauth_codes", &["grant_id"]),
        index("oauth_tokens_customer_id", "oauth_tokens", &["customer_id"]),
        index("oauth_tokens_grant_id", "oauth_tokens", &["grant_id"]),
        index("oauth_tokens_expires_at", "oauth_tokens", &["expires_at"]),
    ]
}
