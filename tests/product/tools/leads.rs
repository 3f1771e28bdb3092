use serde_json::json;

use crate::support::Product;

#[tokio::test]
async fn leads_are_recorded_once_and_counted_by_source() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let content = assistant.a_piece("What brought them").await;
    let lea = json!({"source": " LinkedIn ", "name": "Lea", "email": "LEA@Example.com", "contentId": content});
    for (lead, saved, from_source) in [
        (lea.clone(), true, 1),
        (lea, false, 1),
        (json!({"source": "linkedin", "company": "Acme"}), true, 2),
        (json!({"source": "webinar", "email": "max@example.com", "note": "Wants a demo"}), true, 1),
    ] {
        let said = assistant.call("log_lead", lead.clone()).await;
        assert_eq!((&said.data["saved"], &said.data["fromSource"]), (&json!(saved), &json!(from_source)), "{lead}");
    }
}

#[tokio::test]
async fn a_lead_can_be_found_again_or_is_refused() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let foreign = product.assistant(&product.customer().await.key).await.a_piece("Somebody else's").await;
    let before = product.state_of(&customer.id).await;
    for (lead, field) in [
        (json!({"source": "", "name": "Lea"}), "source"),
        (json!({"source": "x".repeat(61), "name": "Lea"}), "source"),
        (json!({"source": "webinar"}), "name"),
        (json!({"source": "webinar", "name": " ", "note": "Wants a demo"}), "name"),
        (json!({"source": "webinar", "name": "x".repeat(201)}), "name"),
        (json!({"source": "webinar", "email": "lea"}), "email"),
        (json!({"source": "webinar", "email": "lea@localhost"}), "email"),
        (json!({"source": "webinar", "company": "x".repeat(201)}), "company"),
        (json!({"source": "webinar", "name": "Lea", "note": "x".repeat(2_001)}), "note"),
        (json!({"source": "webinar", "name": "Lea", "contentId": foreign}), "contentId"),
        (json!({"source": "webinar", "name": "Lea", "contentId": "cnt_1"}), "contentId"),
    ] {
        let refused = assistant.refused("log_lead", lead).await;
        assert!(refused.contains(&format!("`{field}`")), "{field} is not named: {refused}");
    }
    assert_eq!(product.state_of(&customer.id).await, before);
}
