use serde_json::{Value, json};

use crate::support::{Assistant, Product};

async fn brand(assistant: &Assistant) -> Value {
    assistant.call("get_brand", json!({})).await.data
}

#[tokio::test]
async fn an_update_merges_fields_and_replaces_lists() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    for (update, changed) in [
        (json!({"name": " Acme ", "goals": ["one", "two"]}), vec!["name", "goals"]),
        (json!({"goals": ["three", " ", ""]}), vec!["goals"]),
        (json!({"voice": {"adjectives": ["plain"]}}), vec!["voice"]),
        (json!({"voice": {"do": ["say you"]}}), vec!["voice"]),
        (json!({"website": "acme.example"}), vec!["website"]),
        (json!({"audience": "People", "name": null}), vec!["audience"]),
        (json!({"audience": ""}), vec!["audience"]),
        (json!({"goals": ["three"], "name": "Acme"}), vec![]),
        (json!({}), vec![]),
    ] {
        let said = assistant.call("update_brand", update.clone()).await;
        assert_eq!(said.data["changed"], json!(changed), "{update}");
    }
    let brand = brand(&assistant).await;
    assert_eq!((&brand["name"], &brand["website"]), (&json!("Acme"), &json!("https://acme.example")));
    assert_eq!((&brand["goals"], &brand["audience"]), (&json!(["three"]), &json!(null)));
    assert_eq!(brand["voice"], json!({"adjectives": ["plain"], "do": ["say you"], "dont": []}));
    let log = assistant.call("list_events", json!({"type": "brand.*"})).await;
    assert_eq!(log.data["events"].as_array().unwrap().len(), 7, "what changes nothing is no event");
}

#[tokio::test]
async fn what_cannot_be_saved_names_its_field_and_changes_nothing() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let pillar = |name: &str, weight: i64| json!({"name": name, "weight": weight});
    let many: Vec<Value> = (0..21).map(|number| pillar(&format!("Pillar {number}"), 1)).collect();
    let long = "x".repeat(2_001);
    let before = product.state_of(&customer.id).await;
    for (update, field) in [
        (json!({"timeZone": "Mars/Olympus"}), "timeZone"),
        (json!({"timeZone": "CEST"}), "timeZone"),
        (json!({"timeZone": ""}), "timeZone"),
        (json!({"website": "not a website"}), "website"),
        (json!({"website": "javascript:alert(1)"}), "website"),
        (json!({"website": "https://localhost"}), "website"),
        (json!({"pillars": many}), "pillars"),
        (json!({"pillars": [pillar("Speed", 1), pillar(" speed", 2)]}), "pillars[1].name"),
        (json!({"pillars": [pillar("", 1)]}), "pillars[0].name"),
        (json!({"pillars": [pillar("Speed", 0)]}), "pillars[0].weight"),
        (json!({"pillars": [pillar("Speed", 101)]}), "pillars[0].weight"),
        (json!({"competitors": [{"name": "Other", "url": "other"}]}), "competitors[0].url"),
        (json!({"cadence": [{"channel": "x", "perWeek": 51}]}), "cadence[0].perWeek"),
        (json!({"cadence": [{"channel": "myspace", "perWeek": 1}]}), "cadence[0].channel"),
        (json!({"cadence": [{"channel": "x", "perWeek": 1}, {"channel": "x", "perWeek": 2}]}), "cadence[1].channel"),
        (json!({"forbiddenClaims": ["!?"]}), "forbiddenClaims[0]"),
        (json!({"goals": vec!["goal"; 21]}), "goals"),
        (json!({"voice": {"do": vec!["do"; 21]}}), "voice.do"),
        (json!({"audience": long}), "audience"),
        (json!({"name": "Acme", "offering": long}), "offering"),
    ] {
        let text = assistant.refused("update_brand", update).await;
        assert!(text.contains(&format!("`{field}`")), "{field} is not named: {text}");
        assert!(text.len() < 500, "{text}");
    }
    assert_eq!(product.state_of(&customer.id).await, before);
    let quiet = async |from: &str, to: &str| {
        assistant.call("update_brand", json!({"quietHours": {"from": from, "to": to}})).await;
        assistant.call("get_brand", json!({})).await.data["quietHours"].clone()
    };
    assert_eq!(quiet("20:00", "08:00").await, json!({"from": "20:00", "to": "08:00"}));
    assert_eq!(quiet("", "").await, json!(null), "as when nothing was said");
    let both = assistant.refused("update_brand", json!({"offering": long, "audience": long})).await;
    assert!(both.contains("`offering`") && both.contains("`audience`"), "all problems at once: {both}");
}
