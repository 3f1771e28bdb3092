//! Carries the events of the outbox to whoever runs the durable functions.

use std::time::Duration;

use entity::db::Db;
use entity::outbox::{self as store, Message};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::workflows::Runner;

const BATCH: u64 = 50;
/// How many are handed over at a time.
const AT_ONCE: usize = 4;
/// How often to look: both processes write.
const INTERVAL: Duration = Duration::from_millis(250);
/// How long to wait after the database failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Carries events until `shutdown`.
pub async fn carry(db: Db, runner: Runner, shutdown: CancellationToken) {
    shutdown.run_until_cancelled(carry_for_ever(&db, &runner)).await;
}

async fn carry_for_ever(db: &Db, runner: &Runner) {
    loop {
        match carry_due(db, runner).await {
            Ok(0) => tokio::time::sleep(INTERVAL).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "could not read the outbox");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn carry_due(db: &Db, runner: &Runner) -> Result<usize, entity::Error> {
    let due = store::due(db, BATCH).await?;
    let count = due.len();
    // No two of them are of the same customer.
    let carrying = due.into_iter().map(|message| carry_one(db, runner, message));
    let mut carrying = futures::stream::iter(carrying).buffer_unordered(AT_ONCE);
    while let Some(carried) = carrying.next().await {
        carried?;
    }
    Ok(count)
}

async fn carry_one(db: &Db, runner: &Runner, message: Message) -> Result<(), entity::Error> {
    if !store::take(db, &message).await? {
        return Ok(());
    }
    let Err(error) = runner.take(db, &message).await else { return Ok(()) };
    tracing::warn!(event = message.name, id = %message.id, error, "an event is delivered again later");
    store::failed(db, &message, &error).await
}
