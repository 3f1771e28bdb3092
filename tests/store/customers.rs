//! Customers: made, found, suspended and resumed.

use chrono::Utc;
use entity::customers::{self, CustomerStatus, DEFAULT_PLAN, NewCustomer};
use entity::db::Db;
use entity::ids::CustomerId;
use entity::{Error, brands};
use futures::future::join_all;
use harness::{TestDb, a_customer, an_email};
use serde_json::json;

use crate::support::{assert_conflict, assert_invalid, assert_not_found, logged_types, unchanged, whole_log};

harness::on_each_database!(
    a_customer_is_made_with_what_was_said,
    a_customer_is_made_with_defaults,
    an_address_finds_its_customer_in_any_case,
    an_address_has_one_customer,
    of_racing_provisions_one_wins,
    an_invalid_field_is_named,
    suspending_and_resuming_happen_once,
    an_unknown_customer_is_not_found,
    whether_there_is_anybody_is_known,
);

fn with_email(email: &str) -> NewCustomer {
    NewCustomer { email: email.to_owned(), ..NewCustomer::default() }
}

async fn a_customer_is_made_with_what_was_said(test: TestDb) {
    let db = test.db();
    let new = NewCustomer {
        email: "  Anna@Example.COM ".to_owned(),
        plan: Some("agency-2".to_owned()),
        brand_name: Some(" Müller & Söhne ".to_owned()),
        website: Some("example.com/shop".to_owned()),
    };
    let (customer, key) = customers::provision(&db, new).await.unwrap();

    assert_eq!(customer.email, "anna@example.com");
    assert_eq!(customer.plan, "agency-2");
    assert_eq!(customer.brand_name.as_deref(), Some("Müller & Söhne"));
    assert_eq!(customers::get(&db, &customer.id).await.unwrap(), customer, "as it was answered, to the microsecond");
    let brand = brands::get(&db, &customer.id).await.unwrap();
    assert_eq!(brand.name, customer.brand_name);
    assert_eq!(brand.profile.website.as_deref(), Some("https://example.com/shop"));
    let authenticated = entity::keys::authenticate(&db, &key).await.unwrap();
    assert_eq!(authenticated.customer, customer);
    assert_eq!(logged_types(&db, &customer.id).await, ["customer.created", "key.created"]);
    assert_eq!(whole_log(&db, &customer.id).await[0].data, serde_json::json!({ "plan": "agency-2" }));
}

async fn a_customer_is_made_with_defaults(test: TestDb) {
    let db = test.db();
    let new = NewCustomer { brand_name: Some("  ".to_owned()), ..with_email("anna@example.com") };
    let (customer, _) = customers::provision(&db, new).await.unwrap();
    assert_eq!(customer.plan, DEFAULT_PLAN);
    assert_eq!(customer.brand_name, None);
    assert_eq!(customer.time_zone, brands::DEFAULT_TIME_ZONE);
    assert_eq!(customer.status(Utc::now()), CustomerStatus::Onboarding);
    assert_eq!(brands::get(&db, &customer.id).await.unwrap().profile, brands::Profile::default());
}

async fn an_address_finds_its_customer_in_any_case(test: TestDb) {
    let db = test.db();
    a_customer(&db).await;
    let (anna, _) = customers::provision(&db, with_email("anna@example.com")).await.unwrap();
    for spelling in ["anna@example.com", "ANNA@Example.com", " anna@example.com\n"] {
        assert_eq!(customers::get_by_email(&db, spelling).await.unwrap(), anna, "{spelling}");
    }
    for other in ["ann@example.com", "anna@example.co", "", "%", "anna_example.com"] {
        assert_not_found(customers::get_by_email(&db, other).await);
    }
}

async fn an_address_has_one_customer(test: TestDb) {
    let db = test.db();
    customers::provision(&db, with_email("anna@example.com")).await.unwrap();
    let again = unchanged(&test, customers::provision(&db, with_email("Anna@Example.com"))).await;
    assert_conflict(again, "email_taken");
}

async fn of_racing_provisions_one_wins(test: TestDb) {
    let handles = [test.db(), test.another_db().await];
    let provision = async |db: &Db| customers::provision(db, with_email("anna@example.com")).await;
    let results = join_all((0..10).map(|n| provision(&handles[n % 2]))).await;

    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for result in lost {
        assert_conflict(result, "email_taken");
    }
    assert_eq!(test.number("SELECT count(*) FROM customers").await, 1);
    assert_eq!(test.number("SELECT count(*) FROM api_keys").await, 1);
    assert_eq!(test.number("SELECT count(*) FROM events").await, 2);
}

async fn an_invalid_field_is_named(test: TestDb) {
    let db = test.db();
    let base = || with_email("anna@example.com");
    let email = |email: &str| ("email", with_email(email));
    let plan = |plan: &str| ("plan", NewCustomer { plan: Some(plan.to_owned()), ..base() });
    let brand_name = |name: &str| ("brandName", NewCustomer { brand_name: Some(name.to_owned()), ..base() });
    let website = |site: &str| ("website", NewCustomer { website: Some(site.to_owned()), ..base() });
    for (field, new) in [
        email(""),
        email("anna"),
        email("anna@localhost"),
        email("anna@@example.com"),
        email("anna@exam ple.com"),
        email("anna\0@example.com"),
        email(&format!("{}@example.com", "a".repeat(400))),
        plan(""),
        plan("Pro"),
        plan("pro plan"),
        plan(&"p".repeat(41)),
        brand_name("two\nlines"),
        brand_name("nul\0"),
        brand_name(&"ü".repeat(121)),
        website("not a website"),
        website("ftp://example.com"),
        website("https://localhost"),
        website(&format!("https://example.com/{}", "a".repeat(2_048))),
    ] {
        let shown = format!("{new:?}");
        let result = unchanged(&test, customers::provision(&db, new)).await;
        assert!(matches!(result, Err(Error::Invalid(_))), "{shown} was accepted or failed: {result:?}");
        assert_invalid(result, field);
    }
    let longest = NewCustomer { plan: Some("p".repeat(40)), brand_name: Some("ü".repeat(120)), ..base() };
    customers::provision(&db, longest).await.unwrap();
}

async fn suspending_and_resuming_happen_once(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;

    let resumed = unchanged(&test, customers::resume(&db, &customer.id)).await.unwrap();
    assert_eq!(resumed, customer);

    let suspended = customers::suspend(&db, &customer.id).await.unwrap();
    assert_eq!(suspended.status(Utc::now()), CustomerStatus::Suspended);
    assert_eq!(customers::get(&db, &customer.id).await.unwrap(), suspended);
    let again = unchanged(&test, customers::suspend(&db, &customer.id)).await.unwrap();
    assert_eq!(again, suspended, "since when it is suspended stays the same");

    let resumed = customers::resume(&db, &customer.id).await.unwrap();
    assert_eq!(resumed.status(Utc::now()), CustomerStatus::Onboarding);
    unchanged(&test, customers::resume(&db, &customer.id)).await.unwrap();

    let racing = join_all((0..5).map(|_| customers::suspend(&db, &customer.id))).await;
    assert!(racing.iter().all(Result::is_ok), "{racing:?}");
    let types = logged_types(&db, &customer.id).await;
    assert_eq!(types[2..], ["customer.suspended", "customer.resumed", "customer.suspended"]);
    assert!(whole_log(&db, &customer.id).await[2..].iter().all(|event| event.data == json!({"by": "operator"})));
    assert_eq!(customers::get(&db, &other.id).await.unwrap(), other);
}

async fn an_unknown_customer_is_not_found(test: TestDb) {
    let db = test.db();
    let nobody = CustomerId::new();
    assert_not_found(customers::get(&db, &nobody).await);
    assert_not_found(unchanged(&test, customers::suspend(&db, &nobody)).await);
    assert_not_found(unchanged(&test, customers::resume(&db, &nobody)).await);
}

async fn whether_there_is_anybody_is_known(test: TestDb) {
    let db = test.db();
    assert!(!customers::exist(&db).await.unwrap());
    customers::provision(&db, with_email(&an_email())).await.unwrap();
    assert!(customers::exist(&db).await.unwrap());
}
