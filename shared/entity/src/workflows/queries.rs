//! Reading runs.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{Run, RunStatus, Step, Workflow};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RunId};
use crate::tables::{workflow_run, workflow_step};

/// A customer's run.
///
/// # Errors
///
/// When they have no such run.
pub async fn get(db: &Db, customer_id: &CustomerId, id: &RunId) -> Result<Run> {
    workflow_run::Entity::find_by_id(id.clone())
        .filter(workflow_run::Column::CustomerId.eq(customer_id.clone()))
        .one(db.connection())
        .await?
        .ok_or(Error::NotFound("run"))
}

/// The steps of a run, in the order in which they were begun.
///
/// # Errors
///
/// When the database fails.
pub async fn steps(db: &Db, run: &Run) -> Result<Vec<Step>> {
    let steps = workflow_step::Entity::find()
        .filter(workflow_step::Column::RunId.eq(run.id.clone()))
        .order_by_asc(workflow_step::Column::StartedAt)
        .order_by_asc(workflow_step::Column::Name)
        .all(db.connection())
        .await?;
    Ok(steps)
}

/// Which runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this workflow.
    pub workflow: Option<Workflow>,
    /// Only those as far as this.
    pub status: Option<RunStatus>,
}

/// A page of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The runs, newest first.
    pub runs: Vec<Run>,
    /// The last of them, if there are more.
    pub next: Option<RunId>,
}

/// A page of the customer's runs, newest first.
///
/// # Errors
///
/// When `before` is not a run of this customer (field `cursor`).
pub async fn list(
    db: &Db,
    customer_id: &CustomerId,
    filter: Filter,
    before: Option<&RunId>,
    limit: u64,
) -> Result<Page> {
    let mut select = filtered(Some(customer_id), filter);
    if let Some(before) = before {
        let known = filtered(Some(customer_id), Filter::default()).filter(workflow_run::Column::Id.eq(before.clone()));
        let known = known.one(db.connection()).await?;
        known.ok_or_else(|| Error::invalid("cursor", "is not a cursor that list_workflow_runs gave you"))?;
        select = select.filter(workflow_run::Column::Id.lt(before.clone()));
    }
    // One more than asked for tells whether there is another page.
    let mut runs = newest(select, limit + 1).all(db.connection()).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = runs.len() > wanted;
    runs.truncate(wanted);
    let next = if more { runs.last().map(|run| run.id.clone()) } else { None };
    Ok(Page { runs, next })
}

/// Everybody's runs, or one customer's, newest first; for the operator.
///
/// # Errors
///
/// When the database fails.
pub async fn list_all(db: &Db, customer_id: Option<&CustomerId>, filter: Filter, limit: u64) -> Result<Vec<Run>> {
    Ok(newest(filtered(customer_id, filter), limit).all(db.connection()).await?)
}

fn filtered(customer_id: Option<&CustomerId>, filter: Filter) -> Select<workflow_run::Entity> {
    let mut select = workflow_run::Entity::find();
    if let Some(customer_id) = customer_id {
        select = select.filter(workflow_run::Column::CustomerId.eq(customer_id.clone()));
    }
    if let Some(workflow) = filter.workflow {
        select = select.filter(workflow_run::Column::Workflow.eq(workflow));
    }
    if let Some(status) = filter.status {
        select = select.filter(workflow_run::Column::Status.eq(status));
    }
    select
}

fn newest(select: Select<workflow_run::Entity>, limit: u64) -> Select<workflow_run::Entity> {
    select.order_by_desc(workflow_run::Column::Id).limit(limit)
}

/// Anybody's run; for the operator.
///
/// # Errors
///
/// When there is no such run.
pub async fn get_any(db: &Db, id: &RunId) -> Result<Run> {
    workflow_run::Entity::find_by_id(id.clone()).one(db.connection()).await?.ok_or(Error::NotFound("run"))
}

/// Deletes runs without a customer that ended before this, and says how many. Those of customers stay with them.
///
/// # Errors
///
/// When the database fails.
pub async fn forget_service_runs(db: &Db, before: DateTime<Utc>) -> Result<u64> {
    let deleted = workflow_run::Entity::delete_many()
        .filter(workflow_run::Column::CustomerId.is_null())
        .filter(workflow_run::Column::EndedAt.lt(before))
        .exec(db.connection())
        .await?;
    Ok(deleted.rows_affected)
}
