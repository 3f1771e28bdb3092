//! What is refused before any transport is reached.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::server::Server;

const ROUTES: [(&str, &str); 3] = [("/mcp/sse", "GET"), ("/mcp/message", "POST"), ("/mcp", "GET, POST, DELETE")];

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_on_every_route() {
    let server = Server::start().await;
    let http = web::http_client().build().unwrap();
    for (route, _) in ROUTES {
        let refused = async |name: &str, value: &str| {
            let request = http.get(server.url(route)).bearer_auth("alice").header(name, value);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{route} {name}: {value}");
            response.json::<Value>().await.unwrap()["code"].as_str().unwrap().to_owned()
        };
        assert_eq!(refused("host", "evil.test").await, "host_not_allowed");
        assert_eq!(refused("origin", "https://evil.test").await, "origin_not_allowed");
        assert_eq!(refused("origin", "http://heycmo.test").await, "origin_not_allowed");
        assert_eq!(refused("origin", "null").await, "origin_not_allowed");
        let known = http.get(server.url(route)).bearer_auth("alice").header("origin", "https://heycmo.test");
        assert_ne!(known.send().await.unwrap().status(), StatusCode::FORBIDDEN);
        let twice = http.get(server.url(route)).header("origin", "https://heycmo.test");
        let twice = twice.header("origin", "https://heycmo.test").bearer_auth("alice");
        assert_eq!(twice.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn other_methods_are_answered_with_what_is_allowed() {
    let server = Server::start().await;
    let http = web::http_client().build().unwrap();
    for (route, allowed) in ROUTES {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
            if allowed.contains(method.as_str()) {
                continue;
            }
            let response = http.request(method.clone(), server.url(route)).bearer_auth("alice").send().await.unwrap();
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {route}");
            assert_eq!(response.headers()["allow"], allowed);
        }
    }
    assert_eq!(server.sessions.count(), 0);
}

#[tokio::test]
async fn without_a_caller_nothing_opens() {
    let server = Server::start().await;
    let http = web::http_client().build().unwrap();
    for request in
        [http.get(server.url("/mcp/sse")), http.post(server.url("/mcp/message")), http.post(server.url("/mcp"))]
    {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
}
