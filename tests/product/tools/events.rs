use serde_json::{Value, json};

use crate::support::Product;

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    for number in 0..5 {
        assistant.call("log_lead", json!({"source": "webinar", "name": format!("Lead {number}")})).await;
    }
    let count = async |arguments: Value| {
        assistant.call("list_events", arguments).await.data["events"].as_array().unwrap().len()
    };
    for (filter, found) in
        [("lead.logged", 5), ("lead.*", 5), ("k*", 1), ("*", 7), ("", 7), ("lead", 0), ("no.such", 0)]
    {
        assert_eq!(count(json!({"type": filter})).await, found, "{filter}");
    }
    let whole = assistant.call("list_events", json!({})).await.data["events"].clone();
    let (mut walked, mut cursor) = (Vec::new(), json!(null));
    loop {
        let page = assistant.call("list_events", json!({"limit": 3, "cursor": cursor})).await;
        walked.extend(page.data["events"].as_array().unwrap().clone());
        cursor = page.data["nextCursor"].clone();
        let Some(next) = cursor.as_str() else { break };
        assert!(page.text.contains(next), "{}", page.text);
    }
    assert_eq!(json!(walked), whole);
}

#[tokio::test]
async fn a_full_page_is_short() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    assistant.call("update_brand", json!({"timeZone": "America/Argentina/Buenos_Aires"})).await;
    let id = assistant.a_piece(&"long words ".repeat(20)).await;
    for number in 0..50 {
        let reason = format!("{number} {}", "because ".repeat(200));
        assistant
            .call(
                "review_content",
                json!({"contentId": id, "decision": "revised", "decidedBy": "Anna", "reason": reason}),
            )
            .await;
    }
    let page = assistant.call("list_events", json!({"limit": 50})).await;
    assert_eq!(page.data["events"].as_array().unwrap().len(), 50);
    assert!(page.text.chars().count() < 10_000, "{} characters", page.text.chars().count());
}
