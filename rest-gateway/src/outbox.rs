//! Carries the events of the outbox to whoever runs the durable functions.

use std::time::Duration;

use entity::db::Db;
use entity::outbox::{self as store, Message};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;

const BATCH: u64 = 50;
/// How often to look: both processes write.
const INTERVAL: Duration = Duration::from_millis(250);
/// How long to wait after the database failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Carries events until `shutdown`.
pub async fn carry(db: Db, engine: Engine, shutdown: CancellationToken) {
    shutdown.run_until_cancelled(carry_for_ever(&db, &engine)).await;
}

async fn carry_for_ever(db: &Db, engine: &Engine) {
    loop {
        match carry_due(db, engine).await {
            Ok(0) => tokio::time::sleep(INTERVAL).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "could not read the outbox");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn carry_due(db: &Db, engine: &Engine) -> Result<usize, entity::Error> {
    let due = store::due(db, BATCH).await?;
    for message in &due {
        carry_one(db, engine, message).await?;
    }
    Ok(due.len())
}

async fn carry_one(db: &Db, engine: &Engine, message: &Message) -> Result<(), entity::Error> {
    if !store::take(db, message).await? {
        return Ok(());
    }
    let Err(error) = engine.deliver(message).await else { return Ok(()) };
    tracing::warn!(event = message.name, id = %message.id, %error, "an event is delivered again later");
    store::failed(db, message, &error.to_string()).await
}
