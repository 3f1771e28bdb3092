//! One customer with another's ids: sees nothing, changes nothing.

use entity::ids::RunId;
use entity::reports::{self, NewReport};
use entity::scans::{self, NewScan};
use serde_json::{Value, json};

use crate::support::{Account, Assistant, Product, in_time, next_year};

/// Stands in every text that Anna has written.
const MARKER: &str = "Zanzibar";

/// Ids of things that are Anna's.
struct Hers {
    content: String,
    event: String,
    run: String,
    scan: String,
    report: String,
    proposal: String,
    customer: String,
}

async fn fill(product: &Product, anna: &Account) -> Hers {
    let assistant = product.assistant(&anna.key).await;
    let voice = json!({"adjectives": [MARKER], "do": [MARKER], "dont": [MARKER]});
    let brand = json!({
        "name": MARKER, "website": format!("{MARKER}.example"), "offering": MARKER, "audience": MARKER, "voice": voice,
        "pillars": [{"name": MARKER, "weight": 1}], "competitors": [{"name": MARKER}], "goals": [MARKER],
        "forbiddenClaims": ["never say this"],
    });
    assistant.call("update_brand", brand).await;
    let content = assistant.a_piece(&format!("{MARKER} in the words")).await;
    let revised = json!({"contentId": content, "decision": "revised", "decidedBy": MARKER, "reason": MARKER});
    assistant.call("review_content", revised).await;
    assistant.call("schedule_content", json!({"contentId": content, "at": next_year("06-01T09:00")})).await;
    assistant.call("log_lead", json!({"source": MARKER, "name": MARKER, "contentId": content})).await;
    let run = assistant.call("list_workflow_runs", json!({})).await.data["runs"][0]["id"].as_str().unwrap().to_owned();
    let event = assistant.call("list_events", json!({})).await.data["events"][0]["id"].as_str().unwrap().to_owned();
    let new = NewScan {
        url: format!("http://{}/", MARKER.to_lowercase()),
        title: Some(MARKER.to_owned()),
        seo: 1,
        geo: 2,
        report: json!({ "title": MARKER }),
    };
    let scan = scans::save(&product.test.db(), &anna.id, new).await.unwrap().id.to_string();
    let report = NewReport {
        run_id: RunId::new(),
        first_day: "2026-06-01".parse().unwrap(),
        last_day: "2026-06-07".parse().unwrap(),
        headline: MARKER.to_owned(),
        data: json!({ "headline": MARKER }),
        markdown: MARKER.to_owned(),
    };
    let report = reports::save(&product.test.db(), &anna.id, report).await.unwrap().run_id.to_string();
    let proposal = product.a_proposal(&anna.id, &format!("{MARKER} proposed")).await;
    Hers { content, event, run, scan, report, proposal, customer: anna.id.to_string() }
}

/// What Ben's assistant is told when it tries each tool with her ids, and without any.
async fn by_tools(ben: &Assistant, hers: &Hers) -> Vec<String> {
    let Hers { content, event, run, scan, report, proposal, .. } = hers;
    let tries = [
        ("get_account", json!({})),
        ("get_brand", json!({})),
        ("update_brand", json!({"name": "Ben's"})),
        ("create_content", json!({"kind": "x_post", "body": "Ben's words", "pillar": MARKER.to_lowercase()})),
        ("update_content", json!({"contentId": content, "body": "Ben was here"})),
        ("list_content", json!({})),
        ("list_content", json!({"text": "words"})),
        ("list_content", json!({"cursor": content})),
        ("get_content", json!({"contentId": content})),
        ("get_content", json!({"contentId": content, "revision": 1})),
        ("review_content", json!({"contentId": content, "decision": "approved", "decidedBy": "Ben"})),
        ("schedule_content", json!({"contentId": content, "at": next_year("07-01T09:00")})),
        ("schedule_content", json!({"contentId": content})),
        // Her post at this very hour is none of his business.
        ("schedule_content", json!({"contentId": ben.a_piece("Ben's own").await, "at": next_year("06-01T09:00")})),
        ("log_lead", json!({"source": "x", "name": "Ben's lead", "contentId": content})),
        ("log_lead", json!({"source": MARKER.to_lowercase(), "name": "Ben's lead"})),
        ("list_events", json!({"limit": 50})),
        ("list_events", json!({"cursor": event})),
        ("list_events", json!({"type": "content.*"})),
        ("start_workflow", json!({"workflow": "onboarding", "waitSeconds": 0})),
        ("get_workflow_run", json!({"runId": run})),
        ("cancel_workflow_run", json!({"runId": run})),
        ("list_workflow_runs", json!({})),
        ("list_workflow_runs", json!({"cursor": run})),
        ("get_performance_trend", json!({})),
        ("get_learning_insights", json!({})),
        ("get_workflow_run", json!({"runId": report})),
        ("list_proposals", json!({})),
        ("list_proposals", json!({"cursor": proposal})),
        ("review_proposal", json!({"proposalId": proposal, "decision": "approve", "decidedBy": "Ben"})),
        ("review_proposal", json!({"proposalId": proposal, "decision": "reject", "decidedBy": "Ben"})),
        ("review_proposal", json!({"proposalId": proposal, "decision": "roll_back", "decidedBy": "Ben"})),
        ("plan_calendar", json!({})),
        ("plan_calendar", json!({"commit": true})),
        ("start_workflow", json!({"workflow": "page_watch", "waitSeconds": 0})),
        ("list_connections", json!({})),
        ("connect_platform", json!({"platform": "x"})),
        ("publish_content", json!({"contentId": content})),
        ("publish_content", json!({"contentId": content, "personSaw": "published"})),
        ("list_scans", json!({})),
        ("list_scans", json!({"cursor": scan})),
        ("list_scans", json!({"url": format!("http://{}/", MARKER.to_lowercase())})),
        ("scan_page", json!({"url": "http://10.0.0.1/"})),
        ("query_ga4", json!({})),
        ("query_search_console", json!({})),
        ("query_post_analytics", json!({"platform": "x"})),
    ];
    let tried = |tool: &String| tries.iter().any(|(name, _)| name == tool);
    assert!(ben.tools.keys().all(tried), "a tool is not tried");
    let mut told = Vec::new();
    for (tool, arguments) in tries {
        let said = ben.say(tool, &arguments).await.unwrap();
        let is_hers = arguments["contentId"] == json!(content) || arguments["runId"] == json!(run);
        if is_hers || arguments["proposalId"] == json!(proposal) {
            assert!(said.is_error, "{tool} did it: {}", said.text);
        }
        if tool == "schedule_content" && arguments["contentId"] != json!(content) {
            assert!(!said.is_error, "her calendar stands in his way: {}", said.text);
        }
        if tool == "log_lead" && !said.is_error {
            assert_eq!(said.data["fromSource"], 1, "her leads are counted too");
        }
        told.push(format!("{tool} {arguments}: {} {}", said.text, said.data).replace(&arguments.to_string(), ""));
    }
    told
}

async fn by_prompts_and_resources(ben: &Assistant, hers: &Hers) -> Vec<String> {
    let mut told = Vec::new();
    let uri = format!("heycmo://content/{}", hers.content);
    assert!(ben.read(&uri).await.is_err(), "her piece can be read");
    assert!(ben.subscribe(&uri).await.is_err());
    let scan = format!("heycmo://scans/{}", hers.scan);
    assert!(ben.read(&scan).await.is_err() && ben.subscribe(&scan).await.is_err(), "her scan can be read");
    let report = format!("heycmo://reports/{}", hers.report);
    assert!(ben.read(&report).await.is_err() && ben.subscribe(&report).await.is_err(), "her report can be read");
    let offered = ben.client.complete_resource_argument("heycmo://reports/{runId}", "runId", "", None).await.unwrap();
    assert_eq!(offered.values, [""; 0]);
    let listed = in_time("resources/list", ben.client.list_all_resources()).await.unwrap();
    for resource in listed {
        told.push(format!("{resource:?} {}", ben.read(&resource.uri).await.unwrap()));
    }
    assert!(ben.prompt("review_draft", json!({"contentId": hers.content})).await.is_err());
    told.push(ben.prompt("brand_interview", json!({})).await.unwrap());
    told.push(ben.prompt("write_content", json!({"kind": "x_post", "topic": "Anything"})).await.unwrap());
    for argument in ["kind", "topic", "contentId"] {
        for prompt in ["brand_interview", "write_content", "review_draft"] {
            let values = ben.client.complete_prompt_argument(prompt, argument, "", None).await.unwrap().values;
            assert!(!values.contains(&hers.content), "her piece is offered");
            told.push(values.join(" "));
        }
    }
    for (template, argument) in [("heycmo://content/{id}", "id"), ("heycmo://playbook/{channel}", "channel")] {
        let values = ben.client.complete_resource_argument(template, argument, "", None).await.unwrap().values;
        assert!(!values.contains(&hers.content), "her piece is offered");
        told.push(values.join(" "));
    }
    told
}

async fn by_rest(product: &Product, ben: &Account, hers: &Hers) -> Vec<String> {
    let mut told = Vec::new();
    let (anna, own, event) = (&hers.customer, &ben.id, &hers.event);
    for path in [
        format!("/api/customer/{anna}"),
        format!("/api/events/{anna}"),
        format!("/api/events/{anna}/stream"),
        format!("/api/events/{anna}?before={event}"),
        format!("/api/connections/{anna}"),
        format!("/api/connections/{own}"),
        format!("/api/customer/{own}"),
        format!("/api/events/{own}"),
        format!("/api/events/{own}?before={event}"),
        format!("/api/events/{own}?type=content.*"),
    ] {
        told.push(product.get(&path, &ben.key).send().await.unwrap().text().await.unwrap());
    }
    // His own stream from her last event on brings what is his: all that he did after it.
    let stream = product.get(&format!("/api/events/{own}/stream"), &ben.key).header("last-event-id", event);
    let mut stream = stream.send().await.unwrap();
    let mut live = String::new();
    while !live.contains("lead.logged") {
        let chunk = in_time("his events", stream.chunk()).await.unwrap().expect("the stream goes on");
        live.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    told.push(live);
    told
}

#[tokio::test]
async fn another_customers_data_cannot_be_seen_or_changed() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let hers = fill(&product, &anna).await;
    let before = product.state_of(&anna.id).await;
    assert!(before.iter().filter(|row| row.contains(MARKER)).count() >= 5, "{before:#?}");

    let assistant = product.assistant(&ben.key).await;
    let mut told = by_tools(&assistant, &hers).await;
    told.extend(by_prompts_and_resources(&assistant, &hers).await);
    told.extend(by_rest(&product, &ben, &hers).await);
    for text in &told {
        assert!(!text.contains(MARKER) && !text.contains(&hers.customer), "{text}");
    }
    assert_eq!(product.state_of(&anna.id).await, before);
    let his = product.state_of(&ben.id).await;
    assert!(his.iter().all(|row| !row.contains(&hers.content)), "{his:#?}");
}

/// A session is the customer's who opened it.
#[tokio::test]
async fn updates_go_to_their_customer_only() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let (hers, his) = (product.assistant(&anna.key).await, product.assistant(&ben.key).await);
    for assistant in [&hers, &his] {
        assistant.subscribe("heycmo://brand").await.unwrap();
    }
    hers.call("update_brand", json!({"name": "Hers"})).await;
    assert_eq!(hers.hears().await, "heycmo://brand");
    his.a_piece("His own").await;
    assert_eq!(his.hears().await, "list", "the first that he hears is his own doing");
    let answered: Value = his.call("get_brand", json!({})).await.data;
    assert_eq!(answered["name"], json!(null));
}
