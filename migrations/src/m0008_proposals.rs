//! Proposals to change the brand profile.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    json_binary, string_len, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;
const KIND: u32 = 20;
const TABLE: &str = "proposals";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(proposals()).await?;
        let mut index = Index::create();
        index.name("proposals_customer_id").table(TABLE).col("customer_id").col("status").col("id");
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(TABLE).to_owned()).await
    }
}

fn proposals() -> TableCreateStatement {
    let mut belongs = ForeignKey::create();
    belongs.from(TABLE, "customer_id").to("customers", "id").on_delete(ForeignKeyAction::Cascade);
    Table::create()
        .table(TABLE)
        .col(string_len("id", ID).primary_key())
        .col(string_len("customer_id", ID))
        .col(string_len("category", KIND))
        .col(json_binary("part"))
        .col(text("title"))
        .col(json_binary("current"))
        .col(json_binary("proposed"))
        .col(json_binary("evidence"))
        .col(text("expected_effect"))
        .col(string_len("confidence", KIND))
        .col(string_len("status", KIND))
        .col(text_null("decided_by"))
        .col(text_null("reason"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .foreign_key(&mut belongs)
        .to_owned()
}
