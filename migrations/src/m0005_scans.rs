//! Scans of pages.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, json_binary, string_len, text, text_null, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(scans()).await?;
        for (name, columns) in
            [("scans_customer_id", &["customer_id", "id"][..]), ("scans_url", &["customer_id", "url", "id"])]
        {
            let mut index = Index::create();
            index.name(name).table("scans");
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("scans").to_owned()).await
    }
}

fn scans() -> TableCreateStatement {
    let mut owner = ForeignKey::create();
    Table::create()
        .table("scans")
        .col(string_len("id", ID).primary_key())
        .col(string_len("customer_id", ID))
        .col(text("url"))
        .col(text_null("title"))
        .col(integer("seo"))
        .col(integer("geo"))
        .col(json_binary("report"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(owner.from("scans", "customer_id").to("customers", "id").on_delete(ForeignKeyAction::Cascade))
        .to_owned()
}
