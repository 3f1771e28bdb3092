//! What goes well, and how it ends.

use harness::process::Launch;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::support::{Site, answer, assert_error, location, request, said_in};
use crate::support::Terminal;

async fn challenge(site: &Site, token: Option<&str>) -> String {
    let request = site.get(&site.resource()).header("accept", "text/event-stream");
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 401);
    response.headers()["www-authenticate"].to_str().unwrap().to_owned()
}

/// As a client goes that knows nothing but the address of the MCP server.
#[tokio::test]
async fn from_the_bare_address_to_a_call_and_back_out() {
    let site = Site::start().await;
    let told = challenge(&site, None).await;
    let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", site.server.mcp);
    assert_eq!(told, format!("Bearer resource_metadata=\"{metadata}\", scope=\"read write publish\""));
    let resource = site.json(&metadata).await;
    assert_eq!(resource["resource"], site.resource());
    assert_eq!(resource["authorization_servers"], json!([site.server.gateway]));
    // Behind one origin the gateway is asked, and clients of either transport look in several places.
    for origin in [&site.server.mcp, &site.server.gateway] {
        for path in ["", "/mcp", "/mcp/sse"] {
            assert_eq!(site.json(&format!("{origin}/.well-known/oauth-protected-resource{path}")).await, resource);
        }
    }
    let card = site.json(&site.at("/.well-known/mcp/server-card.json")).await;
    assert_eq!(card["remotes"][0]["headers"][0]["isRequired"], false, "{card}");
    let issuer = site.json(&site.at("/.well-known/oauth-authorization-server")).await;
    assert_eq!(issuer["issuer"], site.server.gateway);
    for (field, value) in [
        ("authorization_endpoint", json!(site.at("/oauth/authorize"))),
        ("token_endpoint", json!(site.at("/oauth/token"))),
        ("registration_endpoint", json!(site.at("/oauth/register"))),
        ("revocation_endpoint", json!(site.at("/oauth/revoke"))),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("token_endpoint_auth_methods_supported", json!(["none"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("client_id_metadata_document_supported", json!(true)),
        ("scopes_supported", json!(["read", "write", "publish"])),
    ] {
        assert_eq!(issuer[field], value, "{field}");
    }

    let client_id = site.an_app().await;
    let resource = site.resource();
    let mut asked = request(&client_id);
    asked.push(("resource", &resource));
    let browser = site.owner().await;
    assert_eq!(browser.asked(&asked).await.status(), 200);
    let response = browser.presses(&asked, "allow", "read write").await;
    assert_eq!(response.status(), 303);
    let address = location(&response);
    assert!(address.starts_with("http://127.0.0.1:3000/callback?"), "{address}");
    let mut said = said_in(address);
    assert_eq!((said["state"].as_str(), said["iss"].as_str()), ("the app's own word", site.server.gateway.as_str()));
    let code = said.remove("code").unwrap();

    let (status, tokens) = site.redeem(&client_id, &code).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(tokens["scope"], "read write");
    let access = tokens["access_token"].as_str().unwrap();
    let mut session = site.assistant(access).connect().await.unwrap();
    session.call("log_lead", json!({"source": "a fair", "name": "Lea"})).await.unwrap();
    let mut older = site.assistant(access).connect_sse().await.unwrap();
    older.call("get_account", json!({})).await.unwrap();
    let apps = browser.apps().await;
    assert!(apps.contains("Claude") && apps.contains("see everything, change what stays inside"), "{apps}");

    let (status, next) = site.refresh(&client_id, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!((status, &next["scope"]), (200, &json!("read write")));
    // The session goes on with the next token.
    session.caller = session.caller.with_key(next["access_token"].as_str().unwrap());
    session.call("get_account", json!({})).await.unwrap();

    let goodbye = vec![("token", next["refresh_token"].as_str().unwrap()), ("client_id", client_id.as_str())];
    assert_eq!(answer(site.revoke(&goodbye)).await.0, 200);
    older.events.end().await.unwrap();
    assert!(challenge(&site, Some(access)).await.starts_with("Bearer error=\"invalid_token\", resource_metadata="));
    assert!(browser.apps().await.contains("No app yet"));
    let activity = browser.get(location(&browser.get("/login").await)).await.text().await.unwrap();
    assert!(activity.contains("is not let in any more"), "{activity}");
    assert_eq!(answer(site.revoke(&vec![("token", "nobody's")])).await.0, 200);

    let log = site.server.process.log();
    for secret in [&code, access, next["refresh_token"].as_str().unwrap(), "own+word"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn where_no_app_is_let_in_there_is_nothing_to_find() {
    let server = harness::process::HeyCmo::start().await;
    let http = web::http_client().no_proxy().build().unwrap();
    for origin in [&server.gateway, &server.mcp] {
        for path in [
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-protected-resource/mcp",
            "/.well-known/oauth-protected-resource/mcp/sse",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
            "/oauth/authorize",
            "/oauth/register",
            "/oauth/token",
            "/oauth/revoke",
            "/register",
        ] {
            for method in [Method::GET, Method::POST] {
                let response = http.request(method.clone(), format!("{origin}{path}")).send().await.unwrap();
                assert_eq!(response.status(), 404, "{method} {origin}{path}");
                assert_eq!(response.json::<Value>().await.unwrap()["code"], "not_found");
            }
        }
    }
    let response = http.get(format!("{}/mcp", server.mcp)).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["www-authenticate"]),
        (401, &"Bearer".parse().unwrap())
    );
    // And what no client is to find here is not there either where apps are let in.
    let site = Site::start().await;
    for path in ["/.well-known/openid-configuration", "/register", "/authorize", "/token"] {
        assert_eq!(site.get(&site.at(path)).send().await.unwrap().status(), 404, "{path}");
    }
}

/// A client such as the MCP Inspector, which is a page in a browser.
#[tokio::test]
async fn an_app_that_is_a_page_may_ask_from_anywhere() {
    let site = Site::start().await;
    let post = Method::POST;
    for (address, method, header) in [
        (site.at("/.well-known/oauth-protected-resource/mcp"), Method::GET, "mcp-protocol-version"),
        (format!("{}/.well-known/oauth-protected-resource/mcp", site.server.mcp), Method::GET, "mcp-protocol-version"),
        (site.at("/.well-known/oauth-authorization-server"), Method::GET, "mcp-protocol-version"),
        (site.at("/oauth/register"), post.clone(), "content-type"),
        (site.at("/oauth/token"), post.clone(), "content-type"),
        (site.at("/oauth/revoke"), post.clone(), "content-type"),
    ] {
        let asks = site.request(Method::OPTIONS, &address).header("origin", "https://inspector.example");
        let asks = asks.header("access-control-request-method", method.as_str());
        let answer = asks.header("access-control-request-headers", header).send().await.unwrap();
        let told = |name: &str| answer.headers()[format!("access-control-allow-{name}")].to_str().unwrap().to_owned();
        assert!(answer.status().is_success(), "{address}: {}", answer.status());
        assert_eq!(told("origin"), "*", "{address}");
        assert!(told("methods").contains(method.as_str()) && told("headers").contains(header), "{address}");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"), "{address}");
        let answer = site.request(method, &address).header("origin", "https://inspector.example").send().await.unwrap();
        assert_eq!(answer.headers()["access-control-allow-origin"], "*", "{address}: what is wrong is read too");
    }
    // The person's own page is nobody else's to read.
    let page =
        site.get(&site.at("/oauth/authorize")).header("origin", "https://inspector.example").send().await.unwrap();
    assert!(!page.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn an_app_on_two_computers_is_one_app_to_the_person() {
    let site = Site::start().await;
    let first = site.let_in("read").await;
    let browser = site.owner().await;
    let code = browser.allow(&request(&first.client_id), "read write").await;
    let (_, second) = site.redeem(&first.client_id, &code).await;
    let other = site.let_in("read").await;
    let apps = browser.apps().await;
    assert_eq!(apps.matches("<li ").count(), 2, "{apps}");
    assert!(apps.contains("let in 2 times") && apps.contains("see everything, change what stays inside"), "{apps}");
    let of_both = apps.split("let in 2 times").next().unwrap().rsplit("id=\"").next().unwrap();
    let of_both = of_both.split('"').next().unwrap();
    let home = location(&browser.get("/login").await).to_owned();
    assert_eq!(browser.post(&format!("{home}/apps/{of_both}/revoke")).await.status(), 303);
    for gone in [first.access(), second["access_token"].as_str().unwrap()] {
        assert_eq!(site.status(gone).await, 401);
    }
    assert_eq!(site.status(other.access()).await, 200);
}

#[tokio::test]
async fn a_forgotten_app_registers_again() {
    let site = Site::start().await;
    let app = site.let_in("read").await;
    let forgets = "DELETE FROM oauth_grants; DELETE FROM oauth_clients";
    site.db().await.connection().execute_unprepared(forgets).await.unwrap();
    let fields = [("grant_type", "refresh_token"), ("client_id", &app.client_id), ("refresh_token", app.refresh())];
    let response = site.token(&fields.to_vec()).send().await.unwrap();
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    assert_eq!(response.status(), 401);
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_client");
}

#[tokio::test]
async fn a_key_works_beside_and_its_failures_invite_too() {
    let site = Site::start().await;
    site.assistant(&site.server.key).call(1, "get_account", json!({})).await.unwrap();
    let wrong = format!("hcmo_live_{}", "0".repeat(64));
    assert!(challenge(&site, Some(&wrong)).await.starts_with("Bearer error=\"invalid_token\", resource_metadata="));
}

#[tokio::test]
async fn an_access_token_runs_out_and_the_app_goes_on_with_the_next() {
    let site = Site::launch(Launch::new("heycmo").env("RATE_LIMIT_PREAUTH", "2")).await;
    let app = site.let_in("read").await;
    let mut session = site.assistant(app.access()).connect().await.unwrap();
    session.call("get_account", json!({})).await.unwrap();
    let expire = "UPDATE oauth_tokens SET expires_at = '2020-01-01T00:00:00+00:00' WHERE kind = 'access'";
    site.db().await.connection().execute_unprepared(expire).await.unwrap();
    // It is told so as often as it asks: it guesses nothing.
    for _ in 0..3 {
        let refused = session.call("get_account", json!({})).await.unwrap_err();
        assert!(refused.starts_with("401") && refused.contains("expired_token"), "{refused}");
    }
    assert!(
        challenge(&site, Some(app.access())).await.starts_with("Bearer error=\"invalid_token\", resource_metadata=")
    );
    let (_, next) = site.refresh(&app.client_id, app.refresh()).await;
    session.caller = session.caller.with_key(next["access_token"].as_str().unwrap());
    session.call("get_account", json!({})).await.unwrap();
}

#[tokio::test]
async fn an_app_ends_with_the_account_and_comes_back_with_it() {
    let site = Site::start().await;
    let app = site.let_in("read").await;
    let mut older = site.assistant(app.access()).connect_sse().await.unwrap();
    let terminal = Terminal::beside(&site.server.process);
    let shown = terminal.heycmo("customer show demo@heycmo.example").await;
    assert!(shown.contains("Claude") && shown.contains("(read)"), "{shown}");
    terminal.heycmo("customer suspend demo@heycmo.example").await;
    older.events.end().await.unwrap();
    assert_eq!(site.status(app.access()).await, 403);
    assert_error(&site.refresh(&app.client_id, app.refresh()).await, 403, "access_denied");
    terminal.heycmo("customer resume demo@heycmo.example").await;
    assert_eq!(site.status(app.access()).await, 200);
    assert_eq!(site.refresh(&app.client_id, app.refresh()).await.0, 200);
}

#[tokio::test]
async fn a_key_is_made_for_some_things_by_an_operator() {
    let site = Site::start().await;
    let terminal = Terminal::beside(&site.server.process);
    let made = terminal.heycmo("key create demo@heycmo.example --label reader --scopes read,write").await;
    assert!(made.contains("it may read, write."), "{made}");
    assert!(terminal.heycmo("key list demo@heycmo.example").await.contains("read, write"));
    let reader = site.assistant(&crate::support::key_in(&made));
    reader.call(1, "log_lead", json!({"source": "a fair", "name": "Lea"})).await.unwrap();
    let refused = reader.call(2, "publish_content", json!({})).await.unwrap_err();
    assert!(refused.contains("permission `publish`"), "{refused}");
}
