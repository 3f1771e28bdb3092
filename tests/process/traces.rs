//! Traces and the log: what tells how a request went.

use harness::collector::{Collector, Span};
use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mcp;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn traced(collector: &str) -> Launch {
    Launch::new("heycmo").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// A tool call without a session, as a part of a trace.
async fn call(server: &HeyCmo, id: &str) {
    let params = json!({"name": "list_connections", "arguments": {}, "_meta":
        {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}});
    let request = mcp(server).request(Method::POST, "/mcp").header("accept", "application/json, text/event-stream");
    let request = request.header("mcp-method", "tools/call").header("mcp-name", "list_connections");
    let request = request.header("mcp-protocol-version", "2026-07-28").header("x-request-id", id);
    let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let response = request.json(&message).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();
}

#[tokio::test]
async fn a_request_its_tool_and_what_it_calls_are_one_trace() {
    let collector = Collector::start().await;
    let launch = traced(&collector.endpoint()).env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    let server = HeyCmo::launch(launch.env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=marketing")).await;
    call(&server, "a-request-of-ours").await;
    let mut older = mcp(&server).connect_sse().await.unwrap();
    older.call("get_brand", json!({})).await.unwrap();
    drop(older);
    let key = server.key.clone();
    // What is left is sent before the process ends.
    assert!(server.process.stop().await.status.success());

    let spans = collector.spans();
    let ours: Vec<&Span> = spans.iter().filter(|span| span.trace == TRACE).collect();
    let [request] = ours.iter().filter(|span| span.is_server).collect::<Vec<_>>()[..] else { panic!("{spans:#?}") };
    assert_eq!((request.name.as_str(), request.parent.as_str()), ("POST /mcp", PARENT));
    assert_eq!(request.attributes["id"], "a-request-of-ours");
    assert_eq!(request.attributes["http.response.status_code"], "200");
    assert!(request.attributes["customer"].starts_with("cust_"));
    assert_eq!(request.resource["service.name"], "heycmo");
    assert_eq!(request.resource["deployment.environment.name"], "test");
    assert_eq!(collector.header("x-tenant").as_deref(), Some("marketing"));
    assert_eq!(collector.header("content-type").as_deref(), Some("application/x-protobuf"));
    let tool = ours.iter().find(|span| span.attributes.get("tool").is_some_and(|tool| tool == "list_connections"));
    let tool = tool.unwrap_or_else(|| panic!("{spans:#?}"));
    assert_eq!(tool.parent, request.id);
    let upstream: Vec<_> = ours.iter().filter(|span| span.name == "upstream").collect();
    assert!(!upstream.is_empty() && upstream.iter().all(|span| span.parent == tool.id), "{spans:#?}");

    // On the older transport the answer comes on a stream, and the tool still belongs to the post.
    let [brand]: [&Span; 1] = named(&spans, "tool")
        .into_iter()
        .filter(|span| span.attributes["tool"] == "get_brand")
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let post = spans.iter().find(|span| span.id == brand.parent).unwrap();
    assert_eq!(post.name, "POST /mcp/message");
    assert!(!post.attributes["session"].is_empty());
    let text = collector.text();
    assert!(!text.contains(&key) && !text.contains(key.trim_start_matches("hcmo_live_")));
}

#[tokio::test]
async fn a_service_has_the_name_that_the_operator_gives_it() {
    let collector = Collector::start().await;
    let server = HeyCmo::launch(traced(&collector.endpoint()).env("OTEL_SERVICE_NAME", "marketing-desk")).await;
    Caller::new(&server.gateway, &server.key).get("/api/health").await.unwrap();
    server.process.stop().await;
    let spans = collector.spans();
    assert_eq!(named(&spans, "GET /api/health")[0].resource["service.name"], "marketing-desk");
}

#[tokio::test]
async fn a_collector_that_is_away_is_told_of_once_and_changes_nothing_else() {
    let launch = traced("http://127.0.0.1:1").env("OTEL_BSP_SCHEDULE_DELAY", "20");
    let mut server = HeyCmo::launch(launch).await;
    let caller = mcp(&server);
    for id in 1..=40 {
        caller.call(id, "get_brand", json!({})).await.unwrap();
    }
    server.process.logged(|log| log.contains("the collector takes no traces").then_some(())).await;
    for id in 41..=80 {
        caller.call(id, "get_brand", json!({})).await.unwrap();
    }
    let finished = server.process.stop().await;
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(finished.log.matches("the collector takes no traces").count(), 1, "{}", finished.log);
    assert!(!finished.log.contains("opentelemetry"), "{}", finished.log);
}

/// What the spans around a line of the log say.
fn said(line: &Value, field: &str) -> Vec<String> {
    let spans = line["spans"].as_array().cloned().unwrap_or_default();
    spans.iter().filter_map(|span| Some(span[field].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn every_line_of_a_request_says_whose_it_is() {
    let server = HeyCmo::launch(Launch::new("heycmo").env("LOG_FORMAT", "json")).await;
    let account = mcp(&server).call(1, "get_account", json!({})).await.unwrap();
    let id = account["customerId"].as_str().unwrap().to_owned();
    call(&server, "without-a-session").await;
    mcp(&server).connect_sse().await.unwrap().call("get_brand", json!({})).await.unwrap();
    mcp(&server).connect().await.unwrap().call("log_lead", json!({"name": "Anna", "source": "fair"})).await.unwrap();
    let log = server.process.stop().await.log;
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let called = |tool: &str| {
        let of_tool = |line: &&Value| line["fields"]["message"] == "called" && said(line, "tool") == [tool];
        lines.iter().find(of_tool).unwrap_or_else(|| panic!("{tool}: {log}"))
    };
    for tool in ["list_connections", "get_brand", "log_lead"] {
        let line = called(tool);
        assert_eq!(said(line, "id").len(), 1, "{line}");
        assert!(said(line, "customer").iter().all(|customer| *customer == id), "{line}");
        assert_eq!(said(line, "session").len(), usize::from(tool != "list_connections"), "{line}");
    }
    assert_eq!(said(called("list_connections"), "id"), ["without-a-session"]);
    let answered = |line: &&Value| line["fields"]["message"] == "answered" && said(line, "id") == ["without-a-session"];
    let answered = lines.iter().find(answered).unwrap();
    assert_eq!(said(answered, "customer"), [id]);
}
