//! API keys.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use entity::customers::{self, CustomerStatus};
use entity::db::{Db, now};
use entity::ids::{CustomerId, KeyId};
use entity::keys::{self, ApiKey, By, FoundAt, NewKey, PlainKey, Refused};
use entity::scopes::{Scope, Scopes};
use harness::{TestDb, a_customer, eventually};
use serde_json::json;

use crate::support::{assert_conflict, assert_invalid, assert_not_found, logged_types, unchanged, whole_log};

harness::on_each_database!(
    a_good_key_is_accepted,
    a_key_that_is_not_good_is_refused_without_saying_why,
    a_key_is_accepted_by_its_id_for_its_own_customer_only,
    a_key_works_only_while_its_customer_may,
    nothing_of_a_key_is_stored,
    the_last_use_is_noted_to_the_minute,
    a_revoked_key_stays_revoked,
    labels_and_expiries_have_limits,
    a_key_may_do_what_it_was_made_for,
    the_last_key_that_may_do_everything_stays,
    there_are_only_so_many_keys,
    of_many_keys_those_still_accepted_are_told,
    the_beginning_and_the_end_of_a_session_are_in_the_log_of_its_customer,
    a_session_that_was_ended_is_over_everywhere_and_no_other,
    a_key_that_everybody_can_read_is_revoked_and_told_of_once,
    the_log_says_who_made_and_revoked_a_key,
);

async fn labelled(db: &Db, customer_id: &CustomerId, label: &str) -> (ApiKey, PlainKey) {
    let new = NewKey { label: Some(label.to_owned()), ..NewKey::default() };
    keys::create(db, customer_id, new).await.unwrap()
}

/// Sets a time of a key by hand.
async fn set_time(test: &TestDb, key: &KeyId, column: &str, time: DateTime<Utc>) {
    // The one spelling that is right on both databases.
    let time = time.to_rfc3339();
    assert_eq!(test.execute(&format!("UPDATE api_keys SET {column} = '{time}' WHERE id = '{key}'")).await, 1);
}

async fn last_use(db: &Db, key: &ApiKey) -> Option<DateTime<Utc>> {
    let keys = keys::list(db, &key.customer_id).await.unwrap();
    keys.into_iter().find(|listed| listed.id == key.id).unwrap().last_used_at
}

async fn the_beginning_and_the_end_of_a_session_are_in_the_log_of_its_customer(test: TestDb) {
    let db = test.db();
    let ((customer, _), (other, _)) = (a_customer(&db).await, a_customer(&db).await);
    let (key, _) = labelled(&db, &customer.id, "laptop").await;
    keys::start_session(&db, &key, "01SESSION").await.unwrap();
    let log = whole_log(&db, &customer.id).await;
    let last = log.last().unwrap();
    assert_eq!(
        (last.event_type.as_str(), &last.data),
        ("session.started", &json!({"sessionId": "01SESSION", "keyId": key.id}))
    );
    assert!(!keys::session_is_over(&db, &customer.id, "01SESSION", now()).await.unwrap());
    keys::end_session(&db, &customer.id, "01SESSION").await.unwrap();
    let log = whole_log(&db, &customer.id).await;
    let last = log.last().unwrap();
    assert_eq!((last.event_type.as_str(), &last.data), ("session.ended", &json!({"sessionId": "01SESSION"})));
    assert!(logged_types(&db, &other.id).await.iter().all(|name| !name.starts_with("session.")));
    assert_not_found(keys::end_session(&db, &CustomerId::new(), "01SESSION").await);
}

async fn a_session_that_was_ended_is_over_everywhere_and_no_other(test: TestDb) {
    let db = test.db();
    let ((customer, _), (other, _)) = (a_customer(&db).await, a_customer(&db).await);
    let begun = now();
    let elsewhere = test.another_db().await;
    let is_over =
        async |id: &CustomerId, session: &str| keys::session_is_over(&elsewhere, id, session, begun).await.unwrap();
    assert!(!is_over(&customer.id, "01SESSION").await);
    keys::end_session(&db, &customer.id, "01SESSION").await.unwrap();
    assert!(is_over(&customer.id, "01SESSION").await);
    assert!(!is_over(&customer.id, "02SESSION").await);
    assert!(!is_over(&other.id, "01SESSION").await);
    // A cookie is good for a week: who looks later looks at that week only.
    let later = keys::session_is_over(&db, &customer.id, "01SESSION", begun + Duration::hours(2)).await;
    assert!(!later.unwrap());
}

async fn a_good_key_is_accepted(test: TestDb) {
    let db = test.db();
    let (customer, first) = a_customer(&db).await;
    let expires_at = now() + Duration::days(1);
    let new = NewKey { label: Some(" Laptop ".to_owned()), expires_at: Some(expires_at), ..NewKey::default() };
    let (second, plain) = keys::create(&db, &customer.id, new).await.unwrap();

    let accepted = keys::authenticate(&db, &plain).await.unwrap();
    assert_eq!((accepted.customer, accepted.key), (customer.clone(), second.clone()));
    assert_eq!((second.label.as_str(), second.expires_at), ("Laptop", Some(expires_at)));
    assert!(plain.expose().ends_with(&second.last4));
    let default = keys::authenticate(&test.another_db().await, &first).await.unwrap().key;
    assert_eq!(default.label, "default");

    let listed: Vec<_> = keys::list(&db, &customer.id).await.unwrap().into_iter().map(|key| key.id).collect();
    assert_eq!(listed, [second.id, default.id], "newest first");
    assert_eq!(logged_types(&db, &customer.id).await, ["customer.created", "key.created", "key.created"]);
}

async fn a_key_that_is_not_good_is_refused_without_saying_why(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (revoked, revoked_plain) = labelled(&db, &customer.id, "revoked").await;
    keys::revoke(&db, &customer.id, &revoked.id).await.unwrap();
    let (expired, expired_plain) = labelled(&db, &customer.id, "expired").await;
    set_time(&test, &expired.id, "expires_at", now() - Duration::microseconds(1)).await;

    for plain in [PlainKey::generate().unwrap(), revoked_plain, expired_plain] {
        let refused = keys::authenticate(&db, &plain).await.unwrap_err();
        assert!(matches!(refused, Refused::UnknownKey), "{refused:?}");
    }
}

async fn a_key_is_accepted_by_its_id_for_its_own_customer_only(test: TestDb) {
    let db = test.db();
    let (customer, first) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    let (key, _) = labelled(&db, &customer.id, "shown before").await;
    let by_id =
        async |customer_id: &CustomerId, key_id: &KeyId| keys::authenticate_by_id(&db, customer_id, key_id).await;

    let accepted = by_id(&customer.id, &key.id).await.unwrap();
    assert_eq!((&accepted.customer, &accepted.key), (&customer, &key));
    eventually("the use is noted", async || last_use(&db, &key).await).await;
    for (customer_id, key_id) in [(&other.id, &key.id), (&customer.id, &KeyId::new()), (&CustomerId::new(), &key.id)] {
        let refused = by_id(customer_id, key_id).await.unwrap_err();
        assert!(matches!(refused, Refused::UnknownKey), "{refused:?}");
    }

    customers::suspend(&db, &customer.id).await.unwrap();
    let refused = by_id(&customer.id, &key.id).await.unwrap_err();
    assert!(matches!(refused, Refused::Inactive(CustomerStatus::Suspended)), "{refused:?}");
    customers::resume(&db, &customer.id).await.unwrap();
    keys::revoke(&db, &customer.id, &key.id).await.unwrap();
    assert!(matches!(by_id(&customer.id, &key.id).await.unwrap_err(), Refused::UnknownKey));
    let first = keys::authenticate(&db, &first).await.unwrap().key;
    set_time(&test, &first.id, "expires_at", now() - Duration::microseconds(1)).await;
    assert!(matches!(by_id(&customer.id, &first.id).await.unwrap_err(), Refused::UnknownKey));
}

async fn a_key_works_only_while_its_customer_may(test: TestDb) {
    let db = test.db();
    let (customer, plain) = a_customer(&db).await;
    let status = async || match keys::authenticate(&db, &plain).await {
        Ok(accepted) => Ok(accepted.customer.status(now())),
        Err(Refused::Inactive(status)) => Err(status),
        Err(other) => panic!("{other:?}"),
    };

    customers::suspend(&db, &customer.id).await.unwrap();
    assert_eq!(status().await, Err(CustomerStatus::Suspended));
    customers::resume(&db, &customer.id).await.unwrap();
    for (subscription, onboarding, expected) in [
        ("provisioned", "open", Ok(CustomerStatus::Onboarding)),
        ("active", "completed", Ok(CustomerStatus::Active)),
        ("past_due", "completed", Err(CustomerStatus::PastDue)),
        ("paused", "completed", Err(CustomerStatus::Paused)),
        ("canceled", "open", Err(CustomerStatus::Canceled)),
        ("active", "open", Ok(CustomerStatus::Onboarding)),
    ] {
        test.execute(&format!("UPDATE customers SET subscription = '{subscription}', onboarding = '{onboarding}'"))
            .await;
        assert_eq!(status().await, expected, "{subscription}, {onboarding}");
    }
}

async fn nothing_of_a_key_is_stored(test: TestDb) {
    let db = test.db();
    let (customer, first) = a_customer(&db).await;
    let (key, second) = labelled(&db, &customer.id, "second").await;
    keys::authenticate(&db, &second).await.unwrap();
    keys::revoke(&db, &customer.id, &key.id).await.unwrap();

    let stored = test.dump().await.join("\n");
    assert!(stored.contains(&key.last4), "the dump shows what is stored");
    for plain in [first, second] {
        let secret = plain.expose().strip_prefix("hcmo_live_").unwrap();
        for start in 0..=secret.len() - 8 {
            let part = &secret[start..start + 8];
            assert!(!stored.contains(part), "{part} of a key is stored");
        }
    }
}

async fn the_last_use_is_noted_to_the_minute(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (key, plain) = labelled(&db, &customer.id, "used").await;
    let (other, other_plain) = labelled(&db, &customer.id, "never used before").await;
    let use_it = async || keys::authenticate(&db, &plain).await.unwrap();

    let before = now();
    for _ in 0..5 {
        use_it().await;
    }
    let first_use = eventually("the first use is noted", async || last_use(&db, &key).await).await;
    assert!((before..=now()).contains(&first_use), "{first_use}");
    assert_eq!(last_use(&db, &other).await, None);

    let recent = now() - Duration::seconds(30);
    set_time(&test, &key.id, "last_used_at", recent).await;
    for _ in 0..5 {
        use_it().await;
    }
    // Noted after anything that the uses before it might have noted.
    keys::authenticate(&db, &other_plain).await.unwrap();
    eventually("the other key's use is noted", async || last_use(&db, &other).await).await;
    assert_eq!(last_use(&db, &key).await, Some(recent));

    let long_ago = now() - Duration::seconds(61);
    set_time(&test, &key.id, "last_used_at", long_ago).await;
    use_it().await;
    eventually("a use after a minute is noted", async || last_use(&db, &key).await.filter(|noted| *noted != long_ago))
        .await;
}

async fn a_revoked_key_stays_revoked(test: TestDb) {
    let db = test.db();
    let (customer, first) = a_customer(&db).await;
    let (key, _) = labelled(&db, &customer.id, "second").await;

    let revoked = keys::revoke(&db, &customer.id, &key.id).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    let again = unchanged(&test, keys::revoke(&db, &customer.id, &key.id)).await.unwrap();
    assert_eq!(again, revoked);
    assert_eq!(logged_types(&db, &customer.id).await.last(), Some(&"key.revoked"));
    assert_eq!(keys::list(&db, &customer.id).await.unwrap()[0], revoked);
    assert_not_found(unchanged(&test, keys::revoke(&db, &customer.id, &KeyId::new())).await);
    keys::authenticate(&db, &first).await.unwrap();
}

async fn labels_and_expiries_have_limits(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let create = async |label: Option<&str>, expires_at| {
        let new = NewKey { label: label.map(str::to_owned), expires_at, ..NewKey::default() };
        keys::create(&db, &customer.id, new).await
    };
    let longest = "ü".repeat(60);
    for (label, stored) in
        [(None, "default"), (Some(" \t "), "default"), (Some(" CI "), "CI"), (Some(longest.as_str()), &longest)]
    {
        assert_eq!(create(label, None).await.unwrap().0.label, stored);
    }
    let too_long = "ü".repeat(61);
    for label in [too_long.as_str(), "two\nlines", "nul\0"] {
        assert_invalid(unchanged(&test, create(Some(label), None)).await, "label");
    }
    for expires_at in [now(), DateTime::UNIX_EPOCH] {
        assert_invalid(unchanged(&test, create(None, Some(expires_at))).await, "expiresAt");
    }
    let uneven = DateTime::from_timestamp_nanos(4_000_000_000_123_456_789);
    let (key, _) = create(None, Some(uneven)).await.unwrap();
    assert_eq!(key.expires_at, Some(uneven.trunc_subsecs(6)), "what is answered is what is stored");
    assert_eq!(keys::list(&db, &customer.id).await.unwrap()[0], key);
    assert_not_found(unchanged(&test, keys::create(&db, &CustomerId::new(), NewKey::default())).await);
}

async fn limited(db: &Db, customer_id: &CustomerId, scopes: Scopes) -> ApiKey {
    let new = NewKey { scopes: Some(scopes), ..NewKey::default() };
    keys::create(db, customer_id, new).await.unwrap().0
}

async fn a_key_may_do_what_it_was_made_for(test: TestDb) {
    let db = test.db();
    let (customer, first) = a_customer(&db).await;
    let nothing = NewKey { scopes: Some(Scopes::NONE), ..NewKey::default() };
    assert_invalid(unchanged(&test, keys::create(&db, &customer.id, nothing)).await, "scopes");
    assert_eq!(keys::authenticate(&db, &first).await.unwrap().key.scopes, Scopes::ALL);
    let some = Scopes::from_iter([Scope::Read, Scope::Publish]);
    let new = NewKey { scopes: Some(some), ..NewKey::default() };
    let (key, plain) = keys::create(&db, &customer.id, new).await.unwrap();
    assert_eq!(keys::authenticate(&db, &plain).await.unwrap().key, key);
    assert_eq!(key.scopes, some);
    let log = whole_log(&db, &customer.id).await;
    assert_eq!(log.last().unwrap().data["scopes"], json!(["read", "publish"]));
}

/// Or else nobody could make such a key again.
async fn the_last_key_that_may_do_everything_stays(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let first = keys::list(&db, &customer.id).await.unwrap().remove(0).id;
    let reader = limited(&db, &customer.id, Scopes::from_iter([Scope::Read])).await.id;
    let revoke = async |id: &KeyId| keys::revoke_unless_last(&db, &customer.id, id).await;
    assert_conflict(unchanged(&test, revoke(&first)).await, "last_key");
    revoke(&reader).await.unwrap();
    assert_conflict(unchanged(&test, revoke(&first)).await, "last_key");
    let (another, _) = labelled(&db, &customer.id, "another").await;
    revoke(&first).await.unwrap();
    assert_conflict(unchanged(&test, revoke(&another.id)).await, "last_key");
}

async fn there_are_only_so_many_keys(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let mut last = None;
    for _ in 1..50 {
        last = Some(keys::create(&db, &customer.id, NewKey::default()).await.unwrap().0);
    }
    let one_more = async || keys::create(&db, &customer.id, NewKey::default()).await;
    assert_conflict(unchanged(&test, one_more()).await, "too_many_keys");

    keys::revoke(&db, &customer.id, &last.unwrap().id).await.unwrap();
    let (next, _) = one_more().await.unwrap();
    assert_conflict(one_more().await, "too_many_keys");
    set_time(&test, &next.id, "expires_at", DateTime::UNIX_EPOCH).await;
    one_more().await.unwrap();
    let (other, _) = a_customer(&db).await;
    keys::create(&db, &other.id, NewKey::default()).await.unwrap();
}

async fn of_many_keys_those_still_accepted_are_told(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (suspended, _) = a_customer(&db).await;
    let good = labelled(&db, &customer.id, "good").await.0.id;
    let also_good = labelled(&db, &customer.id, "also good").await.0.id;
    let revoked = labelled(&db, &customer.id, "revoked").await.0.id;
    keys::revoke(&db, &customer.id, &revoked).await.unwrap();
    let expired = labelled(&db, &customer.id, "expired").await.0.id;
    set_time(&test, &expired, "expires_at", DateTime::UNIX_EPOCH).await;
    let of_suspended = labelled(&db, &suspended.id, "of a suspended customer").await.0.id;
    customers::suspend(&db, &suspended.id).await.unwrap();

    // More than one statement can take.
    let mut asked: Vec<_> = (0..2_500).map(|_| KeyId::new()).collect();
    asked.insert(0, good.clone());
    asked.extend([revoked, expired, of_suspended, also_good.clone()]);
    assert_eq!(keys::still_accepted(&db, asked).await.unwrap(), [good, also_good]);
    assert_eq!(keys::still_accepted(&db, Vec::new()).await.unwrap(), []);
}

async fn a_key_that_everybody_can_read_is_revoked_and_told_of_once(test: TestDb) {
    let db = test.db();
    let ((customer, first), (other, _)) = (a_customer(&db).await, a_customer(&db).await);
    let (laptop, plain) = labelled(&db, &customer.id, "laptop").await;
    let place = FoundAt { url: Some("https://code.example/a".to_owned()), source: Some("Commit".to_owned()) };
    let before = logged_types(&db, &customer.id).await.len();
    for _ in 0..2 {
        assert_eq!(keys::revoke_leaked(&db, &plain, &place).await.unwrap().as_ref(), Some(&customer.id));
        assert!(matches!(keys::authenticate(&db, &plain).await, Err(Refused::UnknownKey)));
    }
    let log = whole_log(&db, &customer.id).await;
    let told: Vec<&str> = log[before..].iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(told, ["key.leaked", "key.revoked"]);
    let data =
        json!({"keyId": laptop.id, "label": "laptop", "last4": laptop.last4, "url": place.url, "source": "Commit"});
    assert_eq!(log[before].data, data);
    assert_eq!(keys::leaked_lately(&db, &customer.id).await.unwrap().len(), 1);
    assert!(keys::leaked_lately(&db, &other.id).await.unwrap().is_empty());
    // The last one too: a customer without a key is better off than one whose key everybody has.
    keys::revoke_leaked(&db, &first, &FoundAt::default()).await.unwrap();
    assert!(matches!(keys::authenticate(&db, &first).await, Err(Refused::UnknownKey)));
    let nobodys = PlainKey::generate().unwrap();
    assert_eq!(keys::revoke_leaked(&db, &nobodys, &place).await.unwrap(), None);
}

async fn the_log_says_who_made_and_revoked_a_key(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (own, _) = labelled(&db, &customer.id, "own").await;
    let new = NewKey { by: By::Operator, ..NewKey::default() };
    let (given, plain) = keys::create(&db, &customer.id, new).await.unwrap();
    keys::revoke_unless_last(&db, &customer.id, &own.id).await.unwrap();
    keys::revoke_leaked(&db, &plain, &FoundAt::default()).await.unwrap();
    let (last, _) = labelled(&db, &customer.id, "last").await;
    keys::revoke(&db, &customer.id, &last.id).await.unwrap();
    let log = whole_log(&db, &customer.id).await;
    let by = |event_type: &str, id: &KeyId| {
        let found = log.iter().find(|it| it.event_type.as_str() == event_type && it.data["keyId"] == id.as_str());
        found.unwrap().data["by"].as_str().unwrap().to_owned()
    };
    let made = log.iter().find(|it| it.event_type.as_str() == "key.created").unwrap();
    assert_eq!(made.data["by"], "operator", "the first key comes with the account");
    assert_eq!(
        (by("key.created", &own.id), by("key.revoked", &own.id)),
        ("customer".to_owned(), "customer".to_owned())
    );
    assert_eq!(
        (by("key.created", &given.id), by("key.revoked", &given.id)),
        ("operator".to_owned(), "server".to_owned())
    );
    assert_eq!(by("key.revoked", &last.id), "operator");
}
