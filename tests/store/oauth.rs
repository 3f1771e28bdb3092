//! Apps that customers let in.

use chrono::{DateTime, Duration, Utc};
use entity::customers::{self, CustomerStatus};
use entity::db::{Db, now};
use entity::ids::{CustomerId, GrantId};
use entity::keys::{self, ApiKey, FoundAt, NewKey, PlainKey, Refused};
use entity::oauth::{
    self, AccessToken, Client, Code, Consent, Grant, Issued, NewClient, NotIssued, Redemption, RefreshToken,
};
use entity::scopes::{Scope, Scopes};
use futures::future::join_all;
use harness::{TestDb, a_customer, eventually};
use serde_json::{Value, json};

use crate::support::{assert_conflict, assert_invalid, assert_not_found, logged_types, unchanged, whole_log};

harness::on_each_database!(
    a_code_is_exchanged_for_tokens_that_let_in,
    a_code_is_good_only_for_who_asked_for_it,
    a_code_that_comes_again_ends_what_was_granted,
    a_refresh_token_is_exchanged_for_the_next_pair,
    a_refresh_token_that_comes_again_ends_what_was_granted,
    an_answer_that_was_lost_is_given_again_for_a_minute,
    an_answer_that_anybody_used_was_not_lost,
    who_has_a_lost_answer_ends_what_was_granted,
    of_many_who_exchange_the_same_at_once_one_gets_tokens_and_no_more,
    an_app_asks_for_less_and_never_gets_more,
    everything_runs_out,
    an_app_that_was_forgotten_is_told_so,
    a_token_is_for_one_server,
    an_app_is_let_in_only_while_its_customer_may_be,
    what_is_taken_back_lets_nobody_in,
    an_app_says_goodbye_with_either_token_but_only_with_its_own,
    nothing_of_a_code_or_token_is_stored,
    a_consent_is_to_something,
    there_are_only_so_many_apps,
    an_app_that_is_let_in_again_and_again_is_one_app,
    there_are_only_so_many_apps_that_nobody_let_in,
    of_many_grants_those_still_accepted_are_told,
    what_a_document_says_is_kept_until_it_says_otherwise,
    what_is_over_is_forgotten_and_what_is_not_is_kept,
    the_last_use_is_noted,
    what_a_leaked_key_made_and_let_in_ends_with_it,
    an_app_ends_with_the_key_by_which_it_was_let_in,
    an_app_whose_token_everybody_can_read_is_shut_out_and_told_of_once,
    the_log_says_who_ended_what_an_app_might_do,
);

const REDIRECT_URI: &str = "http://127.0.0.1:3000/callback";
const RESOURCE: &str = "https://heycmo.example/mcp";
/// Of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An app that was let in and has its first tokens.
pub struct App {
    pub grant: Grant,
    client: Client,
    code: Code,
    tokens: Issued,
}

async fn a_client(db: &Db) -> Client {
    let new = NewClient { name: "Claude".to_owned(), redirect_uris: vec![REDIRECT_URI.to_owned()] };
    oauth::register(db, new).await.unwrap()
}

fn consent(client: &Client, scopes: Scopes) -> Consent {
    Consent {
        client_id: client.id.clone(),
        client_name: client.name.clone(),
        redirect_uri: REDIRECT_URI.to_owned(),
        resource: RESOURCE.to_owned(),
        scopes,
        challenge: CHALLENGE.to_owned(),
    }
}

fn redemption(client: &Client) -> Redemption {
    Redemption {
        client_id: client.id.clone(),
        redirect_uri: Some(REDIRECT_URI.to_owned()),
        verifier: VERIFIER.to_owned(),
    }
}

/// The customer's first key.
async fn a_key(db: &Db, customer_id: &CustomerId) -> ApiKey {
    keys::list(db, customer_id).await.unwrap().pop().unwrap()
}

/// Lets an app in by who has shown that key.
async fn allow(db: &Db, customer_id: &CustomerId, consent: Consent) -> entity::Result<(Grant, Code)> {
    oauth::allow(db, &a_key(db, customer_id).await, consent).await
}

pub async fn an_app(db: &Db, customer_id: &CustomerId, scopes: Scopes) -> App {
    let client = a_client(db).await;
    let (grant, code) = allow(db, customer_id, consent(&client, scopes)).await.unwrap();
    let tokens = oauth::redeem(db, &code, &redemption(&client)).await.unwrap();
    App { grant, client, code, tokens }
}

impl App {
    async fn refresh(&self, db: &Db, token: &RefreshToken) -> Result<Issued, NotIssued> {
        oauth::refresh(db, token, &self.client.id, None).await
    }
}

async fn lets_in(db: &Db, token: &AccessToken) -> bool {
    match oauth::authenticate(db, token, RESOURCE).await {
        Ok(_) => true,
        Err(Refused::UnknownKey) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_invalid_grant(result: Result<Issued, NotIssued>) {
    assert!(matches!(result, Err(NotIssued::Invalid)), "{result:?}");
}

/// Sets a time by hand, in the one spelling that is right on both databases.
async fn set_time(test: &TestDb, table: &str, column: &str, time: DateTime<Utc>) {
    test.execute(&format!("UPDATE {table} SET {column} = '{}'", time.to_rfc3339())).await;
}

async fn a_code_is_exchanged_for_tokens_that_let_in(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let client = a_client(&db).await;
    let scopes = Scopes::from_iter([Scope::Read, Scope::Write]);
    let (grant, code) = allow(&db, &customer.id, consent(&client, scopes)).await.unwrap();
    assert_eq!((grant.scopes, grant.client_name.as_str()), (scopes, "Claude"));

    let elsewhere = test.another_db().await;
    let tokens = oauth::redeem(&elsewhere, &code, &redemption(&client)).await.unwrap();
    assert_eq!((tokens.scopes, tokens.lifetime), (scopes, Duration::minutes(15)));
    let app = oauth::authenticate(&db, &tokens.access, RESOURCE).await.unwrap();
    assert_eq!((&app.customer, &app.grant_id, app.scopes), (&customer, &grant.id, scopes));
    assert!((app.expires_at - now() - tokens.lifetime).abs() < Duration::minutes(1));

    let listed = oauth::list(&db, &customer.id).await.unwrap();
    assert_eq!(listed.iter().map(|grant| &grant.id).collect::<Vec<_>>(), [&grant.id]);
    let log = whole_log(&db, &customer.id).await;
    let last = log.last().unwrap();
    assert_eq!(last.event_type.as_str(), "grant.created");
    assert_eq!(
        last.data,
        json!({
            "grantId": grant.id, "clientName": "Claude", "clientId": client.id, "scopes": ["read", "write"],
            "keyId": a_key(&db, &customer.id).await.id, "by": "customer",
        })
    );
}

async fn a_code_is_good_only_for_who_asked_for_it(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (client, other) = (a_client(&db).await, a_client(&db).await);
    let (_, code) = allow(&db, &customer.id, consent(&client, Scopes::ALL)).await.unwrap();
    let good = redemption(&client);
    for wrong in [
        Redemption { client_id: other.id, ..good.clone() },
        Redemption { redirect_uri: Some("http://127.0.0.1:3001/callback".to_owned()), ..good.clone() },
        Redemption { verifier: "x".repeat(43), ..good.clone() },
        Redemption { verifier: CHALLENGE.to_owned(), ..good.clone() },
        Redemption { verifier: String::new(), ..good.clone() },
    ] {
        assert_invalid_grant(unchanged(&test, oauth::redeem(&db, &code, &wrong)).await);
    }
    assert_invalid_grant(unchanged(&test, oauth::redeem(&db, &Code::generate().unwrap(), &good)).await);
    // It may be left unsaid where the code went.
    oauth::redeem(&db, &code, &Redemption { redirect_uri: None, ..good }).await.unwrap();
}

async fn a_code_that_comes_again_ends_what_was_granted(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (app, other) = (an_app(&db, &customer.id, Scopes::ALL).await, an_app(&db, &customer.id, Scopes::ALL).await);
    // Who has only found it cannot shut the app out.
    let (good, verifier) = (redemption(&app.client), "x".repeat(43));
    for finder in
        [Redemption { client_id: other.client.id.clone(), ..good.clone() }, Redemption { verifier, ..good.clone() }]
    {
        assert_invalid_grant(unchanged(&test, oauth::redeem(&db, &app.code, &finder)).await);
    }
    assert_invalid_grant(oauth::redeem(&db, &app.code, &good).await);
    assert!(!lets_in(&db, &app.tokens.access).await);
    assert_invalid_grant(app.refresh(&db, &app.tokens.refresh).await);
    assert_eq!(logged_types(&db, &customer.id).await.last(), Some(&"grant.reused"));
    assert_invalid_grant(unchanged(&test, oauth::redeem(&db, &app.code, &good)).await);
    assert!(lets_in(&db, &other.tokens.access).await, "others are not touched");
}

async fn a_refresh_token_is_exchanged_for_the_next_pair(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    let mut tokens = app.tokens.clone();
    for _ in 0..3 {
        let next = app.refresh(&db, &tokens.refresh).await.unwrap();
        assert_ne!(next.refresh.expose(), tokens.refresh.expose());
        tokens = next;
    }
    let other = a_client(&db).await;
    assert_invalid_grant(unchanged(&test, oauth::refresh(&db, &tokens.refresh, &other.id, None)).await);
    // An access token is none.
    let dressed_up = tokens.access.expose().replace(AccessToken::PREFIX, RefreshToken::PREFIX).parse().unwrap();
    assert_invalid_grant(unchanged(&test, app.refresh(&db, &dressed_up)).await);
    let next = app.refresh(&db, &tokens.refresh).await.unwrap();
    for access in [&app.tokens.access, &tokens.access, &next.access] {
        assert!(lets_in(&db, access).await);
    }
}

async fn a_refresh_token_that_comes_again_ends_what_was_granted(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    let next = app.refresh(&db, &app.tokens.refresh).await.unwrap();
    let last = app.refresh(&db, &next.refresh).await.unwrap();
    // However old the copy is.
    assert_invalid_grant(app.refresh(&db, &app.tokens.refresh).await);
    for access in [&app.tokens.access, &next.access, &last.access] {
        assert!(!lets_in(&db, access).await);
    }
    assert_invalid_grant(app.refresh(&db, &last.refresh).await);
    assert!(oauth::list(&db, &customer.id).await.unwrap().is_empty());
    assert_eq!(logged_types(&db, &customer.id).await.iter().filter(|name| **name == "grant.reused").count(), 1);
}

async fn an_answer_that_was_lost_is_given_again_for_a_minute(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    let first = app.refresh(&db, &app.tokens.refresh).await.unwrap();
    let second = app.refresh(&db, &app.tokens.refresh).await.unwrap();
    let third = app.refresh(&db, &app.tokens.refresh).await.unwrap();
    // What was never heard of is good for nothing, and what was there before is as good as it was.
    for lost in [&first, &second] {
        assert!(!lets_in(&db, &lost.access).await);
    }
    for good in [&app.tokens, &third] {
        assert!(lets_in(&db, &good.access).await);
    }
    let next = app.refresh(&db, &third.refresh).await.unwrap();

    // A minute later it is a copy.
    set_time(&test, "oauth_tokens", "used_at", now() - Duration::seconds(61)).await;
    assert_invalid_grant(app.refresh(&db, &third.refresh).await);
    assert!(!lets_in(&db, &next.access).await);
    assert_eq!(logged_types(&db, &customer.id).await.last(), Some(&"grant.reused"));
}

async fn an_answer_that_anybody_used_was_not_lost(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    let next = app.refresh(&db, &app.tokens.refresh).await.unwrap();
    assert!(lets_in(&db, &next.access).await);
    let used = "SELECT count(*) FROM oauth_tokens WHERE kind = 'access' AND used_at IS NOT NULL";
    eventually("the use is noted", async || (test.number(used).await == 1).then_some(())).await;
    assert_invalid_grant(app.refresh(&db, &app.tokens.refresh).await);
    assert!(!lets_in(&db, &next.access).await);
}

async fn who_has_a_lost_answer_ends_what_was_granted(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    let first = app.refresh(&db, &app.tokens.refresh).await.unwrap();
    let second = app.refresh(&db, &app.tokens.refresh).await.unwrap();
    // Two have got an answer: one of them is a thief.
    assert_invalid_grant(app.refresh(&db, &first.refresh).await);
    assert!(!lets_in(&db, &second.access).await);
    assert_invalid_grant(app.refresh(&db, &second.refresh).await);

    let (app, other) = (an_app(&db, &customer.id, Scopes::ALL).await, a_client(&db).await);
    app.refresh(&db, &app.tokens.refresh).await.unwrap();
    assert_invalid_grant(oauth::refresh(&db, &app.tokens.refresh, &other.id, None).await);
}

async fn of_many_who_exchange_the_same_at_once_one_gets_tokens_and_no_more(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let client = a_client(&db).await;
    let (_, code) = allow(&db, &customer.id, consent(&client, Scopes::ALL)).await.unwrap();
    let redemption = redemption(&client);
    let racing = join_all((0..8).map(|_| oauth::redeem(&db, &code, &redemption))).await;
    let winners: Vec<Issued> = racing.into_iter().filter_map(Result::ok).collect();
    assert_eq!(winners.len(), 1);
    // Of the eight, one was the app and the others had a copy.
    assert!(!lets_in(&db, &winners[0].access).await);

    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    // Eight tabs of one app: each takes the answer before for lost, and the last has what is good.
    let racing = join_all((0..8).map(|_| app.refresh(&db, &app.tokens.refresh))).await;
    let mut good = 0;
    for issued in racing {
        good += u32::from(lets_in(&db, &issued.unwrap().access).await);
    }
    assert_eq!(good, 1);
}

async fn an_app_asks_for_less_and_never_gets_more(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let granted = Scopes::from_iter([Scope::Read, Scope::Write]);
    let only_read = Scopes::from_iter([Scope::Read]);
    let app = an_app(&db, &customer.id, granted).await;
    for asked in [Scopes::ALL, Scopes::from_iter([Scope::Publish]), Scopes::NONE] {
        let result = unchanged(&test, oauth::refresh(&db, &app.tokens.refresh, &app.client.id, Some(asked))).await;
        assert!(matches!(result, Err(NotIssued::Scope)), "{result:?}");
    }
    let less = oauth::refresh(&db, &app.tokens.refresh, &app.client.id, Some(only_read)).await.unwrap();
    assert_eq!(oauth::authenticate(&db, &less.access, RESOURCE).await.unwrap().scopes, only_read);
    // What was granted is still there to be asked for.
    assert_eq!(app.refresh(&db, &less.refresh).await.unwrap().scopes, granted);
}

async fn everything_runs_out(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let client = a_client(&db).await;
    let (_, code) = allow(&db, &customer.id, consent(&client, Scopes::ALL)).await.unwrap();
    set_time(&test, "oauth_codes", "expires_at", now()).await;
    assert_invalid_grant(unchanged(&test, oauth::redeem(&db, &code, &redemption(&client))).await);

    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    set_time(&test, "oauth_tokens", "expires_at", now()).await;
    let refused = oauth::authenticate(&db, &app.tokens.access, RESOURCE).await.unwrap_err();
    assert!(matches!(refused, Refused::ExpiredToken), "{refused:?}");
    assert!(matches!(oauth::authenticate(&db, &app.tokens.access, "elsewhere").await, Err(Refused::UnknownKey)));
    assert_invalid_grant(unchanged(&test, app.refresh(&db, &app.tokens.refresh)).await);

    // However often it comes: what began almost a year ago is over in an hour.
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    set_time(&test, "oauth_grants", "created_at", now() - Duration::days(365) + Duration::hours(1)).await;
    app.refresh(&db, &app.tokens.refresh).await.unwrap();
    assert!(oauth::list(&db, &customer.id).await.unwrap()[0].expires_at < now() + Duration::hours(2));

    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    set_time(&test, "oauth_grants", "expires_at", now()).await;
    assert!(!lets_in(&db, &app.tokens.access).await);
    assert_invalid_grant(unchanged(&test, app.refresh(&db, &app.tokens.refresh)).await);
    assert!(oauth::list(&db, &customer.id).await.unwrap().is_empty());
}

async fn an_app_that_was_forgotten_is_told_so(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    for table in ["oauth_grants", "oauth_clients"] {
        test.execute(&format!("DELETE FROM {table}")).await;
    }
    let unknown = redemption(&app.client);
    for refused in [
        unchanged(&test, app.refresh(&db, &app.tokens.refresh)).await,
        unchanged(&test, oauth::redeem(&db, &app.code, &unknown)).await,
    ] {
        assert!(matches!(refused, Err(NotIssued::UnknownClient)), "{refused:?}");
    }
}

async fn a_token_is_for_one_server(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    for elsewhere in ["https://heycmo.example", "https://evil.example/mcp", ""] {
        let refused = oauth::authenticate(&db, &app.tokens.access, elsewhere).await.unwrap_err();
        assert!(matches!(refused, Refused::UnknownKey), "{refused:?}");
    }
}

async fn an_app_is_let_in_only_while_its_customer_may_be(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    let (_, code) = allow(&db, &customer.id, consent(&app.client, Scopes::ALL)).await.unwrap();
    customers::suspend(&db, &customer.id).await.unwrap();
    let refused = oauth::authenticate(&db, &app.tokens.access, RESOURCE).await.unwrap_err();
    assert!(matches!(refused, Refused::Inactive(CustomerStatus::Suspended)), "{refused:?}");
    for refused in [
        unchanged(&test, app.refresh(&db, &app.tokens.refresh)).await,
        unchanged(&test, oauth::redeem(&db, &code, &redemption(&app.client))).await,
    ] {
        assert!(matches!(refused, Err(NotIssued::Inactive(CustomerStatus::Suspended))), "{refused:?}");
    }
    customers::resume(&db, &customer.id).await.unwrap();
    assert!(lets_in(&db, &app.tokens.access).await);
    app.refresh(&db, &app.tokens.refresh).await.unwrap();
}

async fn what_is_taken_back_lets_nobody_in(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (app, other) = (an_app(&db, &customer.id, Scopes::ALL).await, an_app(&db, &customer.id, Scopes::ALL).await);
    oauth::revoke(&test.another_db().await, &customer.id, &app.grant.id).await.unwrap();
    assert!(!lets_in(&db, &app.tokens.access).await);
    assert_invalid_grant(app.refresh(&db, &app.tokens.refresh).await);
    assert_eq!(logged_types(&db, &customer.id).await.last(), Some(&"grant.revoked"));
    unchanged(&test, oauth::revoke(&db, &customer.id, &app.grant.id)).await.unwrap();
    assert_not_found(oauth::revoke(&db, &customer.id, &GrantId::new()).await);
    assert!(lets_in(&db, &other.tokens.access).await);
}

async fn an_app_says_goodbye_with_either_token_but_only_with_its_own(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let other = an_app(&db, &customer.id, Scopes::ALL).await;
    let tokens = |app: &App| [app.tokens.access.hash(), app.tokens.refresh.hash()];
    for which in [0, 1] {
        let app = an_app(&db, &customer.id, Scopes::ALL).await;
        let token = &tokens(&app)[which];
        let theirs = oauth::end(&db, token, Some(&other.client.id));
        assert!(matches!(unchanged(&test, theirs).await, Err(NotIssued::Invalid)));
        oauth::end(&db, token, Some(&app.client.id)).await.unwrap();
        assert!(!lets_in(&db, &app.tokens.access).await);
        // It had its answer lost.
        unchanged(&test, oauth::end(&db, token, None)).await.unwrap();
    }
    let nobodys = AccessToken::generate().unwrap().hash();
    unchanged(&test, oauth::end(&db, &nobodys, None)).await.unwrap();
    assert!(lets_in(&db, &other.tokens.access).await);
}

async fn nothing_of_a_code_or_token_is_stored(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let App { code, tokens, .. } = an_app(&db, &customer.id, Scopes::ALL).await;
    let rows = test.dump().await.join("\n");
    for secret in [code.expose(), tokens.access.expose(), tokens.refresh.expose(), VERIFIER] {
        let characters =
            secret.trim_start_matches("hcmo_ac_").trim_start_matches("hcmo_at_").trim_start_matches("hcmo_rt_");
        assert!(!rows.contains(&characters[..16]), "{secret}");
    }
}

async fn a_consent_is_to_something(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let client = a_client(&db).await;
    let allow = async |consent: Consent| allow(&db, &customer.id, consent).await;
    assert_invalid(unchanged(&test, allow(consent(&client, Scopes::NONE))).await, "scopes");
    let forgotten = Consent { client_id: "client_forgotten".to_owned(), ..consent(&client, Scopes::ALL) };
    assert_not_found(unchanged(&test, allow(forgotten)).await);
    let key = a_key(&db, &customer.id).await;
    let of_nobody = ApiKey { customer_id: CustomerId::new(), ..key.clone() };
    assert_not_found(unchanged(&test, oauth::allow(&db, &of_nobody, consent(&client, Scopes::ALL))).await);
    // Whoever agreed had shown a key that was revoked before they pressed.
    keys::revoke(&db, &customer.id, &key.id).await.unwrap();
    assert_conflict(unchanged(&test, oauth::allow(&db, &key, consent(&client, Scopes::ALL))).await, "key_revoked");
}

async fn there_are_only_so_many_apps(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let allow = async |client: &Client| allow(&db, &customer.id, consent(client, Scopes::ALL)).await;
    let mut last = None;
    for _ in 0..100 {
        let client = a_client(&db).await;
        last = Some(allow(&client).await.unwrap().0.id);
    }
    let client = a_client(&db).await;
    assert_conflict(unchanged(&test, allow(&client)).await, "too_many_apps");
    oauth::revoke(&db, &customer.id, &last.unwrap()).await.unwrap();
    allow(&client).await.unwrap();
}

async fn an_app_that_is_let_in_again_and_again_is_one_app(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (client, other) = (a_client(&db).await, a_client(&db).await);
    let (read, write) = (Scopes::from_iter([Scope::Read]), Scopes::from_iter([Scope::Read, Scope::Write]));
    let let_in = async |client: &Client, scopes| {
        let (grant, code) = allow(&db, &customer.id, consent(client, scopes)).await.unwrap();
        (grant, oauth::redeem(&db, &code, &redemption(client)).await.unwrap())
    };
    let (_, elsewhere) = let_in(&other, read).await;
    let (first, oldest) = let_in(&client, write).await;
    let mut others = Vec::new();
    for _ in 0..9 {
        others.push(let_in(&client, read).await);
    }
    assert!(lets_in(&db, &oldest.access).await);
    let used = async || oauth::apps(&db, &customer.id).await.unwrap()[0].last_used_at;
    eventually("the use is noted", used).await;
    let apps = oauth::apps(&db, &customer.id).await.unwrap();
    assert_eq!(apps.iter().map(|app| app.grants).collect::<Vec<_>>(), [10, 1]);
    assert_eq!((&apps[0].newest.id, apps[0].since, apps[0].scopes), (&others[8].0.id, first.created_at, write));

    // On the eleventh computer the one ends that was heard of longest ago, and it is not the one that was just used.
    let (last, tokens) = let_in(&client, read).await;
    assert!(lets_in(&db, &oldest.access).await && lets_in(&db, &others[1].1.access).await);
    assert!(!lets_in(&db, &others[0].1.access).await);
    assert_eq!(oauth::apps(&db, &customer.id).await.unwrap()[0].grants, 10);
    oauth::revoke(&db, &customer.id, &last.id).await.unwrap();
    for ended in [&oldest, &others[1].1, &tokens] {
        assert!(!lets_in(&db, &ended.access).await);
    }
    assert!(lets_in(&db, &elsewhere.access).await);
}

async fn there_are_only_so_many_apps_that_nobody_let_in(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let let_in = an_app(&db, &customer.id, Scopes::ALL).await;
    let made_at = now().to_rfc3339();
    for thousand in 0..10 {
        let row = |n: i32| format!("('client_{thousand}_{n}', 'Flood', '[]', '{made_at}')");
        let rows = (0..1_000).map(row).collect::<Vec<_>>().join(", ");
        test.execute(&format!("INSERT INTO oauth_clients (id, name, redirect_uris, created_at) VALUES {rows}")).await;
    }
    let new = NewClient { name: "One more".to_owned(), redirect_uris: vec![REDIRECT_URI.to_owned()] };
    assert_conflict(oauth::register(&db, new.clone()).await, "too_many_clients");
    let document = "https://app.example/client.json";
    assert_conflict(oauth::keep_document(&db, document, new.clone(), now()).await, "too_many_clients");
    // After an hour the oldest give way, and the one that was let in does not.
    set_time(&test, "oauth_clients", "created_at", now() - Duration::hours(2)).await;
    let last = oauth::register(&db, new.clone()).await.unwrap();
    oauth::keep_document(&db, document, new, now()).await.unwrap();
    assert!(oauth::client(&db, &last.id).await.unwrap().is_some());
    assert!(oauth::client(&db, &let_in.client.id).await.unwrap().is_some());
    assert_eq!(test.number("SELECT count(*) FROM oauth_clients").await, 10_000 - 100 + 3);
    // A month later all are forgotten that nobody let in.
    set_time(&test, "oauth_clients", "created_at", now() - Duration::days(31)).await;
    oauth::forget_dead(&db).await.unwrap();
    assert_eq!(test.number("SELECT count(*) FROM oauth_clients").await, 1);
}

async fn of_many_grants_those_still_accepted_are_told(test: TestDb) {
    let db = test.db();
    let ((customer, _), (suspended, _)) = (a_customer(&db).await, a_customer(&db).await);
    let grant = async |id: &CustomerId| an_app(&db, id, Scopes::ALL).await.grant.id;
    let (good, revoked, of_suspended) =
        (grant(&customer.id).await, grant(&customer.id).await, grant(&suspended.id).await);
    oauth::revoke(&db, &customer.id, &revoked).await.unwrap();
    customers::suspend(&db, &suspended.id).await.unwrap();
    // More than one statement can take.
    let mut asked: Vec<_> = (0..2_500).map(|_| GrantId::new()).collect();
    asked.extend([revoked, of_suspended, good.clone()]);
    assert_eq!(oauth::still_accepted(&db, asked).await.unwrap(), [good]);
    assert_eq!(oauth::still_accepted(&db, Vec::new()).await.unwrap(), []);
}

async fn what_a_document_says_is_kept_until_it_says_otherwise(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let id = "https://app.example/client.json";
    let says = |name: &str| NewClient { name: name.to_owned(), redirect_uris: vec![REDIRECT_URI.to_owned()] };
    let first = oauth::keep_document(&db, id, says("Old"), now()).await.unwrap();
    let (grant, _) = allow(&db, &customer.id, consent(&first, Scopes::ALL)).await.unwrap();
    let until = now() + Duration::hours(1);
    let second = oauth::keep_document(&db, id, says("New"), until).await.unwrap();
    assert_eq!((second.id.as_str(), second.name.as_str(), second.fresh_until), (id, "New", Some(until)));
    assert!(second.last_used_at.is_some(), "that it was let in is still known");
    assert_eq!(oauth::client(&db, id).await.unwrap(), Some(second));
    let listed = oauth::list(&db, &customer.id).await.unwrap();
    assert_eq!((listed[0].id.clone(), listed[0].client_name.as_str()), (grant.id, "Old"), "as the person read it");
}

async fn what_is_over_is_forgotten_and_what_is_not_is_kept(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let (over, kept) = (an_app(&db, &customer.id, Scopes::ALL).await, an_app(&db, &customer.id, Scopes::ALL).await);
    unchanged(&test, oauth::forget_dead(&db)).await.unwrap();
    oauth::revoke(&db, &customer.id, &over.grant.id).await.unwrap();
    // Still known: a copy of its code or token may come.
    unchanged(&test, oauth::forget_dead(&db)).await.unwrap();

    let long_ago = (now() - Duration::days(8)).to_rfc3339();
    let id = &over.grant.id;
    test.execute(&format!("UPDATE oauth_grants SET revoked_at = '{long_ago}' WHERE id = '{id}'")).await;
    set_time(&test, "oauth_clients", "last_used_at", now() - Duration::days(100)).await;
    oauth::forget_dead(&db).await.unwrap();
    for (table, rows) in [("oauth_grants", 1), ("oauth_clients", 1), ("oauth_codes", 1), ("oauth_tokens", 2)] {
        assert_eq!(test.number(&format!("SELECT count(*) FROM {table}")).await, rows, "{table}");
    }
    assert!(lets_in(&db, &kept.tokens.access).await);
    kept.refresh(&db, &kept.tokens.refresh).await.unwrap();
}

async fn the_last_use_is_noted(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = an_app(&db, &customer.id, Scopes::ALL).await;
    let last_use = async || oauth::list(&db, &customer.id).await.unwrap()[0].last_used_at;
    assert_eq!(last_use().await, None);
    assert!(lets_in(&db, &app.tokens.access).await);
    eventually("the use is noted", last_use).await;
}

/// Lets an app in by who has shown this key.
async fn an_app_by(db: &Db, key: &ApiKey) -> App {
    let client = a_client(db).await;
    let (grant, code) = oauth::allow(db, key, consent(&client, Scopes::ALL)).await.unwrap();
    let tokens = oauth::redeem(db, &code, &redemption(&client)).await.unwrap();
    App { grant, client, code, tokens }
}

async fn a_key_by(db: &Db, maker: &ApiKey) -> (ApiKey, PlainKey) {
    let new = NewKey { made_by: Some(maker.id.clone()), ..NewKey::default() };
    keys::create(db, &maker.customer_id, new).await.unwrap()
}

async fn what_a_leaked_key_made_and_let_in_ends_with_it(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let own = a_key(&db, &customer.id).await;
    let (found, plain) = a_key_by(&db, &own).await;
    let (made, _) = a_key_by(&db, &found).await;
    let (made_by_made, _) = a_key_by(&db, &made).await;
    let apps = [an_app_by(&db, &found).await, an_app_by(&db, &made).await, an_app_by(&db, &made_by_made).await];
    let (others_key, _) = a_key_by(&db, &own).await;
    let others_app = an_app_by(&db, &own).await;
    // Whoever covers their tracks does not get away with it.
    keys::revoke(&db, &customer.id, &made.id).await.unwrap();
    let before = whole_log(&db, &customer.id).await.len();

    keys::revoke_leaked(&db, &plain, &FoundAt::default()).await.unwrap();
    let asked = [&own, &found, &made, &made_by_made, &others_key].map(|key| key.id.clone()).to_vec();
    let mut left = keys::still_accepted(&db, asked).await.unwrap();
    left.sort();
    assert_eq!(left, [own.id.clone(), others_key.id]);
    for app in &apps {
        assert!(!lets_in(&db, &app.tokens.access).await);
    }
    assert!(lets_in(&db, &others_app.tokens.access).await);
    let log = whole_log(&db, &customer.id).await;
    let told: Vec<(&str, &Value)> = log[before..]
        .iter()
        .map(|event| (event.event_type.as_str(), event.data.get("by").unwrap_or(&Value::Null)))
        .collect();
    let server = json!("server");
    let ends = [("key.revoked", &server), ("key.revoked", &server), ("grant.revoked", &server)];
    let more = [("grant.revoked", &server), ("grant.revoked", &server)];
    assert_eq!(told, [&[("key.leaked", &Value::Null)], &ends[..], &more[..]].concat());
    keys::revoke_leaked(&db, &plain, &FoundAt::default()).await.unwrap();
    assert_eq!(whole_log(&db, &customer.id).await, log, "the same report may come again");

    // Nor does anything come of it after that.
    let new = NewKey { made_by: Some(found.id.clone()), ..NewKey::default() };
    assert_conflict(keys::create(&db, &customer.id, new).await, "key_revoked");
    let last = log.iter().rfind(|event| event.event_type.as_str() == "key.created").unwrap();
    assert_eq!((&last.data["madeBy"], &last.data["by"]), (&json!(own.id), &json!("customer")));
}

async fn an_app_ends_with_the_key_by_which_it_was_let_in(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let until = async |left: Duration| {
        let new = NewKey { expires_at: Some(now() + left), ..NewKey::default() };
        keys::create(&db, &customer.id, new).await.unwrap().0
    };
    let listed = async || oauth::list(&db, &customer.id).await.unwrap().remove(0).expires_at;
    let key = until(Duration::days(1)).await;
    let app = an_app_by(&db, &key).await;
    assert_eq!(Some(listed().await), key.expires_at);
    app.refresh(&db, &app.tokens.refresh).await.unwrap();
    assert_eq!(Some(listed().await), key.expires_at, "however often it comes");
    // Nor is there a token or a code that is good for longer.
    let key = until(Duration::seconds(50)).await;
    let app = an_app_by(&db, &key).await;
    assert_eq!(Some(app.grant.expires_at), key.expires_at);
    let accepted = oauth::authenticate(&db, &app.tokens.access, RESOURCE).await.unwrap();
    assert_eq!(Some(accepted.expires_at), key.expires_at);
}

async fn an_app_whose_token_everybody_can_read_is_shut_out_and_told_of_once(test: TestDb) {
    let db = test.db();
    let ((customer, _), (other, _)) = (a_customer(&db).await, a_customer(&db).await);
    let (app, kept) = (an_app(&db, &customer.id, Scopes::ALL).await, an_app(&db, &customer.id, Scopes::ALL).await);
    let place = FoundAt { url: Some("https://code.example/a".to_owned()), source: Some("Commit".to_owned()) };
    let before = whole_log(&db, &customer.id).await.len();
    for token in [app.tokens.refresh.hash(), app.tokens.refresh.hash(), app.tokens.access.hash()] {
        assert_eq!(oauth::end_leaked(&db, &token, &place).await.unwrap().as_ref(), Some(&customer.id));
        assert!(!lets_in(&db, &app.tokens.access).await);
    }
    let log = whole_log(&db, &customer.id).await;
    let told: Vec<_> = log[before..].iter().map(|event| (event.event_type.as_str(), event.data.clone())).collect();
    let data = json!({"grantId": app.grant.id, "clientName": "Claude", "url": place.url, "source": "Commit"});
    assert_eq!(told, [("grant.leaked", data)]);
    assert_eq!(keys::leaked_lately(&db, &customer.id).await.unwrap(), log[before..]);
    assert!(keys::leaked_lately(&db, &other.id).await.unwrap().is_empty());
    assert!(lets_in(&db, &kept.tokens.access).await);
    let nobodys = RefreshToken::generate().unwrap().hash();
    assert_eq!(oauth::end_leaked(&db, &nobodys, &place).await.unwrap(), None);
}

async fn the_log_says_who_ended_what_an_app_might_do(test: TestDb) {
    let db = test.db();
    let (customer, _) = a_customer(&db).await;
    let app = async || an_app(&db, &customer.id, Scopes::ALL).await;
    let (taken_back, gone, copied) = (app().await, app().await, app().await);
    oauth::revoke(&db, &customer.id, &taken_back.grant.id).await.unwrap();
    oauth::end(&db, &gone.tokens.access.hash(), None).await.unwrap();
    assert_invalid_grant(oauth::redeem(&db, &copied.code, &redemption(&copied.client)).await);
    let log = whole_log(&db, &customer.id).await;
    let told: Vec<_> = log[log.len() - 3..].iter().map(|it| (it.event_type.as_str(), &it.data["by"])).collect();
    let (by_customer, by_app, by_server) = (json!("customer"), json!("app"), json!("server"));
    assert_eq!(told, [("grant.revoked", &by_customer), ("grant.revoked", &by_app), ("grant.reused", &by_server)]);
}
