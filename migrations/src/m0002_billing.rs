//! Stripe: customers' ids there, subscriptions, completed checkouts and delivered events.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, integer, string_len, string_len_null, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;
const ENUM: u32 = 20;
/// Stripe says that its ids may grow to this length.
const STRIPE_ID: u32 = 255;
const CUSTOMERS_BY_STRIPE_ID: &str = "customers_stripe_customer_id";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = string_len_null("stripe_customer_id", STRIPE_ID);
        manager.alter_table(Table::alter().table("customers").add_column(column).to_owned()).await?;
        for table in [subscriptions(), checkout_sessions(), stripe_events()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["stripe_events", "checkout_sessions", "subscriptions"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        // SQLite drops no column that an index is on.
        manager.drop_index(Index::drop().name(CUSTOMERS_BY_STRIPE_ID).table("customers").to_owned()).await?;
        manager.alter_table(Table::alter().table("customers").drop_column("stripe_customer_id").to_owned()).await
    }
}

fn to_customer(table: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(table, "customer_id").to("customers", "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}

fn subscriptions() -> TableCreateStatement {
    Table::create()
        .table("subscriptions")
        .col(string_len("id", STRIPE_ID).primary_key())
        .col(string_len("customer_id", ID))
        .col(string_len("stripe_customer_id", STRIPE_ID))
        .col(string_len("status", ENUM))
        .col(boolean("cancel_at_period_end"))
        .col(timestamp_with_time_zone_null("period_ends_at"))
        .col(timestamp_with_time_zone_null("past_due_since"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("updated_at"))
        .foreign_key(&mut to_customer("subscriptions"))
        .to_owned()
}

fn checkout_sessions() -> TableCreateStatement {
    Table::create()
        .table("checkout_sessions")
        .col(string_len("id", STRIPE_ID).primary_key())
        .col(string_len("customer_id", ID))
        .col(boolean("made_customer"))
        .col(timestamp_with_time_zone("completed_at"))
        .col(timestamp_with_time_zone_null("claimed_at"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(&mut to_customer("checkout_sessions"))
        .to_owned()
}

fn stripe_events() -> TableCreateStatement {
    Table::create()
        .table("stripe_events")
        .col(string_len("id", STRIPE_ID).primary_key())
        .col(string_len("event_type", STRIPE_ID))
        .col(text("payload"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("received_at"))
        .col(integer("attempts"))
        .col(timestamp_with_time_zone_null("next_attempt_at"))
        .col(timestamp_with_time_zone_null("processed_at"))
        .col(text_null("error"))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, column: &'static str| {
        Index::create().name(name).table(table).col(column).to_owned()
    };
    vec![
        index(CUSTOMERS_BY_STRIPE_ID, "customers", "stripe_customer_id").unique().to_owned(),
        index("subscriptions_customer_id", "subscriptions", "customer_id"),
        index("subscriptions_stripe_customer_id", "subscriptions", "stripe_customer_id"),
        index("checkout_sessions_customer_id", "checkout_sessions", "customer_id"),
        index("stripe_events_next_attempt_at", "stripe_events", "next_attempt_at"),
    ]
}
