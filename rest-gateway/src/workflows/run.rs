//! A run of a workflow while it is under way: its steps are noted where customers see them.

use std::time::Duration;

use entity::db::Db;
use entity::ids::{CustomerId, RunId};
use entity::workflows::{self, StepStatus, Workflow};
use inngest::{Event, Failure, Input, NonRetriable, Result, Step, StepError, WaitForEvent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What every event that asks for a run of a customer's says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked<T = Value> {
    pub run_id: RunId,
    pub customer_id: CustomerId,
    #[serde(flatten)]
    pub input: T,
}

/// A run that has begun.
#[derive(Clone)]
pub struct Run {
    db: Db,
    id: RunId,
    step: Step,
}

impl Run {
    /// Begins the run that was asked for; none when it was cancelled before.
    pub async fn begin(db: &Db, id: &RunId, execution_id: &str, step: Step) -> Result<Option<Self>> {
        let begun = {
            let (db, id, execution_id) = (db.clone(), id.clone(), execution_id.to_owned());
            let begin = move || async move { durable(workflows::begin(&db, &id, &execution_id).await) };
            step.run("begin", begin).await?
        };
        Ok(begun.then(|| Self { db: db.clone(), id: id.clone(), step }))
    }

    /// Begins the run of the service's own that was asked for, or that only the clock asked for.
    pub async fn begin_for_service(
        db: &Db,
        workflow: Workflow,
        input: &Input<AskedOrNot>,
        step: Step,
    ) -> Result<Option<Self>> {
        if let Some(id) = &input.event.data.run_id {
            return Self::begin(db, id, &input.run_id, step).await;
        }
        let id = {
            let (db, execution_id) = (db.clone(), input.run_id.clone());
            let begin =
                move || async move { Ok(durable(workflows::begin_by_clock(&db, workflow, &execution_id).await)?.id) };
            step.run("begin", begin).await?
        };
        Ok(Some(Self { db: db.clone(), id, step }))
    }

    /// Does a step once.
    pub async fn step<T, F, Fut>(&self, name: impl Into<String>, work: F) -> Result<T, StepError>
    where
        T: Serialize + DeserializeOwned + Send,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let (db, id, name) = (self.db.clone(), self.id.clone(), name.into());
        let step = name.clone();
        let noted = move || async move {
            durable(workflows::note_step(&db, &id, &name, StepStatus::Running, None).await)?;
            let outcome = work().await;
            let (status, problem) = match &outcome {
                Ok(_) => (StepStatus::Completed, None),
                Err(error) => (StepStatus::Failed, Some(error.to_string())),
            };
            durable(workflows::note_step(&db, &id, &name, status, problem.as_deref()).await)?;
            outcome
        };
        self.step.run(step, noted).await
    }

    /// Waits for an event about the same customer, and looks each time whether it came unnoticed: between the last look
    /// and the wait. Whether it came.
    pub async fn wait_for<F, Fut>(&self, name: &'static str, event: &str, timeout: Duration, look: F) -> Result<bool>
    where
        F: Fn() -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<bool>> + Send + 'static,
    {
        let mut left = timeout;
        loop {
            let (db, id, look) = (self.db.clone(), self.id.clone(), look.clone());
            let looked = move || async move {
                let is_over = look().await?;
                let status = if is_over { StepStatus::Completed } else { StepStatus::Waiting };
                durable(workflows::note_step(&db, &id, name, status, None).await)?;
                Ok(is_over)
            };
            if self.step.run(format!("{name}: look"), looked).await? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            let wait = WaitForEvent {
                event: event.to_owned(),
                timeout: left.min(LOOK_AGAIN),
                condition: Some(inngest::Condition::Match("data.customerId".to_owned())),
            };
            left -= wait.timeout;
            let _: Option<Event> = self.step.wait_for_event(name, wait).await?;
        }
    }

    /// Waits until then.
    pub async fn sleep_until(&self, name: &'static str, time: chrono::DateTime<chrono::Utc>) -> Result<()> {
        let note = |status| {
            let (db, id) = (self.db.clone(), self.id.clone());
            move || async move { durable(workflows::note_step(&db, &id, name, status, None).await) }
        };
        self.step.run(format!("{name}: begin"), note(StepStatus::Waiting)).await?;
        self.step.sleep_until(name, time).await?;
        self.step.run(format!("{name}: end"), note(StepStatus::Completed)).await?;
        Ok(())
    }

    /// Ends the run well.
    pub async fn complete(&self, output: Value) -> Result<Value> {
        let (db, id, result) = (self.db.clone(), self.id.clone(), output.clone());
        let complete = move || async move { durable(workflows::complete(&db, &id, &result).await) };
        self.step.run("complete", complete).await?;
        Ok(output)
    }
}

/// How often a wait looks by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(12 * 60 * 60);

/// The data of an event that may ask for a run by its id, or none for the clock's.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedOrNot {
    run_id: Option<RunId>,
}

impl AskedOrNot {
    /// Whether nobody asked for it but the clock.
    pub const fn is_by_clock(&self) -> bool {
        self.run_id.is_none()
    }
}

/// Notes that a run has failed for good.
pub async fn failed(db: Db, input: Input<Failure>, step: Step) -> Result<()> {
    let failure = input.event.data;
    let id = failure.event.data.get("runId").and_then(|id| id.as_str()).and_then(|id| id.parse::<RunId>().ok());
    let note = move || async move {
        let why = &failure.error.message;
        let noted = match id {
            Some(id) => workflows::fail(&db, &id, why).await,
            None => workflows::fail_execution(&db, &failure.run_id, why).await,
        };
        match noted {
            // The customer was deleted meanwhile.
            Err(entity::Error::NotFound(_)) => Ok(()),
            noted => Ok(noted?),
        }
    };
    Ok(step.run("note", note).await?)
}

/// What the database refuses for a reason will be refused again; only its faults pass.
pub fn durable<T>(result: entity::Result<T>) -> Result<T> {
    result.map_err(|error| match error {
        entity::Error::Unavailable(_)
        | entity::Error::Unclear(_)
        | entity::Error::Full(_)
        | entity::Error::Database(_) => error.into(),
        refused => NonRetriable::from_error(refused).into(),
    })
}
