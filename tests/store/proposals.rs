//! Proposals: opened once on the same evidence, decided on once, taken back to what was.

use chrono::Duration;
use entity::brands::{self, Brand, Cadence, Pillar, Profile};
use entity::content::Channel;
use entity::db::Db;
use entity::ids::{CustomerId, ProposalId};
use entity::proposals::{
    self, Category, Confidence, Decided, Evidence, Fact, NewProposal, Part, Proposal, ProposalStatus, Renewed, Verdict,
};
use entity::{Error, Result};
use futures::future::join_all;
use harness::{TestDb, a_customer};
use serde_json::{Value, json};

use crate::support::{assert_conflict, assert_invalid, assert_not_found, logged_types, unchanged, whole_log};

harness::on_each_database!(
    the_same_evidence_opens_a_proposal_once,
    newer_evidence_renews_an_open_proposal_and_none_closes_it,
    what_was_not_wanted_waits_for_eight_weeks_or_stronger_evidence,
    what_was_changed_is_left_alone_for_a_while,
    an_approval_changes_the_profile_and_its_end_restores_it,
    a_decision_stands_and_the_same_again_writes_nothing,
    a_profile_that_changed_meanwhile_is_left_as_it_is,
    a_change_that_cannot_be_saved_is_refused,
    of_many_who_approve_at_once_one_does,
    proposals_are_listed_in_pages,
    somebody_elses_proposal_leads_nowhere,
);

const X: Part = Part::Cadence(Channel::X);

/// From five pieces a week on X to so many, on evidence of so many weeks.
fn cadence(to: i64, weeks: f64) -> NewProposal {
    let fact = Fact {
        text: "Fewer went out — “three” a week".to_owned(),
        source: "the calendar".to_owned(),
        ids: vec!["cnt_1".to_owned()],
        numbers: [("weeks".to_owned(), weeks), ("ratio".to_owned(), 0.123_457)].into(),
    };
    NewProposal {
        part: X,
        title: format!("Plan {to} a week on X"),
        current: json!(5),
        proposed: json!(to),
        evidence: Evidence(vec![fact]),
        expected_effect: "What is planned goes out.".to_owned(),
        confidence: Confidence::Low,
    }
}

fn weights(craft: i64) -> NewProposal {
    let weights =
        |craft: i64, people: i64| json!([{"name": "Craft", "weight": craft}, {"name": "People", "weight": people}]);
    let (part, current, proposed) = (Part::PillarWeights, weights(50, 50), weights(craft, 100 - craft));
    NewProposal { part, current, proposed, title: "More Craft".to_owned(), ..cadence(3, 4.0) }
}

/// A customer who wants five pieces a week on X.
async fn a_publisher(db: &Db) -> CustomerId {
    let id = a_customer(db).await.0.id;
    let pillar = |name: &str| Pillar { name: name.to_owned(), weight: 50, description: Some("Why".to_owned()) };
    let profile = Profile {
        pillars: vec![pillar("Craft"), pillar("People")],
        cadence: vec![
            Cadence { channel: Channel::X, per_week: 5 },
            Cadence { channel: Channel::Linkedin, per_week: 2 },
        ],
        ..Profile::default()
    };
    set(db, &id, |brand| brand.profile = profile).await;
    id
}

async fn set(db: &Db, id: &CustomerId, change: impl FnOnce(&mut Brand)) {
    let change = |brand: &mut Brand| {
        change(brand);
        Ok(())
    };
    brands::update(db, id, change, |_| false).await.unwrap();
}

async fn profile(db: &Db, id: &CustomerId) -> Profile {
    brands::get(db, id).await.unwrap().profile
}

async fn renew(db: &Db, id: &CustomerId, wanted: &[NewProposal]) -> Renewed {
    proposals::renew(db, id, wanted.to_vec()).await.unwrap()
}

/// The only proposal that `wanted` opens.
async fn opened(db: &Db, id: &CustomerId, wanted: NewProposal) -> Proposal {
    let renewed = renew(db, id, &[wanted]).await;
    assert_eq!((renewed.opened.len(), renewed.open), (1, 1), "{renewed:?}");
    renewed.opened.into_iter().next().unwrap()
}

fn anna() -> Verdict {
    Verdict { decided_by: "Anna".to_owned(), reason: Some("We said so — “yes”".to_owned()) }
}

fn anything(_: &Profile) -> Result<()> {
    Ok(())
}

async fn approve(db: &Db, id: &CustomerId, proposal: &ProposalId) -> Result<Decided> {
    proposals::approve(db, id, proposal, anna(), anything, |_| false).await
}

async fn roll_back(db: &Db, id: &CustomerId, proposal: &ProposalId) -> Result<Decided> {
    proposals::roll_back(db, id, proposal, anna(), anything, |_| false).await
}

async fn reject(db: &Db, id: &CustomerId, proposal: &ProposalId) -> Result<Decided> {
    proposals::reject(db, id, proposal, anna()).await
}

async fn status(db: &Db, id: &CustomerId, proposal: &ProposalId) -> ProposalStatus {
    proposals::get(db, id, proposal).await.unwrap().status
}

/// Lets so much time pass since every decision.
async fn time_passes(test: &TestDb, since: Duration) {
    // In the form that either database reads.
    let at = (chrono::Utc::now() - since).format("%Y-%m-%d %H:%M:%S+00:00");
    test.execute(&format!("UPDATE proposals SET decided_at = '{at}'")).await;
}

async fn the_same_evidence_opens_a_proposal_once(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let wanted = [cadence(3, 4.0), weights(60)];
    let renewed = renew(&db, &id, &wanted).await;
    assert_eq!((renewed.opened.len(), renewed.open, renewed.superseded), (2, 2, 0));
    for (proposal, wanted) in renewed.opened.iter().zip(&wanted) {
        let stored = proposals::get(&db, &id, &proposal.id).await.unwrap();
        assert_eq!(&stored, proposal);
        assert_eq!(
            (&stored.part, &stored.current, &stored.proposed),
            (&wanted.part, &wanted.current, &wanted.proposed)
        );
        assert_eq!((&stored.evidence, stored.category), (&wanted.evidence, wanted.part.category()));
        assert_eq!((stored.status, stored.decided_by), (ProposalStatus::Open, None));
    }
    let log = whole_log(&db, &id).await;
    let event = log.iter().rfind(|event| event.event_type.as_str() == "proposal.opened").unwrap();
    let last = renewed.opened.last().unwrap();
    assert_eq!(event.data, json!({"proposalId": last.id, "category": "topic_focus", "title": "More Craft"}));
    let again = unchanged(&test, renew(&db, &id, &wanted)).await;
    assert_eq!((again.opened.len(), again.open, again.superseded), (0, 2, 0));
    assert_eq!(proposals::count_open(&db, &id).await.unwrap(), 2);
}

async fn newer_evidence_renews_an_open_proposal_and_none_closes_it(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let first = opened(&db, &id, cadence(3, 4.0)).await;
    let renewed = renew(&db, &id, &[NewProposal { confidence: Confidence::High, ..cadence(3, 8.0) }]).await;
    assert_eq!((renewed.opened.len(), renewed.open), (0, 1), "it is the same proposal");
    let stored = proposals::get(&db, &id, &first.id).await.unwrap();
    assert_eq!((stored.evidence.0[0].numbers["weeks"], stored.confidence), (8.0, Confidence::High));
    assert_eq!(stored.created_at, first.created_at);

    let other = renew(&db, &id, &[cadence(4, 4.0)]).await;
    assert_eq!((other.opened.len(), other.open, other.superseded), (1, 1, 1), "another takes its place");
    assert_eq!(status(&db, &id, &first.id).await, ProposalStatus::Superseded);
    // What it would change holds something else by now.
    set(&db, &id, |brand| brand.profile.cadence[0].per_week = 6).await;
    let gone = renew(&db, &id, &[cadence(4, 4.0)]).await;
    assert_eq!((gone.opened.len(), gone.open, gone.superseded), (0, 0, 1));
    assert_eq!(logged_types(&db, &id).await.iter().filter(|name| **name == "proposal.opened").count(), 2);
}

async fn what_was_not_wanted_waits_for_eight_weeks_or_stronger_evidence(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let first = opened(&db, &id, cadence(3, 4.0)).await;
    reject(&db, &id, &first.id).await.unwrap();
    assert_eq!(profile(&db, &id).await.cadence[0].per_week, 5);
    assert_eq!(unchanged(&test, renew(&db, &id, &[cadence(3, 4.0)])).await, Renewed::default());
    // Something else for the same part was never refused.
    assert_eq!(renew(&db, &id, &[cadence(4, 4.0)]).await.opened.len(), 1);
    time_passes(&test, Duration::days(55)).await;
    assert_eq!(renew(&db, &id, &[cadence(3, 5.0)]).await.opened.len(), 0);
    let stronger = NewProposal { confidence: Confidence::Medium, ..cadence(3, 6.0) };
    let second = opened(&db, &id, stronger).await;
    reject(&db, &id, &second.id).await.unwrap();
    time_passes(&test, Duration::days(57)).await;
    let third = opened(&db, &id, cadence(3, 4.0)).await;
    // One that was taken back was not wanted either.
    approve(&db, &id, &third.id).await.unwrap();
    roll_back(&db, &id, &third.id).await.unwrap();
    assert_eq!(unchanged(&test, renew(&db, &id, &[cadence(3, 4.0)])).await, Renewed::default());
}

async fn what_was_changed_is_left_alone_for_a_while(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let first = opened(&db, &id, cadence(3, 4.0)).await;
    approve(&db, &id, &first.id).await.unwrap();
    let next = NewProposal { current: json!(3), ..cadence(2, 9.0) };
    assert_eq!(unchanged(&test, renew(&db, &id, std::slice::from_ref(&next))).await, Renewed::default());
    assert_eq!(renew(&db, &id, &[next.clone(), weights(60)]).await.opened.len(), 1, "other parts are free");
    time_passes(&test, Duration::days(29)).await;
    assert_eq!(renew(&db, &id, &[next, weights(60)]).await.opened.len(), 1);
}

async fn an_approval_changes_the_profile_and_its_end_restores_it(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let before = profile(&db, &id).await;
    let entry = "hype".to_owned();
    let voice = NewProposal {
        part: Part::VoiceDont(entry.clone()),
        current: Value::Null,
        proposed: json!(entry),
        ..cadence(3, 4.0)
    };
    let renewed = renew(&db, &id, &[cadence(3, 4.0), weights(60), voice]).await;
    for proposal in &renewed.opened {
        let Decided { proposal, brand } = approve(&db, &id, &proposal.id).await.unwrap();
        assert_eq!(proposal.part.read(&brand.profile), proposal.proposed);
        assert_eq!(brand.profile, profile(&db, &id).await);
        assert_eq!((proposal.status, proposal.decided_by.as_deref()), (ProposalStatus::Approved, Some("Anna")));
        let types = logged_types(&db, &id).await;
        assert_eq!(types[types.len() - 2..], ["brand.updated", "proposal.approved"]);
    }
    let changed = profile(&db, &id).await;
    assert_eq!(changed.cadence[0].per_week, 3);
    assert_eq!((changed.pillars[0].weight, changed.pillars[0].description.as_deref()), (60, Some("Why")));
    assert_eq!(changed.voice.donts, ["hype"]);
    for proposal in &renewed.opened {
        let decided = roll_back(&db, &id, &proposal.id).await.unwrap();
        assert_eq!(decided.proposal.status, ProposalStatus::RolledBack);
        let types = logged_types(&db, &id).await;
        assert_eq!(types[types.len() - 2..], ["brand.updated", "proposal.rolled_back"]);
    }
    assert_eq!(profile(&db, &id).await, before);
}

async fn a_decision_stands_and_the_same_again_writes_nothing(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let first = opened(&db, &id, cadence(3, 4.0)).await;
    assert_conflict(unchanged(&test, roll_back(&db, &id, &first.id)).await, "not_approved");
    let approved = approve(&db, &id, &first.id).await.unwrap();
    let again = unchanged(&test, approve(&db, &id, &first.id)).await.unwrap();
    assert_eq!((again.proposal, again.brand), (approved.proposal, approved.brand));
    let ben = Verdict { decided_by: "Ben".to_owned(), reason: None };
    let late = proposals::approve(&db, &id, &first.id, ben, anything, |_| false);
    assert_conflict(unchanged(&test, late).await, "already_decided");
    assert_conflict(unchanged(&test, reject(&db, &id, &first.id)).await, "already_decided");
    roll_back(&db, &id, &first.id).await.unwrap();
    unchanged(&test, roll_back(&db, &id, &first.id)).await.unwrap();
    for outcome in [approve(&db, &id, &first.id).await, reject(&db, &id, &first.id).await] {
        assert_conflict(outcome, "already_decided");
    }
    let second = opened(&db, &id, cadence(4, 4.0)).await;
    reject(&db, &id, &second.id).await.unwrap();
    unchanged(&test, reject(&db, &id, &second.id)).await.unwrap();
    assert_conflict(unchanged(&test, approve(&db, &id, &second.id)).await, "already_decided");
}

async fn a_profile_that_changed_meanwhile_is_left_as_it_is(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let proposal = opened(&db, &id, cadence(3, 4.0)).await;
    set(&db, &id, |brand| brand.profile.cadence[0].per_week = 7).await;
    let refused = unchanged(&test, approve(&db, &id, &proposal.id)).await;
    let words = refused.as_ref().unwrap_err().to_string();
    assert!(words.contains("`cadence`") && words.contains("it holds 7, and not 5"), "{words}");
    assert_conflict(refused, "profile_changed");
    // What does not concern the part may change.
    set(&db, &id, |brand| brand.profile.cadence[0].per_week = 5).await;
    set(&db, &id, |brand| brand.profile.cadence[1].per_week = 9).await;
    approve(&db, &id, &proposal.id).await.unwrap();
    set(&db, &id, |brand| brand.profile.cadence[0].per_week = 1).await;
    assert_conflict(unchanged(&test, roll_back(&db, &id, &proposal.id)).await, "profile_changed");
    assert_eq!(profile(&db, &id).await.cadence[1].per_week, 9);
}

async fn a_change_that_cannot_be_saved_is_refused(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let proposal = opened(&db, &id, cadence(3, 4.0)).await;
    let against = |_: &Profile| Err(Error::invalid("cadence", "is not to be so"));
    let refused = proposals::approve(&db, &id, &proposal.id, anna(), against, |_| false);
    assert_invalid(unchanged(&test, refused).await, "cadence");
    assert_eq!(status(&db, &id, &proposal.id).await, ProposalStatus::Open);
}

async fn of_many_who_approve_at_once_one_does(test: TestDb) {
    let handles = [test.db(), test.another_db().await];
    let id = a_publisher(&handles[0]).await;
    let proposal = opened(&handles[0], &id, cadence(3, 4.0)).await;
    let approve = async |number: usize| {
        let verdict = Verdict { decided_by: format!("Person {number}"), reason: None };
        proposals::approve(&handles[number % 2], &id, &proposal.id, verdict, anything, |_| false).await
    };
    let outcomes = join_all((0..8).map(approve)).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_conflict(refused, "already_decided");
    }
    let types = logged_types(&handles[0], &id).await;
    assert_eq!(types.iter().filter(|name| **name == "proposal.approved").count(), 1);
}

async fn proposals_are_listed_in_pages(test: TestDb) {
    let db = test.db();
    let id = a_publisher(&db).await;
    let renewed = renew(&db, &id, &[cadence(3, 4.0), weights(60)]).await;
    let list = async |status, category, before: Option<&ProposalId>, limit| {
        let page = proposals::list(&db, &id, status, category, before, limit).await.unwrap();
        (page.proposals.into_iter().map(|proposal| proposal.id).collect::<Vec<_>>(), page.next)
    };
    let [first, second] = [&renewed.opened[0].id, &renewed.opened[1].id];
    let (page, next) = list(ProposalStatus::Open, None, None, 1).await;
    assert_eq!((page, next.as_ref()), (vec![second.clone()], Some(second)));
    assert_eq!(list(ProposalStatus::Open, None, next.as_ref(), 1).await, (vec![first.clone()], None));
    let cadences = list(ProposalStatus::Open, Some(Category::ChannelStrategy), None, 10).await;
    assert_eq!(cadences, (vec![first.clone()], None));
    assert_eq!(list(ProposalStatus::Rejected, None, None, 10).await, (vec![], None));
}

async fn somebody_elses_proposal_leads_nowhere(test: TestDb) {
    let db = test.db();
    let (me, other) = (a_publisher(&db).await, a_publisher(&db).await);
    let theirs = opened(&db, &other, cadence(3, 4.0)).await.id;
    assert_not_found(unchanged(&test, proposals::get(&db, &me, &theirs)).await);
    assert_not_found(unchanged(&test, approve(&db, &me, &theirs)).await);
    assert_not_found(unchanged(&test, reject(&db, &me, &theirs)).await);
    approve(&db, &other, &theirs).await.unwrap();
    assert_not_found(unchanged(&test, roll_back(&db, &me, &theirs)).await);
    let page = proposals::list(&db, &me, ProposalStatus::Approved, None, Some(&theirs), 10);
    assert_invalid(unchanged(&test, page).await, "cursor");
    let mine = proposals::list(&db, &me, ProposalStatus::Approved, None, None, 10).await.unwrap();
    assert!(mine.proposals.is_empty());
    // Neither a renewal of mine nor my decisions touch what is theirs.
    let stored = proposals::get(&db, &other, &theirs).await.unwrap();
    renew(&db, &me, &[cadence(3, 4.0)]).await;
    assert_eq!(proposals::count_open(&db, &other).await.unwrap(), 0);
    assert_eq!(proposals::get(&db, &other, &theirs).await.unwrap(), stored);
}
