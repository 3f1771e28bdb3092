//! The brand.

use chrono_tz::Tz;
use entity::Error;
use entity::brands::{
    self, Brand, Cadence, Competitor, Day, FormatWeight, Pillar, PostingTime, Profile, QuietHours, Voice,
};
use entity::content::{Channel, ContentKind};
use entity::db::Db;
use entity::ids::CustomerId;
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::json;

use crate::support::{assert_conflict, assert_not_found, unchanged, whole_log};

harness::on_each_database!(
    a_change_touches_only_its_fields_and_names_them,
    the_whole_profile_reads_back,
    a_profile_of_another_version_is_readable,
    the_same_again_writes_nothing,
    a_refused_change_writes_nothing,
    changes_of_different_fields_at_once_both_stay,
    an_unknown_customer_has_no_brand,
);

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn full_profile() -> Profile {
    Profile {
        website: Some("https://example.com".to_owned()),
        offering: Some("Tea \"from the hill\" — 茶 🍵".to_owned()),
        audience: Some("People who'd rather wait".to_owned()),
        voice: Voice { adjectives: words(&["plain", "warm"]), dos: words(&["say it"]), donts: words(&["shout"]) },
        pillars: vec![
            Pillar { name: "Craft".to_owned(), weight: 60, description: Some("How it is made".to_owned()) },
            Pillar { name: "Äcker".to_owned(), weight: 40, description: None },
        ],
        competitors: vec![Competitor { name: "Kaffee".to_owned(), url: None }],
        goals: words(&["b first", "a second"]),
        forbidden_claims: words(&["guaranteed results"]),
        cadence: vec![Cadence { channel: Channel::Linkedin, per_week: 3 }],
        format_weights: vec![FormatWeight { kind: ContentKind::XThread, weight: 2 }],
        posting_times: vec![PostingTime { channel: Channel::X, day: Day::Friday, time: "09:30".to_owned() }],
        quiet_hours: Some(QuietHours { from: "20:00".to_owned(), to: "08:00".to_owned() }),
        country: Some("DE".to_owned()),
    }
}

async fn change(db: &Db, id: &CustomerId, change: impl FnOnce(&mut Brand)) -> Vec<String> {
    let updated = brands::update(
        db,
        id,
        |brand| {
            change(brand);
            Ok(())
        },
        |_| false,
    );
    updated.await.unwrap().changed
}

async fn a_change_touches_only_its_fields_and_names_them(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (other, _) = a_customer(&db).await;
    let of_other = brands::get(&db, &other.id).await.unwrap();

    let changed = change(&db, &customer.id, |brand| {
        brand.profile = full_profile();
        brand.name = Some("Teehaus".to_owned());
    });
    let all = [
        "audience",
        "cadence",
        "competitors",
        "country",
        "forbiddenClaims",
        "formatWeights",
        "goals",
        "name",
        "offering",
        "pillars",
        "postingTimes",
        "quietHours",
        "voice",
        "website",
    ];
    let mut changed = changed.await;
    changed.sort();
    assert_eq!(changed, all);

    let changed = change(&db, &customer.id, |brand| {
        brand.time_zone = Tz::Asia__Tokyo;
        brand.profile.goals.reverse();
        brand.profile.audience = None;
    });
    assert_eq!(changed.await, ["timeZone", "audience", "goals"]);
    let event = whole_log(&db, &customer.id).await.pop().unwrap();
    assert_eq!(event.event_type.as_str(), "brand.updated");
    assert_eq!(event.data, json!({ "changed": ["timeZone", "audience", "goals"] }));

    let brand = brands::get(&db, &customer.id).await.unwrap();
    assert_eq!((brand.name.as_deref(), brand.time_zone), (Some("Teehaus"), Tz::Asia__Tokyo));
    let expected = Profile { goals: words(&["a second", "b first"]), audience: None, ..full_profile() };
    assert_eq!(brand.profile, expected);
    let customer = entity::customers::get(&db, &customer.id).await.unwrap();
    assert_eq!((customer.brand_name.as_deref(), customer.time_zone.as_str()), (Some("Teehaus"), "Asia/Tokyo"));
    assert_eq!(brands::get(&db, &other.id).await.unwrap(), of_other);
}

async fn the_whole_profile_reads_back(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let updated = brands::update(
        &db,
        &customer.id,
        |brand| {
            brand.profile = full_profile();
            Ok(())
        },
        |_| false,
    );
    let updated = updated.await.unwrap();
    assert_eq!(brands::get(&db, &customer.id).await.unwrap(), updated.brand);
    assert_eq!(updated.brand.profile, full_profile());
}

/// What is stored may have fields that this version does not know, unlike what assistants give.
async fn a_profile_of_another_version_is_readable(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let profile = json!({
        "pillars": [{"name": "Craft", "weight": 60, "colour": "red"}], "cadence": [{"channel": "x", "perWeek": 1, "day": "Mon"}],
        "competitors": [{"name": "Kaffee", "since": 1990}], "slogan": "Tea",
    });
    let sql = format!("UPDATE brands SET profile = '{profile}' WHERE customer_id = '{}'", customer.id);
    assert_eq!(test.execute(&sql).await, 1);
    let read = brands::get(&db, &customer.id).await.unwrap().profile;
    let pillars = vec![Pillar { name: "Craft".to_owned(), weight: 60, description: None }];
    let competitors = vec![Competitor { name: "Kaffee".to_owned(), url: None }];
    let cadence = vec![Cadence { channel: Channel::X, per_week: 1 }];
    assert_eq!(read, Profile { pillars, competitors, cadence, ..Profile::default() });
}

async fn the_same_again_writes_nothing(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let same = |brand: &mut Brand| {
        brand.name = Some("Teehaus".to_owned());
        brand.profile = full_profile();
    };
    assert!(!change(&db, &customer.id, same).await.is_empty());
    let changed = unchanged(&test, change(&db, &customer.id, same)).await;
    assert_eq!(changed, Vec::<String>::new());
    unchanged(&test, change(&db, &customer.id, |_| ())).await;
}

async fn a_refused_change_writes_nothing(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let refused = brands::update(
        &db,
        &customer.id,
        |brand| {
            brand.name = Some("Half done".to_owned());
            Err(Error::conflict("refused", "No."))
        },
        |_| false,
    );
    assert_conflict(unchanged(&test, refused).await, "refused");
    assert_eq!(change(&db, &customer.id, |brand| brand.name = Some("Done".to_owned())).await, ["name"]);
}

async fn changes_of_different_fields_at_once_both_stay(test: TestDb) {
    let handles = [test.db(), test.another_db().await];
    let (customer, _) = a_customer(&handles[0]).await;
    for round in 0..5 {
        let value = format!("round {round}");
        let set: [fn(&mut Brand, String); 4] = [
            |brand, value| brand.name = Some(value),
            |brand, value| brand.profile.offering = Some(value),
            |brand, value| brand.profile.audience = Some(value),
            |brand, value| brand.profile.goals.push(value),
        ];
        let changes = set.iter().enumerate().map(|(n, set)| {
            let value = value.clone();
            change(&handles[n % 2], &customer.id, move |brand| set(brand, value))
        });
        assert_eq!(join_all(changes).await, [["name"], ["offering"], ["audience"], ["goals"]]);
        let brand = brands::get(&handles[0], &customer.id).await.unwrap();
        assert_eq!(brand.name.as_ref(), Some(&value));
        assert_eq!(brand.profile.offering.as_ref(), Some(&value));
        assert_eq!(brand.profile.audience.as_ref(), Some(&value));
        assert_eq!(brand.profile.goals.len(), round + 1);
    }
}

async fn an_unknown_customer_has_no_brand(test: TestDb) {
    let db = test.db();
    let nobody = CustomerId::new();
    assert_not_found(brands::get(&db, &nobody).await);
    assert_not_found(unchanged(&test, brands::update(&db, &nobody, |_| Ok(()), |_| false)).await);
}
