//! Looks after work that a wrong clock put off.

use std::time::Duration;

use entity::db::Db;
use tokio_util::sync::CancellationToken;

/// How soon after a clock is right again work goes on.
const INTERVAL: Duration = Duration::from_secs(5);

/// Mends what a wrong clock left, until `shutdown`: also what another process wrote, or this one before it died.
pub async fn mend(db: Db, shutdown: CancellationToken) {
    let mending = async {
        loop {
            match entity::clock::mend(&db).await {
                Ok(0) => {}
                Ok(mended) => tracing::warn!(mended, "the clock was wrong for a while: what it put off goes on"),
                Err(error) => tracing::debug!(%error, "could not look for what a wrong clock put off"),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    shutdown.run_until_cancelled(mending).await;
}
