//! Deciding on content.

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::json;

use super::{
    Content, ContentStatus, Decision, DecisionRecord, Findings, Piece, event_data, piece_in, require_current,
    require_unpublished,
};
use crate::bounded::Tx;
use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{ContentId, CustomerId, DecisionId};
use crate::tables::{content, content_decision};

/// What a person decided.
#[derive(Clone, Debug)]
pub struct Review {
    /// The revision they looked at.
    pub revision: i32,
    /// The decision.
    pub decision: Decision,
    /// Who decided.
    pub decided_by: String,
    /// Why.
    pub reason: Option<String>,
    /// What the rules say of this revision today; blocking findings forbid an approval.
    pub findings: Findings,
}

/// A decision that is now on record.
#[derive(Clone, Debug)]
pub struct Reviewed {
    /// The piece as it is now.
    pub piece: Piece,
    /// The decision.
    pub record: DecisionRecord,
}

/// Records a decision. The same decision again by the same person on the same revision records nothing.
///
/// # Errors
///
/// When the customer has no such piece, the revision is not the current one (`revision_conflict`), or an approval is
/// wanted for a piece that breaks a rule (`rules_broken`).
pub async fn review(db: &Db, customer_id: &CustomerId, id: &ContentId, review: Review) -> Result<Reviewed> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let Piece { content, current } = piece_in(&tx, customer_id, id).await?;
    require_current(&content, review.revision)?;
    if let Some(record) = latest_decision(&tx, &content).await?.filter(|record| is_same(record, &review)) {
        return Ok(Reviewed { piece: Piece { content, current }, record });
    }
    require_unpublished(&tx, &content).await?;
    if content.status == ContentStatus::Planned && review.decision != Decision::Rejected {
        return Err(Error::conflict("not_written", "Nothing is written yet."));
    }
    if review.decision == Decision::Approved {
        require_no_blocking(&review.findings)?;
    }

    let (status, event) = outcome(review.decision);
    let mut change: content::ActiveModel = content.into();
    change.status = Set(status);
    change.updated_at = Set(now());
    let content = change.update(&tx).await?;
    let record = insert_decision(&tx, &content, review).await?;
    let mut data = event_data(&content);
    if let Some(fields) = data.as_object_mut() {
        fields.insert("decidedBy".to_owned(), json!(record.decided_by));
        fields.insert("reason".to_owned(), json!(record.reason));
    }
    events::record(&tx, customer_id, event, data).await?;
    tx.commit().await?;
    Ok(Reviewed { piece: Piece { content, current }, record })
}

const fn outcome(decision: Decision) -> (ContentStatus, EventType) {
    match decision {
        Decision::Approved => (ContentStatus::Approved, EventType::ContentApproved),
        Decision::Rejected => (ContentStatus::Rejected, EventType::ContentRejected),
        Decision::Revised => (ContentStatus::ChangesRequested, EventType::ContentRevised),
    }
}

fn is_same(record: &DecisionRecord, review: &Review) -> bool {
    record.revision == review.revision
        && record.decision == review.decision
        && record.decided_by == review.decided_by
        && record.reason == review.reason
}

fn require_no_blocking(findings: &Findings) -> Result<()> {
    let problems: Vec<String> =
        findings.blocking().map(|finding| format!("{}: {} {}", finding.rule, finding.message, finding.fix)).collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::conflict("rules_broken", format!("It cannot be approved yet. {}", problems.join(" "))))
}

async fn latest_decision(tx: &Tx, content: &Content) -> Result<Option<DecisionRecord>> {
    let record = content_decision::Entity::find()
        .filter(content_decision::Column::CustomerId.eq(content.customer_id.clone()))
        .filter(content_decision::Column::ContentId.eq(content.id.clone()))
        .order_by_desc(content_decision::Column::Id)
        .one(tx)
        .await?;
    Ok(record)
}

async fn insert_decision(tx: &Tx, content: &Content, review: Review) -> Result<DecisionRecord> {
    let row = content_decision::ActiveModel {
        id: Set(DecisionId::new()),
        customer_id: Set(content.customer_id.clone()),
        content_id: Set(content.id.clone()),
        revision: Set(review.revision),
        decision: Set(review.decision),
        decided_by: Set(review.decided_by),
        reason: Set(review.reason),
        created_at: Set(content.updated_at),
    };
    Ok(row.insert(tx).await?)
}
