//! What rules are, and how their verdicts become a score.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::Page;

/// From how many points on that are to be gained something is urgent.
const URGENT: f64 = 4.0;

/// One thing a page is looked at for.
pub struct Rule {
    /// Its stable name, such as `seo.title.length`.
    pub id: &'static str,
    /// What it counts for; a name of its score's dimensions.
    pub dimension: &'static str,
    /// How many of its score's 100 points it is worth.
    pub weight: u8,
    /// What to do where a page fails it.
    pub advice: &'static str,
    /// The public page that says why.
    pub source: &'static str,
    /// What it sees in a page.
    pub check: fn(&Page) -> Verdict,
}

/// What a rule sees, in words.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// All is well.
    Pass(String),
    /// Something is missing: the part of the points that is earned, between 0 and 1.
    Part(f64, String),
    /// Nothing is earned.
    Fail(String),
    /// It does not concern this page, or could not be found out: it counts neither way.
    Open(String),
}

/// What a score is made of: its names and how many points each is worth, 100 together.
pub type Dimensions = &'static [(&'static str, u8)];

/// How good a page is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// From 0 to 100.
    pub score: u8,
    /// A from 90 on, B from 80, C from 70, D from 60, else F.
    pub grade: Grade,
    /// What it is made of.
    pub dimensions: Vec<Dimension>,
    /// What was seen: the most points to gain first.
    pub findings: Vec<Finding>,
}

/// A grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Grade {
    /// 90 and more.
    A,
    /// 80 and more.
    B,
    /// 70 and more.
    C,
    /// 60 and more.
    D,
    /// Less than 60.
    F,
}

/// A part of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// How many points the page has.
    pub points: f64,
    /// How many there are; 0 where nothing of it could be looked at.
    pub of: f64,
}

/// What a rule has seen in a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule, such as `seo.title.length`.
    pub id: String,
    /// What it counts for.
    pub dimension: String,
    /// How much it matters.
    pub group: Group,
    /// What was seen.
    pub seen: String,
    /// What to do; absent where all is well.
    pub advice: Option<String>,
    /// How many points there are to gain.
    pub points: f64,
    /// The public page that says why.
    pub source: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Group {
    /// Do this first.
    Urgent,
    /// Worth doing.
    Recommended,
    /// All is well.
    Done,
}

/// The score of a page by rules. What stays open counts neither way: its points go to the rest.
#[must_use]
pub fn score(page: &Page, dimensions: Dimensions, rules: &[Rule]) -> Score {
    let seen: Vec<(&Rule, Verdict)> = rules.iter().map(|rule| (rule, (rule.check)(page))).collect();
    let dimensions: Vec<Dimension> = dimensions.iter().map(|(name, worth)| dimension(name, *worth, &seen)).collect();
    let (points, of) = dimensions.iter().fold((0.0, 0.0), |(points, of), it| (points + it.points, of + it.of));
    let score = whole(if of > 0.0 { 100.0 * points / of } else { 0.0 });
    let mut findings: Vec<Finding> = seen.into_iter().filter_map(|(rule, verdict)| finding(rule, verdict)).collect();
    // Stable, so that rules keep their order where they are worth the same.
    findings.sort_by(|a, b| b.points.total_cmp(&a.points));
    Score { score, grade: Grade::of(score), dimensions, findings }
}

fn dimension(name: &str, worth: u8, seen: &[(&Rule, Verdict)]) -> Dimension {
    let (mut earned, mut possible) = (0.0, 0.0);
    for (rule, verdict) in seen.iter().filter(|(rule, _)| rule.dimension == name) {
        if let Some(part) = verdict.earned() {
            earned += part * f64::from(rule.weight);
            possible += f64::from(rule.weight);
        }
    }
    let (points, of) =
        if possible > 0.0 { (f64::from(worth) * earned / possible, f64::from(worth)) } else { (0.0, 0.0) };
    Dimension { name: name.to_owned(), points: tenths(points), of }
}

fn finding(rule: &Rule, verdict: Verdict) -> Option<Finding> {
    let points = tenths(f64::from(rule.weight) * (1.0 - verdict.earned()?));
    let group = match points {
        points if points >= URGENT => Group::Urgent,
        points if points > 0.0 => Group::Recommended,
        _ => Group::Done,
    };
    let (Verdict::Pass(seen) | Verdict::Part(_, seen) | Verdict::Fail(seen) | Verdict::Open(seen)) = verdict;
    Some(Finding {
        id: rule.id.to_owned(),
        dimension: rule.dimension.to_owned(),
        group,
        seen,
        advice: (group != Group::Done).then(|| rule.advice.to_owned()),
        points,
        source: rule.source.to_owned(),
    })
}

impl Verdict {
    /// The part of the points that is earned; none where it counts neither way.
    #[must_use]
    pub fn earned(&self) -> Option<f64> {
        match self {
            Self::Pass(_) => Some(1.0),
            Self::Part(part, _) => Some(part.clamp(0.0, 1.0)),
            Self::Fail(_) => Some(0.0),
            Self::Open(_) => None,
        }
    }

    /// Passed or failed.
    pub(super) fn when(passed: bool, seen: impl Into<String>) -> Self {
        if passed { Self::Pass(seen.into()) } else { Self::Fail(seen.into()) }
    }

    /// So many of so many are as they should be.
    pub(super) fn share(good: usize, all: usize, seen: impl Into<String>) -> Self {
        match (good, all) {
            (_, 0) => Self::Open(seen.into()),
            (good, all) if good >= all => Self::Pass(seen.into()),
            (0, _) => Self::Fail(seen.into()),
            (good, all) => Self::Part(real(good) / real(all), seen.into()),
        }
    }
}

impl Grade {
    const fn of(score: u8) -> Self {
        match score {
            90.. => Self::A,
            80.. => Self::B,
            70.. => Self::C,
            60.. => Self::D,
            _ => Self::F,
        }
    }
}

/// Counts here are far below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
pub(super) const fn real(number: usize) -> f64 {
    number as f64
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Rounded, between 0 and 100.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 100")]
pub(super) fn whole(number: f64) -> u8 {
    number.round().clamp(0.0, 100.0) as u8
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).field("weight", &self.weight).finish_non_exhaustive()
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
