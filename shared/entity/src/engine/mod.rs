//! The state of the embedded engine, which runs durable functions where there is no Inngest: runs, what is remembered
//! of their steps, what is to be done and when, and what is waited for. What a function *is* is known to the engine only.
//!
//! Whoever works on a run holds one of its timers, for a while and under a version: [`progress`] writes what came of it
//! in one transaction, and only if nobody else has taken the timer since. So no step is written down twice.

mod events;
mod progress;
mod runs;
mod schedules;
mod timers;

use sea_orm::{DeriveActiveEnum, EnumIter};

use crate::tables::{engine_run, engine_step, engine_timer};

pub use events::{Incoming, deliver, signal, value_at};
pub use progress::{After, Invocation, Memo, NewTimer, NewWait, Progress, progress};
pub use runs::{Cancel, Execution, Start, forget, load};
pub use schedules::{Schedule, due_schedules, fire, keep_schedules};
pub use timers::{LEASE, claim, next_due, renew};

/// A run.
pub type EngineRun = engine_run::Model;
/// A step that is done.
pub type EngineStep = engine_step::Model;
/// Something to do for a run.
pub type Timer = engine_timer::Model;

/// In place of a step's hash: the whole function is to be called.
pub const WHOLE: &str = "step";

/// How far a run of the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
pub enum RunState {
    /// It goes on.
    Running,
    /// The function returned.
    Completed,
    /// The function failed for good.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
pub enum TimerKind {
    /// Call the function.
    Call,
    /// Call the function for one step.
    Step,
    /// A sleep is over.
    Wake,
    /// A wait has lasted long enough.
    Timeout,
    /// An invoked function has taken long enough.
    InvokeTimeout,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
pub enum WaitKind {
    /// An event, for a step.
    Event,
    /// A signal, for a step.
    Signal,
    /// An event that ends the run.
    Cancel,
}
