//! Runs of workflows as customers see them: what was asked for, how far it is, and what came of it. Whoever does the
//! work, Inngest or the embedded engine, notes it here; both may note the same thing twice.

mod progress;
mod queries;
mod request;

use std::fmt;

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tables::{workflow_run, workflow_step};

pub(crate) use progress::cancel_where_in;
pub use progress::{
    begin, begin_by_clock, cancel, cancel_any, complete, fail, fail_execution, give_up_stale, note_step,
};
pub use queries::{Filter, Page, forget_service_runs, get, get_any, list, list_all, steps};
pub(crate) use request::request_in;
pub use request::{last_due, request, request_due, request_for_service, retry};

/// A run.
pub type Run = workflow_run::Model;
/// A step of a run.
pub type Step = workflow_step::Model;

/// The event that ends a run, as `data.runId`.
pub const CANCELLED: &str = "workflow/cancelled";

/// What there is to run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Workflow {
    /// The first steps with a customer.
    Onboarding,
    /// The numbers of a week, kept for good.
    PerformanceSnapshot,
    /// A report on the numbers of some days.
    AnalyticsReport,
    /// Planning the calendar of the coming week.
    ContentPlan,
    /// Scanning the pages that are watched.
    PageWatch,
    /// A piece of content that is to go out at its time.
    PublishDue,
    /// Asking for what each customer has every week.
    WeeklyRound,
    /// Comparing everything with Stripe.
    BillingReconcile,
    /// Throwing away what nobody needs any more.
    Housekeeping,
}

impl Workflow {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Onboarding,
        Self::PerformanceSnapshot,
        Self::AnalyticsReport,
        Self::ContentPlan,
        Self::PageWatch,
        Self::PublishDue,
        Self::WeeklyRound,
        Self::BillingReconcile,
        Self::Housekeeping,
    ];

    /// Its name, which is also the id of its function.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Onboarding => "onboarding",
            Self::PerformanceSnapshot => "performance_snapshot",
            Self::AnalyticsReport => "analytics_report",
            Self::ContentPlan => "content_plan",
            Self::PageWatch => "page_watch",
            Self::PublishDue => "publish_due",
            Self::WeeklyRound => "weekly_round",
            Self::BillingReconcile => "billing_reconcile",
            Self::Housekeeping => "housekeeping",
        }
    }

    /// The event that starts it.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Onboarding => "customer/onboarding.requested",
            Self::PerformanceSnapshot => "snapshot/requested",
            Self::AnalyticsReport => "report/requested",
            Self::ContentPlan => "calendar/plan.requested",
            Self::PageWatch => "pages/watch.requested",
            Self::PublishDue => "content/scheduled",
            Self::WeeklyRound => "service/weekly_round.requested",
            Self::BillingReconcile => "billing/reconcile.requested",
            Self::Housekeeping => "service/housekeeping.requested",
        }
    }

    /// Whether its runs are nobody's but the service's.
    #[must_use]
    pub const fn is_for_service(self) -> bool {
        matches!(self, Self::WeeklyRound | Self::BillingReconcile | Self::Housekeeping)
    }

    /// Whether a customer has one run of it at a time with the same input.
    const fn is_single(self) -> bool {
        !matches!(self, Self::PublishDue) && !self.is_for_service()
    }
}

impl fmt::Display for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a run is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RunStatus {
    /// Asked for.
    Queued,
    /// Begun; it may be waiting for something.
    Running,
    /// Ended well.
    Completed,
    /// Failed for good.
    Failed,
    /// Ended by somebody.
    Cancelled,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// Whether nothing will happen any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The name used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How far a step is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StepStatus {
    /// Begun, and not ended.
    Running,
    /// Waits for something or somebody.
    Waiting,
    /// Ended well.
    Completed,
    /// Its last attempt failed; it may be tried again.
    Failed,
    /// Was under way, or waited, when its run ended without it.
    Stopped,
}

impl StepStatus {
    /// The name used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

impl Run {
    /// What it was asked to do with.
    #[must_use]
    pub fn input(&self) -> Value {
        serde_json::from_str(&self.input).unwrap_or_default()
    }

    /// What came of it, if it is completed.
    #[must_use]
    pub fn output(&self) -> Option<Value> {
        serde_json::from_str(self.output.as_deref()?).ok()
    }
}
