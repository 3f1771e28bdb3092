//! Publishing: what was approved goes out once, whatever happens on the way.

use chrono::Utc;
use futures::future::join_all;
use harness::{TestDb, eventually, on_each_database};
use serde_json::{Value, json};

use super::desk::{Desk, events};

const CREATE: &str = "execute/TWITTER_CREATION_OF_A_POST";

fn post(words: &str) -> Value {
    json!({"kind": "x_post", "body": words})
}

#[tokio::test]
async fn an_approved_piece_goes_out_once_on_each_platform() {
    let desk = Desk::open().await;
    let image = json!([{"url": "https://cdn.example/a.jpg", "type": "image", "alt": "A chart"}]);
    let pieces = [
        (
            "linkedin",
            json!({"kind": "linkedin_post", "body": "Two (or three) things that we learned about slow pages this week."}),
        ),
        ("x", post("Slow pages cost more than fast ones.")),
        ("facebook", json!({"kind": "facebook_post", "body": "Slow pages cost more than fast ones."})),
        (
            "instagram",
            json!({"kind": "instagram_post", "body": "Slow pages cost more than fast ones.", "media": image}),
        ),
        (
            "mailchimp",
            json!({
                "kind": "newsletter", "subject": "Slow pages", "preheader": "What they cost, and what to do",
                "body": "# Slow pages\n\nThey cost more than *fast* ones. <script>alert(1)</script>\n\n[Read on](https://acme.example/slow)",
            }),
        ),
    ];
    for (platform, piece) in pieces {
        let id = desk.approved(piece.clone()).await;
        let refused = desk.say("publish_content", json!({"contentId": id})).await.unwrap_err();
        assert!(refused.contains("is not connected. Connect it with connect_platform"), "{refused}");
        desk.connect(platform).await;
        let before = desk.posts().await.len();
        let first = desk.publish(&id).await;
        assert_eq!((&first["status"], &first["alreadyPublished"]), (&json!("published"), &json!(false)), "{first}");
        let url = first["url"].as_str();
        assert!(url.is_some_and(|url| url.starts_with("https://")) || platform == "instagram", "{first}");
        let second = desk.publish(&id).await;
        assert_eq!((&second["alreadyPublished"], second["url"].as_str()), (&json!(true), url), "{second}");
        let text = desk.text("publish_content", json!({"contentId": id})).await;
        assert!(text.contains("is already published on"), "{text}");
        assert_eq!(desk.posts().await.len(), before + 1, "{platform}");
        let shown = desk.call("get_content", json!({"contentId": id})).await;
        assert_eq!(shown["content"]["status"], "published");
        let change = desk.say("update_content", json!({"contentId": id, "body": "Other words than before"})).await;
        assert!(change.unwrap_err().contains("It is published"), "{platform}");
    }
    let posts = desk.posts().await;
    assert!(posts[0]["text"].as_str().unwrap().starts_with("Two \\(or three\\) things"), "{posts:?}");
    let mail = posts[4]["text"].as_str().unwrap();
    assert!(mail.contains("<em>fast</em>") && mail.contains("&lt;script&gt;") && mail.contains("*|UNSUB|*"), "{mail}");
    assert_eq!(events(&desk, "content.published").await.len(), 5);
}

#[tokio::test]
async fn of_many_who_publish_at_once_one_does() {
    let desk = Desk::open().await;
    desk.connect("x").await;
    let id = desk.approved(post("Slow pages cost more than fast ones.")).await;
    let answers = join_all((0..10).map(|_| desk.publish(&id))).await;
    let new = answers.iter().filter(|told| told["status"] == "published" && told["alreadyPublished"] == false);
    assert_eq!(new.count(), 1, "{answers:?}");
    assert!(answers.iter().all(|told| told["status"] == "published" || told["status"] == "publishing"), "{answers:?}");
    assert_eq!(desk.posts().await.len(), 1);
}

#[tokio::test]
async fn only_what_was_approved_goes_out() {
    let desk = Desk::open().await;
    desk.connect("x").await;
    let made = desk.call("create_content", post("First words, which nobody has approved.")).await;
    let id = made["content"]["id"].as_str().unwrap();
    let publish = async || desk.say("publish_content", json!({"contentId": id})).await;
    assert!(publish().await.unwrap_err().contains("Nobody has approved its current revision"));
    desk.call("review_content", json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"})).await;
    desk.call("update_content", json!({"contentId": id, "body": "Second words, which nobody has approved either."}))
        .await;
    assert!(publish().await.unwrap_err().contains("Nobody has approved its current revision"));
    desk.call("review_content", json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"})).await;
    assert_eq!(publish().await.unwrap()["revision"], 2);
    let words: Vec<Value> = desk.posts().await.into_iter().map(|post| post["text"].clone()).collect();
    assert_eq!(words, [json!("Second words, which nobody has approved either.")]);
    let blog = desk.approved(json!({
        "kind": "landing_page", "title": "A page about slow pages", "description": "What slow pages cost a shop and what to do.",
        "body": "# Slow pages\n\nThey cost more than fast ones.\n\n[Start](https://acme.example/start)",
    }));
    let refused = desk.say("publish_content", json!({"contentId": blog.await})).await.unwrap_err();
    assert!(refused.contains("does not publish on this channel"), "{refused}");
}

#[tokio::test]
async fn a_thread_that_was_stopped_goes_on_where_it_was() {
    let desk = Desk::open().await;
    desk.connect("x").await;
    let body = "Slow pages cost.\n---\nHere is how much.\n---\nHere is why.\n---\nAnd what to do.";
    let id = desk.approved(json!({"kind": "x_thread", "body": body})).await;
    desk.fault(json!({"kind": "429", "next": 1, "skip": 2, "path": CREATE})).await;
    let stopped = desk.publish(&id).await;
    assert_eq!((&stopped["status"], &stopped["tryAgain"]), (&json!("failed"), &json!(true)), "{stopped}");
    assert!(stopped["error"].as_str().unwrap().contains("2 of the 4 posts of the thread are out"), "{stopped}");
    // What is partly out stays as it was approved.
    let change = desk.say("update_content", json!({"contentId": id, "body": "Other words"})).await.unwrap_err();
    assert!(change.contains("It is being published"), "{change}");
    assert_eq!(desk.publish(&id).await["status"], "published");
    let posts = desk.posts().await;
    let words: Vec<&str> = posts.iter().map(|post| post["text"].as_str().unwrap()).collect();
    assert_eq!(words, ["Slow pages cost.", "Here is how much.", "Here is why.", "And what to do."]);
    for pair in posts.windows(2) {
        assert_eq!(pair[1]["reply_to"], pair[0]["id"], "each answers the one before");
    }
}

/// Whatever is lost, and wherever: there is never a second post, and a person or a look at the platform settles it.
#[tokio::test]
async fn a_lost_answer_never_makes_a_second_post() {
    let desk = Desk::open().await;
    desk.connect("x").await;
    let mut made = 0;
    // Nobody refuses what they have done.
    let refusals = ["401", "429", "failed"].map(|kind| (kind, false));
    let losses = ["close", "500", "503", "html"].into_iter().flat_map(|kind| [(kind, false), (kind, true)]);
    for (kind, after) in losses.chain(refusals) {
        for path in [CREATE, "TWITTER_USER_LOOKUP_ME", "/tools/"] {
            made += 1;
            let words = format!("Post number {made} on what slow pages cost.");
            let id = desk.approved(post(&words)).await;
            desk.fault(json!({"kind": kind, "next": 3, "path": path, "after": after})).await;
            let told = desk.publish(&id).await;
            desk.no_more_faults().await;
            let what = format!("{kind} after {after} at {path}: {told}");
            let count = async || desk.posts().await.iter().filter(|post| post["text"] == words.as_str()).count();
            if told["status"] == "published" {
                assert_eq!(count().await, 1, "{what}");
            }
            // Again, as an impatient person does.
            let again = desk.publish(&id).await;
            assert!(count().await <= 1, "{what}, then {again}");
            match again["status"].as_str().unwrap() {
                "published" => {}
                "unknown" => {
                    let seen = if count().await == 1 { "published" } else { "not_published" };
                    let settled = json!({"contentId": id, "personSaw": seen});
                    assert_eq!(desk.call("publish_content", settled).await["status"], "published", "{what}");
                }
                other => panic!("{other}: {what}"),
            }
            assert_eq!(count().await, 1, "{what}");
        }
    }
}

on_each_database!(kill_9_in_the_middle_never_makes_a_second_post, a_scheduled_piece_goes_out_at_its_time);

async fn kill_9_in_the_middle_never_makes_a_second_post(test: TestDb) {
    let mut desk = Desk::on(test).await;
    for platform in ["x", "linkedin", "mailchimp", "instagram"] {
        desk.connect(platform).await;
    }
    let image = json!([{"url": "https://cdn.example/a.jpg", "type": "image", "alt": "A chart"}]);
    for (tool, piece, seen_again) in [
        (CREATE, post("Slow pages cost more than fast ones."), true),
        (
            "execute/LINKEDIN_CREATE_LINKED_IN_POST",
            json!({"kind": "linkedin_post", "body": "What we learned about slow pages this week."}),
            false,
        ),
        (
            "execute/MAILCHIMP_SEND_CAMPAIGN",
            json!({"kind": "email", "subject": "Slow pages", "body": "They cost more than fast ones. [Read](https://acme.example)"}),
            true,
        ),
        (
            "execute/INSTAGRAM_CREATE_POST",
            json!({"kind": "instagram_post", "body": "Slow pages cost more than fast ones.", "media": image}),
            true,
        ),
    ] {
        let before = desk.posts().await.len();
        let id = desk.approved(piece).await;
        // It is done, and the answer never comes.
        desk.fault(json!({"kind": "hang", "next": 1, "path": tool, "after": true})).await;
        let publishing = desk.say("publish_content", json!({"contentId": id}));
        let out = async { eventually("it is out", async || (desk.posts().await.len() > before).then_some(())).await };
        tokio::select! {
            answer = publishing => panic!("{tool}: {answer:?}"),
            () = out => {}
        }
        desk = desk.crash().await;
        desk.no_more_faults().await;
        let busy = desk.publish(&id).await;
        assert_eq!(busy["status"], "publishing", "{tool}: whoever died may still be at it");
        desk.let_claims_pass().await;
        let told = desk.publish(&id).await;
        let expected = if seen_again { "published" } else { "unknown" };
        assert_eq!(told["status"], expected, "{tool}: {told}");
        if !seen_again {
            let text = desk.text("publish_content", json!({"contentId": id})).await;
            assert!(text.contains("Ask the person to look there"), "{text}");
            let settled = desk.call("publish_content", json!({"contentId": id, "personSaw": "published"})).await;
            assert_eq!(settled["status"], "published");
        }
        assert_eq!(desk.posts().await.len(), before + 1, "{tool}: there is one");
    }
}

async fn a_scheduled_piece_goes_out_at_its_time(test: TestDb) {
    let desk = Desk::on(test).await;
    desk.connect("x").await;
    let id = desk.approved(post("Slow pages cost more than fast ones.")).await;
    let at = (Utc::now() + chrono::Duration::seconds(2)).to_rfc3339();
    let text = desk.text("schedule_content", json!({"contentId": id, "at": at})).await;
    assert!(text.contains("HeyCMO publishes it on X then."), "{text}");
    // The first try finds X away for a moment.
    desk.fault(json!({"kind": "429", "next": 1, "path": CREATE})).await;
    let run = eventually("it went out", async || {
        desk.test
            // Not what somebody has: they would lose it while they publish, and the next would find the piece taken.
            .execute(
                "UPDATE engine_timers SET due_at = (SELECT created_at FROM engine_runs WHERE id = engine_timers.run_id)
                 WHERE error IS NOT NULL AND taken_until IS NULL",
            )
            .await;
        let runs = desk.call("list_workflow_runs", json!({"workflow": "publish_due"})).await;
        let run = runs["runs"][0].clone();
        (run["status"] == "completed").then_some(run)
    });
    let output = run.await["output"].clone();
    assert_eq!((&output["published"], &output["platform"]), (&json!(true), &json!("x")), "{output}");
    assert!(output["url"].is_string(), "{output}");
    assert_eq!(desk.posts().await.len(), 1);
    assert_eq!(desk.publish(&id).await["alreadyPublished"], true);
}
