//! From an e-mail address to a key that works.

use futures::future::join_all;
use harness::mcp::Caller;
use reqwest::Method;
use serde_json::{Value, json};

use super::shop::{Shop, Subscriber, answer, assert_refused, session_in, text};

/// When Stripe's events come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Webhooks {
    First,
    Last,
    Never,
}

#[tokio::test]
async fn a_paid_checkout_gives_a_key_that_works_at_once_whenever_the_webhooks_come() {
    for webhooks in [Webhooks::First, Webhooks::Last, Webhooks::Never] {
        let shop = Shop::open().await;
        shop.delivers(webhooks == Webhooks::First).await;
        let session = shop.checkout("Anna@Example.com").await;
        let paid = shop.at_checkout(&session, "pay").await;
        assert_eq!(paid["payment_status"], "paid");
        if webhooks == Webhooks::First {
            shop.is_up_to_date().await;
        }
        let (status, claimed) = shop.claim(&session).await;
        assert_eq!((status, &claimed["email"]), (200, &json!("anna@example.com")), "{webhooks:?}: {claimed}");
        let key = text(&claimed, "apiKey");
        assert!(text(&claimed, "mcpEndpoint").ends_with(&format!("/mcp/sse?token={key}")), "{claimed}");
        works(&shop, &claimed, &key).await;
        if webhooks == Webhooks::Last {
            shop.delivers(true).await;
            shop.is_up_to_date().await;
        }

        let (status, again) = shop.claim(&session).await;
        assert_eq!((status, &again["apiKey"]), (200, &Value::Null), "{webhooks:?}: {again}");
        assert_eq!((&again["customerId"], &again["email"]), (&claimed["customerId"], &claimed["email"]));
        assert!(text(&again, "mcpEndpoint").ends_with("/mcp/sse?token=YOUR_API_KEY"), "{again}");
        works(&shop, &claimed, &key).await;
        let deliveries = shop.stripe_events().await;
        let any = deliveries.iter().any(|event| !event["deliveries"].as_array().unwrap().is_empty());
        assert_eq!(any, webhooks != Webhooks::Never, "{webhooks:?}");
    }
}

/// The key opens both servers.
async fn works(shop: &Shop, claimed: &Value, key: &str) {
    let id = text(claimed, "customerId");
    let account = Caller::new(&shop.server.gateway, key).get(&format!("/api/customer/{id}")).await.unwrap();
    assert_eq!((&account["email"], &account["plan"]), (&claimed["email"], &json!("pro")));
    let mcp = Caller::new(&shop.server.mcp, key);
    assert_eq!(mcp.call(1, "get_account", json!({})).await.unwrap()["customerId"], id);
    assert_eq!(mcp.connect_sse().await.unwrap().call("get_account", json!({})).await.unwrap()["customerId"], id);
}

#[tokio::test]
async fn of_fifty_claims_at_once_one_gets_the_key() {
    let shop = Shop::open().await;
    let session = shop.checkout("anna@example.com").await;
    // The events come at the same time and make the same customer.
    shop.at_checkout(&session, "pay").await;
    let claims = join_all((0..50).map(|_| shop.claim(&session))).await;
    let ids: Vec<_> = claims.iter().map(|(_, body)| body["customerId"].clone()).collect();
    assert!(claims.iter().all(|(status, _)| *status == 200), "{claims:?}");
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let keys: Vec<_> = claims.iter().filter_map(|(_, body)| body["apiKey"].as_str()).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    let caller = Caller::new(&shop.server.gateway, keys[0]);
    let listed = caller.get(&format!("/api/customer/{}/keys", ids[0].as_str().unwrap())).await.unwrap();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
    shop.is_up_to_date().await;
    let log = caller.get(&format!("/api/events/{}", ids[0].as_str().unwrap())).await.unwrap();
    let made = log["events"].as_array().unwrap().iter().filter(|event| event["type"] == "customer.created");
    assert_eq!(made.count(), 1, "{log}");
}

#[tokio::test]
async fn what_is_not_paid_gives_no_key() {
    let shop = Shop::open().await;
    let session = shop.checkout("anna@example.com").await;
    assert_refused(&shop.claim(&session).await, 409, "checkout_incomplete");
    shop.at_checkout(&session, "fail").await;
    assert_refused(&shop.claim(&session).await, 409, "checkout_incomplete");
    shop.at_checkout(&session, "expire").await;
    assert_refused(&shop.claim(&session).await, 410, "checkout_expired");

    let session = shop.checkout("ben@example.com").await;
    shop.at_checkout(&session, "pay_later").await;
    assert_refused(&shop.claim(&session).await, 409, "checkout_incomplete");
    shop.is_up_to_date().await;
    assert_refused(&shop.claim(&session).await, 409, "checkout_incomplete");
    shop.at_checkout(&session, "settle").await;
    assert!(shop.claim(&session).await.1["apiKey"].is_string());
    shop.is_up_to_date().await;

    let long = format!("cs_test_{}", "a".repeat(300));
    let calls = shop.stripe_calls().await.len();
    for malformed in ["nonsense", "cs_test_", "cs_test_a%2Fb", "cs_test_..%2F..%2Fcustomers", "sub_1", &long] {
        assert_refused(&shop.claim(malformed).await, 404, "not_found");
    }
    assert_eq!(shop.stripe_calls().await.len(), calls, "what has not the form of an id does not reach Stripe");
    assert_refused(&shop.claim("cs_test_01ARZ3NDEKTSV4RRFFQ69G5FAV").await, 404, "not_found");
}

#[tokio::test]
async fn a_checkout_that_is_not_for_this_product_is_unknown() {
    let shop = Shop::open().await;
    let url = format!("{}/v1/checkout/sessions", shop.server.sandbox);
    let form = "mode=subscription&line_items[0][price]=price_sandbox_pro&line_items[0][quantity]=1\
                &customer_email=anna%40example.com&success_url=https%3A%2F%2Fshop.example";
    let request = shop.http.post(url).bearer_auth("sk_test_other").body(form);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let (status, made) = answer(request).await;
    assert_eq!(status, 200, "{made}");
    let session = text(&made, "id");
    shop.at_checkout(&session, "pay").await;
    assert_refused(&shop.claim(&session).await, 404, "not_found");
    shop.is_up_to_date().await;
    assert_refused(&shop.claim(&session).await, 404, "not_found");
    assert!(!shop.terminal().heycmo("customer list").await.contains("anna@example.com"));
}

#[tokio::test]
async fn who_comes_back_gets_the_account_back_but_no_key() {
    let shop = Shop::open().await;
    let anna = shop.subscriber("anna@example.com").await;
    assert_refused(&shop.checkout_with(json!({"email": " ANNA@example.com"})).await, 409, "already_subscribed");
    shop.at_stripe(&anna.subscription, "cancel").await;
    anna.is_answered(403).await;

    let session = shop.checkout("anna@example.com").await;
    shop.at_checkout(&session, "pay").await;
    let claimed = shop.claim(&session).await;
    let expected = json!({"customerId": anna.id, "email": anna.email, "apiKey": null,
        "mcpEndpoint": format!("{}/mcp/sse?token=YOUR_API_KEY", shop.server.mcp)});
    assert_eq!(claimed, (200, expected));
    anna.is_answered(200).await;
    assert_eq!(anna.mcp.call(1, "get_account", json!({})).await.unwrap()["customerId"], anna.id);
    shop.is_up_to_date().await;
    assert_eq!(anna.account().await.0, 200, "the older subscription's events change nothing");
    assert_eq!(shop.claim(&session).await.1["apiKey"], Value::Null);
    assert_refused(&shop.checkout_with(json!({"email": "anna@example.com"})).await, 409, "already_subscribed");
}

#[tokio::test]
async fn whoever_knows_an_address_learns_nothing_of_a_stranger() {
    let shop = Shop::open().await;
    let Subscriber { id, key, session, .. } = shop.subscriber("anna@example.com").await;
    let refused = shop.checkout_with(json!({"email": "anna@example.com"})).await;
    assert_refused(&refused, 409, "already_subscribed");
    for secret in [id, key, session, "cus_".to_owned(), "sub_".to_owned()] {
        assert!(!refused.1.to_string().contains(&secret), "{}", refused.1);
    }
}

#[tokio::test]
async fn bad_input_is_told_by_field_and_never_reaches_stripe() {
    let shop = Shop::open().await;
    for (field, body) in [
        ("email", json!({"email": ""})),
        ("email", json!({"email": "anna"})),
        ("email", json!({"email": "anna@"})),
        ("email", json!({"email": format!("{}@example.com", "a".repeat(300))})),
        ("plan", json!({"email": "anna@example.com", "plan": "gold"})),
    ] {
        let refused = shop.checkout_with(body.clone()).await;
        assert_refused(&refused, 400, "invalid_input");
        assert!(refused.1["fields"][field].is_string(), "{body}: {}", refused.1);
    }
    for body in [json!({}), json!({"email": 1}), json!({"email": "anna@example.com", "price": "price_1"})] {
        let refused = shop.checkout_with(body.clone()).await;
        assert_eq!(refused.0, 400, "{body}: {}", refused.1);
    }
    assert_eq!(shop.stripe_calls().await, Vec::<Value>::new());
    let (status, body) = shop.checkout_with(json!({"email": "anna@example.com", "plan": "pro"})).await;
    assert_eq!(status, 200, "{body}");
    // Who asks twice gets the same checkout.
    assert_eq!(shop.checkout("anna@example.com").await, session_in(&body));
}

#[tokio::test]
async fn the_page_of_the_checkout_leads_back_with_its_id() {
    let shop = Shop::open().await;
    let (_, body) = shop.checkout_with(json!({"email": "anna@example.com"})).await;
    assert!(shop.http.get(text(&body, "url")).send().await.unwrap().status().is_success());
    let paid = shop.at_checkout(&session_in(&body), "pay").await;
    let success = text(&paid, "success_url");
    assert_eq!(success, format!("{}/checkout/success?session_id={{CHECKOUT_SESSION_ID}}", shop.server.gateway));
    let (status, _) = answer(shop.gateway(Method::GET, &format!("/api/session/{}", session_in(&body)))).await;
    assert_eq!(status, 200);
}
