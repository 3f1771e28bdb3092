//! Which key made a key or let an app in, and which customers were deleted.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string_len, string_len_null, timestamp_with_time_zone, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;
const KIND: u32 = 20;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // What is from before is not known to come from any key.
        for (table, column) in [
            ("api_keys", string_len_null("made_by", ID)),
            ("oauth_grants", string_len_null("key_id", ID)),
            ("oauth_grants", timestamp_with_time_zone_null("ends_at")),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        manager.create_table(deletions()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("deletions").to_owned()).await?;
        for (table, column) in [("oauth_grants", "ends_at"), ("oauth_grants", "key_id"), ("api_keys", "made_by")] {
            manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

/// Belongs to nobody: it is there when the customer is not.
fn deletions() -> TableCreateStatement {
    Table::create()
        .table("deletions")
        .col(string_len("id", ID).primary_key())
        .col(timestamp_with_time_zone("deleted_at"))
        .col(string_len("deleted_by", KIND))
        .to_owned()
}
