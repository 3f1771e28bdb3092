//! What a person decides on a proposal, and taking it back.

use sea_orm::sea_query::LockType;
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QuerySelect, Set};
use serde_json::{Value, json};

use super::{Part, Proposal, ProposalStatus, event_data, of_customer};
use crate::bounded::Tx;
use crate::brands::{self, Brand, Profile};
use crate::customers;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::events::{self, EventType};
use crate::ids::{CustomerId, ProposalId};
use crate::tables::proposal;

/// Who decided, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The person.
    pub decided_by: String,
    /// In their words.
    pub reason: Option<String>,
}

/// A decision that is now on record.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The proposal as it is now.
    pub proposal: Proposal,
    /// The brand as it is now.
    pub brand: Brand,
}

/// Approves an open proposal and changes the profile, if `validate` has nothing against it. The same approval by the
/// same person again changes nothing.
///
/// # Errors
///
/// When the customer has no such proposal, it is not open (`already_decided`), the profile no longer holds what the
/// proposal would change (`profile_changed`), or whatever `validate` says.
pub async fn approve(
    db: &Db,
    customer_id: &CustomerId,
    id: &ProposalId,
    verdict: Verdict,
    validate: impl Fn(&Profile) -> Result<()>,
    is_complete: impl Fn(&Brand) -> bool,
) -> Result<Decided> {
    let tx = db.write_tx().await?;
    let proposal = held(&tx, customer_id, id).await?;
    if is_again(&proposal, ProposalStatus::Approved, &verdict) {
        return Ok(Decided { proposal, brand: brands::read(&tx, customer_id).await? });
    }
    require(&proposal, ProposalStatus::Open)?;
    let change = |brand: &mut Brand| {
        exchange(&mut brand.profile, &proposal.part, &proposal.current, &proposal.proposed)?;
        validate(&brand.profile)
    };
    let brand = brands::update_in(&tx, customer_id, change, is_complete).await?.brand;
    let proposal = record(&tx, proposal, ProposalStatus::Approved, verdict).await?;
    tx.commit().await?;
    Ok(Decided { proposal, brand })
}

/// Notes that a person decided against an open proposal. The same again by the same person changes nothing.
///
/// # Errors
///
/// When the customer has no such proposal, or it is not open (`already_decided`).
pub async fn reject(db: &Db, customer_id: &CustomerId, id: &ProposalId, verdict: Verdict) -> Result<Decided> {
    let tx = db.write_tx().await?;
    let mut proposal = held(&tx, customer_id, id).await?;
    let brand = brands::read(&tx, customer_id).await?;
    if is_again(&proposal, ProposalStatus::Rejected, &verdict) {
        return Ok(Decided { proposal, brand });
    }
    require(&proposal, ProposalStatus::Open)?;
    proposal = record(&tx, proposal, ProposalStatus::Rejected, verdict).await?;
    tx.commit().await?;
    Ok(Decided { proposal, brand })
}

/// Takes an approved proposal back: the profile holds again what it held before. The same again by the same person
/// changes nothing.
///
/// # Errors
///
/// When the customer has no such proposal, it is not approved (`not_approved`), the profile no longer holds what was
/// applied (`profile_changed`), or whatever `validate` says.
pub async fn roll_back(
    db: &Db,
    customer_id: &CustomerId,
    id: &ProposalId,
    verdict: Verdict,
    validate: impl Fn(&Profile) -> Result<()>,
    is_complete: impl Fn(&Brand) -> bool,
) -> Result<Decided> {
    let tx = db.write_tx().await?;
    let proposal = held(&tx, customer_id, id).await?;
    if is_again(&proposal, ProposalStatus::RolledBack, &verdict) {
        return Ok(Decided { proposal, brand: brands::read(&tx, customer_id).await? });
    }
    require(&proposal, ProposalStatus::Approved)?;
    let change = |brand: &mut Brand| {
        exchange(&mut brand.profile, &proposal.part, &proposal.proposed, &proposal.current)?;
        validate(&brand.profile)
    };
    let brand = brands::update_in(&tx, customer_id, change, is_complete).await?.brand;
    let proposal = record(&tx, proposal, ProposalStatus::RolledBack, verdict).await?;
    tx.commit().await?;
    Ok(Decided { proposal, brand })
}

/// The customer's proposal, held with the customer's row until the transaction ends.
async fn held(tx: &Tx, customer_id: &CustomerId, id: &ProposalId) -> Result<Proposal> {
    customers::lock(tx, customer_id).await?;
    of_customer(customer_id)
        .filter(proposal::Column::Id.eq(id.clone()))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or(Error::NotFound("proposal"))
}

fn is_again(proposal: &Proposal, status: ProposalStatus, verdict: &Verdict) -> bool {
    proposal.status == status
        && proposal.decided_by.as_ref() == Some(&verdict.decided_by)
        && proposal.reason == verdict.reason
}

fn require(proposal: &Proposal, wanted: ProposalStatus) -> Result<()> {
    if proposal.status == wanted {
        return Ok(());
    }
    let by = proposal.decided_by.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
    let how = match proposal.status {
        ProposalStatus::Open => "is open: nobody has approved it yet".to_owned(),
        ProposalStatus::Approved => format!("was approved{by}"),
        ProposalStatus::Rejected => format!("was rejected{by}"),
        ProposalStatus::RolledBack => format!("was taken back{by}"),
        ProposalStatus::Superseded => "no longer stands: its evidence or what it would change is gone".to_owned(),
    };
    Err(match wanted {
        ProposalStatus::Approved => Error::conflict(
            "not_approved",
            format!("The proposal {how}. Only an approved one that was not taken back can be taken back."),
        ),
        _ => Error::conflict("already_decided", format!("The proposal {how}.")),
    })
}

/// Has a part of the profile hold `new` where it holds `old`.
fn exchange(profile: &mut Profile, part: &Part, old: &Value, new: &Value) -> Result<()> {
    let held = part.read(profile);
    if held == *old {
        return part.write(profile, new);
    }
    Err(Error::conflict(
        "profile_changed",
        format!(
            "`{}` was changed meanwhile: it holds {held}, and not {old} as the proposal has it. Nothing was changed.",
            part.field()
        ),
    ))
}

async fn record(tx: &Tx, proposal: Proposal, status: ProposalStatus, verdict: Verdict) -> Result<Proposal> {
    let now = now();
    let mut change: proposal::ActiveModel = proposal.into();
    change.status = Set(status);
    change.decided_by = Set(Some(verdict.decided_by));
    change.reason = Set(verdict.reason);
    change.updated_at = Set(now);
    change.decided_at = Set(Some(now));
    let proposal = change.update(tx).await?;
    let event = match status {
        ProposalStatus::Approved => EventType::ProposalApproved,
        ProposalStatus::RolledBack => EventType::ProposalRolledBack,
        _ => EventType::ProposalRejected,
    };
    let mut data = event_data(&proposal);
    if let Some(fields) = data.as_object_mut() {
        fields.insert("decidedBy".to_owned(), json!(proposal.decided_by));
        fields.insert("reason".to_owned(), json!(proposal.reason));
    }
    events::record(tx, &proposal.customer_id, event, data).await?;
    Ok(proposal)
}
