use serde_json::json;

use crate::support::{Product, next_year};

#[tokio::test]
async fn decisions_move_a_piece_and_are_kept() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let id = assistant.a_piece("To be decided on").await;
    let decide = |decision: &str, reason: Option<&str>| json!({"contentId": id, "decision": decision, "decidedBy": " Anna ", "reason": reason});
    for (decision, reason, status, next) in [
        ("revised", Some("Too dry"), "changes_requested", "update_content"),
        ("rejected", Some("Not now"), "rejected", "will not go out"),
        ("approved", None, "approved", "schedule_content"),
    ] {
        let said = assistant.call("review_content", decide(decision, reason)).await;
        assert_eq!(said.data["content"]["status"], status);
        assert!(said.text.contains(next) && said.text.contains("by Anna"), "{}", said.text);
    }
    // The same once more is no further decision.
    assistant.call("review_content", decide("approved", None)).await;
    let piece = assistant.call("get_content", json!({"contentId": id})).await;
    let decisions = piece.data["decisions"].as_array().unwrap();
    let known: Vec<_> =
        decisions.iter().map(|made| (made["decision"].as_str().unwrap(), made["reason"].as_str())).collect();
    assert_eq!(known, [("approved", None), ("rejected", Some("Not now")), ("revised", Some("Too dry"))]);
}

#[tokio::test]
async fn an_approval_after_the_time_says_that_it_has_passed() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let id = assistant.a_piece("Forgotten").await;
    let decide = |decision: &str| json!({"contentId": id, "decision": decision, "decidedBy": "Anna", "reason": "Late"});
    assistant.call("schedule_content", json!({"contentId": id, "at": next_year("06-01T09:00")})).await;
    let in_time = assistant.call("review_content", decide("approved")).await;
    assert!(in_time.text.contains("It is due at") && !in_time.text.contains("passed"), "{}", in_time.text);

    assistant.call("review_content", decide("revised")).await;
    // By hand, because a time can only be set before it comes.
    let aged = format!("UPDATE content SET scheduled_at = created_at WHERE id = '{id}'");
    assert_eq!(product.test.execute(&aged).await, 1);
    let saved = assistant.call("update_content", json!({"contentId": id, "body": "Other words"})).await;
    let late = assistant.call("review_content", decide("approved")).await;
    for said in [&saved, &late] {
        assert!(said.text.contains("has passed: it must be scheduled again (schedule_content)"), "{}", said.text);
        assert!(!said.text.contains("due at"), "{}", said.text);
    }
    let missed = "1 piece of content whose time passed without an approval";
    assert!(assistant.call("get_account", json!({})).await.text.contains(missed));
    let same = json!({"contentId": id, "at": late.data["content"]["scheduledAt"]});
    let refused = assistant.refused("schedule_content", same).await;
    assert!(refused.contains("must be in the future"), "{refused}");

    assistant.call("schedule_content", json!({"contentId": id, "at": next_year("06-02T09:00")})).await;
    assert!(!assistant.call("get_account", json!({})).await.text.contains("passed"));
}

#[tokio::test]
async fn a_decision_says_who_why_and_on_what() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let id = assistant.a_piece("To be decided on").await;
    assistant.call("update_content", json!({"contentId": id, "body": "Changed meanwhile"})).await;
    let before = product.state_of(&customer.id).await;
    for (arguments, named) in [
        (json!({"decision": "rejected", "decidedBy": "Anna"}), "`reason`"),
        (json!({"decision": "revised", "decidedBy": "Anna", "reason": "  "}), "`reason`"),
        (json!({"decision": "approved", "decidedBy": " "}), "`decidedBy`"),
        (json!({"decision": "approved", "decidedBy": "x".repeat(121)}), "`decidedBy`"),
        (json!({"decision": "accepted", "decidedBy": "Anna"}), "`decision`"),
        (
            json!({"decision": "approved", "decidedBy": "Anna", "revision": 1}),
            "Revision 1 is not the current one, 2 is",
        ),
        (json!({"decision": "approved", "decidedBy": "Anna", "revision": 0}), "`revision`"),
    ] {
        let mut arguments = arguments;
        arguments["contentId"] = json!(id);
        let refused = assistant.refused("review_content", arguments).await;
        assert!(refused.contains(named), "{named} is not in: {refused}");
    }
    assert_eq!(product.state_of(&customer.id).await, before);
}
