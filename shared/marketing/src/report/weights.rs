//! Weights that should change: what is proposed, and waits for a person's decision.

use entity::ids::ProposalId;
use entity::proposals::{Category, Confidence, Proposal};
use serde::{Deserialize, Serialize};

use crate::optimization::in_words;

/// A proposal to change the shares of kinds or themes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdjustedWeights {
    /// For `review_proposal`.
    pub proposal_id: ProposalId,
    /// In a sentence.
    pub proposal: String,
    /// The weights as they are.
    pub current: String,
    /// As they should be.
    pub proposed: String,
    /// What speaks for it, each with where it was seen.
    pub evidence: Vec<String>,
    /// What is to be expected.
    pub expected_effect: String,
    /// How far that can be trusted.
    pub confidence: Confidence,
}

impl AdjustedWeights {
    /// What a proposal says, if it is about weights.
    #[must_use]
    pub fn of(proposal: &Proposal) -> Option<Self> {
        if !matches!(proposal.category, Category::FormatWeights | Category::TopicFocus) {
            return None;
        }
        Some(Self {
            proposal_id: proposal.id.clone(),
            proposal: proposal.title.clone(),
            current: in_words(&proposal.part, &proposal.current),
            proposed: in_words(&proposal.part, &proposal.proposed),
            evidence: proposal.evidence.0.iter().map(|fact| format!("{} ({})", fact.text, fact.source)).collect(),
            expected_effect: proposal.expected_effect.clone(),
            confidence: proposal.confidence,
        })
    }
}
