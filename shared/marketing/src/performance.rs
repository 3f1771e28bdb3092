//! How the marketing does: the numbers that are kept of each week.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use entity::Result;
use entity::content::Channel;
use entity::db::Db;
use entity::ids::CustomerId;
use entity::snapshots::{self, Snapshot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::PostResult;
use crate::text::written;

/// Snapshots that are looked at for how posts did: half a year.
const REMEMBERED: u64 = 26;
const MINUTE: f64 = 60.0;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// So many.
    Count,
    /// A part of a whole: 0.25 is a quarter.
    Ratio,
    /// Seconds.
    Seconds,
    /// A place in a list of results, from 1.
    Position,
    /// A mark from 0 to 100.
    Score,
}

impl Unit {
    /// That of a metric by its name, as snapshots keep it.
    #[must_use]
    pub fn of(metric: &str) -> Self {
        match metric {
            "engagement_rate" | "ctr" | "engagementRate" | "bounceRate" => Self::Ratio,
            "position" => Self::Position,
            "findings_score" => Self::Score,
            _ => Self::Count,
        }
    }

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Ratio => "ratio",
            Self::Seconds => "seconds",
            Self::Position => "position",
            Self::Score => "score",
        }
    }

    /// A number of it, with as many places as say something.
    #[must_use]
    pub fn written(self, value: f64) -> String {
        match self {
            Self::Count if value.fract() == 0.0 => written(value, 0),
            Self::Count => written(value, 2),
            Self::Ratio => format!("{} %", written(value * 100.0, 1)),
            Self::Seconds if value.abs() < MINUTE => format!("{} s", written(value, 0)),
            Self::Seconds => {
                let seconds = value.round();
                format!("{} min {} s", written((seconds / MINUTE).trunc(), 0), written((seconds % MINUTE).abs(), 0))
            }
            Self::Position | Self::Score => written(value, 1),
        }
    }
}

/// The words for a metric: `engagedSessions` are engaged sessions.
#[must_use]
pub fn metric_words(metric: &str) -> String {
    match metric {
        "keyEvents" | "conversions" => return "conversions (key events)".to_owned(),
        "ctr" => return "click rate".to_owned(),
        "position" => return "average position".to_owned(),
        "findings_score" => return "average score of the scanned pages".to_owned(),
        "published" => return "posts published by HeyCMO".to_owned(),
        _ => {}
    }
    let mut words = String::with_capacity(metric.len() + 4);
    for letter in metric.chars() {
        if letter == '_' {
            words.push(' ');
        } else if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

/// The numbers of some days, as a snapshot keeps them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    /// What was measured.
    pub measures: Vec<Measure>,
    /// Posts of these days and how they did.
    pub posts: Vec<Post>,
    /// Sources that could not be read, and why.
    pub missing: Vec<Missing>,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// Where: a channel, a platform, or `heycmo` for what is kept here.
    pub channel: String,
    /// What: published, engagement_rate, ctr, conversions, leads, findings_score, or a platform's own metric.
    pub metric: String,
    /// The number; rates are parts of a whole, so 0.25 is a quarter.
    pub value: f64,
    /// Its account at the source.
    pub source: String,
}

/// A post and how it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    /// Where it was.
    pub channel: Channel,
    /// The platform's id.
    pub id: String,
    /// When it went out.
    pub published_at: DateTime<Utc>,
    /// How often it was seen.
    pub impressions: Option<f64>,
    /// All reactions to it.
    pub reactions: f64,
}

/// A source without numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The platform.
    pub channel: String,
    /// Why, in words.
    pub why: String,
}

impl Post {
    /// Its reactions for each time it was seen.
    #[must_use]
    pub fn engagement_rate(&self) -> Option<f64> {
        self.impressions.filter(|seen| *seen > 0.0).map(|seen| self.reactions / seen)
    }
}

impl Numbers {
    /// What a snapshot has kept.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        serde_json::from_value(snapshot.data.clone()).unwrap_or_default()
    }

    /// One number.
    #[must_use]
    pub fn value(&self, channel: &str, metric: &str) -> Option<f64> {
        self.measures.iter().find(|measure| measure.channel == channel && measure.metric == metric).map(|it| it.value)
    }
}

/// Reactions to everything that was posted on a channel, for each time something was seen.
#[must_use]
pub fn engagement_rate(posts: &[Post], channel: Channel) -> Option<f64> {
    let of_channel = posts.iter().filter(|post| post.channel == channel);
    let seen: Vec<(f64, f64)> = of_channel.filter_map(|post| Some((post.reactions, post.impressions?))).collect();
    let impressions: f64 = seen.iter().map(|(_, impressions)| impressions).sum();
    (impressions > 0.0).then(|| seen.iter().map(|(reactions, _)| reactions).sum::<f64>() / impressions)
}

/// How the customer's posts of the last half year did, each as it was seen last.
///
/// # Errors
///
/// When the database fails.
pub async fn post_results(db: &Db, customer_id: &CustomerId) -> Result<Vec<PostResult>> {
    let mut posts: BTreeMap<(Channel, String), Post> = BTreeMap::new();
    for snapshot in snapshots::list(db, customer_id, None, REMEMBERED).await? {
        for post in Numbers::of(&snapshot).posts {
            posts.entry((post.channel, post.id.clone())).or_insert(post);
        }
    }
    // Where a platform does not say how often all posts were seen, reactions are compared as they are.
    let is_seen =
        |channel| posts.values().filter(|post| post.channel == channel).all(|post| post.impressions.is_some());
    let result = |post: &Post| {
        let is_rate = is_seen(post.channel);
        let engagement = if is_rate { post.engagement_rate()? } else { post.reactions };
        let (channel, id, published_at) = (post.channel, post.id.clone(), post.published_at);
        Some(PostResult { channel, id, published_at, engagement, is_rate })
    };
    Ok(posts.values().filter_map(result).collect())
}

/// A metric over several snapshots.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trend {
    /// Where.
    pub channel: String,
    /// What.
    pub metric: String,
    /// The oldest first; one for each snapshot that has it.
    pub points: Vec<TrendPoint>,
    /// The last against the one before.
    pub change: Option<f64>,
    /// The same as a part of the one before.
    pub change_ratio: Option<f64>,
}

/// A number of a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendPoint {
    /// The last day of the snapshot.
    pub to: NaiveDate,
    /// The number.
    pub value: f64,
}

/// What snapshots (the newest first) say over time. Of several of the same days the newest counts.
#[must_use]
pub fn trends(snapshots: &[Snapshot]) -> Vec<Trend> {
    let mut series: BTreeMap<(String, String), BTreeMap<NaiveDate, f64>> = BTreeMap::new();
    for snapshot in snapshots {
        for measure in Numbers::of(snapshot).measures {
            let points = series.entry((measure.channel, measure.metric)).or_default();
            points.entry(snapshot.last_day).or_insert(measure.value);
        }
    }
    let trend = |((channel, metric), points): ((String, String), BTreeMap<NaiveDate, f64>)| {
        let points: Vec<TrendPoint> = points.into_iter().map(|(to, value)| TrendPoint { to, value }).collect();
        let mut newest = points.iter().rev().map(|point| point.value);
        let change = newest.next().zip(newest.next()).map(|(last, before)| (last - before, before));
        Trend {
            change: change.map(|(change, _)| change),
            change_ratio: change.filter(|(_, before)| *before != 0.0).map(|(change, before)| change / before),
            channel,
            metric,
            points,
        }
    };
    series.into_iter().map(trend).collect()
}
