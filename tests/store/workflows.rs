//! Runs of workflows, as customers see them.

use chrono::Duration;
use entity::db::{Db, now};
use entity::events::EventType;
use entity::ids::{CustomerId, RunId};
use entity::workflows::{self, CANCELLED, Filter, Run, RunStatus, Step, StepStatus, Workflow};
use entity::{Result, outbox};
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::{Value, json};

use crate::support::{assert_conflict, assert_invalid, assert_not_found, unchanged, whole_log};

harness::on_each_database!(
    a_single_workflow_has_one_run_at_a_time,
    a_run_goes_its_way_and_the_log_tells_it,
    what_is_over_stays_as_it_is,
    steps_are_noted_in_order_and_done_once,
    a_cancellation_is_sent_once,
    what_failed_is_asked_for_again,
    the_clocks_runs_are_nobodys_and_are_forgotten,
    runs_are_filtered_and_paged,
    what_nobody_does_any_more_is_given_up,
);

async fn onboard(db: &Db, customer_id: &CustomerId) -> Run {
    workflows::request(db, customer_id, Workflow::Onboarding, json!({})).await.unwrap()
}

async fn publish(db: &Db, customer_id: &CustomerId, n: u64) -> Run {
    workflows::request(db, customer_id, Workflow::PublishDue, json!({ "n": n })).await.unwrap()
}

/// The events on their way, oldest first, which are taken off it.
async fn sent(db: &Db) -> Vec<(String, Value)> {
    let mut sent = Vec::new();
    while let Some(message) = outbox::due(db, 1).await.unwrap().pop() {
        outbox::delivered(db, &message.id).await.unwrap();
        sent.push((message.name, serde_json::from_str(&message.data).unwrap()));
    }
    sent
}

/// What the log tells of runs, oldest first.
async fn told(db: &Db, customer_id: &CustomerId) -> Vec<(&'static str, Value)> {
    let log = whole_log(db, customer_id).await.into_iter();
    let is_of_runs = |event: &EventType| event.as_str().starts_with("workflow.");
    log.filter(|event| is_of_runs(&event.event_type)).map(|event| (event.event_type.as_str(), event.data)).collect()
}

async fn noted(db: &Db, run: &Run) -> Vec<Step> {
    workflows::steps(db, run).await.unwrap()
}

async fn a_single_workflow_has_one_run_at_a_time(test: TestDb) {
    let handles = [test.db(), test.another_db().await];
    let db = &handles[0];
    let ((anna, _), (ben, _)) = (a_customer(db).await, a_customer(db).await);
    let runs = join_all((0..8).map(async |n: usize| onboard(&handles[n % 2], &anna.id).await)).await;
    let run = runs[0].clone();
    assert!(runs.iter().all(|other| *other == run), "{runs:#?}");
    assert_eq!(
        (run.status, run.workflow, run.customer_id.as_ref()),
        (RunStatus::Queued, Workflow::Onboarding, Some(&anna.id))
    );
    let event = ("customer/onboarding.requested".to_owned(), json!({ "runId": run.id, "customerId": anna.id }));
    assert_eq!(sent(db).await, [event]);

    assert!(workflows::begin(db, &run.id, "execution").await.unwrap());
    assert_eq!(onboard(db, &anna.id).await.id, run.id, "it is under way");
    assert_ne!(onboard(db, &ben.id).await.id, run.id);
    workflows::complete(db, &run.id, &json!({})).await.unwrap();
    assert_ne!(onboard(db, &anna.id).await.id, run.id, "it is over");

    // There is one for each piece of content.
    let pieces = [publish(db, &anna.id, 1).await, publish(db, &anna.id, 2).await];
    assert_ne!(pieces[0].id, pieces[1].id);
    let (name, data) = sent(db).await.pop().unwrap();
    assert_eq!(name, "content/scheduled");
    assert_eq!(data, json!({ "runId": pieces[1].id, "customerId": anna.id, "n": 2 }));
}

async fn a_run_goes_its_way_and_the_log_tells_it(test: TestDb) {
    let db = test.db();
    let (anna, _) = a_customer(&db).await;
    let run = onboard(&db, &anna.id).await;
    assert_eq!((run.started_at, run.ended_at, run.output()), (None, None, None));
    assert_eq!(told(&db, &anna.id).await, []);

    assert!(workflows::begin(&db, &run.id, "execution 1").await.unwrap());
    assert!(unchanged(&test, workflows::begin(&db, &run.id, "execution 1")).await.unwrap(), "a repeated step");
    let begun = workflows::get(&db, &anna.id, &run.id).await.unwrap();
    assert_eq!((begun.status, begun.execution_id.as_deref()), (RunStatus::Running, Some("execution 1")));
    assert!(begun.started_at.is_some());

    workflows::complete(&db, &run.id, &json!({ "status": "active" })).await.unwrap();
    let done = workflows::get(&db, &anna.id, &run.id).await.unwrap();
    assert_eq!((done.status, done.output()), (RunStatus::Completed, Some(json!({ "status": "active" }))));
    assert!(done.ended_at >= begun.started_at);

    let failing = onboard(&db, &anna.id).await;
    workflows::begin(&db, &failing.id, "execution 2").await.unwrap();
    workflows::fail_execution(&db, "execution 2", "Nobody answered.").await.unwrap();
    unchanged(&test, workflows::fail_execution(&db, "execution 3", "Who is that?")).await.unwrap();
    let failed = workflows::get(&db, &anna.id, &failing.id).await.unwrap();
    assert_eq!((failed.status, failed.error.as_deref()), (RunStatus::Failed, Some("Nobody answered.")));

    let of = |run: &Run| json!({ "runId": run.id, "workflow": "onboarding" });
    let why = json!({ "runId": failing.id, "workflow": "onboarding", "error": "Nobody answered." });
    assert_eq!(
        told(&db, &anna.id).await,
        [
            ("workflow.started", of(&run)),
            ("workflow.completed", of(&run)),
            ("workflow.started", of(&failing)),
            ("workflow.failed", why)
        ]
    );
}

async fn what_is_over_stays_as_it_is(test: TestDb) {
    let db = test.db();
    let (anna, _) = a_customer(&db).await;
    for status in [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled] {
        let run = onboard(&db, &anna.id).await;
        match status {
            RunStatus::Completed => workflows::complete(&db, &run.id, &json!(1)).await.unwrap(),
            RunStatus::Failed => workflows::fail(&db, &run.id, "It failed.").await.unwrap(),
            _ => _ = workflows::cancel(&db, &anna.id, &run.id).await.unwrap(),
        }
        assert!(!unchanged(&test, workflows::begin(&db, &run.id, "late")).await.unwrap(), "{status:?}");
        unchanged(&test, workflows::complete(&db, &run.id, &json!(2))).await.unwrap();
        unchanged(&test, workflows::fail(&db, &run.id, "Late.")).await.unwrap();
        let kept = unchanged(&test, workflows::cancel(&db, &anna.id, &run.id)).await.unwrap();
        assert_eq!(kept.status, status);
    }
    let nothing = RunId::new();
    assert_not_found(workflows::begin(&db, &nothing, "x").await);
    assert_not_found(workflows::complete(&db, &nothing, &json!({})).await);
    assert_not_found(workflows::note_step(&db, &nothing, "x", StepStatus::Running, None).await);
    assert_not_found(workflows::cancel_any(&db, &nothing, "x").await);
}

async fn steps_are_noted_in_order_and_done_once(test: TestDb) {
    let db = test.db();
    let (anna, _) = a_customer(&db).await;
    let run = onboard(&db, &anna.id).await;
    let note = |name: &'static str, status, error: Option<&'static str>| {
        workflows::note_step(&db, &run.id, name, status, error)
    };
    note("z first", StepStatus::Running, None).await.unwrap();
    note("z first", StepStatus::Failed, Some("No luck.")).await.unwrap();
    let [failed] = noted(&db, &run).await.try_into().unwrap();
    assert_eq!((failed.status, failed.attempts, failed.error.as_deref()), (StepStatus::Failed, 1, Some("No luck.")));
    assert!(failed.ended_at.is_some());

    note("z first", StepStatus::Running, None).await.unwrap();
    let [again] = noted(&db, &run).await.try_into().unwrap();
    assert_eq!((again.status, again.attempts, again.error, again.ended_at), (StepStatus::Running, 2, None, None));
    assert_eq!(again.started_at, failed.started_at);
    note("z first", StepStatus::Completed, None).await.unwrap();
    for late in [StepStatus::Running, StepStatus::Waiting, StepStatus::Failed, StepStatus::Completed] {
        unchanged(&test, note("z first", late, Some("late"))).await.unwrap();
    }

    note("a second", StepStatus::Waiting, None).await.unwrap();
    unchanged(&test, note("a second", StepStatus::Waiting, None)).await.unwrap();
    let steps = noted(&db, &run).await;
    let shown: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.status, step.attempts)).collect();
    assert_eq!(shown, [("z first", StepStatus::Completed, 2), ("a second", StepStatus::Waiting, 1)]);

    workflows::cancel_any(&db, &run.id, "Enough.").await.unwrap();
    let ended = noted(&db, &run).await;
    let shown: Vec<_> = ended.iter().map(|step| (step.name.as_str(), step.status)).collect();
    assert_eq!(shown, [("z first", StepStatus::Completed), ("a second", StepStatus::Stopped)]);
    assert!(ended.iter().all(|step| step.ended_at.is_some()));
}

async fn a_cancellation_is_sent_once(test: TestDb) {
    let db = test.db();
    let (anna, _) = a_customer(&db).await;
    let run = onboard(&db, &anna.id).await;
    workflows::begin(&db, &run.id, "execution").await.unwrap();
    sent(&db).await;
    let cancelled = join_all((0..4).map(|_| workflows::cancel(&db, &anna.id, &run.id))).await;
    let cancelled: Vec<Run> = cancelled.into_iter().collect::<Result<_>>().unwrap();
    assert!(cancelled.iter().all(|run| *run == cancelled[0] && run.status == RunStatus::Cancelled));
    assert!(cancelled[0].error.as_deref().is_some_and(|why| why.contains("You")));
    assert_eq!(sent(&db).await, [(CANCELLED.to_owned(), json!({ "runId": run.id }))]);
    let types: Vec<_> = told(&db, &anna.id).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(types, ["workflow.started", "workflow.cancelled"]);
}

async fn what_failed_is_asked_for_again(test: TestDb) {
    let db = test.db();
    let (anna, _) = a_customer(&db).await;
    let run = publish(&db, &anna.id, 7).await;
    assert_conflict(unchanged(&test, workflows::retry(&db, &run.id)).await, "not_failed");
    workflows::begin(&db, &run.id, "execution").await.unwrap();
    assert_conflict(unchanged(&test, workflows::retry(&db, &run.id)).await, "not_failed");
    workflows::fail(&db, &run.id, "It failed.").await.unwrap();
    sent(&db).await;

    let again = workflows::retry(&db, &run.id).await.unwrap();
    assert_ne!(again.id, run.id);
    assert_eq!((again.status, again.retry_of.as_ref()), (RunStatus::Queued, Some(&run.id)));
    assert_eq!((again.workflow, again.input(), &again.customer_id), (run.workflow, run.input(), &run.customer_id));
    assert_eq!(
        sent(&db).await,
        [("content/scheduled".to_owned(), json!({ "runId": again.id, "customerId": anna.id, "n": 7 }))]
    );
    assert_eq!(workflows::get(&db, &anna.id, &run.id).await.unwrap().status, RunStatus::Failed, "what was, was");
    workflows::complete(&db, &again.id, &json!({})).await.unwrap();
    assert_conflict(unchanged(&test, workflows::retry(&db, &again.id)).await, "not_failed");

    let first = onboard(&db, &anna.id).await;
    workflows::cancel(&db, &anna.id, &first.id).await.unwrap();
    let under_way = onboard(&db, &anna.id).await;
    assert_eq!(workflows::retry(&db, &first.id).await.unwrap().id, under_way.id, "one at a time");

    let service = workflows::request_for_service(&db, Workflow::Housekeeping).await.unwrap();
    workflows::fail(&db, &service.id, "It failed.").await.unwrap();
    let again = workflows::retry(&db, &service.id).await.unwrap();
    assert_eq!((again.customer_id, again.retry_of), (None, Some(service.id)));
    assert_not_found(workflows::retry(&db, &RunId::new()).await);
}

async fn the_clocks_runs_are_nobodys_and_are_forgotten(test: TestDb) {
    let db = test.db();
    let (anna, _) = a_customer(&db).await;
    let run = workflows::begin_by_clock(&db, Workflow::Housekeeping, "execution 1").await.unwrap();
    assert_eq!((run.status, &run.customer_id), (RunStatus::Running, &None));
    let repeated = unchanged(&test, workflows::begin_by_clock(&db, Workflow::Housekeeping, "execution 1")).await;
    assert_eq!(repeated.unwrap(), run);
    workflows::begin_by_clock(&db, Workflow::Housekeeping, "execution 2").await.unwrap();
    let hers = onboard(&db, &anna.id).await;
    for id in [&run.id, &hers.id] {
        workflows::note_step(&db, id, "step", StepStatus::Completed, None).await.unwrap();
        workflows::complete(&db, id, &json!({})).await.unwrap();
    }
    let hour = Duration::hours(1);
    assert_eq!(unchanged(&test, workflows::forget_service_runs(&db, now() - hour)).await.unwrap(), 0);
    assert_eq!(workflows::forget_service_runs(&db, now() + hour).await.unwrap(), 1);
    assert_not_found(workflows::get_any(&db, &run.id).await);
    assert_eq!(workflows::list_all(&db, None, Filter::default(), 10).await.unwrap().len(), 2);
    assert_eq!(noted(&db, &hers).await.len(), 1);
}

async fn what_nobody_does_any_more_is_given_up(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let lost = onboard(&db, &customer.id).await;
    let waiting = publish(&db, &customer.id, 1).await;
    workflows::begin(&db, &lost.id, "lost").await.unwrap();
    let hour = Duration::hours(1);
    let give_up = |before| workflows::give_up_stale(&db, Workflow::Onboarding, before);
    assert_eq!(unchanged(&test, give_up(now() - hour)).await.unwrap(), 0);
    assert_eq!(give_up(now() + hour).await.unwrap(), 1);
    assert_eq!(workflows::get(&db, &customer.id, &lost.id).await.unwrap().status, RunStatus::Failed);
    assert_eq!(workflows::get(&db, &customer.id, &waiting.id).await.unwrap().status, RunStatus::Queued);
    assert_ne!(onboard(&db, &customer.id).await.id, lost.id, "it can be started again");
}

async fn runs_are_filtered_and_paged(test: TestDb) {
    let db = test.db();
    let ((anna, _), (ben, _)) = (a_customer(&db).await, a_customer(&db).await);
    let mut hers = vec![onboard(&db, &anna.id).await.id];
    for n in 0..4 {
        hers.push(publish(&db, &anna.id, n).await.id);
        publish(&db, &ben.id, n).await;
    }
    hers.reverse();
    let service = workflows::request_for_service(&db, Workflow::Housekeeping).await.unwrap();
    workflows::cancel(&db, &anna.id, &hers[0]).await.unwrap();

    for limit in [1, 2, 4, 5, 6, 50] {
        let (mut ids, mut before) = (Vec::new(), None);
        loop {
            let page = workflows::list(&db, &anna.id, Filter::default(), before.as_ref(), limit).await.unwrap();
            ids.extend(page.runs.into_iter().map(|run| run.id));
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        assert_eq!(ids, hers, "{limit} a page");
    }
    let count = async |workflow, status| {
        let filter = Filter { workflow, status };
        let own = workflows::list(&db, &anna.id, filter, None, 50).await.unwrap().runs.len();
        let as_seen = workflows::list_all(&db, Some(&anna.id), filter, 50).await.unwrap().len();
        assert_eq!(own, as_seen, "the operator sees the same");
        (own, workflows::list_all(&db, None, filter, 50).await.unwrap().len())
    };
    assert_eq!(count(None, None).await, (5, 10));
    assert_eq!(count(Some(Workflow::PublishDue), None).await, (4, 8));
    assert_eq!(count(Some(Workflow::PublishDue), Some(RunStatus::Cancelled)).await, (1, 1));
    assert_eq!(count(None, Some(RunStatus::Queued)).await, (4, 9));
    assert_eq!(count(Some(Workflow::Housekeeping), None).await, (0, 1));
    assert_eq!(workflows::list_all(&db, None, Filter::default(), 3).await.unwrap().len(), 3);
    for before in [&service.id, &RunId::new()] {
        assert_invalid(workflows::list(&db, &anna.id, Filter::default(), Some(before), 10).await, "cursor");
    }
}
