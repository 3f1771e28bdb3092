use serde_json::{Value, json};

use crate::support::{Product, in_time, next_year};

fn with(mut object: Value, field: &str, value: Value) -> Value {
    object[field] = value;
    object
}

fn picture(count: usize) -> Value {
    let pictures = (0..count)
        .map(|number| json!({"url": format!("https://cdn.example/{number}.jpg"), "type": "image", "alt": "A chart"}));
    pictures.collect()
}

/// One of each kind that no rule minds.
fn flawless() -> Vec<Value> {
    let article = format!("{}\n\n[More](https://acme.example/more)\n", "We ship small fixes every week. ".repeat(60));
    let tagged = "Our pages load twice as fast now.\n\n#speed #shops #web";
    let preheader = "Three changes that cost us an afternoon and what they did";
    vec![
        json!({"kind": "blog_post", "title": "How we made pages fast", "description": "What we changed.", "body": article}),
        json!({"kind": "linkedin_post", "body": tagged}),
        json!({"kind": "x_post", "body": "Our pages load twice as fast now."}),
        json!({"kind": "x_thread", "body": "Our pages load twice as fast.\n---\nHere is how."}),
        json!({"kind": "instagram_post", "body": tagged, "media": picture(1)}),
        json!({"kind": "facebook_post", "body": tagged}),
        json!({"kind": "newsletter", "subject": "Fast pages", "preheader": preheader, "body": "Hello.\n\nPages are fast."}),
        json!({"kind": "email", "subject": "Fast pages", "preheader": preheader, "body": "Hello.\n\nPages are fast."}),
        json!({"kind": "landing_page", "title": "Fast pages for shops", "description": "Try it.", "body": "[Start](https://acme.example)"}),
        json!({"kind": "ad", "title": "Fast pages\nMore sales\nTry it free", "body": "Find slow pages.\nSee what to change.", "link": "https://acme.example"}),
    ]
}

#[tokio::test]
async fn every_kind_can_be_written_so_that_it_waits_for_a_decision() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let kinds =
        assistant.tools["create_content"]["inputSchema"]["properties"]["kind"]["enum"].as_array().unwrap().clone();
    let drafts = flawless();
    assert_eq!(drafts.iter().map(|draft| draft["kind"].clone()).collect::<Vec<_>>(), kinds);
    for draft in drafts {
        let said = assistant.call("create_content", draft.clone()).await;
        assert_eq!((said.rules(), &said.data["content"]["status"]), (vec![], &json!("in_review")), "{}", said.text);
        let read = assistant.call("get_content", json!({"contentId": said.content_id()})).await;
        for (field, value) in draft.as_object().unwrap().iter().filter(|(field, _)| *field != "kind") {
            assert_eq!(&read.data["draft"][field], value);
        }
        assert_eq!(read.data["content"], said.data["content"]);
    }
}

#[tokio::test]
async fn each_channels_limits_are_found_with_a_fix() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let drafts = flawless();
    let of = |kind: &str| drafts.iter().find(|draft| draft["kind"] == kind).unwrap().clone();
    for (kind, field, value, rule) in [
        ("blog_post", "title", json!(""), "web.title"),
        ("blog_post", "title", json!("x".repeat(61)), "web.title_length"),
        ("blog_post", "description", json!("x".repeat(161)), "web.description"),
        ("blog_post", "body", json!("Short."), "blog.length"),
        ("linkedin_post", "body", json!("x".repeat(3_001)), "linkedin.length"),
        ("linkedin_post", "body", json!("No hashtags"), "linkedin.hashtags"),
        ("linkedin_post", "media", picture(21), "linkedin.media"),
        ("x_post", "body", json!("x".repeat(281)), "x.length"),
        ("x_post", "body", json!("語".repeat(141)), "x.length"),
        ("x_post", "media", picture(5), "x.media"),
        ("x_thread", "body", json!("Only one"), "x.thread_posts"),
        ("x_thread", "body", json!("One\n---\n---\nThree"), "x.thread_empty_post"),
        ("instagram_post", "body", json!("x".repeat(2_201)), "instagram.length"),
        ("instagram_post", "media", json!([]), "instagram.media"),
        (
            "instagram_post",
            "body",
            json!("#a".to_owned() + &(0..31).map(|n| format!(" #t{n}")).collect::<String>()),
            "instagram.hashtags",
        ),
        ("facebook_post", "body", json!("x ".repeat(19_000) + &"🙂".repeat(2)), ""),
        ("newsletter", "subject", json!(""), "email.subject"),
        ("email", "subject", json!("x".repeat(61)), "email.subject_length"),
        ("email", "preheader", json!("Short"), "email.preheader"),
        ("landing_page", "body", json!("Nothing to click"), "landing.call_to_action"),
        ("ad", "title", json!("One\nTwo"), "ads.headline_count"),
        ("ad", "title", json!(format!("One\nTwo\n{}", "x".repeat(31))), "ads.headline_length"),
        ("ad", "body", json!(format!("One.\n{}", "x".repeat(91))), "ads.description_length"),
        ("ad", "link", json!(""), "ads.link"),
        ("x_post", "body", json!("  "), "body.empty"),
        ("x_post", "link", json!("acme"), "link.url"),
        ("x_post", "media", json!([{"url": "picture.jpg", "type": "image", "alt": "x"}]), "media.url"),
        ("x_post", "media", json!([{"url": "https://cdn.example/a.jpg", "type": "image"}]), "media.alt"),
    ] {
        let said = assistant.call("create_content", with(of(kind), field, value)).await;
        if rule.is_empty() {
            continue;
        }
        assert!(said.rules().contains(&rule), "{kind} {field}: {rule} is not in {:?}", said.rules());
        let findings = said.data["findings"].as_array().unwrap();
        let blocks = findings.iter().any(|finding| finding["severity"] == "blocking");
        assert_eq!(said.data["content"]["status"], if blocks { "draft" } else { "in_review" });
        for finding in findings {
            assert!(said.text.contains(finding["fix"].as_str().unwrap()), "{}", said.text);
        }
    }
}

#[tokio::test]
async fn what_the_brand_forbids_is_found_also_when_it_is_forbidden_later() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let forbid = json!({"forbiddenClaims": ["Guaranteed results"], "pillars": [{"name": "Speed", "weight": 1}]});
    let early = assistant.a_piece("Number one in speed").await;
    assistant.call("update_brand", forbid).await;
    let said =
        assistant.call("create_content", json!({"kind": "x_post", "body": "We have GUARANTEED *results*!"})).await;
    assert_eq!((said.rules(), &said.data["content"]["status"]), (vec!["brand.forbidden_claim"], &json!("draft")));

    assistant.call("update_brand", json!({"forbiddenClaims": ["number one"]})).await;
    let approve = json!({"contentId": early, "decision": "approved", "decidedBy": "Anna"});
    let refused = assistant.refused("review_content", approve).await;
    assert!(refused.contains("number one"), "{refused}");

    let unknown = assistant.refused("create_content", json!({"kind": "x_post", "body": "Hi", "pillar": "Cats"})).await;
    assert!(unknown.contains("`pillar`") && unknown.contains("Speed"), "{unknown}");
    let known = assistant.call("create_content", json!({"kind": "x_post", "body": "Hi", "pillar": "speed"})).await;
    assert_eq!(known.data["content"]["pillar"], "Speed", "as the brand spells it");

    // A piece whose pillar the brand has given up can still be revised.
    assistant.call("update_brand", json!({"pillars": [{"name": "Shops", "weight": 1}]})).await;
    let revised = assistant.call("update_content", json!({"contentId": known.content_id(), "body": "Hi again"})).await;
    assert_eq!(revised.data["content"]["pillar"], "Speed");
}

#[tokio::test]
async fn a_retry_saves_nothing_twice() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let draft = json!({"kind": "x_post", "body": "Saved once"});
    let first = assistant.call("create_content", draft.clone()).await;
    let again = assistant.call("create_content", draft.clone()).await;
    assert_eq!((&first.data["saved"], &again.data["saved"]), (&json!(true), &json!(false)));
    assert_eq!(first.content_id(), again.content_id());
    assert!(again.text.contains("saved a moment ago"), "{}", again.text);
    let raced = futures::future::join_all(
        (0..5).map(|_| assistant.call("create_content", json!({"kind": "x_post", "body": "Raced"}))),
    );
    let raced = in_time("five at once", raced).await;
    assert_eq!(raced.iter().filter(|said| said.data["saved"] == true).count(), 1);
    assert_ne!(
        assistant.call("create_content", with(draft, "kind", json!("facebook_post"))).await.content_id(),
        first.content_id()
    );
    assert_eq!(assistant.call("list_content", json!({})).await.data["content"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn revisions_are_kept_and_stale_ones_refused() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let id = assistant.a_piece("First words").await;
    let revise = |revision: i64, body: &str| json!({"contentId": id, "revision": revision, "body": body});
    assistant.call("review_content", json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"})).await;
    let second = assistant.call("update_content", revise(1, "Second words")).await;
    assert_eq!(
        (&second.data["content"]["revision"], &second.data["content"]["status"]),
        (&json!(2), &json!("in_review"))
    );

    let stale = assistant.refused("update_content", revise(1, "Third words")).await;
    assert!(stale.contains("Revision 1 is not the current one, 2 is"), "{stale}");
    let same = assistant.call("update_content", revise(2, "Second words")).await;
    assert_eq!((&same.data["saved"], &same.data["content"]["revision"]), (&json!(false), &json!(2)));
    let title =
        assistant.call("update_content", json!({"contentId": id, "title": "A title", "note": "For the list"})).await;
    assert_eq!((&title.data["content"]["revision"], &title.data["content"]["label"]), (&json!(3), &json!("A title")));

    for (revision, body, title) in
        [(1, "First words", json!(null)), (2, "Second words", json!(null)), (3, "Second words", json!("A title"))]
    {
        let old = assistant.call("get_content", json!({"contentId": id, "revision": revision})).await;
        assert_eq!((&old.data["draft"]["body"], &old.data["draft"]["title"]), (&json!(body), &title));
        assert!(old.text.contains(&format!("revision {revision} of 3")), "{}", old.text);
        let numbers =
            old.data["revisions"].as_array().unwrap().iter().map(|revision| revision["number"].as_i64().unwrap());
        assert_eq!(numbers.collect::<Vec<_>>(), [3, 2, 1]);
    }
    for revision in [0, -1, 4, i64::MAX] {
        let refused = assistant.refused("get_content", json!({"contentId": id, "revision": revision})).await;
        assert!(refused.contains("`revision`"), "{refused}");
    }
}

#[tokio::test]
async fn lists_are_filtered_and_short() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    assistant.call("update_brand", json!({"timeZone": "America/Argentina/Buenos_Aires"})).await;
    let approved = assistant.a_piece("100% of our users_ say: ÄPFEL").await;
    assistant.call("review_content", json!({"contentId": approved, "decision": "approved", "decidedBy": "Anna"})).await;
    assistant.call("schedule_content", json!({"contentId": approved, "at": next_year("06-01T23:30")})).await;
    assistant.call("create_content", json!({"kind": "facebook_post", "body": "Something else"})).await;
    for (filter, found) in [
        (json!({"kind": "x_post"}), 1),
        (json!({"kind": "ad"}), 0),
        (json!({"status": "approved"}), 1),
        (json!({"status": "rejected"}), 0),
        (json!({"text": "äpfel"}), 1),
        (json!({"text": "100%"}), 1),
        (json!({"text": "0_"}), 0),
        (json!({"text": "users_"}), 1),
        (json!({"text": "'; DROP TABLE content; --"}), 0),
        (json!({"text": ""}), 2),
        // A day is a day where the brand is.
        (json!({"scheduledFrom": next_year("06-01"), "scheduledBefore": next_year("06-02")}), 1),
        (json!({"scheduledFrom": next_year("06-02")}), 0),
        (json!({"scheduledFrom": next_year("06-02T02:00:00Z")}), 1),
        (json!({"scheduledFrom": next_year("06-01"), "kind": "facebook_post"}), 0),
    ] {
        let said = assistant.call("list_content", filter.clone()).await;
        assert_eq!(said.data["content"].as_array().unwrap().len(), found, "{filter}: {}", said.text);
    }

    // The longest lines that there are.
    for number in 0..50 {
        let body = format!("{number} {}", "long words ".repeat(20));
        let said = assistant.call("create_content", json!({"kind": "instagram_post", "body": body})).await;
        let at = next_year(&format!("{:02}-{:02}T09:00", number / 25 + 1, number % 25 + 1));
        assistant.call("schedule_content", json!({"contentId": said.content_id(), "at": at})).await;
    }
    let list = assistant.call("list_content", json!({"limit": 50})).await;
    assert_eq!(list.data["content"].as_array().unwrap().len(), 50);
    assert!(list.text.chars().count() < 10_000, "{} characters", list.text.chars().count());
    let rest = assistant.call("list_content", json!({"limit": 50, "cursor": list.data["nextCursor"]})).await;
    assert_eq!((rest.data["content"].as_array().unwrap().len(), &rest.data["nextCursor"]), (2, &json!(null)));
}
