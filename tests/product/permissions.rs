//! What keys and apps may do: read, write, publish, each by itself, in every way that there is to do it.

use std::collections::BTreeSet;

use entity::scopes::{Scope, Scopes};
use harness::mcp::Caller;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::pages::support::{Browser, location, page};
use crate::support::{Account, Assistant, Product, assert_refused, error_of, json_of, next_year, refusal};

/// What lets something go out.
const PUBLISHING: [&str; 2] = ["publish_content", "schedule_content"];

fn only(scope: Scope) -> Scopes {
    Scopes::from_iter([scope])
}

/// By what a tool says of itself.
fn needed(name: &str, tool: &Value) -> Scope {
    match tool["annotations"]["readOnlyHint"].as_bool().unwrap() {
        _ if PUBLISHING.contains(&name) => Scope::Publish,
        true => Scope::Read,
        false => Scope::Write,
    }
}

async fn a_key_holder(product: &Product, customer: &Account, scopes: Scopes) -> Assistant {
    product.assistant(&product.key_for(&customer.id, scopes).await).await
}

#[tokio::test]
async fn every_tool_is_listed_and_done_for_who_may_and_for_nobody_else() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let all = product.assistant(&customer.key).await.tools;
    assert!(all.len() > 20 && PUBLISHING.iter().all(|name| all.contains_key(*name)));
    for scope in Scope::ALL {
        let assistant = a_key_holder(&product, &customer, only(scope)).await;
        for (name, tool) in &all {
            assert_eq!(tool["_meta"]["heycmo.ai/scope"], needed(name, tool).as_str(), "{name}");
            let is_theirs = needed(name, tool) == scope;
            assert_eq!(assistant.tools.contains_key(name), is_theirs, "{name} for {scope}");
            let before = product.state_of(&customer.id).await;
            // An approval needs more.
            let arguments = if name == "review_content" { json!({"decision": "rejected"}) } else { json!({}) };
            let said = assistant.say(name, &arguments).await.unwrap();
            let lacks = said.text.contains("does not have the permission");
            assert_eq!(lacks, !is_theirs, "{name} for {scope}: {}", said.text);
            if lacks {
                assert!(said.is_error && said.text.contains("HeyCMO's own pages"), "{}", said.text);
                assert_eq!(product.state_of(&customer.id).await, before, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn prompts_and_resources_are_for_readers() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let reader = a_key_holder(&product, &customer, only(Scope::Read)).await;
    reader.prompt("brand_interview", json!({})).await.unwrap();
    reader.read("heycmo://brand").await.unwrap();
    reader.client.list_all_resources().await.unwrap();
    reader.subscribe("heycmo://brand").await.unwrap();
    for scope in [Scope::Write, Scope::Publish] {
        let other = a_key_holder(&product, &customer, only(scope)).await;
        for refused in [
            other.prompt("brand_interview", json!({})).await.unwrap_err(),
            other.read("heycmo://brand").await.unwrap_err(),
            other.client.list_all_resources().await.unwrap_err().to_string(),
            other.subscribe("heycmo://brand").await.unwrap_err().to_string(),
        ] {
            assert!(refused.contains("permission `read`"), "{refused}");
        }
    }
}

/// Approving, giving a time and publishing all end in something being out; whoever may not do that can do none of them,
/// whichever comes first.
#[tokio::test]
async fn nothing_goes_out_by_who_may_only_write() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let owner = product.assistant(&customer.key).await;
    let writer = a_key_holder(&product, &customer, Scopes::from_iter([Scope::Read, Scope::Write])).await;
    let id = writer.a_piece("Fonts make pages slow.").await;
    let review = |decision: &str| json!({"contentId": id, "decision": decision, "decidedBy": "Anna", "reason": "so"});
    let time = json!({"contentId": id, "at": next_year("06-01T09:00")});
    for (tool, arguments) in [
        ("review_content", review("approved")),
        ("schedule_content", time.clone()),
        ("publish_content", json!({"contentId": id})),
    ] {
        let text = writer.refused(tool, arguments).await;
        assert!(text.contains("permission `publish`"), "{tool}: {text}");
    }
    // Deciding against something lets nothing go out.
    for decision in ["revised", "rejected"] {
        writer.call("review_content", review(decision)).await;
    }
    writer.call("update_content", json!({"contentId": id, "body": "Fonts make pages slower."})).await;

    // Due, and then written anew by the writer: it waits for a person again.
    owner.call("review_content", review("approved")).await;
    owner.call("schedule_content", time).await;
    let said = writer.call("update_content", json!({"contentId": id, "body": "Buy now."})).await;
    assert_eq!(said.data["content"]["status"], "in_review");
    let text = writer.refused("schedule_content", json!({"contentId": id})).await;
    assert!(text.contains("permission `publish`"), "{text}");
}

fn rest(product: &Product, method: Method, path: &str, key: &str) -> RequestBuilder {
    product.http.request(method, format!("{}{path}", product.gateway)).bearer_auth(key)
}

#[tokio::test]
async fn the_api_reads_for_readers_and_writes_for_writers() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let (reader, writer) = (
        product.key_for(&customer.id, only(Scope::Read)).await,
        product.key_for(&customer.id, only(Scope::Write)).await,
    );
    let id = &customer.id;
    let reading = [format!("/api/customer/{id}"), format!("/api/customer/{id}/keys"), format!("/api/events/{id}")];
    for path in &reading {
        json_of(rest(&product, Method::GET, path, &reader)).await;
        let refused = refusal(rest(&product, Method::GET, path, &writer)).await;
        assert_refused(&refused, 403, "insufficient_scope");
    }
    let writing = [
        (Method::POST, format!("/api/customer/{id}/keys")),
        (Method::DELETE, format!("/api/customer/{id}/keys/key_01M851E88BEZS4E1V4ZSCPXFGH")),
        (Method::POST, format!("/api/onboard/{id}")),
        (Method::POST, format!("/api/connect/{id}")),
        (Method::DELETE, format!("/api/connections/{id}/x")),
        (Method::POST, format!("/api/billing/portal/{id}")),
    ];
    for (method, path) in writing {
        let before = product.state_of(id).await;
        let refused = refusal(rest(&product, method.clone(), &path, &reader).json(&json!({}))).await;
        assert_refused(&refused, 403, "insufficient_scope");
        assert!(refused.1["error"].as_str().unwrap().contains("`write`"), "{method} {path}: {}", refused.1);
        assert_eq!(product.state_of(id).await, before);
    }
    json_of(rest(&product, Method::POST, &format!("/api/onboard/{id}"), &writer)).await;
}

#[tokio::test]
async fn a_key_makes_no_key_that_may_do_more_than_itself() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let path = format!("/api/customer/{}/keys", customer.id);
    let make = |key: &str, body: Value| rest(&product, Method::POST, &path, key).json(&body);
    let made = json_of(make(&customer.key, json!({"scopes": ["write", "read"]}))).await;
    assert_eq!(made["scopes"], json!(["read", "write"]));
    let writer = made["apiKey"].as_str().unwrap();
    assert_eq!(json_of(make(writer, json!({}))).await["scopes"], json!(["read", "write"]));
    assert_eq!(json_of(make(writer, json!({"scopes": ["read"]}))).await["scopes"], json!(["read"]));
    for scopes in [json!(["publish"]), json!(["read", "write", "publish"])] {
        assert_refused(&refusal(make(writer, json!({"scopes": scopes}))).await, 403, "insufficient_scope");
    }
    assert_eq!(json_of(make(&customer.key, json!({}))).await["scopes"], json!(["read", "write", "publish"]));
    for wrong in [json!([]), json!(["admin"]), json!("read"), json!([1])] {
        let refused = refusal(make(&customer.key, json!({"scopes": wrong}))).await;
        assert_refused(&refused, 400, "invalid_input");
        assert!(refused.1["fields"].as_object().unwrap().keys().next().unwrap().starts_with("scopes"), "{}", refused.1);
    }
    let listed = json_of(product.get(&path, &customer.key)).await;
    assert_eq!(listed["keys"][0]["scopes"], json!(["read", "write", "publish"]));
}

#[tokio::test]
async fn the_pages_let_nobody_do_what_their_key_may_not() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let id = product.assistant(&customer.key).await.a_piece("Fonts make pages slow.").await;
    let home = format!("/api/dashboard/{}", customer.id);
    let who_may = async |scopes: Scopes| {
        let key = product.key_for(&customer.id, scopes).await;
        Browser::of(&product, &Account { id: customer.id.clone(), key }).await
    };
    let reader = who_may(only(Scope::Read)).await;
    let (status, html) = page(reader.get(&format!("{home}/keys"))).await;
    assert!(status == 200 && !html.contains("Make a key") && html.contains("May only: see everything"), "{html}");
    let before = product.state_of(&customer.id).await;
    let review = format!("{home}/content/{id}/review");
    let approval = [("decision", "approved"), ("revision", "1")];
    let (status, html) = page(reader.post(&review, &approval)).await;
    assert!(status == 403 && html.contains("permission `write`"), "{html}");
    assert_eq!(page(reader.post(&format!("{home}/keys"), &[("label", "more")])).await.0, 403);

    let writer = who_may(Scopes::from_iter([Scope::Read, Scope::Write])).await;
    let at = next_year("06-01T09:00");
    for (path, fields) in [
        (review.clone(), approval.to_vec()),
        (format!("{home}/content/{id}/schedule"), vec![("at", at.as_str())]),
        (format!("{home}/content/{id}/publish"), vec![]),
    ] {
        let (status, html) = page(writer.post(&path, &fields)).await;
        assert!(
            status == 403 && html.contains("The key that you are logged in with may not do this"),
            "{path}: {html}"
        );
    }
    // Meanwhile the writer got a key and logged in with it.
    let is_of_writer = |row: &String| row.contains("key.created") || row.contains("session.started");
    let others = |rows: Vec<String>| rows.into_iter().filter(|row| !is_of_writer(row)).collect::<Vec<_>>();
    assert_eq!(others(product.state_of(&customer.id).await), others(before));
    let response = writer.post(&review, &[("decision", "rejected"), ("revision", "1"), ("reason", "no")]).send().await;
    assert_eq!(location(&response.unwrap()), format!("{home}/content/{id}?said=rejected"));
    // A key that this one makes may do as much and no more.
    let response = writer.post(&format!("{home}/keys"), &[("label", "copy"), ("may", "")]).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let keys = json_of(product.get(&format!("/api/customer/{}/keys", customer.id), &customer.key)).await;
    assert_eq!((&keys["keys"][0]["label"], &keys["keys"][0]["scopes"]), (&json!("copy"), &json!(["read", "write"])));
}

/// A call by an app, by hand.
async fn call(product: &Product, token: &str, message: Value) -> Response {
    let request = product.http.post(format!("{}/mcp", product.mcp)).bearer_auth(token);
    let request = request.header("accept", "application/json, text/event-stream");
    let request =
        request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", message["method"].as_str().unwrap());
    let request = match message["params"]["name"].as_str() {
        Some(name) => request.header("mcp-name", name),
        None => request,
    };
    request.json(&message).send().await.unwrap()
}

#[tokio::test]
async fn an_app_is_told_by_status_what_it_lacks_so_that_it_can_ask_for_it() {
    let product = Product::with_apps().await;
    let customer = product.customer().await;
    let (_, reader) = product.app_for(&customer.id, only(Scope::Read)).await;
    let (_, publisher) = product.app_for(&customer.id, only(Scope::Publish)).await;
    let message = |method: &str, params: Value| {
        let mut params = params;
        params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    };
    let tool = |name: &str, arguments: Value| message("tools/call", json!({"name": name, "arguments": arguments}));
    for (token, message, lacking) in [
        (&reader, tool("log_lead", json!({"source": "a fair"})), "read write"),
        (&reader, tool("publish_content", json!({})), "read publish"),
        (&reader, tool("review_content", json!({"decision": "approved"})), "read publish"),
        (&reader, tool("review_content", json!({"decision": "rejected"})), "read write"),
        (&publisher, tool("get_account", json!({})), "read publish"),
        (&publisher, message("prompts/get", json!({"name": "brand_interview"})), "read publish"),
        (&publisher, message("resources/read", json!({"uri": "heycmo://brand"})), "read publish"),
    ] {
        let before = product.state_of(&customer.id).await;
        let response = call(&product, token, message.clone()).await;
        let told = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert_eq!(
            told,
            format!(
                "Bearer error=\"insufficient_scope\", scope=\"{lacking}\", \
                 resource_metadata=\"https://mcp.heycmo.example/.well-known/oauth-protected-resource/mcp\""
            ),
            "{message}"
        );
        let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
        assert_eq!((status.as_u16(), &body["code"]), (403, &json!("insufficient_scope")));
        assert!(body["error"].as_str().unwrap().contains("tick"), "{body}");
        assert_eq!(product.state_of(&customer.id).await, before);
    }
    assert_eq!(call(&product, &reader, tool("get_account", json!({}))).await.status(), 200);

    // A key cannot ask for more, so its assistant is told in the answer.
    let key = product.key_for(&customer.id, only(Scope::Read)).await;
    let response = call(&product, &key, tool("log_lead", json!({"source": "a fair"}))).await;
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("permission `write`"));
}

/// Some clients of the older transport end their session on a status that is not 2xx.
#[tokio::test]
async fn an_app_on_the_older_transport_is_told_on_the_stream() {
    let product = Product::with_apps().await;
    let customer = product.customer().await;
    let (_, token) = product.app_for(&customer.id, only(Scope::Read)).await;
    let mut session = Caller::new(&product.mcp, &token).connect_sse().await.unwrap();
    let refused = session.call("log_lead", json!({"source": "a fair"})).await.unwrap_err();
    assert!(refused.contains("was not given the permission `write`"), "{refused}");
    session.call("get_account", json!({})).await.unwrap();
}

#[tokio::test]
async fn an_app_sees_the_tools_it_may_call() {
    let product = Product::with_apps().await;
    let customer = product.customer().await;
    let listed = async |token: &str| {
        let tools = product.assistant(token).await.tools;
        tools.into_keys().collect::<BTreeSet<String>>()
    };
    let all = listed(&customer.key).await;
    let (_, everything) = product.app_for(&customer.id, Scopes::ALL).await;
    assert_eq!(listed(&everything).await, all);
    let mut sum = BTreeSet::new();
    for scope in Scope::ALL {
        let (_, token) = product.app_for(&customer.id, only(scope)).await;
        let some = listed(&token).await;
        assert!(!some.is_empty() && some.is_disjoint(&sum), "{some:?}");
        sum.extend(some);
    }
    assert_eq!(sum, all);
}

#[tokio::test]
async fn what_is_taken_back_ends_what_it_opened_at_once_and_nothing_else() {
    let product = Product::with_apps().await;
    let customer = product.customer().await;
    let (grant, token) = product.app_for(&customer.id, Scopes::ALL).await;
    let (_, other) = product.app_for(&customer.id, Scopes::ALL).await;
    let older = Caller::new(&product.mcp, &token).connect_sse().await.unwrap();
    let session = Caller::new(&product.mcp, &token).connect().await.unwrap();
    let mut news = session.listen().await.unwrap();
    let mut others = Caller::new(&product.mcp, &other).connect_sse().await.unwrap();

    // By the owner, on the other server.
    let browser = Browser::of(&product, &customer).await;
    let path = format!("/api/dashboard/{}/apps/{grant}/revoke", customer.id);
    let response = browser.post(&path, &[]).send().await.unwrap();
    assert_eq!(location(&response), format!("/api/dashboard/{}/keys?said=app_revoked", customer.id));
    let mut events = older.events;
    events.end().await.unwrap();
    news.end().await.unwrap();
    let refused = product.http.get(format!("{}/mcp", product.mcp)).bearer_auth(&token);
    assert_refused(&error_of(refused.send().await.unwrap()).await, 401, "invalid_token");
    others.call("get_account", json!({})).await.unwrap();
}

#[tokio::test]
async fn an_access_token_opens_the_mcp_server_and_nothing_else() {
    let product = Product::with_apps().await;
    let customer = product.customer().await;
    let (_, token) = product.app_for(&customer.id, Scopes::ALL).await;
    let id = &customer.id;
    for path in [format!("/api/customer/{id}"), format!("/api/events/{id}"), format!("/api/dashboard/{id}")] {
        assert_refused(&refusal(product.get(&path, &token)).await, 401, "invalid_key");
    }
    let keys = rest(&product, Method::POST, &format!("/api/customer/{id}/keys"), &token).json(&json!({}));
    assert_refused(&refusal(keys).await, 401, "invalid_key");
    // An address ends up in histories.
    for path in ["/mcp", "/mcp/sse"] {
        let in_query = product.http.get(format!("{}{path}?token={token}", product.mcp));
        assert_refused(&refusal(in_query).await, 401, "invalid_key");
    }
    // Where apps are not let in any more, those that were are not either.
    let off = Product::on(product.test).await;
    let refused = off.http.get(format!("{}/mcp/sse", off.mcp)).bearer_auth(&token);
    assert_refused(&refusal(refused).await, 401, "invalid_key");
}
