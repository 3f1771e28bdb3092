//! Pages of the customer's that are scanned every week.

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};
use serde_json::json;

use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::CustomerId;
use crate::tables::watched_page;

/// A page that is watched.
pub type WatchedPage = watched_page::Model;

/// A weekly run scans them one after the other.
pub const MAX_WATCHED: u64 = 20;

/// Begins to watch a page; whether it was not watched before.
///
/// # Errors
///
/// When there is no such customer, or they watch [`MAX_WATCHED`] pages already (`too_many_pages`).
pub async fn watch(db: &Db, customer_id: &CustomerId, url: &str) -> Result<bool> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let theirs = watched_page::Entity::find().filter(watched_page::Column::CustomerId.eq(customer_id.clone()));
    if theirs.clone().filter(watched_page::Column::Url.eq(url)).one(&tx).await?.is_some() {
        return Ok(false);
    }
    if theirs.count(&tx).await? >= MAX_WATCHED {
        let message = format!("{MAX_WATCHED} pages are watched, and no more can be. Stop watching another one first.");
        return Err(Error::conflict("too_many_pages", message));
    }
    let row = watched_page::ActiveModel {
        customer_id: Set(customer_id.clone()),
        url: Set(url.to_owned()),
        created_at: Set(now()),
    };
    row.insert(&tx).await?;
    events::record(&tx, customer_id, EventType::PageWatched, json!({ "url": url })).await?;
    tx.commit().await?;
    Ok(true)
}

/// Stops watching a page; whether it was watched.
///
/// # Errors
///
/// When there is no such customer.
pub async fn unwatch(db: &Db, customer_id: &CustomerId, url: &str) -> Result<bool> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let deleted = watched_page::Entity::delete_by_id((customer_id.clone(), url.to_owned())).exec(&tx).await?;
    if deleted.rows_affected == 0 {
        return Ok(false);
    }
    events::record(&tx, customer_id, EventType::PageUnwatched, json!({ "url": url })).await?;
    tx.commit().await?;
    Ok(true)
}

/// The pages that the customer watches, the first one first.
///
/// # Errors
///
/// When the database fails.
pub async fn watched(db: &Db, customer_id: &CustomerId) -> Result<Vec<WatchedPage>> {
    let pages = watched_page::Entity::find()
        .filter(watched_page::Column::CustomerId.eq(customer_id.clone()))
        .order_by_asc(watched_page::Column::CreatedAt)
        .order_by_asc(watched_page::Column::Url);
    Ok(pages.all(db.connection()).await?)
}
