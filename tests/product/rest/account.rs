use std::collections::BTreeSet;

use entity::ids::CustomerId;
use entity::{customers, keys as api_keys};
use serde_json::json;

use super::health::assert_timestamp;
use crate::support::{MCP_URL, Product, assert_refused, json_of, keys, refusal};

#[tokio::test]
async fn a_customer_reads_their_account() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let path = format!("/api/customer/{}", customer.id);
    let response = product.get(&path, &customer.key).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = response.json().await.unwrap();
    let expected = ["brandName", "createdAt", "email", "id", "mcpEndpoint", "plan", "status"];
    assert_eq!(keys(&body), BTreeSet::from(expected));
    assert_eq!(body["id"], customer.id.as_str());
    assert_eq!(
        (&body["plan"], &body["status"], &body["brandName"]),
        (&json!("pro"), &json!("onboarding"), &json!(null))
    );
    assert_eq!(body["mcpEndpoint"], format!("{MCP_URL}/mcp/sse?token={}", customer.key));
    assert_timestamp(body["createdAt"].as_str().unwrap());

    let assistant = product.assistant(&customer.key).await;
    assistant.call("update_brand", json!({"name": "Acme Corp"})).await;
    assert_eq!(json_of(product.get(&path, &customer.key)).await["brandName"], "Acme Corp");
}

/// Every route that is the customer's own: another's id must look like one that there is not.
#[tokio::test]
async fn another_customers_id_is_as_good_as_unknown() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let unknown = CustomerId::new();
    for route in ["/api/customer/{}", "/api/events/{}", "/api/events/{}/stream"] {
        let mut bodies = Vec::new();
        for id in [anna.id.as_str(), unknown.as_str(), "nobody", "%00", "cust_"] {
            let refused = refusal(product.get(&route.replace("{}", id), &ben.key)).await;
            assert_refused(&refused, 404, "not_found");
            bodies.push((refused.1["error"].clone(), keys(&refused.1).len()));
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    }
}

#[tokio::test]
async fn a_key_is_needed_and_has_to_be_good() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let other_prefix = customer.key.replace("live", "test");
    let unknown = format!("hcmo_live_{}", "0".repeat(64));
    for route in ["/api/customer/{}", "/api/events/{}", "/api/events/{}/stream"] {
        let url = format!("{}{}", product.gateway, route.replace("{}", customer.id.as_str()));
        assert_refused(&refusal(product.http.get(&url)).await, 401, "missing_key");
        assert_refused(&refusal(product.http.get(&url).basic_auth(&customer.key, Some(""))).await, 401, "missing_key");
        // Only assistants that take nothing but an address have the key in it.
        let in_query = product.http.get(format!("{url}?token={}", customer.key));
        assert_refused(&refusal(in_query).await, 401, "missing_key");
        for key in ["x", &unknown, &other_prefix, &customer.key.to_uppercase(), &format!("{}0", customer.key)] {
            assert_refused(&refusal(product.http.get(&url).bearer_auth(key)).await, 401, "invalid_key");
        }
    }
    for path in ["/mcp", "/mcp/sse"] {
        let url = format!("{}{path}", product.mcp);
        assert_refused(&refusal(product.http.get(&url)).await, 401, "missing_key");
        assert_refused(&refusal(product.http.get(format!("{url}?token={unknown}"))).await, 401, "invalid_key");
    }
}

#[tokio::test]
async fn a_suspended_customer_is_told_so_until_they_are_resumed() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let db = product.test.db();
    let own = || product.get(&format!("/api/customer/{}", customer.id), &customer.key);
    customers::suspend(&db, &customer.id).await.unwrap();
    let refused = refusal(own()).await;
    assert_refused(&refused, 403, "account_inactive");
    assert!(refused.1["error"].as_str().unwrap().contains("suspended"), "{}", refused.1);
    let mcp = product.http.get(format!("{}/mcp", product.mcp)).bearer_auth(&customer.key);
    assert_refused(&refusal(mcp).await, 403, "account_inactive");
    customers::resume(&db, &customer.id).await.unwrap();
    assert_eq!(json_of(own()).await["status"], "onboarding");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let db = product.test.db();
    let (_, other) = api_keys::create(&db, &customer.id, api_keys::NewKey::default()).await.unwrap();
    let first = api_keys::list(&db, &customer.id).await.unwrap().into_iter().min_by_key(|key| key.created_at).unwrap();
    api_keys::revoke(&db, &customer.id, &first.id).await.unwrap();
    let path = format!("/api/customer/{}", customer.id);
    assert_refused(&refusal(product.get(&path, &customer.key)).await, 401, "invalid_key");
    let body = json_of(product.get(&path, other.expose())).await;
    assert_eq!(body["mcpEndpoint"], format!("{MCP_URL}/mcp/sse?token={}", other.expose()));
}
