//! What changed, how much, and how certain it is that this is not chance.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entity::snapshots::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::anomalies::Outlier;
use crate::performance::{Numbers, Unit, metric_words};
use crate::statistics::{certainty_of_value, median, spread, steady};
use crate::text::{day, sentence};

/// From here on a change is hardly chance.
const CERTAIN: f64 = 0.95;
/// Smaller changes lead to nothing, however certain they are.
const WORTH_IT: f64 = 0.05;
/// A day as far outside as [`crate::anomalies`] asks for is chance less often than this leaves.
const CERTAINTY_OF_OUTLIERS: f64 = 0.999;
/// So many weeks have to be kept before one of them can be compared with the others.
pub const NEEDED_WEEKS: usize = 6;

/// What is worth knowing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Insight {
    /// In words, with its numbers, its days and where they come from.
    pub insight: String,
    /// Whether that is good.
    pub severity: Severity,
    /// Whether there is something to do about it.
    pub actionable: bool,
    /// How large the change is: the logarithm of how many times more or less, as a part of the period.
    pub effect: f64,
    /// How certain it is that it is not chance, from 0 to 1.
    pub certainty: f64,
    /// What it rests on, as `channel metric`, with the part after a colon.
    pub metrics: Vec<String>,
}

impl Insight {
    /// In words, without the call that shows its number: where tables name it.
    #[must_use]
    pub fn without_call(&self) -> String {
        match self.insight.split_once(" Source: ") {
            Some((said, source)) => {
                let after = source.split_once("}).").map(|(_, after)| after).unwrap_or_default();
                format!("{said}{after}")
            }
            None => self.insight.clone(),
        }
    }
}

/// Whether something is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Severity {
    /// Good.
    Positive,
    /// Bad.
    Negative,
    /// Neither, or it may be chance.
    Neutral,
}

/// A number of two periods.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The platform, or `heycmo`.
    pub channel: &'a str,
    /// Where it comes from, in words.
    pub source: &'a str,
    /// The metric.
    pub metric: &'a str,
    /// The part of it, if it is not everything.
    pub part: Option<&'a str>,
    /// What it counts.
    pub unit: Unit,
    /// Now.
    pub value: f64,
    /// Before.
    pub previous: f64,
    /// How certain it is that they differ by more than chance.
    pub certainty: f64,
    /// Which days they are of, such as `from Mon 2 Mar to Sun 8 Mar`.
    pub days: &'a str,
    /// What it is compared with, such as `of the seven days before`.
    pub against: &'a str,
    /// Days that stand out, and that the certainty takes for usual ones.
    pub apart_from: &'a [NaiveDate],
}

impl Change<'_> {
    /// What rests on it names it so.
    #[must_use]
    pub fn key(&self) -> String {
        key(self.channel, self.metric, self.part)
    }

    /// Whether it is large enough and hardly chance.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.certainty >= CERTAIN && self.effect() >= WORTH_IT
    }

    /// The logarithm of how many times more or less it is. One more of each, where they are counts: from nothing to one
    /// is no infinite change.
    fn effect(&self) -> f64 {
        let more = if self.unit == Unit::Count { 1.0 } else { f64::EPSILON };
        ((self.value.max(0.0) + more) / (self.previous.max(0.0) + more)).ln().abs()
    }

    /// Whether it went the way that is wanted.
    #[must_use]
    pub fn is_better(&self) -> bool {
        let is_less_better = self.unit == Unit::Position || self.metric == "bounceRate";
        (self.value < self.previous) == is_less_better
    }

    /// What it is in two or three words.
    #[must_use]
    pub fn subject(&self) -> String {
        let part = self.part.map(|part| format!(" by {part}")).unwrap_or_default();
        format!("{}{part}", metric_words(self.metric))
    }

    /// How it changed: `12 % more`.
    #[must_use]
    pub fn change(&self) -> String {
        let direction = if self.value < self.previous { "less" } else { "more" };
        if self.previous > 0.0 {
            return format!("{:.0} % {direction}", 100.0 * (self.value / self.previous - 1.0).abs());
        }
        format!("{} {direction}", self.unit.written((self.value - self.previous).abs()))
    }

    /// The change in words; none of what did not change.
    #[must_use]
    pub fn insight(&self) -> Option<Insight> {
        if self.effect() < 1e-9 {
            return None;
        }
        let Self { unit, value, previous, days, against, source, certainty, .. } = self;
        let chance = if *certainty >= CERTAIN { "is hardly chance" } else { "may be chance" };
        let days_apart: Vec<String> = self.apart_from.iter().copied().map(day).collect();
        let apart = match days_apart.as_slice() {
            [] => "that".to_owned(),
            days => format!("what is left of it without what stands out on {}", days.join(", ")),
        };
        let insight = format!(
            "{} {days}: {}, {} than the {} {against}; {apart} {chance} (certainty {:.0} %). Source: {source}.",
            sentence(&self.subject()),
            unit.written(*value),
            self.change(),
            unit.written(*previous),
            (100.0 * certainty).floor(),
        );
        let severity = match (self.is_certain(), self.is_better()) {
            (false, _) => Severity::Neutral,
            (true, true) => Severity::Positive,
            (true, false) => Severity::Negative,
        };
        let (actionable, effect, metrics) = (self.is_certain(), self.effect(), vec![self.key()]);
        Some(Insight { insight, severity, actionable, effect, certainty: *certainty, metrics })
    }
}

/// How a number is named where something rests on it.
#[must_use]
pub fn key(channel: &str, metric: &str, part: Option<&str>) -> String {
    let part = part.map(|part| format!(": {part}")).unwrap_or_default();
    format!("{channel} {metric}{part}")
}

/// A day that stands out, as a part of a period of so many days.
#[must_use]
pub fn of_outlier(channel: &str, source: &str, metric: &str, outlier: &Outlier, days: f64) -> Insight {
    let Outlier { date, value, expected, low, high } = *outlier;
    let (severity, direction) =
        if value < expected { (Severity::Negative, "low") } else { (Severity::Positive, "high") };
    let written = |value: f64| Unit::Count.written(value.round());
    let insight = format!(
        "{} on {}: {}, unusually {direction}; a {} like the twelve weeks before would have had about {}, between {} and {}. Source: {source}.",
        sentence(&metric_words(metric)),
        day(date),
        written(value),
        date.format("%A"),
        written(expected),
        written(low),
        written(high),
    );
    let effect = ((value + 1.0) / (expected + 1.0)).ln().abs() / days.max(1.0);
    let metrics = vec![key(channel, metric, None)];
    Insight { insight, severity, actionable: true, effect, certainty: CERTAINTY_OF_OUTLIERS, metrics }
}

/// The most important first: large and certain.
pub fn rank(insights: &mut [Insight]) {
    let weight = |insight: &Insight| insight.effect * insight.certainty;
    insights.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then_with(|| a.insight.cmp(&b.insight)));
}

/// What the kept weeks say of the last one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learning {
    /// How many weeks are kept, each of different days.
    pub weeks: usize,
    /// The last day of the newest one.
    pub last_day: Option<NaiveDate>,
    /// The most important first.
    pub insights: Vec<Insight>,
}

/// Holds the newest of the kept weeks (snapshots, newest first) against the others. Of several of overlapping days the
/// newest counts.
#[must_use]
pub fn learn(snapshots: &[Snapshot]) -> Learning {
    let mut weeks: Vec<&Snapshot> = Vec::new();
    let mut newest_first: Vec<&Snapshot> = snapshots.iter().collect();
    newest_first.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.last_day));
    for snapshot in newest_first {
        if weeks.last().is_none_or(|later| snapshot.last_day < later.first_day) {
            weeks.push(snapshot);
        }
    }
    let mut learning = Learning { weeks: weeks.len(), ..Learning::default() };
    let Some((newest, earlier)) = weeks.split_first() else { return learning };
    learning.last_day = Some(newest.last_day);
    if weeks.len() < NEEDED_WEEKS {
        return learning;
    }
    let mut before: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for snapshot in earlier {
        for measure in Numbers::of(snapshot).measures {
            before.entry((measure.channel, measure.metric)).or_default().push(measure.value);
        }
    }
    let days = format!("from {} to {}", day(newest.first_day), day(newest.last_day));
    for measure in Numbers::of(newest).measures {
        let Some(values) = before.get(&(measure.channel.clone(), measure.metric.clone())) else { continue };
        let unit = Unit::of(&measure.metric);
        let Some((middle, certainty)) = against(values, measure.value, unit) else { continue };
        let weeks = format!("that are the middle of the {} kept weeks before", values.len());
        let source = format!("{} (get_performance_trend, channel {})", measure.source, measure.channel);
        let change = Change {
            channel: &measure.channel,
            source: &source,
            metric: &measure.metric,
            part: None,
            unit,
            value: measure.value,
            previous: middle,
            certainty,
            days: &days,
            against: &weeks,
            apart_from: &[],
        };
        learning.insights.extend(change.insight());
    }
    rank(&mut learning.insights);
    learning
}

/// The middle of the values before, and how certain it is that this one lies outside of them.
fn against(values: &[f64], value: f64, unit: Unit) -> Option<(f64, f64)> {
    if values.len() + 1 < NEEDED_WEEKS {
        return None;
    }
    let middle = median(values)?;
    let number = u32::try_from(values.len()).ok()?;
    let certainty = if unit == Unit::Count {
        let steadied: Vec<f64> = values.iter().map(|value| steady(*value)).collect();
        // Counting alone makes them vary by one.
        certainty_of_value(steady(value) - median(&steadied)?, spread(&steadied)?.max(1.0), number)?
    } else {
        // Of values that were always the same nothing is known about chance.
        certainty_of_value(value - middle, Some(spread(values)?).filter(|spread| *spread > 0.0)?, number)?
    };
    Some((middle, certainty))
}

#[cfg(test)]
mod tests {
    use entity::db::now;
    use entity::ids::{CustomerId, RunId, SnapshotId};
    use serde_json::json;

    use super::*;

    fn week(number: u64, measures: &[(&str, f64)]) -> Snapshot {
        let first_day = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap() + chrono::Days::new(7 * number);
        let measure = |(metric, value): &(&str, f64)| json!({"channel": "google_analytics", "metric": metric, "value": value, "source": "Site"});
        let measures: Vec<_> = measures.iter().map(measure).collect();
        Snapshot {
            id: SnapshotId::new(),
            customer_id: CustomerId::new(),
            run_id: RunId::new(),
            first_day,
            last_day: first_day + chrono::Days::new(6),
            data: json!({ "measures": measures, "posts": [], "missing": [] }),
            captured_at: now(),
        }
    }

    fn weeks(values: &[f64]) -> Vec<Snapshot> {
        let weeks = values.iter().enumerate().rev();
        weeks.map(|(number, value)| week(number.try_into().unwrap(), &[("sessions", *value), ("ctr", 0.03)])).collect()
    }

    #[test]
    fn the_newest_week_is_held_against_the_others() {
        let learning = learn(&weeks(&[2_000.0, 2_100.0, 1_950.0, 2_050.0, 2_010.0, 2_990.0]));
        assert_eq!((learning.weeks, learning.insights.len()), (6, 1), "a rate that never changes says nothing");
        let insight = &learning.insights[0];
        assert_eq!((insight.severity, insight.actionable), (Severity::Positive, true), "{insight:?}");
        assert!(insight.insight.starts_with("Sessions from Mon 9 Feb to Sun 15 Feb: 2,990, 49 % more than the 2,010 that are the middle of the 5 kept weeks before"), "{insight:?}");
        assert!(
            insight.insight.contains("hardly chance") && insight.insight.contains("Site (get_performance_trend"),
            "{insight:?}"
        );
        assert_eq!(insight.metrics, ["google_analytics sessions"]);
    }

    #[test]
    fn a_change_that_may_be_chance_is_said_to_be_so_and_asks_for_nothing() {
        let learning = learn(&weeks(&[2_000.0, 2_400.0, 1_700.0, 2_250.0, 2_010.0, 2_300.0]));
        let insight = &learning.insights[0];
        assert_eq!((insight.severity, insight.actionable), (Severity::Neutral, false), "{insight:?}");
        assert!(insight.insight.contains("that may be chance"), "{insight:?}");
    }

    #[test]
    fn too_few_weeks_teach_nothing_and_the_same_days_count_once() {
        let mut kept = weeks(&[2_000.0, 2_100.0, 1_950.0, 2_050.0, 9_000.0]);
        kept.push(week(4, &[("sessions", 1.0)]));
        let learning = learn(&kept);
        assert_eq!((learning.weeks, learning.insights.len()), (5, 0));
        assert_eq!(learn(&[]), Learning::default());
    }

    #[test]
    fn less_is_better_of_a_position_and_the_large_and_certain_come_first() {
        let change = |metric, unit, value, previous, certainty| Change {
            channel: "search_console",
            source: "Site",
            metric,
            part: None,
            unit,
            value,
            previous,
            certainty,
            days: "on these days",
            against: "of the days before",
            apart_from: &[],
        };
        assert!(change("position", Unit::Position, 4.0, 6.0, 0.99).is_better());
        assert!(!change("clicks", Unit::Count, 4.0, 6.0, 0.99).is_better());
        let small = change("clicks", Unit::Count, 110.0, 100.0, 0.99).insight().unwrap();
        let large = change("impressions", Unit::Count, 50.0, 100.0, 0.99).insight().unwrap();
        let doubtful = change("views", Unit::Count, 300.0, 100.0, 0.05).insight().unwrap();
        let mut all = [small.clone(), doubtful.clone(), large.clone()];
        rank(&mut all);
        assert_eq!(all, [large, small, doubtful]);
        assert_eq!(change("clicks", Unit::Count, 5.0, 5.0, 0.0).insight(), None);
    }
}
