//! Analytics reports.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{date, json_binary, string_len, text, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(reports()).await?;
        // In the order of lists.
        let mut index = Index::create();
        index.name("reports_customer_id").table("reports").col("customer_id").col("run_id");
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("reports").to_owned()).await
    }
}

fn reports() -> TableCreateStatement {
    let mut belongs = ForeignKey::create();
    belongs.from("reports", "customer_id").to("customers", "id").on_delete(ForeignKeyAction::Cascade);
    Table::create()
        .table("reports")
        .col(string_len("run_id", ID).primary_key())
        .col(string_len("customer_id", ID))
        .col(date("first_day"))
        .col(date("last_day"))
        .col(text("headline"))
        .col(json_binary("data"))
        .col(text("markdown"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(&mut belongs)
        .to_owned()
}
