//! Scans of pages: each is kept as it was.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select, Set,
};
use serde_json::{Value, json};

use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{CustomerId, ScanId};
use crate::tables::scan;

/// A scan whole.
pub type Scan = scan::Model;

/// What a scan has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewScan {
    /// Where the page was, after all redirects.
    pub url: String,
    /// Its title.
    pub title: Option<String>,
    /// For search engines, from 0 to 100.
    pub seo: u8,
    /// For answer engines, from 0 to 100.
    pub geo: u8,
    /// Everything.
    pub report: Value,
}

/// A scan without its report.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Summary {
    /// Its id.
    pub id: ScanId,
    /// Where the page was.
    pub url: String,
    /// Its title.
    pub title: Option<String>,
    /// For search engines, from 0 to 100.
    pub seo: i32,
    /// For answer engines, from 0 to 100.
    pub geo: i32,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Some scans, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The scans.
    pub scans: Vec<Summary>,
    /// Where the next page begins.
    pub next: Option<ScanId>,
}

/// Keeps a scan.
///
/// # Errors
///
/// When there is no such customer.
pub async fn save(db: &Db, customer_id: &CustomerId, new: NewScan) -> Result<Scan> {
    save_compared(db, customer_id, new, |_| None).await
}

/// Keeps a scan, and notes in the log what got worse since the one of the same page before, as `worse` tells.
///
/// # Errors
///
/// When there is no such customer.
pub async fn save_compared(
    db: &Db,
    customer_id: &CustomerId,
    new: NewScan,
    worse: impl FnOnce(Value) -> Option<Value>,
) -> Result<Scan> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let before = of_customer(customer_id).filter(scan::Column::Url.eq(new.url.clone()));
    let before = before.order_by_desc(scan::Column::Id).one(&tx).await?;
    let row = scan::ActiveModel {
        id: Set(ScanId::new()),
        customer_id: Set(customer_id.clone()),
        url: Set(new.url),
        title: Set(new.title),
        seo: Set(new.seo.into()),
        geo: Set(new.geo.into()),
        report: Set(new.report),
        created_at: Set(now()),
    };
    let scan = row.insert(&tx).await?;
    let data = json!({ "scanId": scan.id, "url": scan.url, "seo": scan.seo, "geo": scan.geo });
    events::record(&tx, customer_id, EventType::ScanCompleted, data).await?;
    if let Some(worse) = before.and_then(|before| worse(before.report)) {
        let data = json!({ "scanId": scan.id, "url": scan.url, "worse": worse });
        events::record(&tx, customer_id, EventType::ScanRegressed, data).await?;
    }
    tx.commit().await?;
    Ok(scan)
}

/// Notes in the log that a page could not be read any more.
///
/// # Errors
///
/// When there is no such customer.
pub async fn note_unreadable(db: &Db, customer_id: &CustomerId, url: &str, problem: &str) -> Result<()> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let data = json!({ "url": url, "problem": problem });
    events::record(&tx, customer_id, EventType::ScanRegressed, data).await?;
    tx.commit().await?;
    Ok(())
}

/// A scan of the customer's.
///
/// # Errors
///
/// When they have no such scan.
pub async fn get(db: &Db, customer_id: &CustomerId, id: &ScanId) -> Result<Scan> {
    let found = of_customer(customer_id).filter(scan::Column::Id.eq(id.clone())).one(db.connection()).await?;
    found.ok_or(Error::NotFound("scan"))
}

/// The customer's scans before `before`, newest first; of one page, if `url` is given.
///
/// # Errors
///
/// When `before` is not a scan of this customer (field `cursor`).
pub async fn list(
    db: &Db,
    customer_id: &CustomerId,
    url: Option<&str>,
    before: Option<&ScanId>,
    limit: u64,
) -> Result<Page> {
    let mut select = of_customer(customer_id);
    if let Some(url) = url {
        select = select.filter(scan::Column::Url.eq(url));
    }
    if let Some(before) = before {
        get(db, customer_id, before).await.map_err(|error| match error {
            Error::NotFound(_) => Error::invalid("cursor", "is not a cursor that list_scans gave you"),
            other => other,
        })?;
        select = select.filter(scan::Column::Id.lt(before.clone()));
    }
    // One more than asked for tells whether there is another page.
    let mut scans = summaries(select, limit + 1).all(db.connection()).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = scans.len() > wanted;
    scans.truncate(wanted);
    let next = if more { scans.last().map(|scan| scan.id.clone()) } else { None };
    Ok(Page { scans, next })
}

/// The scan of the same page before this one.
///
/// # Errors
///
/// When the database fails.
pub async fn before(db: &Db, scan: &Scan) -> Result<Option<Summary>> {
    let earlier = of_customer(&scan.customer_id)
        .filter(scan::Column::Url.eq(scan.url.clone()))
        .filter(scan::Column::Id.lt(scan.id.clone()));
    Ok(summaries(earlier, 1).one(db.connection()).await?)
}

/// The scores of the newest scan of each page, SEO before GEO.
///
/// # Errors
///
/// When the database fails.
pub async fn newest_scores(db: &Db, customer_id: &CustomerId) -> Result<Vec<(i32, i32)>> {
    let newest = sea_orm::sea_query::Query::select()
        .expr(scan::Column::Id.max())
        .from(scan::Entity)
        .and_where(scan::Column::CustomerId.eq(customer_id.clone()))
        .group_by_col(scan::Column::Url)
        .to_owned();
    let scores = of_customer(customer_id)
        .filter(scan::Column::Id.in_subquery(newest))
        .select_only()
        .columns([scan::Column::Seo, scan::Column::Geo]);
    Ok(scores.order_by_asc(scan::Column::Id).into_tuple().all(db.connection()).await?)
}

fn of_customer(customer_id: &CustomerId) -> Select<scan::Entity> {
    scan::Entity::find().filter(scan::Column::CustomerId.eq(customer_id.clone()))
}

/// Reports are long, and left where they are.
fn summaries(select: Select<scan::Entity>, limit: u64) -> sea_orm::Selector<sea_orm::SelectModel<Summary>> {
    let columns = [
        scan::Column::Id,
        scan::Column::Url,
        scan::Column::Title,
        scan::Column::Seo,
        scan::Column::Geo,
        scan::Column::CreatedAt,
    ];
    select.select_only().columns(columns).order_by_desc(scan::Column::Id).limit(limit).into_model()
}
