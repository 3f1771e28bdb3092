//! The analytics report: the numbers of some days beside those of the days before, what stands out, and what to do.
//!
//! Pure: who reads the sources gives what they said as [`Source`]s. No number is made here that is not one of theirs or
//! computed from theirs, and each carries the call that shows it again.

mod advice;
mod markdown;
#[cfg(test)]
mod tests;
mod weights;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::anomalies::{Judgement, NEEDED_DAYS, Outlier};
use crate::insights::{self, Change, Insight, key, rank};
use crate::performance::{Unit, metric_words};
use crate::statistics::{certainty_of_counts, certainty_of_shares};
use crate::text::{day, written};

pub use advice::Recommendation;
pub use markdown::markdown;
pub use weights::AdjustedWeights;

/// The address of the report of a run.
#[must_use]
pub fn uri(run_id: &str) -> String {
    format!("{ADDRESSES}{run_id}")
}

/// What the addresses of all reports begin with.
pub const ADDRESSES: &str = "heycmo://reports/";

/// More than that nobody reads.
const MAX_INSIGHTS: usize = 12;
/// Of what may be chance the largest are enough.
const MAX_UNSURE: usize = 4;

/// Days, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    /// The first.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
}

impl Days {
    fn count(self) -> i64 {
        (self.to - self.from).num_days() + 1
    }
}

/// The call of a tool that shows a number again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// When the source was asked.
    pub fetched_at: DateTime<Utc>,
}

impl Query {
    /// The call as an assistant makes it.
    #[must_use]
    pub fn call(&self) -> String {
        format!("{} {}", self.tool, self.arguments)
    }
}

/// A source without numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The platform.
    pub channel: String,
    /// Its name for people; reports of earlier versions have none.
    #[serde(default)]
    pub name: String,
    /// Why, in words.
    pub why: String,
    /// Whether it is connected, and so should have some.
    pub is_connected: bool,
}

/// What a source says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The platform, or `heycmo` for what is kept here.
    pub channel: String,
    /// Its name for people.
    pub name: String,
    /// The property, site, page or account that was read.
    pub account: String,
    /// What to know before trusting the numbers.
    pub notes: Vec<String>,
    /// The days of its numbers: earlier than the report's where it tells days late.
    pub days: Days,
    /// Its numbers.
    pub numbers: Vec<Number>,
    /// Its daily series and what was found in them, the most important first.
    pub series: Vec<Series>,
}

/// A number of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Number {
    /// Which.
    pub metric: String,
    /// The part that it is of, if not of everything.
    pub part: Option<String>,
    /// What it counts.
    pub unit: Unit,
    /// Of the period.
    pub value: Option<f64>,
    /// Of the days before; absent where nobody knows.
    pub previous: Option<f64>,
    /// Whether it counts events that do not hang together, such as leads: then it varies as counting does.
    pub single_events: bool,
    /// The call that shows it.
    pub query: Query,
    /// The call that shows the one before, where that is another.
    pub previous_query: Option<Query>,
}

/// A daily series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// Which metric.
    pub metric: String,
    /// What was found in it.
    pub judgement: Judgement,
    /// Days far outside among those it is compared with.
    pub before: Vec<Outlier>,
    /// The tool that shows a day of it, and its arguments but for the days.
    pub query: Query,
}

/// A metric of a channel, beside what it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelMetric {
    /// The platform, or `heycmo`.
    pub channel: String,
    /// Its name for people.
    pub name: String,
    /// The property, site, page or account.
    pub account: String,
    /// The days.
    pub days: Days,
    /// The number.
    #[serde(flatten)]
    pub number: Number,
    /// By how much it changed.
    pub change: Option<f64>,
    /// The same as a part of what it was.
    pub change_ratio: Option<f64>,
    /// How certain it is that the change is not chance, days that stand out taken for usual ones: they are told by
    /// themselves. Absent where that cannot be told.
    pub certainty: Option<f64>,
}

/// A day far outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Anomaly {
    /// The platform.
    pub channel: String,
    /// Its name for people.
    pub name: String,
    /// The metric.
    pub metric: String,
    /// The day and its numbers.
    #[serde(flatten)]
    pub outlier: Outlier,
    /// Other metrics of the source that stand out on the day.
    pub also: Vec<String>,
    /// The call that shows it.
    pub query: Query,
}

/// A daily series that not all can be said about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The platform.
    pub channel: String,
    /// The metrics.
    pub metrics: Vec<String>,
    /// What is not known, and why.
    pub why: String,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The days that it is about.
    pub period: Days,
    /// The days that they are compared with.
    pub previous: Days,
    /// Whose days they are.
    pub time_zone: String,
    /// It all in a line.
    pub headline: String,
    /// A paragraph that somebody wrote from [`Report::facts`]; shown instead of the one by template.
    pub narrative: Option<String>,
    /// The numbers.
    pub channel_metrics: Vec<ChannelMetric>,
    /// Days that stand out, oldest first.
    pub anomalies: Vec<Anomaly>,
    /// Series that were not compared, or not on all days.
    pub gaps: Vec<Gap>,
    /// What is worth knowing, the most important first.
    pub insights: Vec<Insight>,
    /// What to do.
    pub recommendations: Vec<Recommendation>,
    /// Weights that should change by what the posts of the last half year say.
    #[serde(default)]
    pub adjusted_weights: Vec<AdjustedWeights>,
    /// Sources without numbers, and why.
    pub missing: Vec<Missing>,
    /// What to know before trusting the numbers, by source.
    pub notes: Vec<String>,
}

impl Report {
    /// Makes the report of what the sources say.
    #[must_use]
    pub fn of(period: Days, previous: Days, time_zone: &str, sources: &[Source], missing: Vec<Missing>) -> Self {
        let mut report = Self {
            period,
            previous,
            time_zone: time_zone.to_owned(),
            headline: String::new(),
            narrative: None,
            channel_metrics: sources.iter().flat_map(channel_metrics).collect(),
            anomalies: sources.iter().flat_map(anomalies).collect(),
            gaps: sources.iter().flat_map(gaps).collect(),
            insights: Vec::new(),
            recommendations: Vec::new(),
            adjusted_weights: Vec::new(),
            missing,
            notes: sources.iter().filter_map(|source| note(source, period)).collect(),
        };
        report.anomalies.sort_by(|a, b| (a.outlier.date, &a.channel).cmp(&(b.outlier.date, &b.channel)));
        report.insights = report.found(sources);
        report.recommendations = advice::of(&report);
        report.headline = report.in_a_line();
        report
    }

    /// The facts as plain text: for whoever writes the narrative, and the only ground that it may have.
    #[must_use]
    pub fn facts(&self) -> String {
        let mut facts = format!(
            "Period: {} to {} ({}), compared with {} to {}.\n{}\n",
            self.period.from, self.period.to, self.time_zone, self.previous.from, self.previous.to, self.headline
        );
        // With their year, which the sentences leave out.
        let days = self.channel_metrics.iter().flat_map(|metric| [metric.days.from, metric.days.to]);
        let days: BTreeSet<NaiveDate> = days.chain(self.anomalies.iter().map(|it| it.outlier.date)).collect();
        let days: Vec<String> = days.iter().map(ToString::to_string).collect();
        let _ = writeln!(facts, "Days named below: {}.", days.join(", "));
        for insight in &self.insights {
            let _ = writeln!(facts, "- {}", insight.insight);
        }
        for gap in &self.gaps {
            let _ = writeln!(facts, "- {}", gap.why);
        }
        for Missing { channel, why, .. } in &self.missing {
            let _ = writeln!(facts, "- Not known, {channel}: {why}");
        }
        for advice in &self.recommendations {
            let _ = writeln!(facts, "- To do: {} Because: {}", advice.recommendation, advice.because);
        }
        for weights in &self.adjusted_weights {
            let AdjustedWeights { proposal, current, proposed, evidence, expected_effect, .. } = weights;
            let evidence = evidence.join(" ");
            let _ =
                writeln!(facts, "- Proposed: {proposal} Now {current}; then {proposed}. {evidence} {expected_effect}");
        }
        facts
    }

    fn found(&self, sources: &[Source]) -> Vec<Insight> {
        let days = i32::try_from(self.period.count()).map_or(1.0, f64::from);
        let of_days = self.anomalies.iter().map(|anomaly| {
            let source = format!("{} ({})", anomaly.name, anomaly.query.call());
            insights::of_outlier(&anomaly.channel, &source, &anomaly.metric, &anomaly.outlier, days)
        });
        let mut found: Vec<Insight> = of_days.collect();
        for source in sources {
            let of_source = self.channel_metrics.iter().filter(|metric| metric.channel == source.channel);
            found.extend(of_source.filter_map(|metric| {
                let named = format!("{}, {} ({})", source.name, source.account, metric.number.query.call());
                self.with_change(metric, &named, |change| change.insight())
            }));
        }
        rank(&mut found);
        let mut unsure = 0;
        found.retain(|insight| {
            unsure += usize::from(!insight.actionable);
            insight.actionable || unsure <= MAX_UNSURE
        });
        found.truncate(MAX_INSIGHTS);
        found
    }

    /// Looks at the change of a metric, if there is one that can be judged.
    fn with_change<T>(
        &self,
        metric: &ChannelMetric,
        source: &str,
        look: impl FnOnce(&Change<'_>) -> Option<T>,
    ) -> Option<T> {
        let (days, against) = (
            format!("from {} to {}", day(metric.days.from), day(metric.days.to)),
            format!("of the {} days before", self.previous.count()),
        );
        look(&Change {
            channel: &metric.channel,
            source,
            metric: &metric.number.metric,
            part: metric.number.part.as_deref(),
            unit: metric.number.unit,
            value: metric.number.value?,
            previous: metric.number.previous?,
            certainty: metric.certainty?,
            days: &days,
            against: &against,
            apart_from: &self.days_that_stand_out(metric),
        })
    }

    /// Those that were taken for usual ones.
    fn days_that_stand_out(&self, metric: &ChannelMetric) -> Vec<NaiveDate> {
        let is_of_it = |anomaly: &&Anomaly| {
            let name = &metric.number.metric;
            anomaly.channel == metric.channel && (anomaly.metric == *name || anomaly.also.contains(name))
        };
        self.anomalies.iter().filter(is_of_it).map(|anomaly| anomaly.outlier.date).collect()
    }

    /// The changes that are hardly chance, the most important first, with what they rest on.
    fn certain_changes(&self) -> Vec<&ChannelMetric> {
        let keys = self.insights.iter().filter(|insight| insight.actionable).flat_map(|insight| &insight.metrics);
        let metric = |key: &String| self.channel_metrics.iter().find(|metric| metric.key() == *key);
        let is_certain = |metric: &&ChannelMetric| {
            self.with_change(metric, "", |change| change.is_certain().then_some(())).is_some()
        };
        let mut changes: Vec<&ChannelMetric> = Vec::new();
        for metric in keys.filter_map(metric).filter(is_certain) {
            if !changes.iter().any(|known| known.key() == metric.key()) {
                changes.push(metric);
            }
        }
        changes
    }

    fn in_a_line(&self) -> String {
        let changes = self.certain_changes();
        let (whole, parts): (Vec<&ChannelMetric>, _) =
            changes.into_iter().partition(|metric| metric.number.part.is_none());
        // Where the whole did not change, what a part of it did is the news.
        let news = if whole.is_empty() { parts } else { whole };
        let in_words = |metric| self.with_change(metric, "", |it| Some(format!("{} {}", it.change(), it.subject())));
        let said: Vec<String> = news.into_iter().take(2).filter_map(in_words).collect();
        let mut parts = vec![match (said.is_empty(), self.channel_metrics.iter().any(|it| it.certainty.is_some())) {
            (false, _) => said.join(", "),
            (true, true) => "Nothing changed by more than chance".to_owned(),
            (true, false) => "There is nothing yet to compare these days with".to_owned(),
        }];
        match self.anomalies.len() {
            0 => {}
            1 => parts.push("one day stands out".to_owned()),
            several => parts.push(format!("{several} days stand out")),
        }
        match self.missing.iter().filter(|missing| missing.is_connected).count() {
            0 => {}
            1 => parts.push("one source could not be read".to_owned()),
            several => parts.push(format!("{several} sources could not be read")),
        }
        format!("{}.", parts.join("; "))
    }
}

impl ChannelMetric {
    /// What rests on it names it so.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.channel, &self.number.metric, self.number.part.as_deref())
    }

    /// By which part it changed, and whether that may be chance; empty where it cannot be told.
    #[must_use]
    pub fn change_in_words(&self) -> String {
        match (self.change_ratio, self.certainty) {
            (None, _) => String::new(),
            (Some(ratio), Some(certainty)) if certainty < 0.95 => format!("{} %, may be chance", signed(ratio)),
            (Some(ratio), _) => format!("{} %", signed(ratio)),
        }
    }

    /// Whether the same call shows the other one too.
    #[must_use]
    pub fn is_shown_with(&self, other: &Self) -> bool {
        self.channel == other.channel && self.number.query.call() == other.number.query.call()
    }
}

/// In hundredths, with its sign.
fn signed(ratio: f64) -> String {
    let sign = if ratio < 0.0 { "-" } else { "+" };
    format!("{sign}{}", written((100.0 * ratio).abs(), 0))
}

fn channel_metrics(source: &Source) -> Vec<ChannelMetric> {
    let metric = |number: &Number| {
        let pair = number.value.zip(number.previous);
        let change = pair.map(|(value, previous)| value - previous);
        ChannelMetric {
            channel: source.channel.clone(),
            name: source.name.clone(),
            account: source.account.clone(),
            days: source.days,
            change,
            change_ratio: change
                .zip(number.previous)
                .filter(|(_, before)| *before != 0.0)
                .map(|(it, before)| it / before),
            certainty: pair.and_then(|(value, previous)| certainty(source, number, value, previous)),
            number: number.clone(),
        }
    };
    source.numbers.iter().map(metric).collect()
}

/// How certain the change of a number is. Of what is neither single events nor known from day to day nothing is said.
fn certainty(source: &Source, number: &Number, value: f64, previous: f64) -> Option<f64> {
    let series_of = |metric: &str| source.series.iter().find(|series| series.metric == metric);
    let whole = |metric: &str| {
        let number = source.numbers.iter().find(|it| it.metric == metric && it.part.is_none())?;
        number.value.zip(number.previous)
    };
    match number.unit {
        Unit::Count if number.single_events => Some(certainty_of_counts(value, previous, 1.0)),
        Unit::Count => {
            let series = series_of(&number.metric)?;
            let dispersion = series.judgement.dispersion?;
            let (of, of_previous) = whole(&number.metric).unwrap_or((value, previous));
            let usual = value * usual_part(&series.judgement.outliers, of);
            let usual_before = previous * usual_part(&series.before, of_previous);
            // Only the days that stand out made it look as it does.
            if (usual - usual_before) * (value - previous) < 0.0 {
                return Some(0.0);
            }
            // What varies beyond counting does so in proportion to how much there is.
            let part = if of > 0.0 { (value / of).min(1.0) } else { 1.0 };
            Some(certainty_of_counts(usual, usual_before, 1.0 + (dispersion - 1.0).max(0.0) * part))
        }
        Unit::Ratio if number.metric == "ctr" => {
            let ((clicks, clicks_before), (seen, seen_before)) = (whole("clicks")?, whole("impressions")?);
            let dispersion = series_of("clicks")?.judgement.dispersion?;
            certainty_of_shares((clicks, seen), (clicks_before, seen_before), dispersion)
        }
        _ => None,
    }
}

/// What would be left of a whole had its days far outside been usual ones.
fn usual_part(outliers: &[Outlier], whole: f64) -> f64 {
    let beyond: f64 = outliers.iter().map(|outlier| outlier.value - outlier.expected).sum();
    if whole > 0.0 { ((whole - beyond) / whole).max(0.0) } else { 1.0 }
}

/// One for each day: what stands out in several series of a source is one thing that happened.
fn anomalies(source: &Source) -> Vec<Anomaly> {
    let mut days: BTreeMap<NaiveDate, Anomaly> = BTreeMap::new();
    for series in &source.series {
        for outlier in &series.judgement.outliers {
            if let Some(known) = days.get_mut(&outlier.date) {
                known.also.push(series.metric.clone());
                continue;
            }
            let anomaly = Anomaly {
                channel: source.channel.clone(),
                name: source.name.clone(),
                metric: series.metric.clone(),
                outlier: *outlier,
                also: Vec::new(),
                query: of_days(&series.query, outlier.date, outlier.date),
            };
            days.insert(outlier.date, anomaly);
        }
    }
    days.into_values().collect()
}

/// The query of some days.
fn of_days(query: &Query, from: NaiveDate, to: NaiveDate) -> Query {
    let mut query = query.clone();
    if let Some(arguments) = query.arguments.as_object_mut() {
        arguments.insert("from".to_owned(), from.to_string().into());
        arguments.insert("to".to_owned(), to.to_string().into());
    }
    query
}

fn gaps(source: &Source) -> Vec<Gap> {
    let gap = |metrics: Vec<&Series>, why: String| {
        let metrics: Vec<String> = metrics.into_iter().map(|series| series.metric.clone()).collect();
        let named: Vec<String> = metrics.iter().map(|metric| metric_words(metric)).collect();
        let why = format!("{}, {}: {why}", source.name, named.join(", "));
        (!metrics.is_empty()).then(|| Gap { channel: source.channel.clone(), metrics, why })
    };
    let too_early: Vec<&Series> = source.series.iter().filter(|series| series.judgement.too_early > 0).collect();
    let young = gap(
        too_early,
        format!("not enough history yet to tell unusual days; that takes {NEEDED_DAYS} days with numbers before them."),
    );
    let mut holes: BTreeMap<&[NaiveDate], Vec<&Series>> = BTreeMap::new();
    for series in source.series.iter().filter(|series| !series.judgement.holes.is_empty()) {
        holes.entry(&series.judgement.holes).or_default().push(series);
    }
    let silent = holes.into_iter().filter_map(|(days, series)| {
        let days: Vec<String> = days.iter().copied().map(day).collect();
        gap(series, format!("nothing was told of {}, which is not the same as zero.", days.join(", ")))
    });
    young.into_iter().chain(silent).collect()
}

fn note(source: &Source, period: Days) -> Option<String> {
    let Days { from, to } = source.days;
    let other_days = (source.days != period).then(|| format!("Its days are {} to {}.", day(from), day(to)));
    let notes: Vec<String> = source.notes.iter().cloned().chain(other_days).collect();
    (!notes.is_empty()).then(|| format!("{}: {}", source.name, notes.join(" ")))
}
