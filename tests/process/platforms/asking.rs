//! Clients that ask their person: to open a link, and to confirm what goes out.

use harness::mcp::{Caller, Events, Session};
use serde_json::{Value, json};

use super::desk::Desk;

async fn message(events: &mut Events) -> Value {
    let event = events.next().await.unwrap().expect("there is more to come");
    serde_json::from_str(&event.data).unwrap()
}

/// Calls a tool, answers what it asks, and gives back the question and what the tool says then.
async fn asked(session: &mut Session, tool: &str, arguments: Value, answer: Value) -> (Value, Value) {
    let (id, response) = session.start(tool, arguments).await.unwrap();
    let mut events = Events::of(response);
    let question = message(&mut events).await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    session.answer(&question["id"], answer).await.unwrap();
    let result = message(&mut events).await;
    assert_eq!(result["id"], id, "{result}");
    (question["params"].clone(), result["result"].clone())
}

#[tokio::test]
async fn a_client_that_can_opens_the_link_itself() {
    let desk = Desk::open().await;
    let caller = Caller::new(&desk.server.mcp, &desk.key);
    let mut session = caller.connect_as(json!({"elicitation": {"form": {}, "url": {}}})).await.unwrap();
    let connect = json!({"platform": "x"});
    let (question, result) =
        asked(&mut session, "connect_platform", connect.clone(), json!({"action": "accept"})).await;
    assert_eq!((&question["mode"], &question["message"]), (&json!("url"), &json!("Connect X to HeyCMO")));
    let url = question["url"].as_str().unwrap();
    assert!(result["content"][0]["text"].as_str().unwrap().starts_with("The person opened the link to X."), "{result}");
    desk.get(&desk.decide(url, "allow").await).await;
    assert_eq!(desk.status("x").await, "connected");

    let connect = json!({"platform": "linkedin"});
    let (_, result) = asked(&mut session, "connect_platform", connect, json!({"action": "decline"})).await;
    assert!(result["content"][0]["text"].as_str().unwrap().contains("did not open the link"), "{result}");
}

#[tokio::test]
async fn what_the_person_does_not_confirm_stays() {
    let desk = Desk::open().await;
    desk.connect("x").await;
    let id = desk.approved(json!({"kind": "x_post", "body": "Slow pages cost more than fast ones."})).await;
    let caller = Caller::new(&desk.server.mcp, &desk.key);
    let mut session = caller.connect_as(json!({"elicitation": {}})).await.unwrap();
    let publish = json!({"contentId": id});
    for no in [
        json!({"action": "decline"}),
        json!({"action": "cancel"}),
        json!({"action": "accept", "content": {"publish": false}}),
    ] {
        let (question, result) = asked(&mut session, "publish_content", publish.clone(), no).await;
        assert!(
            question["message"].as_str().unwrap().starts_with("Publish “Slow pages cost more than fast ones.” on X")
        );
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["content"][0]["text"].as_str().unwrap().contains("Nothing was published"), "{result}");
    }
    assert_eq!(desk.posts().await.len(), 0);
    let yes = json!({"action": "accept", "content": {"publish": true}});
    let (_, result) = asked(&mut session, "publish_content", publish.clone(), yes).await;
    assert_eq!(result["structuredContent"]["status"], "published", "{result}");
    // Nobody is asked about what is out already.
    assert_eq!(session.call("publish_content", publish).await.unwrap()["alreadyPublished"], true);
}

#[tokio::test]
async fn the_doctor_looks_at_each_platform() {
    let desk = Desk::open().await;
    let report = desk.doctor("the-key-of-the-project").await;
    assert!(report.contains("ok   platform linkedin: can be connected"), "{report}");
    assert_eq!(report.matches("ok   platform ").count(), 14, "{report}");
    assert!(report.contains("lost connections: noticed late: COMPOSIO_WEBHOOK_SECRET is not set"), "{report}");
    let report = desk.doctor("bad").await;
    assert!(report.contains("FIX  platforms: Composio answered 401"), "{report}");
    assert!(report.contains("Check COMPOSIO_API_KEY"), "{report}");
}
