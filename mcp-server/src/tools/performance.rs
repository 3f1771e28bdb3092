//! How the marketing does over time.

use std::fmt::Write;

use chrono::NaiveDate;
use entity::snapshots;
use marketing::insights::{Insight, Learning, NEEDED_WEEKS, Severity, learn};
use marketing::performance::{Trend, trends};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arguments, page_size, short};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;

const DEFAULT_WEEKS: i64 = 12;
const MAX_WEEKS: i64 = 52;
/// More than one a week is kept where somebody asks for them.
const MAX_SNAPSHOTS: u64 = 200;
/// Half a year of weeks, and what was asked for between them.
const LEARNED_FROM: u64 = 60;
const DEFAULT_INSIGHTS: u64 = 8;
const MAX_INSIGHTS: u64 = 30;
/// How many points the text names; all are in the data.
const NAMED: usize = 6;

/// Which snapshots.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GetPerformanceTrendIn {
    /// Weeks to look back; 12 when left out.
    #[schemars(range(min = 1, max = 52))]
    weeks: Option<i64>,
    /// Only this platform, or heycmo for what is kept here.
    #[schemars(length(max = 40))]
    channel: Option<String>,
}

/// Metrics over time.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TrendsOut {
    snapshots: i64,
    trends: Vec<TrendOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TrendOut {
    channel: String,
    metric: String,
    /// The oldest first.
    points: Vec<PointOut>,
    /// The last against the one before.
    change: Option<f64>,
    /// The same as a part of the one before: 0.25 is a quarter more.
    change_ratio: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PointOut {
    /// The last of its seven days.
    to: String,
    value: f64,
}

/// How many to show.
#[derive(Debug, Deserialize, JsonSchema)]
struct GetLearningInsightsIn {
    /// At most so many; 8 when left out.
    #[schemars(range(min = 1, max = 30))]
    limit: Option<i64>,
}

/// What the kept weeks teach.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LearningOut {
    /// Kept weeks of different days.
    weeks: i64,
    /// How many that takes.
    weeks_needed: i64,
    /// The most important first.
    insights: Vec<InsightOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InsightOut {
    /// With its numbers, days and source.
    insight: String,
    severity: Severity,
    actionable: bool,
    effect: f64,
    certainty: f64,
    metrics: Vec<String>,
}

#[tool_router(router = performance_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Get performance trend",
        description = "Shows the numbers that were kept every week, from all connected sources, and how they changed.",
        input_schema = schema::input::<GetPerformanceTrendIn>(),
        output_schema = schema::output::<TrendsOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_performance_trend(
        &self,
        caller: Caller,
        Arguments(input): Arguments<GetPerformanceTrendIn>,
    ) -> Result<Answer<TrendsOut>, Refusal> {
        let weeks = input.weeks.unwrap_or(DEFAULT_WEEKS);
        if !(1..=MAX_WEEKS).contains(&weeks) {
            return Err(entity::Error::invalid("weeks", format!("must be from 1 to {MAX_WEEKS}")).into());
        }
        let channel = short("channel", input.channel, 40)?;
        let since: NaiveDate = (entity::db::now() - chrono::Duration::weeks(weeks)).date_naive();
        let kept = snapshots::list(&self.app().db, &caller.customer_id, Some(since), MAX_SNAPSHOTS).await?;
        let mut trends = trends(&kept);
        if let Some(channel) = channel {
            trends.retain(|trend| trend.channel == channel);
        }
        let text = in_words(kept.len(), &trends);
        let snapshots = i64::try_from(kept.len()).unwrap_or(i64::MAX);
        Ok(Answer { text, data: TrendsOut { snapshots, trends: trends.into_iter().map(TrendOut::from).collect() } })
    }

    #[tool(
        title = "Get learning insights",
        description = "Says what in the newest kept week differs most from the kept weeks before, the largest and most certain first, with numbers, days and source, and whether it may be chance.",
        input_schema = schema::input::<GetLearningInsightsIn>(),
        output_schema = schema::output::<LearningOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_learning_insights(
        &self,
        caller: Caller,
        Arguments(input): Arguments<GetLearningInsightsIn>,
    ) -> Result<Answer<LearningOut>, Refusal> {
        let limit = page_size(input.limit, DEFAULT_INSIGHTS, MAX_INSIGHTS)?;
        let kept = snapshots::list(&self.app().db, &caller.customer_id, None, LEARNED_FROM).await?;
        let mut learning = learn(&kept);
        learning.insights.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let text = learned(&learning);
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let data = LearningOut {
            weeks: count(learning.weeks),
            weeks_needed: count(NEEDED_WEEKS),
            insights: learning.insights.into_iter().map(InsightOut::from).collect(),
        };
        Ok(Answer { text, data })
    }
}

fn learned(learning: &Learning) -> String {
    let Learning { weeks, insights, .. } = learning;
    if *weeks < NEEDED_WEEKS {
        return format!(
            "Not enough is kept yet: {weeks} of the {NEEDED_WEEKS} weeks that a comparison takes. One is kept every Monday; \
             start_workflow with performance_snapshot keeps the last seven days now. Until then start_workflow with \
             analytics_report compares with the days before."
        );
    }
    if insights.is_empty() {
        return format!("Nothing in the newest of the {weeks} kept weeks can be compared with those before.");
    }
    let mut text = format!("From {weeks} kept weeks, the largest and most certain first:");
    for insight in insights {
        let _ = write!(text, "\n- {}", insight.insight);
    }
    if insights.iter().all(|insight| !insight.actionable) {
        text.push_str("\nAll of it may be chance: nothing here asks for a change.");
    }
    text
}

fn in_words(snapshots: usize, trends: &[Trend]) -> String {
    if snapshots == 0 {
        return "Nothing is kept of these weeks yet. The numbers are kept every Monday; start_workflow with \
                performance_snapshot keeps those of the last seven days now."
            .to_owned();
    }
    if trends.is_empty() {
        return "No number of that channel was kept.".to_owned();
    }
    let mut text = format!("Numbers of seven days each, from {snapshots} snapshots; the last point is the newest.");
    for Trend { channel, metric, points, change_ratio, .. } in trends {
        let earlier = points.len().saturating_sub(NAMED);
        let shown: Vec<String> = points.iter().skip(earlier).map(|point| number(point.value)).collect();
        let _ = write!(text, "\n- {channel} {metric}: {}", shown.join(", "));
        if let (Some(ratio), Some(last)) = (change_ratio, points.last()) {
            let _ = write!(text, " ({:+.0} % in the seven days to {})", ratio * 100.0, last.to);
        }
    }
    text
}

/// Whole numbers as such, others with as many places as say something.
fn number(value: f64) -> String {
    if value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    if value.abs() < 1.0 { format!("{value:.4}") } else { format!("{value:.1}") }
}

impl From<Insight> for InsightOut {
    fn from(insight: Insight) -> Self {
        let Insight { insight, severity, actionable, effect, certainty, metrics } = insight;
        Self { insight, severity, actionable, effect, certainty, metrics }
    }
}

impl From<Trend> for TrendOut {
    fn from(trend: Trend) -> Self {
        let point =
            |point: marketing::performance::TrendPoint| PointOut { to: point.to.to_string(), value: point.value };
        Self {
            channel: trend.channel,
            metric: trend.metric,
            points: trend.points.into_iter().map(point).collect(),
            change: trend.change,
            change_ratio: trend.change_ratio,
        }
    }
}
