//! Deleting a customer deletes all of theirs.

use chrono::Duration;
use entity::billing::{self, Observation, PaidCheckout, SubscriptionStatus};
use entity::brands;
use entity::connections::{self, NewLink, Platform};
use entity::content::{self, Decision, Findings, Review, Schedule};
use entity::customers::{self, Customer};
use entity::db::{Db, now};
use entity::engine::{self, Cancel, Incoming, Start};
use entity::ids::{CustomerId, RunId};
use entity::keys::By;
use entity::leads::{self, NewLead};
use entity::proposals;
use entity::scans::{self, NewScan};
use entity::scopes::Scopes;
use entity::snapshots::{self, NewSnapshot};
use entity::workflows::{self, Workflow};
use entity::{mcp_sessions, outbox, pages, publications, reports};
use harness::{TestDb, a_customer};
use serde_json::json;

use crate::oauth::an_app;
use crate::reports::a_report;
use crate::support::{a_piece, a_proposal, pretty_eq, version};

harness::on_each_database!(all_of_a_customer_goes_with_them, a_lead_outlives_the_piece_that_brought_it);

/// A checkout and a subscription, which is over.
async fn pay(db: &Db, customer: &Customer) {
    let paid = PaidCheckout {
        id: format!("cs_{}", customer.id),
        email: customer.email.clone(),
        plan: customer.plan.clone(),
        completed_at: now(),
        subscription: Observation {
            id: format!("sub_{}", customer.id),
            stripe_customer_id: format!("cus_{}", customer.id),
            status: SubscriptionStatus::Canceled,
            cancel_at_period_end: false,
            period_ends_at: None,
            past_due_since: None,
            seen: None,
        },
    };
    billing::fulfil(db, paid, Duration::days(7), None).await.unwrap();
}

/// A customer with rows in every table. Who adds a table adds something here.
async fn a_customer_with_everything(db: &Db) -> CustomerId {
    let (customer, _) = a_customer(db).await;
    // Before the subscription is over.
    an_app(db, &customer.id, Scopes::ALL).await;
    pay(db, &customer).await;
    let id = customer.id;
    let named = brands::update(
        db,
        &id,
        |brand| {
            brand.name = Some("Teehaus".to_owned());
            Ok(())
        },
        |_| false,
    );
    named.await.unwrap();
    let piece = a_piece(db, &id, "one").await;
    content::revise(db, &id, &piece.id, 1, version("two")).await.unwrap();
    let approval = Review {
        revision: 2,
        decision: Decision::Approved,
        decided_by: "Anna".to_owned(),
        reason: None,
        findings: Findings::default(),
    };
    content::review(db, &id, &piece.id, approval).await.unwrap();
    let tomorrow = Schedule { at: now() + Duration::days(1), spacing: None };
    content::schedule(db, &id, &piece.id, Some(tomorrow)).await.unwrap();
    let link = NewLink { platform: Platform::X, state_hash: format!("hash of {id}"), account_id: format!("ca_{id}") };
    connections::link_created(db, &id, link).await.unwrap();
    publications::claim(db, &id, &piece.id, Platform::Linkedin, &format!("ca_{id}")).await.unwrap();
    let lead = NewLead { source: "webinar".to_owned(), content_id: Some(piece.id), ..NewLead::default() };
    leads::log(db, &id, lead).await.unwrap();
    let scan = NewScan { url: "https://x.example/".to_owned(), title: None, seo: 1, geo: 2, report: json!({}) };
    scans::save(db, &id, scan).await.unwrap();
    pages::watch(db, &id, "https://x.example/").await.unwrap();
    let days = ("2026-06-01".parse().unwrap(), "2026-06-07".parse().unwrap());
    let snapshot = NewSnapshot { run_id: RunId::new(), first_day: days.0, last_day: days.1, data: json!({}) };
    snapshots::keep(db, &id, snapshot).await.unwrap();
    reports::save(db, &id, a_report(RunId::new(), "Sessions rose")).await.unwrap();
    proposals::renew(db, &id, vec![a_proposal()]).await.unwrap();
    workflows::request(db, &id, Workflow::Onboarding, json!({})).await.unwrap();
    start_engine_run(db, &id).await;
    mcp_sessions::store(db, &id, &format!("session of {id}"), json!({})).await.unwrap();
    id
}

/// With a step, a timer and a wait.
async fn start_engine_run(db: &Db, id: &CustomerId) {
    let messages = outbox::due(db, 10).await.unwrap();
    let message = messages.iter().find(|message| message.customer_id.as_ref() == Some(id)).unwrap();
    let start = Start {
        function: "test".to_owned(),
        customer_id: Some(id.clone()),
        event_id: message.event_id.clone(),
        events: json!([]),
        cancels: vec![Cancel { event: "stop".to_owned(), field: String::new(), value: String::new(), ends_at: None }],
        concurrency_key: String::new(),
    };
    let incoming = Incoming { name: message.name.clone(), event: json!({}) };
    engine::deliver(db, &message.id, &incoming, vec![start]).await.unwrap();
}

async fn all_of_a_customer_goes_with_them(test: TestDb) {
    let db = test.db();
    let (leaving, staying) = (a_customer_with_everything(&db).await, a_customer_with_everything(&db).await);
    let mut tenant_tables = Vec::new();
    for table in test.tables().await {
        if test.columns(&table).await.contains(&"customer_id".to_owned()) {
            tenant_tables.push(table);
        }
    }
    assert!(tenant_tables.len() >= 8, "{tenant_tables:?}");
    let rows = async |table: &String, id: &CustomerId| {
        test.number(&format!("SELECT count(*) FROM {table} WHERE customer_id = '{id}'")).await
    };
    for table in &tenant_tables {
        assert!(rows(table, &leaving).await > 0, "this test has to make a row in `{table}`");
    }
    let before = test.dump().await;
    // What belongs to a row of theirs names that row.
    let mut theirs = vec![leaving.as_str()];
    let rows_of_theirs = before.iter().filter(|line| line.contains(leaving.as_str()));
    let ids = rows_of_theirs.flat_map(|line| line.split(' ')).filter_map(|word| word.strip_prefix("id="));
    theirs.extend(ids.filter(|id| id.contains('_')));
    let is_of_staying = |line: &&String| !theirs.iter().any(|id| line.contains(id));
    let expected: Vec<String> = before.iter().filter(is_of_staying).cloned().collect();

    customers::delete(&db, &leaving).await.unwrap();

    // What stays is that they went.
    let deletions = customers::deletions(&db).await.unwrap();
    let told: Vec<_> = deletions.iter().map(|deletion| (&deletion.id, deletion.deleted_by)).collect();
    assert_eq!(told, [(&leaving, By::Operator)]);

    for table in &tenant_tables {
        assert_eq!(rows(table, &leaving).await, 0, "{table}");
        assert!(rows(table, &staying).await > 0, "{table}");
    }
    let left: Vec<String> = test.dump().await.into_iter().filter(|line| !line.starts_with("deletions")).collect();
    pretty_eq(&left, &expected);
}

async fn a_lead_outlives_the_piece_that_brought_it(test: TestDb) {
    let db = test.db();
    let id = a_customer_with_everything(&db).await;
    test.execute("DELETE FROM content").await;
    assert_eq!(test.number("SELECT count(*) FROM leads WHERE content_id IS NULL").await, 1);
    for table in ["content_revisions", "content_decisions"] {
        assert_eq!(test.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(brands::get(&db, &id).await.unwrap().name.as_deref(), Some("Teehaus"));
}
