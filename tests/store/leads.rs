//! Leads.

use chrono::Duration;
use entity::db::now;
use entity::ids::{ContentId, CustomerId, LeadId};
use entity::leads::{self, NewLead};
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::json;

use crate::support::{a_piece, assert_invalid, assert_not_found, logged_types, unchanged, whole_log};

harness::on_each_database!(
    a_lead_is_kept_as_it_was_told,
    the_same_lead_again_is_logged_once,
    leads_are_counted_by_source,
    a_lead_of_an_unknown_piece_is_invalid,
);

fn anna() -> NewLead {
    NewLead {
        name: Some("Anna Ödegård".to_owned()),
        email: Some("anna@example.com".to_owned()),
        company: Some("O'Hill; DROP TABLE".to_owned()),
        source: "linkedin".to_owned(),
        content_id: None,
        note: Some("Wants a call\n🙂".to_owned()),
    }
}

async fn a_lead_is_kept_as_it_was_told(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "What brought them").await;
    let new = NewLead { content_id: Some(piece.id), ..anna() };
    let logged = leads::log(&db, &customer.id, new.clone()).await.unwrap();

    assert!(logged.is_new);
    let lead = &logged.lead;
    assert_eq!(lead.customer_id, customer.id);
    let (name, email, company) = (lead.name.clone(), lead.email.clone(), lead.company.clone());
    let (source, content_id, note) = (lead.source.clone(), lead.content_id.clone(), lead.note.clone());
    assert_eq!(NewLead { name, email, company, source, content_id, note }, new);
    let event = whole_log(&db, &customer.id).await.pop().unwrap();
    assert_eq!(event.event_type.as_str(), "lead.logged");
    let expected = json!({ "leadId": lead.id, "source": "linkedin", "contentId": new.content_id });
    assert_eq!(event.data, expected);
    let again = leads::log(&test.another_db().await, &customer.id, new).await.unwrap();
    assert_eq!(again.lead, *lead, "it reads back as it was answered");
}

async fn the_same_lead_again_is_logged_once(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let racing = join_all((0..5).map(|_| leads::log(&db, &customer.id, anna()))).await;
    let new: Vec<_> = racing.iter().filter(|logged| logged.as_ref().unwrap().is_new).collect();
    assert_eq!(new.len(), 1);
    let first = new[0].as_ref().unwrap().lead.clone();
    let again = unchanged(&test, leads::log(&db, &customer.id, anna())).await.unwrap();
    assert_eq!((again.lead, again.is_new, again.from_source), (first.clone(), false, 1));

    for different in [
        NewLead { name: None, ..anna() },
        NewLead { email: None, ..anna() },
        NewLead { company: None, ..anna() },
        NewLead { note: None, ..anna() },
        NewLead { source: "webinar".to_owned(), ..anna() },
    ] {
        assert!(leads::log(&db, &customer.id, different.clone()).await.unwrap().is_new, "{different:?}");
    }
    let (other, _) = a_customer(&db).await;
    assert!(leads::log(&db, &other.id, anna()).await.unwrap().is_new, "somebody else's lead is another");
    let logged = logged_types(&db, &customer.id).await.into_iter().filter(|name| *name == "lead.logged").count();
    assert_eq!(logged, 6);

    // Eleven minutes later it is a new one.
    let long_ago = LeadId::first_at(now() - Duration::minutes(11));
    test.execute(&format!("UPDATE leads SET id = '{long_ago}' WHERE id = '{}'", first.id)).await;
    assert!(leads::log(&db, &customer.id, anna()).await.unwrap().is_new);
}

async fn leads_are_counted_by_source(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    leads::log(&db, &other.id, anna()).await.unwrap();
    for (source, name, expected) in
        [("linkedin", "a", 1), ("webinar", "a", 1), ("linkedin", "b", 2), ("LinkedIn", "b", 1), ("linkedin", "c", 3)]
    {
        let new = NewLead { source: source.to_owned(), name: Some(name.to_owned()), ..NewLead::default() };
        assert_eq!(leads::log(&db, &customer.id, new).await.unwrap().from_source, expected, "{source} {name}");
    }
}

async fn a_lead_of_an_unknown_piece_is_invalid(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let new = NewLead { content_id: Some(ContentId::new()), ..anna() };
    assert_invalid(unchanged(&test, leads::log(&db, &customer.id, new)).await, "contentId");
    assert_not_found(unchanged(&test, leads::log(&db, &CustomerId::new(), anna())).await);
}
