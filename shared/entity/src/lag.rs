//! How late what waits in the database is, for whoever watches the processes. Each question is answered by an index.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::db::Db;
use crate::engine;
use crate::error::Result;
use crate::tables::{outbox_message, stripe_event};

/// What waits, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// How many events wait to be delivered to the durable functions.
    pub outbox_waiting: u64,
    /// When the oldest of them was written.
    pub outbox_oldest: Option<DateTime<Utc>>,
    /// When the embedded engine has to do something next; in the past when it is late.
    pub engine_due: Option<DateTime<Utc>>,
    /// When the oldest of Stripe's events happened that are not handled yet and not given up.
    pub stripe_oldest: Option<DateTime<Utc>>,
}

/// Looks at all of it.
///
/// # Errors
///
/// When the database fails.
pub async fn read(db: &Db) -> Result<Lag> {
    // Ids sort by time.
    let oldest = outbox_message::Entity::find().order_by_asc(outbox_message::Column::Id).one(db.connection()).await?;
    let stripe_oldest = stripe_event::Entity::find()
        .select_only()
        .column_as(stripe_event::Column::CreatedAt.min(), "oldest")
        .filter(stripe_event::Column::NextAttemptAt.is_not_null())
        .into_tuple::<Option<DateTime<Utc>>>()
        .one(db.connection())
        .await?;
    Ok(Lag {
        outbox_waiting: outbox_message::Entity::find().count(db.connection()).await?,
        outbox_oldest: oldest.map(|message| message.created_at),
        engine_due: engine::next_due(db).await?,
        stripe_oldest: stripe_oldest.flatten(),
    })
}
