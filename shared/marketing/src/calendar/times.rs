//! When to publish: what the customer has set, what their own results say, and what studies say of everybody.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use entity::brands::PostingTime;
use entity::content::Channel;
use serde::{Deserialize, Serialize};

use crate::statistics::median;

/// What a time rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Basis {
    /// The customer has set it.
    Set,
    /// Their own posts did better then.
    OwnResults,
    /// A public study says so.
    Study,
    /// Nothing better was free.
    Free,
}

/// How one of the customer's own posts did.
#[derive(Clone, Debug, PartialEq)]
pub struct PostResult {
    /// Where it was.
    pub channel: Channel,
    /// The platform's id.
    pub id: String,
    /// When it went out.
    pub published_at: DateTime<Utc>,
    /// Reactions for each time it was seen, or reactions where the platform does not say how often; posts of a channel
    /// are compared with each other only.
    pub engagement: f64,
    /// Whether it is the former.
    pub is_rate: bool,
}

/// Posts of a channel that are needed before they say anything of times.
pub const ENOUGH_POSTS: usize = 12;
/// Posts that an hour of the week must be ahead of before it counts fully: few posts are mostly chance.
const CAUTION: f64 = 4.0;
/// The day is cut into so many hours: posts an hour apart tell of the same time.
pub(crate) const BLOCK_HOURS: u32 = 3;

/// What speaks for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Merit {
    /// More is better. A time that was set is above all others.
    pub score: f64,
    /// What it rests on.
    pub basis: Basis,
    /// In words.
    pub why: String,
    /// Where a study can be read.
    pub source: Option<&'static str>,
}

/// What is known of the times of a channel.
#[derive(Debug)]
pub struct Times<'a> {
    channel: Channel,
    set: Vec<&'a PostingTime>,
    /// By weekday (from Monday) and block of hours: how much better than the channel's other posts, as a logarithm, and
    /// how many posts say so.
    learned: BTreeMap<(u32, u32), (f64, usize)>,
}

impl<'a> Times<'a> {
    /// What is known of a channel.
    #[must_use]
    pub fn of(channel: Channel, set: &'a [PostingTime], results: &[PostResult], zone: Tz) -> Self {
        let set = set.iter().filter(|time| time.channel == channel).collect();
        let own: Vec<&PostResult> = results.iter().filter(|result| result.channel == channel).collect();
        Self { channel, set, learned: learned(&own, zone) }
    }

    /// The minutes of a day at which something could go out: every full hour, and what was set.
    pub fn of_day(&self, day: Weekday) -> impl Iterator<Item = NaiveTime> {
        let hours = (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
        let set = self.set.iter().filter(move |time| time.day.weekday() == day).filter_map(|time| time.time());
        let mut times: Vec<NaiveTime> = hours.chain(set).collect();
        times.sort_unstable();
        times.dedup();
        times.into_iter()
    }

    /// What speaks for a time.
    #[must_use]
    pub fn merit(&self, day: Weekday, time: NaiveTime) -> Merit {
        if self.set.iter().any(|set| set.day.weekday() == day && set.time() == Some(time)) {
            return Merit { score: 100.0, basis: Basis::Set, why: "set for this brand".to_owned(), source: None };
        }
        let study = study(self.channel, day, time.hour());
        let base = study.as_ref().map_or_else(|| unstudied(day, time.hour()), |study| study.score);
        let (effect, posts) = self.learned.get(&block(day, time)).copied().unwrap_or_default();
        let score = base * effect.exp();
        if effect > 0.0 {
            let percent = ((effect.exp() - 1.0) * 100.0).round();
            let why = format!("{posts} of your own posts at that time did about {percent} % better than the rest");
            return Merit { score, basis: Basis::OwnResults, why, source: None };
        }
        match study {
            Some(Study { why, source, .. }) => Merit { score, basis: Basis::Study, why: why.to_owned(), source },
            None => Merit { score, basis: Basis::Free, why: "free".to_owned(), source: None },
        }
    }
}

/// How much better the posts of each block of hours did than the middle one of all, drawn towards nothing where they are
/// few.
fn learned(own: &[&PostResult], zone: Tz) -> BTreeMap<(u32, u32), (f64, usize)> {
    let middle = median(&own.iter().map(|result| result.engagement).collect::<Vec<f64>>());
    let Some(middle) = middle.filter(|middle| own.len() >= ENOUGH_POSTS && *middle > 0.0) else {
        return BTreeMap::new();
    };
    let mut blocks: BTreeMap<(u32, u32), Vec<f64>> = BTreeMap::new();
    for result in own {
        let local = result.published_at.with_timezone(&zone);
        // One post that went round the world says little about its hour.
        let ratio = (result.engagement.max(0.0) / middle).clamp(0.1, 10.0).ln();
        blocks.entry(block(local.weekday(), local.time())).or_default().push(ratio);
    }
    let effect = |ratios: &[f64]| ratios.iter().sum::<f64>() / (count(ratios.len()) + CAUTION);
    blocks.into_iter().map(|(block, ratios)| (block, (effect(&ratios), ratios.len()))).collect()
}

/// Which block of hours of the week a time is in: its day and its place in it.
pub(crate) fn block(day: Weekday, time: NaiveTime) -> (u32, u32) {
    (day.num_days_from_monday(), time.hour() / BLOCK_HOURS)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

struct Study {
    score: f64,
    why: &'static str,
    source: Option<&'static str>,
}

/// Sprout Social's study of 2021, as reported there.
const SPROUT: &str = "https://www.impactplus.com/blog/best-times-to-post-on-social-media-2021-new-data";
/// What Mailchimp says of send times, as quoted there.
const MAILCHIMP: &str = "https://smeneeds.co.uk/its-not-always-tuesday-or-thursday/";

/// What a public study says of a time.
fn study(channel: Channel, day: Weekday, hour: u32) -> Option<Study> {
    use Weekday::{Fri, Sat, Sun, Thu, Tue, Wed};
    let found = |score: f64, why, source| Some(Study { score: score - early(hour), why, source: Some(source) });
    let within = |from: u32, to: u32| (from..to).contains(&hour);
    match channel {
        Channel::Linkedin if matches!(day, Tue | Wed) && within(9, 12) => {
            found(10.0, "LinkedIn's best days and hours: Tuesday and Wednesday, 9 to 12", SPROUT)
        }
        Channel::Linkedin if day == Thu && within(9, 12) => {
            found(9.0, "good on LinkedIn: Tuesday to Thursday, 9 to 12", SPROUT)
        }
        Channel::X if day == Wed && within(9, 15) => found(10.0, "X's best hours: Wednesday, 9 to 15", SPROUT),
        Channel::X if matches!(day, Tue | Thu) && within(9, 11) => {
            found(9.0, "good on X: Tuesday to Thursday, 9 to 11", SPROUT)
        }
        Channel::Instagram if day == Tue && within(11, 14) => {
            found(10.0, "Instagram's best hours: Tuesday, 11 to 14", SPROUT)
        }
        Channel::Instagram if !matches!(day, Sat | Sun) && hour == 11 => {
            found(9.0, "good on Instagram: weekdays at 11", SPROUT)
        }
        Channel::Facebook if matches!(day, Tue | Wed | Fri) && within(9, 13) => {
            found(10.0, "Facebook's best hours: Tuesday, Wednesday and Friday, 9 to 13", SPROUT)
        }
        Channel::Newsletter | Channel::Email if matches!(day, Tue | Wed | Thu) && hour == 10 => {
            found(10.0, "mail is read most from Tuesday to Thursday, sent at 10", MAILCHIMP)
        }
        _ => None,
    }
}

/// Between hours that a study does not tell apart the earlier one is taken, by very little.
fn early(hour: u32) -> f64 {
    f64::from(hour) / 100.0
}

/// Our own judgement where no study says anything: working hours before others, weekdays before weekends.
fn unstudied(day: Weekday, hour: u32) -> f64 {
    let by_hour = match hour {
        9..=16 => 4.0,
        8 | 17..=18 => 3.0,
        7 | 19..=20 => 2.0,
        _ => 0.5,
    };
    let by_day = if matches!(day, Weekday::Sat | Weekday::Sun) { 0.5 } else { 1.0 };
    by_hour * by_day - early(hour)
}
