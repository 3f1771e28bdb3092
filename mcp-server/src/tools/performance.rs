//! How the marketing does over time.

use std::fmt::Write;

use chrono::NaiveDate;
use entity::snapshots;
use marketing::performance::{Trend, trends};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arguments, short};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;

const DEFAULT_WEEKS: i64 = 12;
const MAX_WEEKS: i64 = 52;
/// More than one a week is kept where somebody asks for them.
const MAX_SNAPSHOTS: u64 = 200;
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
