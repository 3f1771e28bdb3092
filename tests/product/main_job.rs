//! The whole job once, as a founder's assistant does it.

use chrono::{Duration, NaiveTime, Utc};
use chrono_tz::Europe::Berlin;
use harness::{TestDb, an_email, on_each_database};
use serde_json::{Value, json};

use crate::support::{Assistant, Product, json_of};

on_each_database!(from_the_first_key_to_a_scheduled_post);

const SENTENCE: &str = "Our audit tool now finds slow pages before your visitors do.";

async fn from_the_first_key_to_a_scheduled_post(test: TestDb) {
    let product = Product::on(test).await;
    let account = json_of(product.provision(&json!({"email": an_email()}))).await;
    let (id, key) = (account["customerId"].as_str().unwrap(), account["apiKey"].as_str().unwrap());
    let assistant = product.assistant(key).await;

    // What is there to do?
    let account = assistant.call("get_account", json!({})).await;
    assert_eq!(account.data["needsAttention"].as_array().unwrap().len(), 1, "{}", account.text);
    assert!(account.text.contains("0 % complete"), "{}", account.text);

    tell_of_the_brand(&assistant).await;

    // A draft that breaks a rule is saved, but cannot be approved before it is mended.
    let body = format!("{SENTENCE} ").repeat(6);
    let draft = assistant.call("create_content", json!({"kind": "x_post", "body": body, "pillar": "Speed"})).await;
    let post = draft.content_id();
    assert_eq!((&draft.data["content"]["status"], draft.rules()), (&json!("draft"), vec!["x.length"]));
    assert!(draft.text.contains("update_content"), "{}", draft.text);
    let approval = json!({"contentId": post, "decision": "approved", "decidedBy": "Anna"});
    let refused = assistant.refused("review_content", approval.clone()).await;
    assert!(refused.contains("x.length") && refused.contains("Cut at least"), "the fix is missing: {refused}");

    let mended = assistant
        .call("update_content", json!({"contentId": post, "body": SENTENCE, "note": "Cut to one sentence"}))
        .await;
    assert_eq!((&mended.data["content"]["status"], mended.rules()), (&json!("in_review"), vec![]));
    assert!(mended.text.contains("review_content"), "{}", mended.text);
    let approved = assistant.call("review_content", approval).await;
    assert!(approved.text.contains("schedule_content"), "{}", approved.text);

    // Nine in the morning three days from now, where the brand is at home.
    let day = (Utc::now() + Duration::days(3)).with_timezone(&Berlin).date_naive();
    let nine = day.and_time(NaiveTime::from_hms_opt(9, 0, 0).unwrap());
    let scheduled = assistant
        .call("schedule_content", json!({"contentId": post, "at": nine.format("%Y-%m-%dT%H:%M").to_string()}))
        .await;
    let utc = nine.and_local_timezone(Berlin).unwrap().to_utc().format("%Y-%m-%dT%H:%M:00.000Z").to_string();
    assert_eq!(
        (&scheduled.data["content"]["scheduledAt"], &scheduled.data["content"]["status"]),
        (&json!(utc), &json!("approved"))
    );
    assert!(scheduled.text.contains("09:00 (Europe/Berlin)"), "{}", scheduled.text);

    // All of it can be found again.
    let day = json!({"scheduledFrom": day.to_string(), "scheduledBefore": day.succ_opt().unwrap().to_string()});
    assert_eq!(assistant.call("list_content", day).await.data["content"][0]["id"], post);
    let whole = assistant.call("get_content", json!({"contentId": post})).await;
    assert_eq!(
        (&whole.data["draft"]["body"], &whole.data["decisions"][0]["decidedBy"]),
        (&json!(SENTENCE), &json!("Anna"))
    );
    assert_eq!(whole.data["revisions"].as_array().unwrap().len(), 2);
    list_in_pages(&assistant, &post).await;
    assistant.call("log_lead", json!({"source": "x", "name": "Lea", "contentId": post})).await;
    let nothing = assistant.call("get_account", json!({})).await;
    assert!(!nothing.text.contains("% complete"), "{}", nothing.text);

    every_step_is_logged(&product, &assistant, id, key, &post).await;
}

/// In three rounds, as an interview goes: each answer says what is still missing.
async fn tell_of_the_brand(assistant: &Assistant) {
    let rounds = [
        (
            json!({"name": "Quick Pages", "website": "quickpages.example", "timeZone": "Europe/Berlin",
                "offering": "We find the slow pages of a shop and say, in plain words, what to change first and why."}),
            28,
            "audience",
        ),
        (
            json!({"audience": "Owners of small online shops who run marketing themselves and see visitors leave.",
                "goals": ["20 trials a week by June"], "cadence": [{"channel": "x", "perWeek": 3}],
                "pillars": [{"name": "Speed", "weight": 50}, {"name": "Shops", "weight": 30}, {"name": "Numbers", "weight": 20}]}),
            71,
            "voice.adjectives",
        ),
        (
            json!({"voice": {"adjectives": ["plain", "warm", "exact"], "do": ["say you", "show a number"], "dont": ["hype", "jargon"]},
                "competitors": [{"name": "SlowCheck"}, {"name": "Do nothing"}], "forbiddenClaims": ["guaranteed results"]}),
            100,
            "",
        ),
    ];
    for (answers, completeness, next) in rounds {
        let told = answers.as_object().unwrap().len();
        let said = assistant.call("update_brand", answers).await;
        assert_eq!(said.data["changed"].as_array().unwrap().len(), told, "{}", said.text);
        assert_eq!(said.data["completeness"], completeness, "{}", said.text);
        assert_eq!(said.data["nextQuestions"][0]["field"].as_str().unwrap_or_default(), next);
        assert!(said.text.contains(next), "{}", said.text);
    }
}

async fn list_in_pages(assistant: &Assistant, post: &str) {
    let mut ids = vec![post.to_owned()];
    for number in 0..4 {
        ids.insert(0, assistant.a_piece(&format!("Short tip number {number}")).await);
    }
    let (mut listed, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = assistant.call("list_content", json!({"limit": 2, "cursor": cursor})).await;
        let content = page.data["content"].as_array().unwrap();
        listed.extend(content.iter().map(|piece| piece["id"].as_str().unwrap().to_owned()));
        cursor = page.data["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(listed, ids);
}

async fn every_step_is_logged(product: &Product, assistant: &Assistant, id: &str, key: &str, post: &str) {
    let happened = [
        "customer.created",
        "key.created",
        "brand.updated",
        "brand.updated",
        "brand.updated",
        "content.created",
        "content.updated",
        "content.approved",
        "content.scheduled",
        "content.created",
        "content.created",
        "content.created",
        "content.created",
        "lead.logged",
    ];
    let rest = json_of(product.get(&format!("/api/events/{id}"), key)).await;
    let log = rest["events"].as_array().unwrap();
    let types: Vec<&str> = log.iter().rev().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, happened);
    let approved = log.iter().find(|event| event["type"] == "content.approved").unwrap();
    assert_eq!((&approved["data"]["contentId"], &approved["data"]["decidedBy"]), (&json!(post), &json!("Anna")));
    let told = assistant.call("list_events", json!({})).await;
    assert_eq!(told.data["events"], rest["events"], "both ways to the log tell the same");
}
