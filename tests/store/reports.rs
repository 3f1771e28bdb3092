//! Analytics reports: one for each run.

use entity::db::Db;
use entity::events::{self, EventType};
use entity::ids::{CustomerId, RunId};
use entity::reports::{self, NewReport};
use harness::{TestDb, a_customer};
use serde_json::json;

use crate::support::{assert_invalid, assert_not_found, unchanged};

harness::on_each_database!(
    a_run_makes_one_report_and_tells_of_it_once,
    reports_are_listed_newest_first_in_pages,
    somebody_elses_reports_are_out_of_reach,
);

pub fn a_report(run_id: RunId, headline: &str) -> NewReport {
    NewReport {
        run_id,
        first_day: "2026-06-01".parse().unwrap(),
        last_day: "2026-06-07".parse().unwrap(),
        headline: headline.to_owned(),
        data: json!({ "headline": headline, "value": 0.25 }),
        markdown: format!("# {headline}\n"),
    }
}

async fn told(db: &Db, id: &CustomerId) -> Vec<serde_json::Value> {
    let page = events::list(db, id, &"report.*".parse().unwrap(), None, 50).await.unwrap();
    assert!(page.events.iter().all(|event| event.event_type == EventType::ReportCompleted));
    page.events.into_iter().map(|event| event.data).collect()
}

async fn a_run_makes_one_report_and_tells_of_it_once(test: TestDb) {
    let db = &test.db();
    let id = a_customer(db).await.0.id;
    let run = RunId::new();
    let saved = reports::save(db, &id, a_report(run.clone(), "Sessions rose")).await.unwrap();
    let again = unchanged(&test, reports::save(db, &id, a_report(run.clone(), "Other words"))).await.unwrap();
    assert_eq!(again, saved);
    assert_eq!(reports::get(db, &id, &run).await.unwrap(), saved);
    assert_eq!((saved.markdown.as_str(), &saved.data["value"]), ("# Sessions rose\n", &json!(0.25)));
    let expected = json!({"runId": run, "from": "2026-06-01", "to": "2026-06-07", "headline": "Sessions rose"});
    assert_eq!(told(db, &id).await, [expected]);
    assert_not_found(reports::get(db, &id, &RunId::new()).await);
}

async fn reports_are_listed_newest_first_in_pages(test: TestDb) {
    let db = &test.db();
    let id = a_customer(db).await.0.id;
    let runs: Vec<RunId> = (0..5).map(|_| RunId::new()).collect();
    // The run that was begun first ends last.
    for run in runs.iter().rev() {
        reports::save(db, &id, a_report(run.clone(), run.as_str())).await.unwrap();
    }
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = reports::list(db, &id, before.as_ref(), 2).await.unwrap();
        found.extend(page.reports.into_iter().map(|report| report.headline));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let newest_first: Vec<&str> = runs.iter().rev().map(RunId::as_str).collect();
    assert_eq!(found, newest_first);
    assert_invalid(reports::list(db, &id, Some(&RunId::new()), 2).await, "cursor");
}

async fn somebody_elses_reports_are_out_of_reach(test: TestDb) {
    let db = &test.db();
    let (me, other) = (a_customer(db).await.0.id, a_customer(db).await.0.id);
    let run = RunId::new();
    reports::save(db, &other, a_report(run.clone(), "Theirs")).await.unwrap();
    assert_not_found(unchanged(&test, reports::get(db, &me, &run)).await);
    assert_invalid(unchanged(&test, reports::list(db, &me, Some(&run), 10)).await, "cursor");
    assert_eq!(reports::list(db, &me, None, 10).await.unwrap().reports, []);
    assert!(unchanged(&test, reports::save(db, &me, a_report(run.clone(), "Mine now"))).await.is_err());
}
