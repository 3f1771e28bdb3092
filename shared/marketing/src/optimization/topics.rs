//! Weights of the pillars.

use std::collections::HashMap;

use entity::content::Channel;
use entity::proposals::{Category, Evidence as Facts, NewProposal, Part};
use serde_json::{Value, json};

use super::contrast::{self, Group, MIN_POSTS, Unit, best_and_worst, gain, of_channel, percents, shift};
use super::formats::expected;
use super::{Advice, Evidence, Needed, OwnPost};
use crate::guide::CHANNELS;
use crate::statistics::median;

/// So many of 100 pieces change their theme at a time.
const STEP: i64 = 10;
/// No theme goes below so many of 100.
const FLOOR: i64 = 5;

pub fn propose(evidence: &Evidence, advice: &mut Advice) {
    let pillars = &evidence.brand.profile.pillars;
    if pillars.len() < 2 {
        return;
    }
    let middles = middles(&evidence.posts);
    let groups: Vec<Group<'_>> = pillars.iter().map(|pillar| group(&evidence.posts, &pillar.name, &middles)).collect();
    if groups.iter().filter(|group| group.is_enough()).count() < 2 {
        advice.needed.push(Needed { category: Category::TopicFocus, what: missing(&groups) });
        return;
    }
    let Some((best, worst, contrast)) = best_and_worst(&groups) else { return };
    let before = percents(&pillars.iter().map(|pillar| pillar.weight).collect::<Vec<i64>>());
    let mut after = before.clone();
    let moved = shift(&mut after, worst, best, STEP, FLOOR);
    let (Some(moved), Some(better), Some(worse)) = (moved, groups.get(best), groups.get(worst)) else { return };
    let medians: Vec<f64> = groups.iter().map(Group::median).collect();
    let is_whole = groups.iter().all(Group::is_enough);
    let gain = gain(&before, &medians, moved, worse.median(), better.median()).filter(|_| is_whole);
    let weight = |(pillar, weight): (&entity::brands::Pillar, &i64)| json!({ "name": pillar.name, "weight": weight });
    let proposed: Value = pillars.iter().zip(&after).map(weight).collect();
    advice.proposals.push(NewProposal {
        title: format!("More {}, fewer {}", better.name, worse.name),
        current: Part::PillarWeights.read(&evidence.brand.profile),
        part: Part::PillarWeights,
        proposed,
        expected_effect: expected(better, worse, moved, gain),
        confidence: contrast.confidence,
        evidence: Facts(contrast::facts(better, worse, &contrast)),
    });
}

/// The middle result of each channel, so that posts of different channels can be compared.
fn middles(posts: &[OwnPost]) -> HashMap<Channel, f64> {
    let middle = |channel| median(&of_channel(posts, channel).map(|post| post.engagement).collect::<Vec<f64>>());
    let middles = CHANNELS.into_iter().filter_map(|channel| Some((channel, middle(channel)?)));
    middles.filter(|(_, middle)| *middle > 0.0).collect()
}

fn group<'a>(posts: &'a [OwnPost], pillar: &str, middles: &HashMap<Channel, f64>) -> Group<'a> {
    let of_pillar = posts.iter().filter(|post| {
        post.piece.as_ref().and_then(|piece| piece.pillar.as_deref()).is_some_and(|theme| theme == pillar)
    });
    let posts = of_pillar.filter_map(|post| Some((post, post.engagement / middles.get(&post.channel)?)));
    Group { name: format!("pieces on “{pillar}”"), posts: posts.collect(), unit: Unit::Times }
}

fn missing(groups: &[Group<'_>]) -> String {
    let lack = |group: &Group<'_>| MIN_POSTS.saturating_sub(group.posts.len());
    let lacking: Vec<String> = groups
        .iter()
        .filter(|group| lack(group) > 0)
        .map(|group| format!("{} more {}", lack(group), group.name))
        .collect();
    format!("To compare themes, {MIN_POSTS} posts with numbers of two of them are needed: {}.", lacking.join(", "))
}
