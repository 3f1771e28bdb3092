use chrono::{Duration, Utc};
use serde_json::json;

use crate::support::Product;

#[tokio::test]
async fn what_needs_attention_is_counted_most_urgent_first() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let attention = async || {
        let said = assistant.call("get_account", json!({})).await;
        let needs = said.data["needsAttention"].as_array().unwrap().clone();
        assert!(needs.iter().all(|need| said.text.contains(need.as_str().unwrap())), "{}", said.text);
        needs.into_iter().map(|need| need.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let brand = "The brand profile is 0 % complete";
    let expect = |needs: Vec<String>, expected: &[&str]| {
        assert_eq!(needs.len(), expected.len(), "{needs:#?}");
        for (need, expected) in needs.iter().zip(expected) {
            assert!(need.contains(expected), "{expected} is not in: {need}");
        }
    };
    expect(attention().await, &[brand]);

    let waiting = assistant.a_piece("Waits for a decision").await;
    expect(attention().await, &["1 piece of content to decide on", brand]);
    assistant.a_piece("Waits as well").await;
    let soon = (Utc::now() + Duration::hours(3)).to_rfc3339();
    assistant.call("schedule_content", json!({"contentId": waiting, "at": soon})).await;
    expect(
        attention().await,
        &["1 piece of content with a time set but no approval", "2 pieces of content to decide on", brand],
    );

    let revised = json!({"contentId": waiting, "decision": "revised", "decidedBy": "Anna", "reason": "Too dry"});
    assistant.call("review_content", revised).await;
    assistant.call("create_content", json!({"kind": "x_post", "body": "x".repeat(300)})).await;
    let scheduled = "1 piece of content with a time set but no approval";
    let needs = attention().await;
    expect(
        needs,
        &[
            scheduled,
            "1 piece of content to decide on",
            "1 piece of content to change",
            "1 piece of content to mend",
            brand,
        ],
    );
}

#[tokio::test]
async fn the_account_shows_plan_status_and_sessions() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let (first, _second) = (product.assistant(&customer.key).await, product.assistant(&customer.key).await);
    let said = first.call("get_account", json!({})).await;
    assert_eq!((&said.data["plan"], &said.data["status"]), (&json!("pro"), &json!("onboarding")));
    assert_eq!((&said.data["timeZone"], &said.data["connections"]), (&json!("UTC"), &json!([])));
    assert_eq!(said.data["sessions"]["open"], 2, "{}", said.text);
    assert_eq!(said.data["customerId"], customer.id.as_str());
}
