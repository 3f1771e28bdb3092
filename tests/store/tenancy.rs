//! Nobody reaches what is somebody else's.

use chrono::{DateTime, Duration};
use entity::content::{self, Decision, Filter, Findings, Review, Schedule};
use entity::db::{Db, now};
use entity::events::{self, TypeFilter};
use entity::ids::{ContentId, CustomerId, EventId, GrantId, KeyId, ProposalId, RunId};
use entity::keys;
use entity::leads::{self, NewLead};
use entity::mcp_sessions;
use entity::oauth;
use entity::proposals::{self, ProposalStatus, Verdict};
use entity::scopes::Scopes;
use entity::workflows::{self, Workflow};
use harness::{TestDb, a_customer};
use serde_json::json;

use crate::oauth::an_app;
use crate::support::{a_lead, a_piece, a_proposal, assert_invalid, assert_not_found, unchanged, version, whole_log};

harness::on_each_database!(somebody_elses_id_leads_nowhere, what_is_listed_is_ones_own);

/// A customer with something of everything.
struct Tenant {
    id: CustomerId,
    key: KeyId,
    content: ContentId,
    event: EventId,
    session: String,
    run: RunId,
    proposal: ProposalId,
    app: GrantId,
}

async fn a_tenant(db: &Db) -> Tenant {
    let (customer, _) = a_customer(db).await;
    let content = a_piece(db, &customer.id, "Hello").await.id;
    let approval = Review {
        revision: 1,
        decision: Decision::Approved,
        decided_by: "Anna".to_owned(),
        reason: None,
        findings: Findings::default(),
    };
    content::review(db, &customer.id, &content, approval).await.unwrap();
    a_lead(db, &customer.id, "a lead").await;
    let session = format!("session of {}", customer.id);
    mcp_sessions::store(db, &customer.id, &session, json!({})).await.unwrap();
    let key = keys::list(db, &customer.id).await.unwrap().remove(0).id;
    let run = workflows::request(db, &customer.id, Workflow::Onboarding, json!({})).await.unwrap().id;
    let proposal = proposals::renew(db, &customer.id, vec![a_proposal()]).await.unwrap().opened[0].id.clone();
    let app = an_app(db, &customer.id, Scopes::ALL).await.grant.id;
    let event = events::latest(db, &customer.id).await.unwrap().unwrap().id;
    Tenant { id: customer.id, key, content, event, session, run, proposal, app }
}

/// Every public function that takes a customer and an id of something.
async fn somebody_elses_id_leads_nowhere(test: TestDb) {
    let db = &test.db();
    let Tenant { id: me, .. } = a_tenant(db).await;
    let other = a_tenant(db).await;
    let theirs = &other.content;

    assert_not_found(unchanged(&test, keys::revoke(db, &me, &other.key)).await);
    assert_not_found(unchanged(&test, oauth::revoke(db, &me, &other.app)).await);

    assert_not_found(unchanged(&test, content::get(db, &me, theirs)).await);
    assert_not_found(unchanged(&test, content::revise(db, &me, theirs, 1, version("mine now"))).await);
    // The very words that are there would be answered with the piece.
    assert_not_found(unchanged(&test, content::revise(db, &me, theirs, 1, version("Hello"))).await);
    assert_not_found(unchanged(&test, content::write_planned(db, &me, theirs, version("mine now"))).await);
    assert_not_found(unchanged(&test, content::leave_planned(db, &me, theirs, "mine now")).await);
    for decision in [Decision::Approved, Decision::Rejected, Decision::Revised] {
        let (decided_by, findings) = ("Anna".to_owned(), Findings::default());
        let review = Review { revision: 1, decision, decided_by, reason: None, findings };
        assert_not_found(unchanged(&test, content::review(db, &me, theirs, review)).await);
    }
    let tomorrow = Schedule { at: now() + Duration::days(1), spacing: None };
    for wanted in [Some(tomorrow), None] {
        assert_not_found(unchanged(&test, content::schedule(db, &me, theirs, wanted)).await);
    }
    let history = unchanged(&test, content::history(db, &me, theirs, 100)).await.unwrap();
    assert!(history.revisions.is_empty() && history.decisions.is_empty(), "{history:?}");
    assert_invalid(unchanged(&test, content::revision(db, &me, theirs, 1)).await, "revision");
    assert_invalid(unchanged(&test, content::list(db, &me, &Filter::default(), Some(theirs), 100)).await, "cursor");

    let verdict = || Verdict { decided_by: "Anna".to_owned(), reason: None };
    let proposal = &other.proposal;
    assert_not_found(unchanged(&test, proposals::get(db, &me, proposal)).await);
    assert_not_found(unchanged(&test, proposals::reject(db, &me, proposal, verdict())).await);
    let approval = proposals::approve(db, &me, proposal, verdict(), |_| Ok(()), |_| false);
    assert_not_found(unchanged(&test, approval).await);
    let page = proposals::list(db, &me, ProposalStatus::Open, None, Some(proposal), 100);
    assert_invalid(unchanged(&test, page).await, "cursor");

    let lead = NewLead { source: "webinar".to_owned(), content_id: Some(theirs.clone()), ..NewLead::default() };
    assert_invalid(unchanged(&test, leads::log(db, &me, lead)).await, "contentId");

    let page = events::list(db, &me, &TypeFilter::Any, Some(&other.event), 100);
    assert_invalid(unchanged(&test, page).await, "before");

    assert_not_found(unchanged(&test, workflows::get(db, &me, &other.run)).await);
    assert_not_found(unchanged(&test, workflows::cancel(db, &me, &other.run)).await);
    let page = workflows::list(db, &me, workflows::Filter::default(), Some(&other.run), 100);
    assert_invalid(unchanged(&test, page).await, "cursor");

    assert_eq!(unchanged(&test, mcp_sessions::load(db, &me, &other.session)).await.unwrap(), None);
    unchanged(&test, mcp_sessions::delete(db, &me, &other.session)).await.unwrap();
    assert!(unchanged(&test, mcp_sessions::store(db, &me, &other.session, json!({}))).await.is_err());
}

async fn what_is_listed_is_ones_own(test: TestDb) {
    let db = &test.db();
    let (me, other) = (a_tenant(db).await, a_tenant(db).await);
    for tenant in [&me, &other] {
        let keys = keys::list(db, &tenant.id).await.unwrap();
        assert_eq!(keys.iter().map(|key| &key.id).collect::<Vec<_>>(), [&tenant.key]);
        let apps = oauth::list(db, &tenant.id).await.unwrap();
        assert_eq!(apps.iter().map(|app| &app.id).collect::<Vec<_>>(), [&tenant.app]);
        let pieces = content::list(db, &tenant.id, &Filter::default(), None, 100).await.unwrap().pieces;
        assert_eq!(pieces.iter().map(|piece| &piece.id).collect::<Vec<_>>(), [&tenant.content]);
        let counts = content::counts(db, &tenant.id, DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(counts, content::Counts::default(), "the one piece is approved");
        let runs = workflows::list(db, &tenant.id, workflows::Filter::default(), None, 100).await.unwrap().runs;
        assert_eq!(runs.iter().map(|run| &run.id).collect::<Vec<_>>(), [&tenant.run]);
        let open = proposals::list(db, &tenant.id, ProposalStatus::Open, None, None, 100).await.unwrap().proposals;
        assert_eq!(open.iter().map(|proposal| &proposal.id).collect::<Vec<_>>(), [&tenant.proposal]);
        assert_eq!(proposals::count_open(db, &tenant.id).await.unwrap(), 1);
        let decisions = content::decisions_since(db, &tenant.id, DateTime::UNIX_EPOCH, 100).await.unwrap();
        assert_eq!(decisions.iter().map(|decision| &decision.content_id).collect::<Vec<_>>(), [&tenant.content]);
        let checked = content::checked_since(db, &tenant.id, DateTime::UNIX_EPOCH, 100).await.unwrap();
        assert_eq!(checked.iter().map(|checked| &checked.content_id).collect::<Vec<_>>(), [&tenant.content]);
        let page = events::list(db, &tenant.id, &TypeFilter::Any, None, 100).await.unwrap();
        assert_eq!(page.events.len(), 7);
        assert!(page.events.iter().all(|event| event.customer_id == tenant.id));
        assert!(whole_log(db, &tenant.id).await.iter().all(|event| event.customer_id == tenant.id));
        let latest = events::latest(db, &tenant.id).await.unwrap().unwrap();
        assert_eq!(latest.id, tenant.event);
    }
    // The bound may be any id; what comes after it is still only one's own.
    let after = events::since(db, &other.id, &me.event, 100).await.unwrap();
    assert!(!after.is_empty() && after.iter().all(|event| event.customer_id == other.id));
}
