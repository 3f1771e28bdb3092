//! Stripe's facts and what follows from them.

use chrono::{DateTime, Duration, Utc};
use entity::billing::{self, NewStripeEvent, Observation, PaidCheckout, SubscriptionStatus};
use entity::customers::{self, CustomerStatus};
use entity::db::{Db, now};
use entity::keys;
use futures::future::join_all;
use harness::{TestDb, a_customer, an_email, eventually};

use crate::support::{assert_conflict, assert_not_found, logged_types, unchanged, whole_log};

harness::on_each_database!(
    a_paid_checkout_makes_a_customer_once,
    of_racing_fulfilments_one_makes_the_customer,
    a_key_is_claimed_once_however_many_ask,
    whether_a_claimed_key_was_used_is_told,
    somebody_elses_address_yields_no_key_and_reactivates,
    a_claim_comes_too_late_after_a_day,
    an_answer_older_than_what_is_written_is_refused,
    each_state_of_stripe_means_something,
    the_best_of_several_subscriptions_counts,
    a_failed_payment_is_forgiven_for_a_while,
    the_end_of_a_grace_period_is_logged_once,
    an_event_is_kept_once,
    an_event_is_taken_by_one,
    an_event_that_fails_comes_back_later,
    an_event_that_is_done_has_no_more_effects,
    whoever_is_charged_is_not_deleted,
);

const GRACE: Duration = Duration::days(7);

fn observation(id: &str, status: SubscriptionStatus, seen: Option<i64>) -> Observation {
    Observation {
        id: id.to_owned(),
        stripe_customer_id: format!("cus_of_{id}"),
        status,
        cancel_at_period_end: false,
        period_ends_at: Some(now() + Duration::days(30)),
        past_due_since: None,
        seen,
    }
}

fn paid(checkout: &str, email: &str, seen: Option<i64>) -> PaidCheckout {
    PaidCheckout {
        id: checkout.to_owned(),
        email: email.to_owned(),
        plan: "pro".to_owned(),
        completed_at: now(),
        subscription: observation(&format!("sub_of_{checkout}"), SubscriptionStatus::Active, seen),
    }
}

async fn observe(
    db: &Db,
    customer: &entity::ids::CustomerId,
    id: &str,
    status: SubscriptionStatus,
) -> customers::Customer {
    let seen = billing::version(db, id).await.unwrap();
    billing::observe(db, customer, observation(id, status, seen), GRACE, None).await.unwrap()
}

fn event(id: &str) -> NewStripeEvent {
    NewStripeEvent {
        id: id.to_owned(),
        event_type: "invoice.paid".to_owned(),
        payload: "{}".to_owned(),
        created_at: now(),
        handled: true,
    }
}

async fn a_paid_checkout_makes_a_customer_once(test: TestDb) {
    let db = test.db();
    let email = an_email();
    let first = billing::fulfil(&db, paid("cs_1", &email.to_uppercase(), None), GRACE, None).await.unwrap();
    assert!(first.made_customer);
    assert_eq!(first.customer.email, email);
    assert_eq!(first.customer.status(now()), CustomerStatus::Onboarding);
    assert_eq!(first.customer.stripe_customer_id.as_deref(), Some("cus_of_sub_of_cs_1"));

    let again = billing::fulfil(&db, paid("cs_1", &email, Some(1)), GRACE, None).await.unwrap();
    assert!(again.made_customer);
    assert_eq!(again.customer, first.customer);
    assert_eq!(logged_types(&db, &first.customer.id).await, ["customer.created"]);
    assert!(keys::list(&db, &first.customer.id).await.unwrap().is_empty(), "a key is made when it is claimed");
}

async fn of_racing_fulfilments_one_makes_the_customer(test: TestDb) {
    let db = test.db();
    let email = an_email();
    let fulfil = async || {
        loop {
            let seen = billing::version(&db, "sub_of_cs_1").await.unwrap();
            match billing::fulfil(&db, paid("cs_1", &email, seen), GRACE, None).await {
                Err(entity::Error::Conflict { code: billing::STALE, .. }) => {}
                outcome => return outcome.unwrap(),
            }
        }
    };
    let outcomes = join_all((0..8).map(|_| fulfil())).await;
    let customer = customers::get_by_email(&db, &email).await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.customer.id == customer.id && outcome.made_customer));
    assert_eq!(logged_types(&db, &customer.id).await, ["customer.created"]);
}

async fn a_key_is_claimed_once_however_many_ask(test: TestDb) {
    let db = test.db();
    let made = billing::fulfil(&db, paid("cs_1", &an_email(), None), GRACE, None).await.unwrap();
    let claims = join_all((0..50).map(|_| billing::claim(&db, "cs_1"))).await;
    let given: Vec<_> = claims.into_iter().filter_map(|claim| claim.unwrap().key).collect();
    assert_eq!(given.len(), 1);
    let accepted = keys::authenticate(&db, &given[0]).await.unwrap();
    assert_eq!(accepted.customer.id, made.customer.id);
    assert_eq!(keys::list(&db, &made.customer.id).await.unwrap().len(), 1);
    assert_not_found(billing::claim(&db, "cs_2").await);
}

async fn somebody_elses_address_yields_no_key_and_reactivates(test: TestDb) {
    let db = test.db();
    let (customer, key) = a_customer(&db).await;
    observe(&db, &customer.id, "sub_old", SubscriptionStatus::Canceled).await;
    assert!(keys::authenticate(&db, &key).await.is_err());

    let paid_again = billing::fulfil(&db, paid("cs_1", &customer.email, None), GRACE, None).await.unwrap();
    assert_eq!(paid_again.customer.id, customer.id);
    assert!(!paid_again.made_customer);
    let claimed = billing::claim(&db, "cs_1").await.unwrap();
    assert!(claimed.key.is_none() && !claimed.made_customer);
    assert_eq!(keys::authenticate(&db, &key).await.unwrap().customer.id, customer.id);
    assert_eq!(keys::list(&db, &customer.id).await.unwrap().len(), 1);

    customers::suspend(&db, &customer.id).await.unwrap();
    let still = billing::fulfil(&db, paid("cs_2", &customer.email, None), GRACE, None).await.unwrap();
    assert_eq!(still.customer.status(now()), CustomerStatus::Suspended, "money does not undo an operator's decision");
}

async fn whether_a_claimed_key_was_used_is_told(test: TestDb) {
    let db = test.db();
    assert_not_found(billing::has_used_key(&db, "cs_1").await);
    for checkout in ["cs_1", "cs_2"] {
        billing::fulfil(&db, paid(checkout, &an_email(), None), GRACE, None).await.unwrap();
    }
    let key = billing::claim(&db, "cs_1").await.unwrap().key.unwrap();
    billing::claim(&db, "cs_2").await.unwrap();
    assert!(!billing::has_used_key(&db, "cs_1").await.unwrap());
    keys::authenticate(&db, &key).await.unwrap();
    eventually("the use is noted", async || billing::has_used_key(&db, "cs_1").await.unwrap().then_some(())).await;
    assert!(!billing::has_used_key(&db, "cs_2").await.unwrap(), "another account's key was used");
}

async fn a_claim_comes_too_late_after_a_day(test: TestDb) {
    let db = test.db();
    let checkout = |id: &str, age: Duration| {
        let subscription = observation(id, SubscriptionStatus::Active, None);
        PaidCheckout { completed_at: now() - age, subscription, ..paid(id, &an_email(), None) }
    };
    for (id, age) in [("in_time", Duration::hours(23)), ("late", Duration::hours(24))] {
        billing::fulfil(&db, checkout(id, age), GRACE, None).await.unwrap();
    }
    assert!(billing::claim(&db, "in_time").await.unwrap().key.is_some());
    assert_conflict(unchanged(&test, billing::claim(&db, "late")).await, "checkout_expired");
}

async fn an_answer_older_than_what_is_written_is_refused(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let before = observation("sub_1", SubscriptionStatus::Active, billing::version(&db, "sub_1").await.unwrap());
    observe(&db, &customer.id, "sub_1", SubscriptionStatus::Canceled).await;
    let late = billing::observe(&db, &customer.id, before, GRACE, None);
    assert_conflict(unchanged(&test, late).await, billing::STALE);
    assert_eq!(customers::get(&db, &customer.id).await.unwrap().status(now()), CustomerStatus::Canceled);
}

async fn each_state_of_stripe_means_something(test: TestDb) {
    use {CustomerStatus as C, SubscriptionStatus as S};
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    for (status, expected) in [
        (S::Trialing, C::Onboarding),
        (S::Active, C::Onboarding),
        (S::PastDue, C::Onboarding),
        (S::Unpaid, C::PastDue),
        (S::Active, C::Onboarding),
        (S::Paused, C::Paused),
        (S::Canceled, C::Canceled),
        (S::Active, C::Onboarding),
        (S::IncompleteExpired, C::Canceled),
    ] {
        let now_is = observe(&db, &customer.id, "sub_1", status).await.status(now());
        assert_eq!(now_is, expected, "{}", status.as_str());
    }
    let (another, _) = a_customer(&db).await;
    let untouched = observe(&db, &another.id, "sub_2", S::Incomplete).await;
    assert_eq!(untouched.status(now()), C::Onboarding, "a first payment that is under way takes nothing away");
}

async fn the_best_of_several_subscriptions_counts(test: TestDb) {
    use SubscriptionStatus as S;
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    observe(&db, &customer.id, "sub_old", S::Active).await;
    observe(&db, &customer.id, "sub_new", S::Active).await;
    observe(&db, &customer.id, "sub_old", S::Canceled).await;
    let still = customers::get(&db, &customer.id).await.unwrap();
    assert_eq!(still.status(now()), CustomerStatus::Onboarding);
    assert_eq!(still.stripe_customer_id.as_deref(), Some("cus_of_sub_new"));
    assert_eq!(observe(&db, &customer.id, "sub_new", S::Canceled).await.status(now()), CustomerStatus::Canceled);
    for (subscription, payer) in [(Some("sub_old"), "x"), (None, "cus_of_sub_old"), (Some("x"), "cus_of_sub_new")] {
        assert_eq!(billing::customer_of(&db, subscription, payer).await.unwrap(), Some(customer.id.clone()));
    }
    assert_eq!(billing::customer_of(&db, Some("x"), "x").await.unwrap(), None);
}

async fn past_due_since(db: &Db, customer: &entity::ids::CustomerId, since: DateTime<Utc>) -> customers::Customer {
    let seen = billing::version(db, "sub_1").await.unwrap();
    let seen = Observation { past_due_since: Some(since), ..observation("sub_1", SubscriptionStatus::PastDue, seen) };
    billing::observe(db, customer, seen, GRACE, None).await.unwrap()
}

async fn a_failed_payment_is_forgiven_for_a_while(test: TestDb) {
    let db = test.db();
    let (customer, key) = a_customer(&db).await;
    let forgiven = past_due_since(&db, &customer.id, now() - Duration::days(6)).await;
    let ends_at = forgiven.grace_ends_at.expect("a grace period runs");
    assert_eq!(forgiven.status(now()), CustomerStatus::Onboarding);
    assert_eq!(forgiven.status(ends_at), CustomerStatus::PastDue);
    assert_eq!(billing::next_grace_end(&db).await.unwrap(), Some(ends_at));
    keys::authenticate(&db, &key).await.unwrap();

    let late = past_due_since(&db, &customer.id, now() - Duration::days(7)).await;
    assert_eq!(late.status(now()), CustomerStatus::PastDue);
    assert!(keys::authenticate(&db, &key).await.is_err());
    observe(&db, &customer.id, "sub_1", SubscriptionStatus::Active).await;
    keys::authenticate(&db, &key).await.unwrap();
}

async fn the_end_of_a_grace_period_is_logged_once(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let almost = now() - GRACE + Duration::milliseconds(200);
    let ends_at = past_due_since(&db, &customer.id, almost).await.grace_ends_at.expect("a grace period runs");
    tokio::time::sleep((ends_at - now()).to_std().unwrap_or_default()).await;
    assert_eq!(billing::end_grace_periods(&db).await.unwrap(), 1);
    assert_eq!(billing::end_grace_periods(&db).await.unwrap(), 0);
    past_due_since(&db, &customer.id, almost).await;
    assert_eq!(billing::end_grace_periods(&db).await.unwrap(), 0);
    let log = logged_types(&db, &customer.id).await;
    assert_eq!(log.last(), Some(&"subscription.grace_ended"));
    assert_eq!(customers::get(&db, &customer.id).await.unwrap().status(now()), CustomerStatus::PastDue);
}

async fn an_event_is_kept_once(test: TestDb) {
    let db = test.db();
    assert!(billing::store(&db, event("evt_1")).await.unwrap());
    assert!(!unchanged(&test, billing::store(&db, event("evt_1"))).await.unwrap());
    let ignored = NewStripeEvent { handled: false, ..event("evt_2") };
    assert!(billing::store(&db, ignored).await.unwrap());
    let due = billing::due(&db, 10).await.unwrap();
    assert_eq!(due.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["evt_1"]);
    assert_eq!(billing::list(&db, false, 10).await.unwrap().len(), 2);
    assert_eq!(billing::list(&db, true, 10).await.unwrap().len(), 1);
}

async fn an_event_is_taken_by_one(test: TestDb) {
    let db = test.db();
    billing::store(&db, event("evt_1")).await.unwrap();
    let due = billing::due(&db, 10).await.unwrap();
    let taken = join_all((0..8).map(|_| billing::take(&db, &due[0]))).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    assert!(billing::due(&db, 10).await.unwrap().is_empty(), "nobody else may begin for a while");
    assert!(billing::next_due(&db).await.unwrap() > Some(now()), "and then somebody may");
}

async fn an_event_that_fails_comes_back_later(test: TestDb) {
    let db = test.db();
    billing::store(&db, event("evt_1")).await.unwrap();
    let waiting = billing::due(&db, 1).await.unwrap().remove(0);
    billing::failed(&db, &waiting, "Stripe was asleep").await.unwrap();
    assert!(billing::due(&db, 10).await.unwrap().is_empty());
    let listed = billing::list(&db, true, 10).await.unwrap();
    assert_eq!(listed[0].error.as_deref(), Some("Stripe was asleep"));
    assert!(listed[0].next_attempt_at > Some(now()));

    billing::replay(&db, "evt_1").await.unwrap();
    assert_eq!(billing::due(&db, 10).await.unwrap().len(), 1);
    assert_not_found(billing::replay(&db, "evt_2").await);
}

async fn an_event_that_is_done_has_no_more_effects(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    billing::store(&db, event("evt_1")).await.unwrap();
    let dispute = async || {
        billing::record_dispute(&db, &customer.id, serde_json::json!({"amount": 4900}), Some("evt_1")).await.unwrap();
    };
    dispute().await;
    dispute().await;
    let log = whole_log(&db, &customer.id).await;
    let disputes: Vec<_> = log.iter().filter(|event| event.event_type.as_str() == "payment.disputed").collect();
    assert_eq!(disputes.len(), 1);
    assert_eq!(disputes[0].data["amount"], 4900);
    assert!(billing::due(&db, 10).await.unwrap().is_empty());
}

async fn whoever_is_charged_is_not_deleted(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    observe(&db, &customer.id, "sub_1", SubscriptionStatus::Active).await;
    assert_conflict(unchanged(&test, customers::delete(&db, &customer.id)).await, "subscription_live");
    observe(&db, &customer.id, "sub_1", SubscriptionStatus::Canceled).await;
    customers::delete(&db, &customer.id).await.unwrap();
    assert_not_found(customers::get(&db, &customer.id).await);
    assert!(billing::of_customer(&db, &customer.id).await.unwrap().is_empty());
}
