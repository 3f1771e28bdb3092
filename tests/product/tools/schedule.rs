use chrono::{Datelike, Duration, NaiveDate, Utc, Weekday};
use serde_json::json;

use crate::support::{Assistant, Product, next_year};

async fn in_berlin(product: &Product) -> Assistant {
    let assistant = product.assistant(&product.customer().await.key).await;
    assistant.call("update_brand", json!({"timeZone": "Europe/Berlin"})).await;
    assistant
}

fn last_sunday(month: u32) -> NaiveDate {
    let last: NaiveDate = next_year(&format!("{month:02}-31")).parse().unwrap();
    last.iter_days().rev().find(|day| day.weekday() == Weekday::Sun).unwrap()
}

#[tokio::test]
async fn times_are_read_where_the_brand_is() {
    let product = Product::start().await;
    let assistant = in_berlin(&product).await;
    let id = assistant.a_piece("To be scheduled").await;
    let clocks_back = last_sunday(10);
    for (at, utc) in [
        (next_year("01-15T09:00"), next_year("01-15T08:00:00.000Z")),
        (next_year("07-15T09:00"), next_year("07-15T07:00:00.000Z")),
        (next_year("07-15 09:00:30 "), next_year("07-15T07:00:30.000Z")),
        (next_year("07-15T09:00:00Z"), next_year("07-15T09:00:00.000Z")),
        (next_year("07-15T09:00:00-05:00"), next_year("07-15T14:00:00.000Z")),
        (format!("{clocks_back}T02:30"), format!("{clocks_back}T00:30:00.000Z")),
    ] {
        let said = assistant.call("schedule_content", json!({"contentId": id, "at": at})).await;
        assert_eq!(said.data["content"]["scheduledAt"], utc, "{at}");
        assert!(said.text.contains("(Europe/Berlin)") && said.text.contains("review_content"), "{}", said.text);
    }
}

#[tokio::test]
async fn times_that_cannot_be_are_refused_with_a_reason() {
    let product = Product::start().await;
    let assistant = in_berlin(&product).await;
    let id = assistant.a_piece("To be scheduled").await;
    let past = (Utc::now() - Duration::minutes(1)).to_rfc3339();
    let far = (Utc::now() + Duration::days(800)).to_rfc3339();
    let skipped = format!("{}T02:30", last_sunday(3));
    for (at, why) in [
        (past.as_str(), "must be in the future"),
        (&far, "two years"),
        (&skipped, "clocks go forward"),
        ("tomorrow", "such as"),
        ("2027-02-30T09:00", "such as"),
        ("2027-06-01", "such as"),
        ("09:00", "such as"),
        ("1893456000", "such as"),
    ] {
        let refused = assistant.refused("schedule_content", json!({"contentId": id, "at": at})).await;
        assert!(refused.contains("`at`") && refused.contains(why), "{at}: {refused}");
    }
    assistant
        .call("review_content", json!({"contentId": id, "decision": "rejected", "decidedBy": "Anna", "reason": "No"}))
        .await;
    let soon = (Utc::now() + Duration::days(1)).to_rfc3339();
    let refused = assistant.refused("schedule_content", json!({"contentId": id, "at": soon})).await;
    assert!(refused.contains("rejected"), "{refused}");
}

#[tokio::test]
async fn pieces_of_a_channel_keep_their_distance() {
    let product = Product::start().await;
    let assistant = in_berlin(&product).await;
    let (first, second) = (assistant.a_piece("First").await, assistant.a_piece("Second").await);
    let elsewhere =
        assistant.call("create_content", json!({"kind": "facebook_post", "body": "Elsewhere"})).await.content_id();
    let at = |id: &str, time: &str| json!({"contentId": id, "at": next_year(&format!("06-01T{time}"))});
    assistant.call("schedule_content", at(&first, "09:00")).await;
    let refused = assistant.refused("schedule_content", at(&second, "09:30")).await;
    for part in ["`at`", "1 h", "X", first.as_str(), "First", "10:00 (Europe/Berlin)"] {
        assert!(refused.contains(part), "{part} is not in: {refused}");
    }
    // The time that was named is free indeed, another channel is free anyway, and so is one's own place.
    assistant.call("schedule_content", at(&second, "10:00")).await;
    assistant.call("schedule_content", at(&elsewhere, "09:30")).await;
    assistant.call("schedule_content", at(&first, "09:00")).await;
    assistant.call("schedule_content", at(&first, "08:45")).await;
    let log = assistant.call("list_events", json!({"type": "content.scheduled"})).await;
    assert_eq!(log.data["events"].as_array().unwrap().len(), 4, "the same time again is no event");
}

#[tokio::test]
async fn a_time_can_be_taken_away() {
    let product = Product::start().await;
    let assistant = in_berlin(&product).await;
    let id = assistant.a_piece("To be scheduled").await;
    for nothing in [json!({"contentId": id}), json!({"contentId": id, "at": ""}), json!({"contentId": id, "at": null})]
    {
        assistant.call("schedule_content", json!({"contentId": id, "at": next_year("06-01T09:00")})).await;
        let said = assistant.call("schedule_content", nothing).await;
        assert_eq!(said.data["content"]["scheduledAt"], json!(null));
    }
    let log = assistant.call("list_events", json!({"type": "content.*scheduled"})).await;
    assert!(log.data["events"].as_array().unwrap().is_empty(), "a star stands at the end only");
    let log = assistant.call("list_events", json!({"type": "content.unscheduled"})).await;
    assert_eq!(log.data["events"].as_array().unwrap().len(), 3);
}
