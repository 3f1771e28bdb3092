//! Analytics reports: one for each run that made one, never changed.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select, Set,
};
use serde_json::{Value, json};

use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{CustomerId, RunId};
use crate::tables::report;

/// A report whole.
pub type Report = report::Model;

/// What a run has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReport {
    /// The run.
    pub run_id: RunId,
    /// The first day that it is about.
    pub first_day: NaiveDate,
    /// The last day.
    pub last_day: NaiveDate,
    /// It all in a line.
    pub headline: String,
    /// Everything.
    pub data: Value,
    /// The same for people.
    pub markdown: String,
}

/// A report without its text.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Summary {
    /// The run that made it.
    pub run_id: RunId,
    /// The first day that it is about.
    pub first_day: NaiveDate,
    /// The last day.
    pub last_day: NaiveDate,
    /// It all in a line.
    pub headline: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Some reports, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The reports.
    pub reports: Vec<Summary>,
    /// Where the next page begins.
    pub next: Option<RunId>,
}

/// Keeps a report; what its run has kept before is the answer to a repetition.
///
/// # Errors
///
/// When there is no such customer.
pub async fn save(db: &Db, customer_id: &CustomerId, new: NewReport) -> Result<Report> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let known = of_customer(customer_id).filter(report::Column::RunId.eq(new.run_id.clone())).one(&tx).await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let row = report::ActiveModel {
        run_id: Set(new.run_id),
        customer_id: Set(customer_id.clone()),
        first_day: Set(new.first_day),
        last_day: Set(new.last_day),
        headline: Set(new.headline),
        data: Set(new.data),
        markdown: Set(new.markdown),
        created_at: Set(now()),
    };
    let kept = row.insert(&tx).await?;
    let data = json!({
        "runId": kept.run_id, "from": kept.first_day, "to": kept.last_day, "headline": kept.headline,
    });
    events::record(&tx, customer_id, EventType::ReportCompleted, data).await?;
    tx.commit().await?;
    Ok(kept)
}

/// The report that a run of the customer's has made.
///
/// # Errors
///
/// When they have no such report.
pub async fn get(db: &Db, customer_id: &CustomerId, run_id: &RunId) -> Result<Report> {
    let found = of_customer(customer_id).filter(report::Column::RunId.eq(run_id.clone())).one(db.connection()).await?;
    found.ok_or(Error::NotFound("report"))
}

/// The customer's reports before `before`, newest first.
///
/// # Errors
///
/// When `before` is not a report of this customer (field `cursor`).
pub async fn list(db: &Db, customer_id: &CustomerId, before: Option<&RunId>, limit: u64) -> Result<Page> {
    let mut select = of_customer(customer_id);
    if let Some(before) = before {
        get(db, customer_id, before).await.map_err(|error| match error {
            Error::NotFound(_) => Error::invalid("cursor", "is not a cursor of this list"),
            other => other,
        })?;
        select = select.filter(report::Column::RunId.lt(before.clone()));
    }
    // One more than asked for tells whether there is another page.
    let mut reports = summaries(select, limit + 1).all(db.connection()).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = reports.len() > wanted;
    reports.truncate(wanted);
    let next = if more { reports.last().map(|report| report.run_id.clone()) } else { None };
    Ok(Page { reports, next })
}

fn of_customer(customer_id: &CustomerId) -> Select<report::Entity> {
    report::Entity::find().filter(report::Column::CustomerId.eq(customer_id.clone()))
}

/// Texts are long, and left where they are.
fn summaries(select: Select<report::Entity>, limit: u64) -> sea_orm::Selector<sea_orm::SelectModel<Summary>> {
    let columns = [
        report::Column::RunId,
        report::Column::FirstDay,
        report::Column::LastDay,
        report::Column::Headline,
        report::Column::CreatedAt,
    ];
    select.select_only().columns(columns).order_by_desc(report::Column::RunId).limit(limit).into_model()
}
