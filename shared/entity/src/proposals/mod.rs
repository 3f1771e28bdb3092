//! Proposals to change the brand profile: opened on evidence, decided on by a person, taken back when they want.

mod decide;
mod evidence;
mod part;
mod renew;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, DeriveActiveEnum, EntityTrait, EnumIter, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use decide::{Decided, Verdict, approve, reject, roll_back};
pub use evidence::{Evidence, Fact};
pub use part::Part;
pub use renew::{Renewed, renew};

use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, ProposalId};
use crate::tables::proposal;

/// A proposal and what became of it.
pub type Proposal = proposal::Model;

/// What a proposal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Category {
    /// Shares of the kinds of a channel.
    FormatWeights,
    /// Times at which to publish.
    PostingTimes,
    /// Weights of the pillars.
    TopicFocus,
    /// What to do or avoid when writing.
    VoiceRefinement,
    /// How often to publish on a channel.
    ChannelStrategy,
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ProposalStatus {
    /// It waits for a person's decision.
    Open,
    /// A person approved it, and the profile was changed.
    Approved,
    /// A person decided against it.
    Rejected,
    /// It was approved and taken back.
    RolledBack,
    /// Its evidence or what it would change is no longer there, or another took its place.
    Superseded,
}

/// How far the evidence can be trusted.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Confidence {
    /// More than chance, on few examples.
    Low,
    /// Probably so.
    Medium,
    /// Hardly chance.
    High,
}

/// What is to be proposed.
#[derive(Clone, Debug, PartialEq)]
pub struct NewProposal {
    /// What of the profile it changes.
    pub part: Part,
    /// A sentence for a person.
    pub title: String,
    /// What the part held when the evidence was looked at.
    pub current: Value,
    /// What it is to hold.
    pub proposed: Value,
    /// What speaks for it.
    pub evidence: Evidence,
    /// What is to be expected, with numbers of the evidence.
    pub expected_effect: String,
    /// How far the evidence can be trusted.
    pub confidence: Confidence,
}

/// One page of proposals.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub proposals: Vec<Proposal>,
    /// Give this as `before` to get the next page; absent on the last one.
    pub next: Option<ProposalId>,
}

/// The customer's proposal.
///
/// # Errors
///
/// When the customer has no such proposal.
pub async fn get(db: &Db, customer_id: &CustomerId, id: &ProposalId) -> Result<Proposal> {
    let found = of_customer(customer_id).filter(proposal::Column::Id.eq(id.clone())).one(db.connection()).await?;
    found.ok_or(Error::NotFound("proposal"))
}

/// A page of the customer's proposals of a status, of one category or of all, newest first.
///
/// # Errors
///
/// When `before` is not a proposal of this customer (field `cursor`).
pub async fn list(
    db: &Db,
    customer_id: &CustomerId,
    status: ProposalStatus,
    category: Option<Category>,
    before: Option<&ProposalId>,
    limit: u64,
) -> Result<Page> {
    let mut select = of_customer(customer_id).filter(proposal::Column::Status.eq(status));
    if let Some(category) = category {
        select = select.filter(proposal::Column::Category.eq(category));
    }
    if let Some(before) = before {
        get(db, customer_id, before).await.map_err(|error| match error {
            Error::NotFound(_) => Error::invalid("cursor", "is not a cursor that list_proposals gave you"),
            other => other,
        })?;
        select = select.filter(proposal::Column::Id.lt(before.clone()));
    }
    // One more than asked for tells whether there is another page.
    let mut proposals = select.order_by_desc(proposal::Column::Id).limit(limit + 1).all(db.connection()).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = proposals.len() > wanted;
    proposals.truncate(wanted);
    let next = if more { proposals.last().map(|proposal| proposal.id.clone()) } else { None };
    Ok(Page { proposals, next })
}

/// How many proposals wait for a decision.
///
/// # Errors
///
/// When the database fails.
pub async fn count_open(db: &Db, customer_id: &CustomerId) -> Result<u64> {
    let open = of_customer(customer_id).filter(proposal::Column::Status.eq(ProposalStatus::Open));
    Ok(open.count(db.connection()).await?)
}

fn of_customer(customer_id: &CustomerId) -> sea_orm::Select<proposal::Entity> {
    proposal::Entity::find().filter(proposal::Column::CustomerId.eq(customer_id.clone()))
}

/// What every event on a proposal says of it.
fn event_data(proposal: &Proposal) -> Value {
    json!({ "proposalId": proposal.id, "category": proposal.category, "title": proposal.title })
}
