//! What the customer's own results say should change, and what people decide on it.

use std::collections::BTreeMap;
use std::fmt::Write;

use entity::ids::ProposalId;
use entity::proposals::{self, Category, Confidence, Fact, Proposal, ProposalStatus, Verdict};
use marketing::optimization::{self, Needed, in_words};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Arguments, given, short};
use crate::answer::{Answer, Refusal, no_such_proposal};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::timestamp;

const PAGE: u64 = 10;
const MAX_NAME_CHARS: usize = 120;
const MAX_REASON_CHARS: usize = 2_000;

/// Which proposals.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListProposalsIn {
    /// Only this status; open when left out.
    status: Option<ProposalStatus>,
    /// Only this category.
    category: Option<Category>,
    /// From nextCursor of the page before.
    cursor: Option<String>,
}

/// A page of proposals.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListOut {
    /// Newest first.
    proposals: Vec<ProposalOut>,
    /// What is missing before more can be proposed.
    still_needed: Vec<String>,
    /// Give this as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// A proposal.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ProposalOut {
    id: ProposalId,
    category: Category,
    title: String,
    status: ProposalStatus,
    /// Field of the brand profile that it changes.
    field: &'static str,
    current: Value,
    proposed: Value,
    evidence: Vec<FactOut>,
    expected_effect: String,
    confidence: Confidence,
    decided_by: Option<String>,
    reason: Option<String>,
    created_at: String,
}

/// One thing that was seen.
#[derive(Debug, Serialize, JsonSchema)]
struct FactOut {
    text: String,
    source: String,
    ids: Vec<String>,
    numbers: BTreeMap<String, f64>,
}

/// What a person decides on a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ProposalDecision {
    Approve,
    Reject,
    RollBack,
}

/// A person's decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReviewProposalIn {
    /// Id of the proposal.
    proposal_id: ProposalId,
    /// `approve`: change the brand profile so. `reject`: leave it. `roll_back`: take an approved one back.
    decision: ProposalDecision,
    /// Who decided: the person's name, not the assistant's.
    #[schemars(length(min = 1, max = 120))]
    decided_by: String,
    /// Why, in the person's words.
    #[schemars(length(max = 2000))]
    reason: Option<String>,
}

/// A proposal after a decision.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReviewedOut {
    proposal_id: ProposalId,
    status: ProposalStatus,
    /// Field of the brand profile that it is about.
    field: &'static str,
    /// What that holds now.
    value: Value,
}

#[tool_router(router = proposal_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "List proposals",
        description = "Lists changes to the brand profile that the customer's own results, decisions and findings speak for, with evidence, expected effect and confidence. Nothing changes before review_proposal.",
        input_schema = schema::input::<ListProposalsIn>(),
        output_schema = schema::output::<ListOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn list_proposals(
        &self,
        caller: Caller,
        Arguments(input): Arguments<ListProposalsIn>,
    ) -> Result<Answer<ListOut>, Refusal> {
        let db = &self.app().db;
        let status = input.status.unwrap_or(ProposalStatus::Open);
        let cursor = given(input.cursor).map(|cursor| cursor.parse::<ProposalId>().map_err(|_| not_a_cursor()));
        let cursor = cursor.transpose()?;
        let page = proposals::list(db, &caller.customer_id, status, input.category, cursor.as_ref(), PAGE).await?;
        let needed = match status {
            ProposalStatus::Open => optimization::still_needed(db, &caller.customer_id).await?,
            _ => Vec::new(),
        };
        let needed = needed.into_iter().filter(|needed| input.category.is_none_or(|it| it == needed.category));
        let still_needed: Vec<String> = needed.map(|Needed { what, .. }| what).collect();
        let next_cursor = page.next.map(|id| id.to_string());
        let text = listed(&page.proposals, status, &still_needed, next_cursor.as_deref());
        let proposals = page.proposals.into_iter().map(ProposalOut::from).collect();
        Ok(Answer { text, data: ListOut { proposals, still_needed, next_cursor } })
    }

    #[tool(
        title = "Review proposal",
        description = "Records a person's decision on a proposal: approve changes the brand profile, reject leaves it, roll_back restores what an approval changed. Only call it with a decision the person really made.",
        input_schema = schema::input::<ReviewProposalIn>(),
        output_schema = schema::output::<ReviewedOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn review_proposal(
        &self,
        caller: Caller,
        Arguments(input): Arguments<ReviewProposalIn>,
    ) -> Result<Answer<ReviewedOut>, Refusal> {
        let db = &self.app().db;
        let (customer_id, id) = (&caller.customer_id, &input.proposal_id);
        let decided_by = short("decidedBy", Some(input.decided_by), MAX_NAME_CHARS)?
            .ok_or_else(|| entity::Error::invalid("decidedBy", "must name the person who decided"))?;
        let verdict = Verdict { decided_by, reason: short("reason", input.reason, MAX_REASON_CHARS)? };
        let decided = match input.decision {
            ProposalDecision::Approve => optimization::approve(db, customer_id, id, verdict).await,
            ProposalDecision::Reject => proposals::reject(db, customer_id, id, verdict).await,
            ProposalDecision::RollBack => optimization::roll_back(db, customer_id, id, verdict).await,
        };
        let decided = decided.map_err(no_such_proposal)?;
        let value = decided.proposal.part.read(&decided.brand.profile);
        let text = reviewed(&decided.proposal, &value);
        let Proposal { id, status, part, .. } = decided.proposal;
        Ok(Answer { text, data: ReviewedOut { proposal_id: id, status, field: part.field(), value } })
    }
}

fn not_a_cursor() -> entity::Error {
    entity::Error::invalid("cursor", "is not a cursor that list_proposals gave you")
}

fn listed(proposals: &[Proposal], status: ProposalStatus, needed: &[String], next: Option<&str>) -> String {
    let is_open = status == ProposalStatus::Open;
    let mut text = match (proposals.is_empty(), is_open) {
        (true, true) => "No proposal is open: nothing in the results, decisions and findings is clear enough to act \
                         on. They are looked at every Monday, or by start_workflow with performance_snapshot.\n"
            .to_owned(),
        (true, false) => "There is no such proposal.\n".to_owned(),
        (false, _) => String::new(),
    };
    for proposal in proposals {
        line(&mut text, proposal);
    }
    for what in needed {
        let _ = writeln!(text, "{what}");
    }
    if is_open && !proposals.is_empty() {
        text.push_str("Ask the person to decide on each, and record it with review_proposal.");
    }
    if let Some(next) = next {
        let _ = write!(text, "\nThere is more: call again with cursor {next}.");
    }
    text
}

fn line(text: &mut String, proposal: &Proposal) {
    let Proposal { id, title, part, current, proposed, evidence, expected_effect, confidence, .. } = proposal;
    let confidence = match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    };
    let (from, to) = (in_words(part, current), in_words(part, proposed));
    let _ = writeln!(text, "- {id} · {title} · confidence {confidence}\n  `{}`: {from} → {to}", part.field());
    for Fact { text: fact, source, ids, .. } in &evidence.0 {
        let pieces = if ids.is_empty() { String::new() } else { format!(", such as {}", ids.join(", ")) };
        let _ = writeln!(text, "  - {fact}{pieces} ({source})");
    }
    let _ = writeln!(text, "  Expected: {expected_effect}");
    if let Some(name) = &proposal.decided_by {
        let reason = proposal.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let _ = writeln!(text, "  Decided by {name}{reason}");
    }
}

fn reviewed(proposal: &Proposal, value: &Value) -> String {
    let Proposal { id, part, status, .. } = proposal;
    let by = proposal.decided_by.as_deref().unwrap_or_default();
    let now = format!("`{}` is now: {}", part.field(), in_words(part, value));
    let next = match proposal.category {
        Category::VoiceRefinement => "What is written from now on follows it.",
        _ => {
            "What has its time already stays; plan_calendar plans what is missing accordingly, so offer to plan again."
        }
    };
    match status {
        ProposalStatus::Approved => format!("{id} was approved by {by}. {now}. {next}"),
        ProposalStatus::RolledBack => format!("{id} was taken back by {by}. {now}. {next}"),
        _ => format!(
            "{id} was rejected by {by}; nothing was changed. It is not proposed again for eight weeks, unless the \
             evidence gets stronger."
        ),
    }
}

impl From<Proposal> for ProposalOut {
    fn from(proposal: Proposal) -> Self {
        let fact = |Fact { text, source, ids, numbers }| FactOut { text, source, ids, numbers };
        Self {
            id: proposal.id,
            category: proposal.category,
            title: proposal.title,
            status: proposal.status,
            field: proposal.part.field(),
            current: proposal.current,
            proposed: proposal.proposed,
            evidence: proposal.evidence.0.into_iter().map(fact).collect(),
            expected_effect: proposal.expected_effect,
            confidence: proposal.confidence,
            decided_by: proposal.decided_by,
            reason: proposal.reason,
            created_at: timestamp(proposal.created_at),
        }
    }
}
