//! Planning the coming weeks, by tool and by workflow.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::{Assistant, Product};

async fn with_cadence(product: &Product) -> Assistant {
    let assistant = product.assistant(&product.customer().await.key).await;
    let brand = json!({
        "timeZone": "America/New_York",
        "pillars": [{"name": "Craft", "weight": 2, "description": "How it is made"}, {"name": "People", "weight": 1}],
        "cadence": [{"channel": "linkedin", "perWeek": 2}, {"channel": "newsletter", "perWeek": 1}],
    });
    assistant.call("update_brand", brand).await;
    assistant
}

fn times(data: &Value) -> Vec<DateTime<Utc>> {
    let slots = data["slots"].as_array().unwrap();
    slots.iter().map(|slot| slot["at"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_plan_is_proposed_then_saved_once_then_written() {
    let product = Product::start().await;
    let assistant = with_cadence(&product).await;

    let proposed = assistant.call("plan_calendar", json!({"weeks": 2})).await;
    assert_eq!(times(&proposed.data).len(), 6, "{}", proposed.text);
    assert!(
        proposed.text.contains("Nothing is saved") && proposed.text.contains("America/New_York"),
        "{}",
        proposed.text
    );
    assert_eq!(assistant.call("list_content", json!({})).await.data["content"], json!([]));

    let saved = assistant.call("plan_calendar", json!({"weeks": 2, "commit": true})).await;
    assert_eq!(times(&saved.data), times(&proposed.data), "what was proposed is what is saved");
    let again = assistant.call("plan_calendar", json!({"weeks": 2, "commit": true})).await;
    assert!(again.data["slots"] == json!([]) && again.text.contains("Nothing is missing"), "{}", again.text);

    let slot = &saved.data["slots"][0];
    let id = slot["contentId"].as_str().unwrap();
    let brief = assistant.call("get_content", json!({"contentId": id})).await;
    assert_eq!(brief.data["content"]["status"], "planned");
    assert_eq!(brief.data["content"]["scheduledAt"], slot["at"]);
    assert!(brief.text.contains("Brief: LinkedIn post on “Craft”: How it is made"), "{}", brief.text);
    let refused =
        assistant.refused("review_content", json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"}));
    assert!(refused.await.contains("Nothing is written yet"));

    let body = "Three years of oak taught us one thing: dry it slowly.";
    let written = assistant.call("update_content", json!({"contentId": id, "body": body})).await;
    assert_eq!(written.data["content"]["status"], "in_review", "{}", written.text);
    assert_eq!(written.data["content"]["scheduledAt"], slot["at"], "its time stays");
    let approval = json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"});
    let approved = assistant.call("review_content", approval).await;
    assert_eq!(approved.data["content"]["status"], "approved");
    let planned = assistant.call("list_content", json!({"status": "planned"})).await;
    assert_eq!(planned.data["content"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_brand_without_a_cadence_is_asked_for_one() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let plan = assistant.call("plan_calendar", json!({"commit": true})).await;
    assert!(plan.data["slots"] == json!([]) && plan.text.contains("no cadence yet"), "{}", plan.text);
}

#[tokio::test]
async fn the_workflow_plans_like_the_tool() {
    let product = Product::start().await;
    product.runs_workflows();
    let assistant = with_cadence(&product).await;
    let proposed = assistant.call("plan_calendar", json!({})).await;
    let run = assistant.call("start_workflow", json!({"workflow": "content_plan"})).await;
    assert_eq!(run.data["run"]["status"], "completed", "{}", run.text);
    assert_eq!(run.data["run"]["output"]["planned"], 3);
    let planned = assistant.call("list_content", json!({"status": "planned"})).await;
    let mut saved: Vec<&str> = planned.data["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|piece| piece["scheduledAt"].as_str().unwrap())
        .collect();
    saved.sort_unstable();
    let proposed: Vec<&str> =
        proposed.data["slots"].as_array().unwrap().iter().map(|slot| slot["at"].as_str().unwrap()).collect();
    assert_eq!(saved, proposed);

    for (input, field) in [(json!({"url": "https://a.example"}), "input.url"), (json!({"from": "soon"}), "input.from")]
    {
        let refused = assistant.refused("start_workflow", json!({"workflow": "content_plan", "input": input})).await;
        assert!(refused.contains(field), "{refused}");
    }
    let past = json!({"workflow": "content_plan", "input": {"from": "2020-01-06"}});
    let failed = assistant.call("start_workflow", past).await;
    assert_eq!(failed.data["run"]["status"], "failed");
    assert!(failed.data["run"]["error"].as_str().unwrap().contains("must not be over"), "{}", failed.text);
}
