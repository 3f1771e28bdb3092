//! Opening proposals on new evidence, and closing those whose evidence is gone.

use chrono::{DateTime, Duration, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QueryOrder, Set};

use super::{NewProposal, Proposal, ProposalStatus, event_data, of_customer};
use crate::bounded::Tx;
use crate::brands;
use crate::customers;
use crate::db::{Db, now};
use crate::error::Result;
use crate::events::{self, EventType};
use crate::ids::{CustomerId, ProposalId};
use crate::tables::proposal;

/// For so long a change that a person did not want is not proposed again on evidence that is no stronger.
const UNWANTED: Duration = Duration::weeks(8);
/// For so long a part that was changed is left alone, so that the change can be seen in the results.
const SETTLING: Duration = Duration::weeks(4);

/// What a renewal led to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Renewed {
    /// Proposals that are new.
    pub opened: Vec<Proposal>,
    /// How many are open now.
    pub open: usize,
    /// How many were open and are so no more.
    pub superseded: usize,
}

/// Has exactly what is `wanted` open, but for what the profile no longer fits, what a person did not want lately, and
/// what was changed lately. One that is open already stays the same proposal; with the same evidence nothing is written.
///
/// # Errors
///
/// When there is no such customer.
pub async fn renew(db: &Db, customer_id: &CustomerId, wanted: Vec<NewProposal>) -> Result<Renewed> {
    let tx = db.write_tx().await?;
    customers::lock(&tx, customer_id).await?;
    let profile = brands::read(&tx, customer_id).await?.profile;
    let now = now();
    let (open, decided) = known(&tx, customer_id, now).await?;
    let mut wanted: Vec<NewProposal> = wanted
        .into_iter()
        .filter(|new| new.part.read(&profile) == new.current && decided.iter().all(|known| permits(known, new, now)))
        .collect();

    let mut renewed = Renewed::default();
    for known in open {
        let again = wanted.iter().position(|new| is_same(&known, new));
        match again.map(|index| wanted.remove(index)) {
            Some(again) => refresh(&tx, known, again, now).await?,
            None => {
                supersede(&tx, known, now).await?;
                renewed.superseded += 1;
                continue;
            }
        }
        renewed.open += 1;
    }
    for new in wanted {
        let opened = insert(&tx, customer_id, new, now).await?;
        events::record(&tx, customer_id, EventType::ProposalOpened, event_data(&opened)).await?;
        renewed.opened.push(opened);
        renewed.open += 1;
    }
    tx.commit().await?;
    Ok(renewed)
}

/// What is open, and what was decided on lately.
async fn known(tx: &Tx, customer_id: &CustomerId, now: DateTime<Utc>) -> Result<(Vec<Proposal>, Vec<Proposal>)> {
    let with = |status: ProposalStatus| of_customer(customer_id).filter(proposal::Column::Status.eq(status));
    let open = with(ProposalStatus::Open).order_by_asc(proposal::Column::Id).all(tx).await?;
    let mut decided = Vec::new();
    for status in [ProposalStatus::Approved, ProposalStatus::Rejected, ProposalStatus::RolledBack] {
        decided.extend(with(status).filter(proposal::Column::DecidedAt.gt(now - UNWANTED)).all(tx).await?);
    }
    Ok((open, decided))
}

/// Whether a decision of before leaves room for a proposal.
fn permits(decided: &Proposal, new: &NewProposal, now: DateTime<Utc>) -> bool {
    let age = decided.decided_at.map_or(Duration::MAX, |at| now - at);
    if decided.status == ProposalStatus::Approved {
        return decided.part != new.part || age >= SETTLING;
    }
    let is_same = decided.part == new.part && decided.proposed == new.proposed;
    !is_same || age >= UNWANTED || new.confidence > decided.confidence
}

fn is_same(known: &Proposal, new: &NewProposal) -> bool {
    known.part == new.part && known.current == new.current && known.proposed == new.proposed
}

async fn refresh(tx: &Tx, known: Proposal, again: NewProposal, now: DateTime<Utc>) -> Result<()> {
    let is_unchanged = known.evidence == again.evidence
        && known.title == again.title
        && known.expected_effect == again.expected_effect
        && known.confidence == again.confidence;
    if is_unchanged {
        return Ok(());
    }
    let mut change: proposal::ActiveModel = known.into();
    change.title = Set(again.title);
    change.evidence = Set(again.evidence);
    change.expected_effect = Set(again.expected_effect);
    change.confidence = Set(again.confidence);
    change.updated_at = Set(now);
    change.update(tx).await?;
    Ok(())
}

async fn supersede(tx: &Tx, known: Proposal, now: DateTime<Utc>) -> Result<()> {
    let mut change: proposal::ActiveModel = known.into();
    change.status = Set(ProposalStatus::Superseded);
    change.updated_at = Set(now);
    change.update(tx).await?;
    Ok(())
}

async fn insert(tx: &Tx, customer_id: &CustomerId, new: NewProposal, now: DateTime<Utc>) -> Result<Proposal> {
    let row = proposal::ActiveModel {
        id: Set(ProposalId::new()),
        customer_id: Set(customer_id.clone()),
        category: Set(new.part.category()),
        part: Set(new.part),
        title: Set(new.title),
        current: Set(new.current),
        proposed: Set(new.proposed),
        evidence: Set(new.evidence),
        expected_effect: Set(new.expected_effect),
        confidence: Set(new.confidence),
        status: Set(ProposalStatus::Open),
        decided_by: Set(None),
        reason: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
        decided_at: Set(None),
    };
    Ok(row.insert(tx).await?)
}
