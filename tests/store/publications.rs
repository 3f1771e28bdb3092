//! Publications: claimed by one, settled once.

use entity::connections::Platform;
use entity::content::{self, Content, ContentStatus, Decision, Findings, Review};
use entity::db::{Db, now};
use entity::ids::CustomerId;
use entity::publications::{self, Claim, Claimed, Posted, Progress, PublicationStatus, Settlement};
use entity::{Error, Result};
use futures::future::join_all;
use harness::{TestDb, a_customer};

use crate::support::{a_piece, assert_not_found, logged_types, unchanged, version};

harness::on_each_database!(
    of_many_who_claim_one_may_publish,
    what_was_not_approved_cannot_be_claimed,
    a_claim_that_was_lost_changes_nothing,
    what_may_be_out_is_looked_at_first_and_a_person_settles_it,
    what_is_on_its_way_stays_as_it_was,
    somebody_elses_piece_cannot_be_claimed,
);

async fn an_approved_piece(db: &Db, customer: &CustomerId, words: &str) -> Content {
    let piece = a_piece(db, customer, words).await;
    approve(db, customer, &piece).await;
    piece
}

async fn approve(db: &Db, customer: &CustomerId, piece: &Content) {
    let review = Review {
        revision: 1,
        decision: Decision::Approved,
        decided_by: "Anna".to_owned(),
        reason: None,
        findings: Findings::default(),
    };
    content::review(db, customer, &piece.id, review).await.unwrap();
}

async fn claim(db: &Db, customer: &CustomerId, piece: &Content) -> Result<Claim> {
    publications::claim(db, customer, &piece.id, Platform::Linkedin, "ca_1").await
}

fn yours(claim: Claim) -> Claimed {
    match claim {
        Claim::Yours(claimed) => *claimed,
        other => panic!("it is not ours: {other:?}"),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        other => panic!("no conflict: {other:?}"),
    }
}

fn posted() -> Progress {
    let post = Posted { id: "7".to_owned(), url: Some("https://example.com/7".to_owned()) };
    Progress { posted: vec![post], ..Progress::default() }
}

async fn status(db: &Db, customer: &CustomerId, piece: &Content) -> ContentStatus {
    content::get(db, customer, &piece.id).await.unwrap().content.status
}

async fn of_many_who_claim_one_may_publish(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = an_approved_piece(&db, &customer.id, "Hello").await;
    let other = test.another_db().await;
    let racing = join_all((0..12).map(|n| claim(if n % 2 == 0 { &db } else { &other }, &customer.id, &piece))).await;
    let mut won: Vec<Claimed> = racing
        .into_iter()
        .filter_map(|claim| match claim.unwrap() {
            Claim::Yours(claimed) => Some(*claimed),
            Claim::Busy(_) => None,
            other => panic!("{other:?}"),
        })
        .collect();
    let won = won.pop().filter(|_| won.is_empty()).expect("one of them");
    assert_eq!(won.draft.body, "Hello");

    let row = publications::advance(&db, &won.publication, posted()).await.unwrap();
    let row = publications::settle(&db, &row, Settlement::Published).await.unwrap();
    assert_eq!((row.status, row.url.as_deref()), (PublicationStatus::Published, Some("https://example.com/7")));
    assert!(matches!(claim(&db, &customer.id, &piece).await.unwrap(), Claim::Published(_)));
    assert_eq!(status(&db, &customer.id, &piece).await, ContentStatus::Published);
    assert_eq!(code(content::revise(&db, &customer.id, &piece.id, 1, version("Other")).await), "already_published");
    let told = logged_types(&db, &customer.id).await.into_iter().filter(|name| *name == "content.published").count();
    assert_eq!(told, 1);
    assert_eq!(code(unchanged(&test, publications::settle(&db, &row, Settlement::Published)).await), "claim_lost");
}

async fn what_was_not_approved_cannot_be_claimed(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = a_piece(&db, &customer.id, "Hello").await;
    assert_eq!(code(unchanged(&test, claim(&db, &customer.id, &piece)).await), "not_approved");
    approve(&db, &customer.id, &piece).await;
    content::revise(&db, &customer.id, &piece.id, 1, version("Other words")).await.unwrap();
    assert_eq!(code(unchanged(&test, claim(&db, &customer.id, &piece)).await), "not_approved");
}

async fn a_claim_that_was_lost_changes_nothing(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = an_approved_piece(&db, &customer.id, "Hello").await;
    let first = yours(claim(&db, &customer.id, &piece).await.unwrap());
    test.execute("UPDATE publications SET claimed_until = created_at").await;
    let second = yours(claim(&db, &customer.id, &piece).await.unwrap());
    let late = unchanged(&test, publications::advance(&db, &first.publication, posted())).await;
    assert_eq!(code(late), "claim_lost");
    let late = unchanged(&test, publications::settle(&db, &first.publication, Settlement::Published)).await;
    assert_eq!(code(late), "claim_lost");
    let failed = Settlement::Failed("The platform refused.".to_owned());
    publications::settle(&db, &second.publication, failed.clone()).await.unwrap();
    assert_eq!(status(&db, &customer.id, &piece).await, ContentStatus::Approved);
    // The same failure again is no news.
    let third = yours(claim(&db, &customer.id, &piece).await.unwrap());
    publications::settle(&db, &third.publication, failed).await.unwrap();
    let told = logged_types(&db, &customer.id).await.into_iter().filter(|name| *name == "content.publish_failed");
    assert_eq!(told.count(), 1);
}

async fn what_may_be_out_is_looked_at_first_and_a_person_settles_it(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    for (is_out, words, expected) in
        [(true, "Hello", PublicationStatus::Published), (false, "Goodbye", PublicationStatus::Failed)]
    {
        let piece = an_approved_piece(&db, &customer.id, words).await;
        let claimed = yours(claim(&db, &customer.id, &piece).await.unwrap());
        let under_way = Progress { calling_since: Some(now()), ..Progress::default() };
        publications::advance(&db, &claimed.publication, under_way).await.unwrap();
        // Whoever was at it is gone.
        test.execute("UPDATE publications SET claimed_until = created_at").await;
        let Claim::Unknown(found) = claim(&db, &customer.id, &piece).await.unwrap() else {
            panic!("it is sent again without a look");
        };
        assert_eq!(
            code(publications::resolve(&db, &customer.id, &piece.id, Platform::Linkedin, is_out).await),
            "not_unknown"
        );
        let unknown = Settlement::Unknown("The answer was lost.".to_owned());
        publications::settle(&db, &found.publication, unknown).await.unwrap();
        let row = publications::resolve(&db, &customer.id, &piece.id, Platform::Linkedin, is_out).await.unwrap();
        assert_eq!((row.status, row.progress.calling_since), (expected, None));
        match claim(&db, &customer.id, &piece).await.unwrap() {
            Claim::Published(_) if is_out => {}
            Claim::Yours(_) if !is_out => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn what_is_on_its_way_stays_as_it_was(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let piece = an_approved_piece(&db, &customer.id, "Hello").await;
    let claimed = yours(claim(&db, &customer.id, &piece).await.unwrap());
    let revise = async || content::revise(&db, &customer.id, &piece.id, 1, version("Other")).await;
    assert_eq!(code(unchanged(&test, revise()).await), "being_published");
    publications::advance(&db, &claimed.publication, posted()).await.unwrap();
    test.execute("UPDATE publications SET claimed_until = created_at").await;
    assert_eq!(code(unchanged(&test, revise()).await), "being_published");
    // It goes on with the words that it began with.
    assert_eq!(yours(claim(&db, &customer.id, &piece).await.unwrap()).publication.progress, posted());
}

async fn somebody_elses_piece_cannot_be_claimed(test: TestDb) {
    let db = test.db();
    let ((anna, _), (ben, _)) = (a_customer(&db).await, a_customer(&db).await);
    let piece = an_approved_piece(&db, &anna.id, "Hello").await;
    assert_not_found(unchanged(&test, claim(&db, &ben.id, &piece)).await);
    yours(claim(&db, &anna.id, &piece).await.unwrap());
    assert!(publications::of_content(&db, &ben.id, &piece.id).await.unwrap().is_empty());
    let resolved = publications::resolve(&db, &ben.id, &piece.id, Platform::Linkedin, true);
    assert_not_found(unchanged(&test, resolved).await);
    let since = chrono::DateTime::UNIX_EPOCH;
    let published = publications::published_since(&db, &ben.id, Platform::Linkedin, since, 10).await.unwrap();
    assert!(published.is_empty());
}
