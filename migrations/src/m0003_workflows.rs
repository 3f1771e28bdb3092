//! Durable work: events on their way, runs as customers see them, and the state of the embedded engine.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, integer, string_len, string_len_null, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ID: u32 = 40;
const ENUM: u32 = 20;
/// Names of functions, steps and events.
const NAME: u32 = 255;
/// A SHA-1 in hexadecimal.
const HASH: u32 = 40;

const TABLES: [fn() -> TableCreateStatement; 8] =
    [outbox, workflow_runs, workflow_steps, engine_runs, engine_steps, engine_timers, engine_waits, engine_schedules];

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
        let tables = [
            "engine_schedules",
            "engine_waits",
            "engine_timers",
            "engine_steps",
            "engine_runs",
            "workflow_steps",
            "workflow_runs",
            "outbox",
        ];
        for table in tables {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn belongs(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(table, column).to(to, "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}

fn outbox() -> TableCreateStatement {
    Table::create()
        .table("outbox")
        .col(string_len("id", ID).primary_key())
        .col(string_len_null("customer_id", ID))
        .col(string_len("event_id", NAME))
        .col(string_len("name", NAME))
        .col(text("data"))
        .col(timestamp_with_time_zone("created_at"))
        .col(integer("attempts"))
        .col(timestamp_with_time_zone("next_attempt_at"))
        .col(text_null("error"))
        .foreign_key(&mut belongs("outbox", "customer_id", "customers"))
        .to_owned()
}

fn workflow_runs() -> TableCreateStatement {
    Table::create()
        .table("workflow_runs")
        .col(string_len("id", ID).primary_key())
        .col(string_len_null("customer_id", ID))
        .col(string_len("workflow", ENUM))
        .col(string_len("status", ENUM))
        .col(text("input"))
        .col(text_null("output"))
        .col(text_null("error"))
        .col(string_len_null("retry_of", ID))
        .col(string_len_null("execution_id", ID))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("started_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(&mut belongs("workflow_runs", "customer_id", "customers"))
        .to_owned()
}

fn workflow_steps() -> TableCreateStatement {
    Table::create()
        .table("workflow_steps")
        .col(string_len("run_id", ID))
        .col(string_len("name", NAME))
        .col(string_len("status", ENUM))
        .col(integer("attempts"))
        .col(text_null("error"))
        .col(timestamp_with_time_zone("started_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .primary_key(Index::create().col("run_id").col("name"))
        .foreign_key(&mut belongs("workflow_steps", "run_id", "workflow_runs"))
        .to_owned()
}

fn engine_runs() -> TableCreateStatement {
    Table::create()
        .table("engine_runs")
        .col(string_len("id", ID).primary_key())
        .col(string_len_null("customer_id", ID))
        .col(string_len("function", NAME))
        .col(string_len("event_id", NAME))
        .col(string_len("status", ENUM))
        .col(text("events"))
        .col(text_null("result"))
        .col(string_len("concurrency_key", NAME))
        .col(string_len_null("parent_id", ID))
        .col(string_len_null("parent_step", HASH))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(&mut belongs("engine_runs", "customer_id", "customers"))
        .to_owned()
}

fn engine_steps() -> TableCreateStatement {
    Table::create()
        .table("engine_steps")
        .col(string_len("run_id", ID))
        .col(string_len("hash", HASH))
        .col(integer("position"))
        .col(string_len("name", NAME))
        .col(text("memo"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("run_id").col("hash"))
        .foreign_key(&mut belongs("engine_steps", "run_id", "engine_runs"))
        .to_owned()
}

fn engine_timers() -> TableCreateStatement {
    Table::create()
        .table("engine_timers")
        .col(string_len("run_id", ID))
        .col(string_len("step", HASH))
        .col(string_len("kind", ENUM))
        .col(string_len("name", NAME))
        .col(string_len("function", NAME))
        .col(string_len("concurrency_key", NAME))
        .col(timestamp_with_time_zone("due_at"))
        .col(timestamp_with_time_zone_null("taken_until"))
        .col(big_integer("version"))
        .col(integer("attempt"))
        .col(boolean("again"))
        .col(text_null("error"))
        .primary_key(Index::create().col("run_id").col("step"))
        .foreign_key(&mut belongs("engine_timers", "run_id", "engine_runs"))
        .to_owned()
}

fn engine_waits() -> TableCreateStatement {
    Table::create()
        .table("engine_waits")
        .col(string_len("run_id", ID))
        .col(string_len("step", HASH))
        .col(string_len("kind", ENUM))
        .col(string_len("name", NAME))
        .col(string_len("field", NAME))
        .col(string_len("value", NAME))
        .col(timestamp_with_time_zone_null("ends_at"))
        .primary_key(Index::create().col("run_id").col("step"))
        .foreign_key(&mut belongs("engine_waits", "run_id", "engine_runs"))
        .to_owned()
}

fn engine_schedules() -> TableCreateStatement {
    Table::create()
        .table("engine_schedules")
        .col(string_len("function", NAME))
        .col(string_len("cron", NAME))
        .col(timestamp_with_time_zone("next_at"))
        .primary_key(Index::create().col("function").col("cron"))
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
        index("outbox_next_attempt_at", "outbox", &["next_attempt_at"]),
        index("outbox_customer_id", "outbox", &["customer_id", "id"]),
        index("workflow_runs_customer_id", "workflow_runs", &["customer_id", "id"]),
        index("workflow_runs_status", "workflow_runs", &["status", "id"]),
        index("workflow_runs_execution_id", "workflow_runs", &["execution_id"]).unique().to_owned(),
        index("engine_runs_customer_id", "engine_runs", &["customer_id"]),
        index("engine_runs_ended_at", "engine_runs", &["ended_at"]),
        index("engine_runs_event", "engine_runs", &["function", "event_id"]).unique().to_owned(),
        index("engine_timers_due_at", "engine_timers", &["due_at"]),
        index("engine_timers_taken", "engine_timers", &["function", "taken_until"]),
        index("engine_waits_name", "engine_waits", &["kind", "name", "field", "value"]),
    ]
}
