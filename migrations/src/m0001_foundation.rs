//! Customers and their keys, events, brand, content, leads and MCP sessions.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    integer, json_binary, string, string_len, string_len_null, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;
const ENUM: u32 = 20;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables().iter().rev() {
            let Some(TableRef::Table(name, _)) = table.get_table_name() else { continue };
            manager.drop_table(Table::drop().table(name.clone()).to_owned()).await?;
        }
        Ok(())
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        customers(),
        api_keys(),
        events(),
        brands(),
        content(),
        content_revisions(),
        content_decisions(),
        leads(),
        mcp_sessions(),
    ]
}

fn id(name: &'static str) -> ColumnDef {
    string_len(name, ID).primary_key().to_owned()
}

/// A table whose rows belong to a customer and go with them.
fn tenant_table(name: &'static str) -> TableCreateStatement {
    let mut customer = ForeignKey::create();
    customer.from(name, "customer_id").to("customers", "id").on_delete(ForeignKeyAction::Cascade);
    Table::create().table(name).foreign_key(&mut customer).to_owned()
}

fn to_content(table: &'static str, on_delete: ForeignKeyAction) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, "content_id").to("content", "id").on_delete(on_delete).to_owned()
}

fn customers() -> TableCreateStatement {
    Table::create()
        .table("customers")
        .col(id("id"))
        .col(string_len("email", 320).unique_key())
        .col(string_len("plan", 40))
        .col(string_len_null("brand_name", 200))
        .col(string_len("time_zone", 64))
        .col(string_len("onboarding", ENUM))
        .col(string_len("subscription", ENUM))
        .col(timestamp_with_time_zone_null("grace_ends_at"))
        .col(timestamp_with_time_zone_null("suspended_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .to_owned()
}

fn api_keys() -> TableCreateStatement {
    tenant_table("api_keys")
        .col(id("id"))
        .col(string_len("customer_id", ID))
        .col(string_len("hash", 64).unique_key())
        .col(string_len("last4", 4))
        .col(string_len("label", 60))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("last_used_at"))
        .col(timestamp_with_time_zone_null("expires_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .to_owned()
}

fn events() -> TableCreateStatement {
    tenant_table("events")
        .col(id("id"))
        .col(string_len("customer_id", ID))
        .col(string_len("type", 60))
        .col(json_binary("data"))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

fn brands() -> TableCreateStatement {
    tenant_table("brands")
        .col(id("customer_id"))
        .col(json_binary("profile"))
        .col(timestamp_with_time_zone("updated_at"))
        .to_owned()
}

fn content() -> TableCreateStatement {
    tenant_table("content")
        .col(id("id"))
        .col(string_len("customer_id", ID))
        .col(string_len("kind", ENUM))
        .col(string_len("channel", ENUM))
        .col(string_len("status", ENUM))
        .col(string("label"))
        .col(integer("revision"))
        .col(string_len_null("pillar", 300))
        .col(timestamp_with_time_zone_null("scheduled_at"))
        .col(text("search_text"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .to_owned()
}

fn content_revisions() -> TableCreateStatement {
    tenant_table("content_revisions")
        .foreign_key(&mut to_content("content_revisions", ForeignKeyAction::Cascade))
        .col(id("id"))
        .col(string_len("customer_id", ID))
        .col(string_len("content_id", ID))
        .col(integer("number"))
        .col(json_binary("draft"))
        .col(json_binary("findings"))
        .col(ColumnDef::new("note").text())
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

fn content_decisions() -> TableCreateStatement {
    tenant_table("content_decisions")
        .foreign_key(&mut to_content("content_decisions", ForeignKeyAction::Cascade))
        .col(id("id"))
        .col(string_len("customer_id", ID))
        .col(string_len("content_id", ID))
        .col(integer("revision"))
        .col(string_len("decision", ENUM))
        .col(string("decided_by"))
        .col(ColumnDef::new("reason").text())
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

fn leads() -> TableCreateStatement {
    tenant_table("leads")
        .foreign_key(&mut to_content("leads", ForeignKeyAction::SetNull))
        .col(id("id"))
        .col(string_len("customer_id", ID))
        .col(string_len_null("name", 300))
        .col(string_len_null("email", 320))
        .col(string_len_null("company", 300))
        .col(string_len("source", 100))
        .col(string_len_null("content_id", ID))
        .col(ColumnDef::new("note").text())
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

fn mcp_sessions() -> TableCreateStatement {
    tenant_table("mcp_sessions")
        .col(string_len("id", 64).primary_key())
        .col(string_len("customer_id", ID))
        .col(json_binary("state"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("last_used_at"))
        .to_owned()
}

/// Every page and filter of the queries is one range of one of these.
fn indexes() -> Vec<IndexCreateStatement> {
    let mut revision_number = index("content_revisions", &["content_id", "number"]);
    vec![
        index("api_keys", &["customer_id", "id"]),
        index("events", &["customer_id", "id"]),
        index("events", &["customer_id", "type", "id"]),
        index("content", &["customer_id", "id"]),
        index("content", &["customer_id", "status", "id"]),
        index("content", &["customer_id", "kind", "id"]),
        index("content", &["customer_id", "channel", "scheduled_at"]),
        index("content", &["customer_id", "scheduled_at"]),
        revision_number.unique().to_owned(),
        index("content_revisions", &["customer_id", "content_id"]),
        index("content_decisions", &["customer_id", "content_id", "id"]),
        index("leads", &["customer_id", "id"]),
        index("leads", &["customer_id", "source"]),
        index("mcp_sessions", &["customer_id"]),
        index("mcp_sessions", &["last_used_at"]),
    ]
}

fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("ix_{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}
