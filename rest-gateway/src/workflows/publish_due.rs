//! Waits for the time of a piece of content, and publishes it.

use chrono::{DateTime, Utc};
use entity::content::{self, Due};
use entity::db::Db;
use entity::ids::{ContentId, CustomerId};
use entity::workflows::Workflow;
use inngest::{Error, Function, Input, NonRetriable, Result, Step, create_function};
use platforms::Platforms;
use platforms::publishing::Outcome;
use serde::{Deserialize, Serialize};
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

/// What came of an attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Attempt {
    /// It is over: the output of the run.
    Over(Value),
    /// It can only be told later what came of an attempt that was cut off.
    LookAgain(DateTime<Utc>),
}

/// Somebody who is at it is done by then, or will never be.
const LOOKS: [(&str, &str); 3] =
    [("publish", "wait_for_other"), ("publish_again", "wait_for_other_again"), ("publish_at_last", "wait_at_last")];

pub fn function(db: Db, platforms: Platforms) -> Function {
    let on_failure = db.clone();
    create_function(options(Workflow::PublishDue), move |input: Input<Asked<Scheduled>>, step| {
        publish(db.clone(), platforms.clone(), input, step)
    })
    .on_failure(move |input, step| failed(on_failure.clone(), input, step))
}

async fn publish(db: Db, platforms: Platforms, input: Input<Asked<Scheduled>>, step: Step) -> Result<Value> {
    let Asked { run_id, customer_id, input: Scheduled { content_id, scheduled_at } } = input.event.data;
    let Some(run) = Run::begin(&db, &run_id, &input.run_id, step).await? else { return Ok(Value::Null) };
    run.sleep_until("wait_for_time", scheduled_at).await?;
    let check = {
        let (customer_id, content_id) = (customer_id.clone(), content_id.clone());
        move || async move {
            Ok(match durable(content::come_due(&db, &customer_id, &content_id, scheduled_at).await)? {
                Due::Now => None,
                Due::Rescheduled => Some("rescheduled".to_owned()),
                Due::NotApproved => Some("not_approved".to_owned()),
                Due::Published => Some("already_published".to_owned()),
            })
        }
    };
    let not_now: Option<String> = run.step("check", check).await?;
    if let Some(reason) = not_now {
        return run.complete(json!({ "published": false, "reason": reason })).await;
    }
    for (name, wait) in LOOKS {
        let (platforms, customer_id, content_id) = (platforms.clone(), customer_id.clone(), content_id.clone());
        let attempt = move || async move { attempt(&platforms, &customer_id, &content_id).await };
        match run.step(name, attempt).await? {
            Attempt::Over(output) => return run.complete(output).await,
            Attempt::LookAgain(at) => run.sleep_until(wait, at).await?,
        }
    }
    Err(NonRetriable::new("Something else has been publishing this piece for a long time.").into())
}

async fn attempt(platforms: &Platforms, customer_id: &CustomerId, content_id: &ContentId) -> Result<Attempt> {
    let outcome = match platforms.publish(customer_id, content_id).await {
        Ok(outcome) => outcome,
        Err(platforms::Error::Store(entity::Error::Conflict { code, message })) => {
            return Ok(not_published(code, &message));
        }
        Err(platforms::Error::Store(error)) => return durable(Err(error)),
        // The platform could not be asked whether it is connected.
        Err(error @ platforms::Error::Upstream(..)) => return Err(error.into()),
        Err(error) => return Ok(not_published(error.code(), &error.to_string())),
    };
    Ok(match outcome {
        Outcome::Published { publication, is_new } => Attempt::Over(json!({
            "published": true,
            "platform": publication.platform,
            "url": publication.url,
            "alreadyPublished": !is_new,
        })),
        Outcome::Busy(publication) => Attempt::LookAgain(publication.claimed_until),
        Outcome::Failed { publication, again: true } => {
            return Err(Error::new(publication.error.unwrap_or_else(|| "The platform cannot be reached.".to_owned())));
        }
        Outcome::Failed { publication, again: false } => {
            not_published("failed", publication.error.as_deref().unwrap_or_default())
        }
        Outcome::Unknown(publication) => {
            Attempt::Over(json!({ "published": null, "reason": "unknown", "message": publication.error }))
        }
    })
}

fn not_published(reason: &str, message: &str) -> Attempt {
    Attempt::Over(json!({ "published": false, "reason": reason, "message": message }))
}
