//! Results come in, proposals follow, a person decides, and the calendar is planned accordingly.

use chrono::{Datelike, Days, NaiveTime, Utc};
use entity::connections::Platform;
use entity::content::{self, Channel, ContentKind, Decision, Draft, Findings, Review, Version};
use entity::db::Db;
use entity::ids::{CustomerId, RunId};
use entity::publications::{self, Claim, Posted, Progress, Settlement};
use entity::snapshots::{self, NewSnapshot};
use marketing::calendar::monday;
use marketing::performance::{Numbers, Post};
use serde_json::{Value, json};

use crate::support::{Account, Assistant, Product};

/// A piece that went out, by its id on the platform.
async fn publish(db: &Db, customer: &CustomerId, kind: ContentKind, pillar: Option<&str>, post_id: &str) {
    let draft = Draft { body: format!("Words of {post_id}"), ..Draft::default() };
    let pillar = pillar.map(str::to_owned);
    let version = Version { draft, findings: Findings::default(), pillar, note: None };
    let piece = content::create(db, customer, kind, version).await.unwrap().piece.content;
    let review = Review {
        revision: 1,
        decision: Decision::Approved,
        decided_by: "Anna".to_owned(),
        reason: None,
        findings: Findings::default(),
    };
    content::review(db, customer, &piece.id, review).await.unwrap();
    let platform = if kind.channel() == Channel::X { Platform::X } else { Platform::Facebook };
    let claim = publications::claim(db, customer, &piece.id, platform, "ca_1").await.unwrap();
    let Claim::Yours(claimed) = claim else { panic!("it is not ours: {claim:?}") };
    // A thread has further posts, which are no posts of their own.
    let posted = |id: String| Posted { id, url: None };
    let posts = if kind == ContentKind::XThread { 3 } else { 1 };
    let ids = (0..posts).map(|place| if place == 0 { post_id.to_owned() } else { format!("{post_id}.{place}") });
    let progress = Progress { posted: ids.map(posted).collect(), ..Progress::default() };
    publications::advance(db, &claimed.publication, progress).await.unwrap();
    publications::settle(db, &claimed.publication, Settlement::Published).await.unwrap();
}

/// How a post did, so many days ago.
fn post(channel: Channel, id: &str, days_ago: u64, hour: u32, rate: f64) -> Post {
    let day = Utc::now().date_naive() - Days::new(days_ago);
    let published_at = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap()).and_utc();
    Post { channel, id: id.to_owned(), published_at, impressions: Some(1_000.0), reactions: 1_000.0 * rate }
}

/// Threads do twice as well as posts on X, "People" as "Craft" on Facebook, Tuesdays at four as Fridays at two on
/// Instagram; and LinkedIn does half as well as before.
async fn results_come_in(product: &Product, account: &Account) {
    let db = product.test.db();
    let mut posts = Vec::new();
    for n in 0..8_u32 {
        let wobble = 1.0 + 0.03 * f64::from(n % 4);
        let days_ago = 7 * u64::from(n) + 3;
        for (kind, times, days) in [(ContentKind::XPost, 1.0, 0), (ContentKind::XThread, 2.0, 3)] {
            let id = format!("x{n}{kind:?}");
            publish(&db, &account.id, kind, None, &id).await;
            posts.push(post(Channel::X, &id, days_ago + days, 9 + n, 0.02 * times * wobble));
            posts.push(post(Channel::X, &format!("{id}.1"), days_ago + days, 9 + n, 0.5));
        }
        for (pillar, times, days) in [("Craft", 1.0, 0), ("People", 2.0, 3)] {
            let id = format!("f{n}{pillar}");
            publish(&db, &account.id, ContentKind::FacebookPost, Some(pillar), &id).await;
            posts.push(post(Channel::Facebook, &id, days_ago + days, 9 + n, 0.03 * times * wobble));
        }
        let today = Utc::now().date_naive();
        for (weekday, hour, times) in [(1, 16, 2.0), (4, 14, 1.0)] {
            let day = monday(today) - Days::new(7 * u64::from(n + 1)) + Days::new(weekday);
            let days_ago = u64::try_from((today - day).num_days()).unwrap();
            posts.push(post(Channel::Instagram, &format!("i{n}{weekday}"), days_ago, hour, 0.02 * times * wobble));
        }
        posts.push(post(Channel::Linkedin, &format!("l{n}"), 2 + 5 * u64::from(n), 9 + n, 0.01 * wobble));
        posts.push(post(Channel::Linkedin, &format!("m{n}"), 50 + 5 * u64::from(n), 9 + n, 0.03 * wobble));
    }
    // The second posts of posts that are no threads are nobody's.
    posts.retain(|post| !post.id.ends_with("XPost.1"));
    let today = Utc::now().date_naive();
    let data = json!(Numbers { posts, ..Numbers::default() });
    let new = NewSnapshot { run_id: RunId::new(), first_day: today - Days::new(7), last_day: today, data };
    snapshots::keep(&db, &account.id, new).await.unwrap();
}

async fn tell_of_the_brand(assistant: &Assistant) {
    let cadence = [("x", 5), ("facebook", 4), ("instagram", 2), ("linkedin", 3)];
    let cadence: Vec<Value> =
        cadence.iter().map(|(channel, per_week)| json!({"channel": channel, "perWeek": per_week})).collect();
    let pillars = json!([{"name": "Craft", "weight": 50}, {"name": "People", "weight": 50}]);
    assistant.call("update_brand", json!({"cadence": cadence, "pillars": pillars})).await;
}

/// What is planned for four weeks.
async fn plan(assistant: &Assistant) -> Vec<Value> {
    let plan = assistant.call("plan_calendar", json!({"weeks": 4})).await;
    plan.data["slots"].as_array().unwrap().clone()
}

fn number(slots: &[Value], field: &str, value: &str) -> usize {
    slots.iter().filter(|slot| slot[field] == value).count()
}

async fn open(assistant: &Assistant) -> Vec<Value> {
    assistant.call("list_proposals", json!({})).await.data["proposals"].as_array().unwrap().clone()
}

async fn decide(assistant: &Assistant, id: &Value, decision: &str) -> crate::support::Said {
    let decision = json!({"proposalId": id, "decision": decision, "decidedBy": "Anna", "reason": "As agreed"});
    assistant.call("review_proposal", decision).await
}

#[tokio::test]
async fn what_is_approved_changes_the_calendar_and_what_is_taken_back_restores_it() {
    let product = Product::start().await;
    product.runs_workflows();
    let account = product.customer().await;
    let assistant = product.assistant(&account.key).await;
    tell_of_the_brand(&assistant).await;
    let none = assistant.call("list_proposals", json!({})).await;
    assert!(none.text.contains("No proposal is open") && none.data["stillNeeded"] != json!([]), "{}", none.text);

    results_come_in(&product, &account).await;
    let run = assistant.call("start_workflow", json!({"workflow": "performance_snapshot"})).await;
    assert_eq!(run.data["run"]["output"]["proposals"], json!({"opened": 4, "open": 4}), "{}", run.text);
    let again = assistant.call("start_workflow", json!({"workflow": "performance_snapshot"})).await;
    assert_eq!(again.data["run"]["output"]["proposals"], json!({"opened": 0, "open": 4}), "{}", again.text);

    let listed = assistant.call("list_proposals", json!({})).await;
    let proposals = listed.data["proposals"].as_array().unwrap();
    let titles: Vec<&str> = proposals.iter().map(|proposal| proposal["title"].as_str().unwrap()).collect();
    let expected = [
        "LinkedIn does worse than before: 2 a week instead of 3",
        "More pieces on “People”, fewer pieces on “Craft”",
        "Post on Instagram on Tuesday at 16:00",
        "More X threads, fewer X posts",
    ];
    assert_eq!(titles, expected, "{}", listed.text);
    assert!(listed.text.chars().count() < 10_000, "{}", listed.text.chars().count());
    for proposal in proposals {
        for shown in [&proposal["id"], &proposal["title"], &proposal["expectedEffect"], &proposal["confidence"]] {
            assert!(listed.text.contains(shown.as_str().unwrap()), "{shown} is not in: {}", listed.text);
        }
    }
    assert!(listed.text.contains("not set → X post 60, X thread 40"), "{}", listed.text);
    let attention = assistant.call("get_account", json!({})).await;
    assert!(attention.text.contains("4 proposals from your own results"), "{}", attention.text);

    let before = plan(&assistant).await;
    let reader = product.assistant(&account.key).await;
    reader.subscribe("heycmo://brand").await.unwrap();
    for proposal in proposals {
        let said = decide(&assistant, &proposal["id"], "approve").await;
        assert_eq!((&said.data["status"], &said.data["value"]), (&json!("approved"), &proposal["proposed"]));
        assert!(said.text.contains("plan again"), "{}", said.text);
        assert_eq!(reader.hears().await, "heycmo://brand", "whoever reads the brand is told");
    }
    let after = plan(&assistant).await;
    let threads = |slots: &[Value]| (number(slots, "kind", "x_post"), number(slots, "kind", "x_thread"));
    assert_eq!((threads(&before), threads(&after)), ((15, 5), (12, 8)), "three to one, then three to two");
    let linkedin = |slots: &[Value]| number(slots, "kind", "linkedin_post");
    assert_eq!((linkedin(&before), linkedin(&after)), (12, 8));
    let people = |slots: &[Value]| 100 * number(slots, "pillar", "People") / slots.len();
    assert_eq!((people(&before), people(&after)), (50, 59), "half, then six of ten");
    let at_four = |slots: &[Value]| {
        let is_at_four = |slot: &&Value| {
            let at: chrono::DateTime<Utc> = slot["at"].as_str().unwrap().parse().unwrap();
            slot["kind"] == "instagram_post" && at.weekday() == chrono::Weekday::Tue && slot["basis"] == "set"
        };
        slots.iter().filter(is_at_four).count()
    };
    assert_eq!((at_four(&before), at_four(&after)), (0, 4), "every Tuesday at four");
    assert_eq!(open(&assistant).await, Vec::<Value>::new());

    let approved = assistant.call("list_proposals", json!({"status": "approved"})).await;
    assert!(approved.text.contains("Decided by Anna: As agreed"), "{}", approved.text);
    for proposal in approved.data["proposals"].as_array().unwrap() {
        let said = decide(&assistant, &proposal["id"], "roll_back").await;
        assert_eq!((&said.data["status"], &said.data["value"]), (&json!("rolled_back"), &proposal["current"]));
    }
    assert_eq!(plan(&assistant).await, before, "the calendar is as before");
    // What was taken back is not proposed again at once.
    let run = assistant.call("start_workflow", json!({"workflow": "performance_snapshot"})).await;
    assert_eq!(run.data["run"]["output"]["proposals"], json!({"opened": 0, "open": 0}), "{}", run.text);
}

#[tokio::test]
async fn reasons_that_return_become_a_rule_of_the_voice() {
    let product = Product::start().await;
    let account = product.customer().await;
    let assistant = product.assistant(&account.key).await;
    for words in ["One", "Two", "Three"] {
        let id = assistant.a_piece(words).await;
        let reason = format!("Much too long for a piece that says {words}");
        let revised = json!({"contentId": id, "decision": "revised", "decidedBy": "Anna", "reason": reason});
        assistant.call("review_content", revised).await;
    }
    marketing::optimization::renew_proposals(&product.test.db(), &account.id).await.unwrap();
    let listed = assistant.call("list_proposals", json!({"category": "voice_refinement"})).await;
    assert!(listed.text.contains("“Much too long for a piece that says Three”"), "{}", listed.text);
    assert!(listed.text.contains("3 of 3 pieces"), "{}", listed.text);
    let said = decide(&assistant, &listed.data["proposals"][0]["id"], "approve").await;
    assert!(said.text.contains("`voice.dont`") && said.text.contains("written from now on"), "{}", said.text);
    let prompt = assistant.prompt("write_content", json!({"kind": "x_post", "topic": "Tea"})).await.unwrap();
    assert!(prompt.contains("texts that are longer than their point needs"), "{prompt}");
}

#[tokio::test]
async fn a_decision_that_does_not_fit_is_refused_with_what_to_do() {
    let product = Product::start().await;
    let account = product.customer().await;
    let assistant = product.assistant(&account.key).await;
    tell_of_the_brand(&assistant).await;
    results_come_in(&product, &account).await;
    marketing::optimization::renew_proposals(&product.test.db(), &account.id).await.unwrap();
    let category = async |category: &str| {
        let listed = assistant.call("list_proposals", json!({"category": category})).await;
        listed.data["proposals"][0]["id"].clone()
    };
    let (cadence, formats) = (category("channel_strategy").await, category("format_weights").await);
    let decision = |id: &Value, decision: &str| json!({"proposalId": id, "decision": decision, "decidedBy": "Anna"});

    let early = assistant.refused("review_proposal", decision(&cadence, "roll_back")).await;
    assert!(early.contains("nobody has approved it yet"), "{early}");
    assistant.call("update_brand", json!({"cadence": [{"channel": "linkedin", "perWeek": 4}]})).await;
    let before = product.state_of(&account.id).await;
    let refused = assistant.refused("review_proposal", decision(&cadence, "approve")).await;
    assert!(refused.contains("`cadence`") && refused.contains("update_brand"), "{refused}");
    assert_eq!(product.state_of(&account.id).await, before);

    let rejected = assistant.call("review_proposal", decision(&formats, "reject")).await;
    assert!(rejected.text.contains("nothing was changed"), "{}", rejected.text);
    let late = assistant.refused("review_proposal", decision(&formats, "approve")).await;
    assert!(late.contains("was rejected by Anna"), "{late}");
    let nameless = json!({"proposalId": formats, "decision": "reject", "decidedBy": "  "});
    assert!(assistant.refused("review_proposal", nameless).await.contains("`decidedBy`"));
    // The next look finds that one no longer fits and the other is not wanted.
    marketing::optimization::renew_proposals(&product.test.db(), &account.id).await.unwrap();
    let open = open(&assistant).await;
    assert!(
        open.iter().all(|proposal| proposal["id"] != cadence && proposal["category"] != "format_weights"),
        "{open:#?}"
    );
}

#[tokio::test]
async fn a_customer_without_results_is_told_what_is_missing() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    tell_of_the_brand(&assistant).await;
    let said = assistant.call("list_proposals", json!({})).await;
    assert!(said.text.contains("6 more of X posts") && said.text.contains("6 more pieces on “Craft”"), "{}", said.text);
    assert!(said.text.contains("4 whole weeks") && said.text.contains("start_workflow"), "{}", said.text);
    let rejected = assistant.call("list_proposals", json!({"status": "rejected"})).await;
    assert_eq!((rejected.text.trim(), &rejected.data["stillNeeded"]), ("There is no such proposal.", &json!([])));
}
