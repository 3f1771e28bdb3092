//! Leads: who showed interest, and what brought them.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use serde_json::json;

use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{ContentId, CustomerId, LeadId};
use crate::tables::{content, lead};

/// A lead as stored.
pub type Lead = lead::Model;

/// The same lead logged again within this time is the same lead: an assistant that got no answer tries again.
const RETRY_WINDOW: chrono::Duration = chrono::Duration::minutes(10);

/// What is known of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewLead {
    /// Name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Where they came from, such as `linkedin` or `webinar`.
    pub source: String,
    /// The piece of content that brought them.
    pub content_id: Option<ContentId>,
    /// Anything else.
    pub note: Option<String>,
}

/// A lead on record.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The lead.
    pub lead: Lead,
    /// False when the very same had been logged just before.
    pub is_new: bool,
    /// How many leads this customer has from the same source, this one included.
    pub from_source: u64,
}

/// Records a lead. The very same lead again within ten minutes is not recorded twice.
///
/// # Errors
///
/// When the piece of content is not one of the customer's (field `contentId`).
pub async fn log(db: &Db, customer_id: &CustomerId, new: NewLead) -> Result<Logged> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    if let Some(id) = &new.content_id {
        require_content(&tx, customer_id, id).await?;
    }
    let (lead, is_new) = match logged_just_now(&tx, customer_id, &new).await? {
        Some(lead) => (lead, false),
        None => (insert(&tx, customer_id, new).await?, true),
    };
    let from_source = lead::Entity::find()
        .filter(lead::Column::CustomerId.eq(customer_id.clone()))
        .filter(lead::Column::Source.eq(lead.source.clone()))
        .count(&tx)
        .await?;
    tx.commit().await?;
    Ok(Logged { lead, is_new, from_source })
}

async fn insert(tx: &Tx, customer_id: &CustomerId, new: NewLead) -> Result<Lead> {
    let row = lead::ActiveModel {
        id: Set(LeadId::new()),
        customer_id: Set(customer_id.clone()),
        name: Set(new.name),
        email: Set(new.email),
        company: Set(new.company),
        source: Set(new.source),
        content_id: Set(new.content_id),
        note: Set(new.note),
        created_at: Set(now()),
    };
    let lead = row.insert(tx).await?;
    let data = json!({ "leadId": lead.id, "source": lead.source, "contentId": lead.content_id });
    events::record(tx, customer_id, EventType::LeadLogged, data).await?;
    Ok(lead)
}

/// How many leads the customer logged, from one time until before another.
///
/// # Errors
///
/// When the database fails.
pub async fn count_between(
    db: &Db,
    customer_id: &CustomerId,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<u64> {
    let leads = lead::Entity::find()
        .filter(lead::Column::CustomerId.eq(customer_id.clone()))
        .filter(lead::Column::Id.gte(LeadId::first_at(from)))
        .filter(lead::Column::Id.lt(LeadId::first_at(before)));
    Ok(leads.count(db.connection()).await?)
}

async fn logged_just_now(tx: &Tx, customer_id: &CustomerId, new: &NewLead) -> Result<Option<Lead>> {
    let recent = lead::Entity::find()
        .filter(lead::Column::CustomerId.eq(customer_id.clone()))
        .filter(lead::Column::Id.gte(LeadId::first_at(now() - RETRY_WINDOW)))
        .filter(lead::Column::Source.eq(new.source.clone()))
        .all(tx)
        .await?;
    Ok(recent.into_iter().find(|lead| {
        lead.name == new.name
            && lead.email == new.email
            && lead.company == new.company
            && lead.content_id == new.content_id
            && lead.note == new.note
    }))
}

async fn require_content(tx: &Tx, customer_id: &CustomerId, id: &ContentId) -> Result<()> {
    let found = content::Entity::find_by_id(id.clone())
        .filter(content::Column::CustomerId.eq(customer_id.clone()))
        .one(tx)
        .await?;
    match found {
        Some(_) => Ok(()),
        None => Err(Error::invalid("contentId", "is not the id of a piece of content of yours")),
    }
}
