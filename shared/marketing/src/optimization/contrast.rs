//! Whether one group of posts clearly did better than another.

use std::collections::BTreeMap;

use entity::content::Channel;
use entity::proposals::{Confidence, Fact};

use super::OwnPost;
use crate::statistics::{Comparison, compare, median};

/// Posts of each group that are needed before the groups are compared.
pub const MIN_POSTS: usize = 6;
/// How often chance alone may look like a difference, over all comparisons that were made for one proposal.
pub const CHANCE: f64 = 0.01;
/// In so many of all pairs at least the better group has to be ahead: what is certain may still be too small to matter.
const CLEAR: f64 = 0.65;
/// The test, as it is cited.
const TEST: &str = "Mann and Whitney 1947, https://doi.org/10.1214/aoms/1177730491";
/// How many pieces a fact names.
const NAMED: usize = 3;

/// Posts that have something in common.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// What, in words such as "X threads".
    pub name: String,
    /// The posts with the number by which they are compared.
    pub posts: Vec<(&'a OwnPost, f64)>,
    /// What that number is.
    pub unit: Unit,
}

/// What posts are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Reactions for each time they were seen.
    Rate,
    /// Reactions.
    Reactions,
    /// Times as much as the middle post of their channel.
    Times,
}

/// That one group clearly did better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// In which part of all pairs.
    pub superiority: f64,
    /// The chance of such a difference without a cause, for all comparisons together.
    pub p: f64,
    /// What follows from it.
    pub confidence: Confidence,
}

impl<'a> Group<'a> {
    /// Posts of one channel by their engagement.
    pub fn of(name: impl Into<String>, posts: impl Iterator<Item = &'a OwnPost>) -> Self {
        let posts: Vec<(&OwnPost, f64)> = posts.map(|post| (post, post.engagement)).collect();
        let is_rate = posts.iter().all(|(post, _)| post.is_rate);
        Self { name: name.into(), posts, unit: if is_rate { Unit::Rate } else { Unit::Reactions } }
    }

    /// Whether there are enough posts to compare.
    pub fn is_enough(&self) -> bool {
        self.posts.len() >= MIN_POSTS
    }

    /// The middle of the numbers.
    pub fn median(&self) -> f64 {
        median(&self.values()).unwrap_or_default()
    }

    /// The middle in words.
    pub fn middle(&self) -> String {
        let median = self.median();
        match self.unit {
            Unit::Rate => format!("{:.1} % engagement", median * 100.0),
            Unit::Reactions => format!("{median:.0} reactions"),
            Unit::Times => format!("{median:.2} times the middle post of their channel"),
        }
    }

    fn values(&self) -> Vec<f64> {
        self.posts.iter().map(|(_, value)| *value).collect()
    }

    /// What is known of the group, with the pieces that did best.
    fn fact(&self) -> Fact {
        let mut best: Vec<&(&OwnPost, f64)> = self.posts.iter().collect();
        best.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.published_at.cmp(&b.published_at)));
        let pieces = best.iter().filter_map(|(post, _)| post.piece.as_ref());
        let days = self.posts.iter().map(|(post, _)| post.published_at.date_naive());
        let span = days.clone().min().zip(days.max()).map(|(first, last)| format!(" of {first} to {last}"));
        Fact {
            text: format!("{} {}: in the middle {}", self.posts.len(), self.name, self.middle()),
            source: format!("the numbers that were kept of posts{}", span.unwrap_or_default()),
            ids: pieces.take(NAMED).map(|piece| piece.id.to_string()).collect(),
            numbers: numbers(&[("posts", count(self.posts.len())), ("median", self.median())]),
        }
    }
}

/// Whether the first group clearly did better than the second one, where `tries` such comparisons were made.
pub fn clearly_better(better: &Group<'_>, worse: &Group<'_>, tries: usize) -> Option<Contrast> {
    if !better.is_enough() || !worse.is_enough() {
        return None;
    }
    let Comparison { superiority, p } = compare(&better.values(), &worse.values())?;
    // Bonferroni: who looks often enough finds something.
    let p = (p * count(tries.max(1))).min(1.0);
    let is_clear = superiority >= CLEAR && p < CHANCE;
    is_clear.then(|| Contrast { superiority, p, confidence: confidence(p, better.posts.len() + worse.posts.len()) })
}

/// Of groups with enough posts the one that did best and the one that did worst, if the difference is clear.
pub fn best_and_worst(groups: &[Group<'_>]) -> Option<(usize, usize, Contrast)> {
    let enough = groups.iter().enumerate().filter(|(_, group)| group.is_enough());
    let mut ranked: Vec<(usize, f64)> = enough.map(|(index, group)| (index, group.median())).collect();
    // Of equals the first one: the order of the profile.
    ranked.sort_by(|(i, a), (j, b)| b.total_cmp(a).then(i.cmp(j)));
    let tries = ranked.len() * ranked.len().saturating_sub(1) / 2;
    let (best, worst) = (ranked.first()?.0, ranked.last()?.0);
    let contrast = clearly_better(groups.get(best)?, groups.get(worst)?, tries)?;
    Some((best, worst, contrast))
}

/// Both groups and the test, as evidence.
pub fn facts(better: &Group<'_>, worse: &Group<'_>, contrast: &Contrast) -> Vec<Fact> {
    let Contrast { superiority, p, .. } = *contrast;
    let test = Fact {
        text: format!(
            "In {:.0} % of all pairs of one and one the first did better; chance alone gives such a difference in {} \
             cases",
            superiority * 100.0,
            odds(p)
        ),
        source: TEST.to_owned(),
        ids: Vec::new(),
        numbers: numbers(&[("superiority", superiority), ("p", p)]),
    };
    vec![better.fact(), worse.fact(), test]
}

/// "1 of 400".
fn odds(p: f64) -> String {
    if p < 0.0001 { "less than 1 of 10,000".to_owned() } else { format!("1 of {:.0}", 1.0 / p) }
}

fn confidence(p: f64, posts: usize) -> Confidence {
    const MANY: usize = 24;
    match p {
        p if p < CHANCE / 10.0 && posts >= MANY => Confidence::High,
        p if p < CHANCE / 3.0 => Confidence::Medium,
        _ => Confidence::Low,
    }
}

/// Numbers of a fact. Rounded, so that they read back as they were written.
pub fn numbers(numbers: &[(&str, f64)]) -> BTreeMap<String, f64> {
    const PLACES: f64 = 1e6;
    numbers.iter().map(|(name, value)| ((*name).to_owned(), (value * PLACES).round() / PLACES)).collect()
}

/// A count among numbers.
pub fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// The posts of a channel.
pub fn of_channel(posts: &[OwnPost], channel: Channel) -> impl Iterator<Item = &OwnPost> + Clone {
    posts.iter().filter(move |post| post.channel == channel)
}

/// Weights as parts of 100; what has any weight keeps some.
pub fn percents(weights: &[i64]) -> Vec<i64> {
    let total: i64 = weights.iter().sum();
    let percent = |weight: &i64| if *weight <= 0 { 0 } else { ((100 * weight + total / 2) / total.max(1)).max(1) };
    weights.iter().map(percent).collect()
}

/// Moves up to `step` from one share to another, of which the first keeps at least `floor`; how much was moved.
pub fn shift(shares: &mut [i64], from: usize, to: usize, step: i64, floor: i64) -> Option<i64> {
    let moved = step.min(*shares.get(from)? - floor);
    if moved <= 0 || from == to {
        return None;
    }
    *shares.get_mut(from)? -= moved;
    *shares.get_mut(to)? += moved;
    Some(moved)
}

/// By how much the middle result of everything rises if `moved` of 100 change from one middle to another; none where
/// the middles do not say.
pub fn gain(shares: &[i64], medians: &[f64], moved: i64, from: f64, to: f64) -> Option<f64> {
    let whole = |number: i64| i32::try_from(number).map_or(0.0, f64::from);
    let now: f64 = shares.iter().zip(medians).map(|(share, median)| whole(*share) * median).sum();
    let gain = whole(moved) * (to - from) / now;
    (now > 0.0 && gain.is_finite() && gain > 0.0).then_some(gain)
}
