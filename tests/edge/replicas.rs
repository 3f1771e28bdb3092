//! Two replicas of each process are one site.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Value, json};

use crate::site::{Site, anybody};

#[tokio::test]
async fn every_transport_finds_its_session_and_streams_come_at_once() {
    let site = Site::start().await;
    for (id, caller) in site.customers().await {
        let mut log = caller.follow(&format!("/api/events/{id}/stream")).await.unwrap();
        // Its messages have to reach the process that has the stream.
        let mut older = caller.connect_sse().await.unwrap();
        let piece = json!({ "kind": "linkedin_post", "body": "Written through the edge." });
        let saved = older.call("create_content", piece).await.unwrap();
        let event = log.next().await.unwrap().unwrap();
        assert_eq!(event.name, "content.created", "the gateway tells at once what the MCP server wrote");
        let wanted = json!({ "contentId": saved["content"]["id"] });
        let mut current = caller.connect().await.unwrap();
        assert_eq!(current.call("get_content", wanted.clone()).await.unwrap()["content"], saved["content"]);
        assert_eq!(caller.call(1, "get_content", wanted).await.unwrap()["content"], saved["content"]);
    }
}

#[tokio::test]
async fn a_replica_that_dies_loses_nothing_and_is_passed_over() {
    let mut site = Site::start().await;
    let customers = site.customers().await;
    let mut sessions = Vec::new();
    for (_, caller) in &customers {
        sessions.push(caller.connect().await.unwrap());
    }
    let mut saved: Vec<BTreeSet<String>> = vec![BTreeSet::new(); customers.len()];
    let mut write = async |round: usize| {
        for (index, session) in sessions.iter_mut().enumerate() {
            let body = format!("Round {round}.");
            let piece = json!({ "kind": "linkedin_post", "body": body });
            // The session goes on where its replica is gone: the other one finds it in the database.
            let made = harness::eventually("a call through the edge", async || {
                session.call("create_content", piece.clone()).await.ok()
            });
            let id = made.await["content"]["id"].as_str().unwrap().to_owned();
            assert!(saved[index].insert(id));
        }
    };
    write(0).await;
    for index in [0, 1] {
        site.without_mcp_server(index, async |_| write(index + 1).await).await;
    }
    site.serves().await;
    write(3).await;
    for ((_, caller), expected) in customers.iter().zip(saved) {
        let listed: Value = caller.call(1, "list_content", json!({ "limit": 50 })).await.unwrap();
        let listed: BTreeSet<String> = listed["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|piece| piece["id"].as_str().unwrap().to_owned())
            .collect();
        assert!(listed.is_superset(&expected), "what was answered is kept: {expected:?} in {listed:?}");
    }
}

#[tokio::test]
async fn while_no_replica_is_there_the_edge_says_so_in_their_words() {
    let mut site = Site::start().await;
    site.kill(true, 0).await;
    site.kill(true, 1).await;
    let ask =
        async |accept: &str| anybody().get(format!("{}/pricing.md", site.origin)).header(ACCEPT, accept).send().await;
    let told = harness::eventually("Caddy has noticed", async || {
        let answer = ask("*/*").await.ok()?;
        (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(answer)
    });
    let told = told.await;
    assert_eq!(told.headers()[RETRY_AFTER], "2");
    let body: Value = told.json().await.unwrap();
    assert_eq!(body["code"], "unavailable");
    assert!(!body["requestId"].as_str().unwrap().contains('{'), "{body}");
    let page = ask("text/html,*/*;q=0.8").await.unwrap();
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    assert!(page.text().await.unwrap().contains("HeyCMO cannot answer just now"));
    for index in [0, 1] {
        site.restart(true, index).await;
    }
    site.serves().await;
}
