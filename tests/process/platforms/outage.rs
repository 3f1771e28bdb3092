//! Composio away, slow or strange: everything else goes on, and nothing of its secrets is kept.

use reqwest::Method;
use serde_json::json;

use super::desk::Desk;

#[tokio::test]
async fn an_outage_of_composio_costs_nothing_else_and_is_told() {
    let desk = Desk::open().await;
    desk.connect("x").await;
    let ready = async || desk.rest(Method::GET, "/api/health/ready", None).await;
    assert_eq!(ready().await.1["composio"], json!({"status": "ok"}));
    for kind in ["503", "close", "html", "401"] {
        desk.fault(json!({"kind": kind, "next": 1_000, "path": ""})).await;
        let known = desk.connections().await;
        assert_eq!(known["stale"], true, "{kind}: {known}");
        assert_eq!(known["connections"]["x"]["status"], "connected", "{kind}: what was known last");
        let (status, body) = ready().await;
        assert_eq!((status, &body["status"]), (200, &json!("ready")), "{kind}");
        assert_eq!(body["composio"]["status"], "failing", "{kind}: {body}");
        assert!(body["composio"]["since"].is_string() && body["composio"]["error"].is_string(), "{kind}: {body}");
        // Nobody else waits for it.
        desk.call("get_account", json!({})).await;
        desk.call("create_content", json!({"kind": "x_post", "body": format!("Words while it is {kind}.")})).await;
        let text = desk.text("list_connections", json!({})).await;
        assert!(text.starts_with("The connections cannot be looked at just now"), "{kind}: {text}");
        let (status, body) = desk.rest(Method::DELETE, &format!("/api/connections/{}/x", desk.id), None).await;
        assert_eq!((status, &body["code"]), (502, &json!("platform_failed")), "{kind}: {body}");
        desk.no_more_faults().await;
        assert_eq!(desk.connections().await["stale"], false, "{kind}");
        assert_eq!(ready().await.1["composio"], json!({"status": "ok"}), "{kind}");
    }
    // The one that takes time: nobody waits for longer than the client of Composio does.
    desk.fault(json!({"kind": "hang", "next": 1_000, "path": ""})).await;
    assert_eq!(desk.connections().await["stale"], true);
    desk.call("get_account", json!({})).await;
    let (status, body) =
        desk.rest(Method::POST, &format!("/api/connect/{}", desk.id), Some(json!({"platforms": ["linkedin"]}))).await;
    assert_eq!((status, &body["code"]), (502, &json!("platform_failed")), "{body}");
    desk.no_more_faults().await;
    assert!(desk.server.process.log().contains("a call to Composio failed"));
    assert!(desk.server.process.log().contains("Composio answers again"));
}

/// The stand-in sends tokens with every account, as Composio does.
#[tokio::test]
async fn no_token_or_key_is_kept_told_or_logged() {
    let desk = Desk::open().await;
    desk.connect("x").await;
    desk.connect("google_analytics").await;
    let id = desk.approved(json!({"kind": "x_post", "body": "Slow pages cost more than fast ones."})).await;
    let mut told = vec![desk.publish(&id).await.to_string()];
    told.push(desk.call("query_ga4", json!({})).await.to_string());
    told.push(desk.connections().await.to_string());
    desk.fault(json!({"kind": "500", "next": 1_000, "path": ""})).await;
    told.push(desk.connections().await.to_string());
    told.push(desk.say("query_ga4", json!({})).await.unwrap_err());
    told.push(desk.rest(Method::GET, "/api/health/ready", None).await.1.to_string());
    told.push(desk.call("list_events", json!({"limit": 50})).await.to_string());
    told.extend(desk.test.dump().await);
    told.push(desk.server.process.log());
    told.push(desk.server.process.out());
    assert!(desk.accounts().await[0]["state"]["val"]["access_token"].as_str().unwrap().starts_with("sandbox-token-"));
    for text in told {
        assert!(!text.contains("sandbox-token-") && !text.contains("the-key-of-the-project"), "{text}");
    }
}
