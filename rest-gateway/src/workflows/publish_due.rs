//! Waits for the time of a piece of content.

use chrono::{DateTime, Utc};
use entity::content::{self, Due};
use entity::db::Db;
use entity::ids::ContentId;
use entity::workflows::Workflow;
use inngest::{Function, Input, Result, Step, create_function};
use serde::Deserialize;
use serde_json::{Value, json};

use super::options;
use super::run::{Asked, Run, durable, failed};

/// Which piece, and its time.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scheduled {
    content_id: ContentId,
    scheduled_at: DateTime<Utc>,
}

pub fn function(db: Db) -> Function {
    let on_failure = db.clone();
    create_function(options(Workflow::PublishDue), move |input: Input<Asked<Scheduled>>, step| {
        publish(db.clone(), input, step)
    })
    .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn publish(db: Db, input: Input<Asked<Scheduled>>, step: Step) -> Result<Value> {
    let Asked { run_id, customer_id, input: Scheduled { content_id, scheduled_at } } = input.event.data;
    let Some(run) = Run::begin(&db, &run_id, &input.run_id, step).await? else { return Ok(Value::Null) };
    run.sleep_until("wait_for_time", scheduled_at).await?;
    let check = move || async move {
        let reason = match durable(content::come_due(&db, &customer_id, &content_id, scheduled_at).await)? {
            Due::Now => "no_platform_connected",
            Due::Rescheduled => "rescheduled",
            Due::NotApproved => "not_approved",
            Due::Published => "already_published",
        };
        Ok(reason.to_owned())
    };
    let reason: String = run.step("check", check).await?;
    run.complete(json!({ "published": false, "reason": reason })).await
}
