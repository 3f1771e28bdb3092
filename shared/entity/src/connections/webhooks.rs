use chrono::Duration;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

use crate::db::{Db, now};
use crate::error::Result;
use crate::tables::composio_event;

/// Much longer than Composio keeps trying to deliver.
const KEPT: Duration = Duration::days(30);

/// Whether a webhook of Composio's was handled already.
///
/// # Errors
///
/// When the database fails.
pub async fn webhook_is_handled(db: &Db, id: &str) -> Result<bool> {
    Ok(composio_event::Entity::find_by_id(id).one(db.connection()).await?.is_some())
}

/// Notes that a webhook was handled. What it leads to may be done twice when this fails: it is how the platform
/// stands, not a change.
///
/// # Errors
///
/// When the database fails.
pub async fn webhook_handled(db: &Db, id: &str) -> Result<()> {
    let row = composio_event::ActiveModel { id: Set(id.to_owned()), received_at: Set(now()) };
    composio_event::Entity::insert(row)
        .on_conflict_do_nothing_on([composio_event::Column::Id])
        .exec(db.connection())
        .await?;
    Ok(())
}

/// Forgets webhooks of long ago; says how many.
///
/// # Errors
///
/// When the database fails.
pub async fn forget_old_webhooks(db: &Db) -> Result<u64> {
    let forgotten = composio_event::Entity::delete_many()
        .filter(composio_event::Column::ReceivedAt.lt(now() - KEPT))
        .exec(db.connection())
        .await?;
    Ok(forgotten.rows_affected)
}
