//! Shares of the kinds of a channel that has several.

use entity::brands::FormatWeight;
use entity::content::{Channel, ContentKind};
use entity::proposals::{Category, Evidence as Facts, NewProposal, Part};
use serde_json::json;

use super::contrast::{self, Group, MIN_POSTS, best_and_worst, gain, of_channel, percents, shift};
use super::{Advice, Evidence, Needed};
use crate::calendar::usual_weight;
use crate::guide::{CHANNELS, guide, kind_label};
use crate::text::counted;

/// So many of 100 pieces change their kind at a time.
const STEP: i64 = 15;
/// No kind goes below so many of 100.
const FLOOR: i64 = 10;

pub fn propose(evidence: &Evidence, advice: &mut Advice) {
    for channel in CHANNELS {
        let weights = weights(evidence, channel);
        if weights.len() > 1 {
            propose_for(evidence, channel, &weights, advice);
        }
    }
}

/// The kinds that a channel has, with their weights. What the brand does not want has none and is not among them.
fn weights(evidence: &Evidence, channel: Channel) -> Vec<(ContentKind, i64)> {
    let set = &evidence.brand.profile.format_weights;
    let weight = |kind: ContentKind| {
        set.iter().find(|format| format.kind == kind).map_or(usual_weight(kind), |format| format.weight)
    };
    let kinds = guide(channel).kinds.iter().map(|kind| (*kind, weight(*kind)));
    kinds.filter(|(_, weight)| *weight > 0).collect()
}

fn propose_for(evidence: &Evidence, channel: Channel, weights: &[(ContentKind, i64)], advice: &mut Advice) {
    let of_kind = |kind: ContentKind| {
        let posts = of_channel(&evidence.posts, channel);
        let posts = posts.filter(move |post| post.piece.as_ref().is_some_and(|piece| piece.kind == kind));
        Group::of(format!("{}s", kind_label(kind)), posts)
    };
    let groups: Vec<Group<'_>> = weights.iter().map(|(kind, _)| of_kind(*kind)).collect();
    if let Some(missing) = missing(&groups) {
        advice.needed.push(Needed { category: Category::FormatWeights, what: missing });
        return;
    }
    let Some((best, worst, contrast)) = best_and_worst(&groups) else { return };
    let before = percents(&weights.iter().map(|(_, weight)| *weight).collect::<Vec<i64>>());
    let mut after = before.clone();
    let moved = shift(&mut after, worst, best, STEP, FLOOR);
    let (Some(moved), Some(better), Some(worse)) = (moved, groups.get(best), groups.get(worst)) else { return };
    let medians: Vec<f64> = groups.iter().map(Group::median).collect();
    let gain = gain(&before, &medians, moved, worse.median(), better.median());
    let proposed: Vec<FormatWeight> =
        weights.iter().zip(&after).map(|((kind, _), weight)| FormatWeight { kind: *kind, weight: *weight }).collect();
    let part = Part::FormatWeights(channel);
    advice.proposals.push(NewProposal {
        title: format!("More {}, fewer {}", better.name, worse.name),
        current: part.read(&evidence.brand.profile),
        part,
        proposed: json!(proposed),
        expected_effect: expected(better, worse, moved, gain),
        confidence: contrast.confidence,
        evidence: Facts(contrast::facts(better, worse, &contrast)),
    });
}

/// What the groups lack to be compared.
fn missing(groups: &[Group<'_>]) -> Option<String> {
    let lack = |group: &Group<'_>| MIN_POSTS.saturating_sub(group.posts.len());
    let lacking: Vec<String> = groups
        .iter()
        .filter(|group| lack(group) > 0)
        .map(|group| format!("{} more of {}", lack(group), group.name))
        .collect();
    (!lacking.is_empty()).then(|| {
        let each = counted(MIN_POSTS, "post", "posts");
        format!("To compare kinds, {each} of each with numbers are needed: {}.", lacking.join(", "))
    })
}

/// What follows if both groups go on as they did.
pub fn expected(better: &Group<'_>, worse: &Group<'_>, moved: i64, gain: Option<f64>) -> String {
    let change = format!(
        "{moved} of 100 pieces change from {} (in the middle {}) to {} (in the middle {})",
        worse.name,
        worse.middle(),
        better.name,
        better.middle()
    );
    match gain {
        Some(gain) => {
            format!("If both go on as they did, a piece does about {:.0} % better on average: {change}.", gain * 100.0)
        }
        None => format!("{change}, if both go on as they did."),
    }
}
