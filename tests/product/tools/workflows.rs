//! Durable work, as assistants start, watch and end it.

use entity::workflows::{RunStatus, Workflow};
use rmcp::model::{CallToolRequest, CallToolRequestParams, ClientRequest};
use rmcp::service::PeerRequestOptions;
use serde_json::{Value, json};

use crate::support::{Assistant, Product, Said, in_time, next_year, object};

async fn onboard(assistant: &Assistant, wait_seconds: i64) -> Said {
    assistant.call("start_workflow", json!({"workflow": "onboarding", "waitSeconds": wait_seconds})).await
}

#[track_caller]
fn run_id(said: &Said) -> String {
    said.data["run"]["id"].as_str().unwrap().to_owned()
}

/// Everything that the interview asks for.
async fn answer_the_interview(assistant: &Assistant) {
    let brand = json!({
        "name": "Quick Pages", "website": "quickpages.example", "timeZone": "Europe/Berlin",
        "offering": "We find the slow pages of an online shop and say which of them to change first, and how.",
        "audience": "Owners of small online shops who run their marketing themselves, in the evening.",
        "voice": {"adjectives": ["plain", "warm", "dry"], "do": ["say you", "name numbers", "be short"],
            "dont": ["hype", "jargon", "fear"]},
        "pillars": [{"name": "Speed", "weight": 50}, {"name": "Shops", "weight": 30}, {"name": "Craft", "weight": 20}],
        "competitors": [{"name": "SlowCheck"}, {"name": "PageDoctor"}], "goals": ["20 trials a week by June"],
        "forbiddenClaims": ["guaranteed results"], "cadence": [{"channel": "linkedin", "perWeek": 2}],
    });
    let said = assistant.call("update_brand", brand).await;
    assert_eq!(said.data["completeness"], 100, "{}", said.text);
}

/// How the run stands once it is over.
async fn ended(assistant: &Assistant, id: &str) -> Said {
    harness::eventually("the run is over", async || {
        let said = assistant.call("get_workflow_run", json!({"runId": id})).await;
        (!["queued", "running"].contains(&said.data["run"]["status"].as_str().unwrap())).then_some(said)
    })
    .await
}

fn steps(said: &Said) -> Vec<(&str, &str)> {
    let steps = said.data["steps"].as_array().unwrap().iter();
    steps.map(|step| (step["name"].as_str().unwrap(), step["status"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn onboarding_waits_for_the_person_and_goes_on_by_itself() {
    let product = Product::start().await;
    product.runs_workflows();
    let assistant = product.assistant(&product.customer().await.key).await;

    let waits = assistant.call("start_workflow", json!({"workflow": "onboarding"})).await;
    let id = run_id(&waits);
    assert_eq!((&waits.data["run"]["status"], &waits.data["run"]["output"]), (&json!("running"), &json!(null)));
    assert_eq!(steps(&waits), [("start", "completed"), ("scan_website", "completed"), ("brand_interview", "waiting")]);
    let what = waits.data["waitsFor"].as_str().unwrap();
    assert!(what.contains("interview") && what.contains("update_brand") && waits.text.contains(what), "{}", waits.text);
    assert_eq!(run_id(&onboard(&assistant, 20).await), id, "it is under way already");

    answer_the_interview(&assistant).await;
    let done = ended(&assistant, &id).await;
    assert_eq!(done.data["run"]["status"], "completed", "{}", done.text);
    assert_eq!((&done.data["run"]["output"]["status"], &done.data["waitsFor"]), (&json!("active"), &json!(null)));
    let names: Vec<&str> = steps(&done).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["start", "scan_website", "brand_interview", "first_calendar", "finish"]);
    assert!(steps(&done).iter().all(|(_, status)| *status == "completed"), "{}", done.text);
    let planned = assistant.call("list_content", json!({"status": "planned"})).await;
    let planned = planned.data["content"].as_array().unwrap().len();
    assert_eq!(done.data["run"]["output"]["planned"], planned, "the first week is planned");
    assert!(done.text.contains("(Europe/Berlin)"), "times are the brand's: {}", done.text);
    assert_eq!(assistant.call("get_account", json!({})).await.data["status"], "active");

    let again = onboard(&assistant, 20).await;
    assert_ne!(run_id(&again), id);
    assert_eq!(again.data["run"]["status"], "completed", "nothing is left to wait for");
}

#[tokio::test]
async fn a_wait_ends_in_time_and_tells_how_far_it_is() {
    let product = Product::start().await;
    let key = product.customer().await.key;
    for assistant in [product.assistant(&key).await, product.modern_assistant(&key).await] {
        let at_once = onboard(&assistant, 0).await;
        let waited = onboard(&assistant, 1).await;
        // Nothing works here, so nothing comes of it.
        for said in [&at_once, &waited] {
            assert_eq!((&said.data["run"]["status"], steps(said).len()), (&json!("queued"), 0));
            assert!(said.text.contains("get_workflow_run"), "{}", said.text);
        }
        assert_eq!(assistant.hears().await, "1: onboarding is queued", "only who waits is told");
    }
}

#[tokio::test]
async fn who_waits_hears_of_the_end() {
    let product = Product::start().await;
    let key = product.customer().await.key;
    let (assistant, other) = (product.assistant(&key).await, product.assistant(&key).await);
    let cancel = async {
        assert_eq!(assistant.hears().await, "1: onboarding is queued");
        let runs = other.call("list_workflow_runs", json!({})).await;
        other.call("cancel_workflow_run", json!({"runId": runs.data["runs"][0]["id"]})).await
    };
    let (waited, cancelled) = tokio::join!(onboard(&assistant, 50), cancel);
    assert_eq!(waited.data["run"], cancelled.data["run"]);
    assert_eq!(waited.data["run"]["status"], "cancelled");
}

#[tokio::test]
async fn who_waits_is_answered_when_the_server_stops() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let stop = async {
        assert_eq!(assistant.hears().await, "1: onboarding is queued");
        product.shutdown.cancel();
    };
    let (waited, ()) = tokio::join!(onboard(&assistant, 50), stop);
    assert_eq!(waited.data["run"]["status"], "queued");
}

#[tokio::test]
async fn cancelling_the_call_leaves_the_run() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let params = CallToolRequestParams::new("start_workflow")
        .with_arguments(object(&json!({"workflow": "onboarding", "waitSeconds": 50})));
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
    let call = assistant.peer().send_cancellable_request(request, PeerRequestOptions::no_options()).await.unwrap();
    assert_eq!(assistant.hears().await, "1: onboarding is queued");
    call.cancel(None).await.unwrap();

    product.runs_workflows();
    let waits = onboard(&assistant, 20).await;
    assert_eq!(steps(&waits), [("start", "completed"), ("scan_website", "completed"), ("brand_interview", "waiting")]);
    let runs = assistant.call("list_workflow_runs", json!({})).await;
    assert_eq!(runs.data["runs"].as_array().unwrap().len(), 1, "{}", runs.text);
}

#[tokio::test]
async fn a_cancelled_run_stays_so_and_a_completed_one_too() {
    let product = Product::start().await;
    product.runs_workflows();
    let assistant = product.assistant(&product.customer().await.key).await;
    let id = run_id(&onboard(&assistant, 20).await);
    let cancelled = assistant.call("cancel_workflow_run", json!({"runId": id})).await;
    assert_eq!(cancelled.data["run"]["status"], "cancelled");
    assert_eq!(cancelled.data["waitsFor"], json!(null));
    assert!(cancelled.text.contains("You cancelled it."), "{}", cancelled.text);
    let again = assistant.call("cancel_workflow_run", json!({"runId": id})).await;
    assert_eq!((&again.text, &again.data), (&cancelled.text, &cancelled.data));

    answer_the_interview(&assistant).await;
    let other = onboard(&assistant, 20).await;
    assert_eq!(other.data["run"]["status"], "completed");
    let kept = assistant.call("cancel_workflow_run", json!({"runId": run_id(&other)})).await;
    assert_eq!(kept.data, other.data);
    let told = assistant.call("list_events", json!({"type": "workflow.cancelled"})).await;
    assert_eq!(told.data["events"].as_array().unwrap().len(), 1, "{}", told.text);
}

#[tokio::test]
async fn runs_are_filtered_and_paged() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    onboard(&assistant, 0).await;
    for day in 1..=5 {
        let id = assistant.a_piece(&format!("Piece {day}")).await;
        let at = next_year(&format!("06-0{day}T09:00"));
        assistant.call("schedule_content", json!({"contentId": id, "at": at})).await;
    }
    // A piece that loses its time loses its run.
    let newest = assistant.call("list_workflow_runs", json!({"limit": 1})).await.data["runs"][0].clone();
    assistant.call("schedule_content", json!({"contentId": newest["input"]["contentId"]})).await;
    let count = async |arguments: Value| {
        assistant.call("list_workflow_runs", arguments).await.data["runs"].as_array().unwrap().len()
    };
    for (filter, found) in [
        (json!({}), 6),
        (json!({"workflow": "publish_due"}), 5),
        (json!({"workflow": "onboarding"}), 1),
        (json!({"status": "queued"}), 5),
        (json!({"status": "cancelled"}), 1),
        (json!({"workflow": "onboarding", "status": "cancelled"}), 0),
        (json!({"workflow": "housekeeping"}), 0),
    ] {
        assert_eq!(count(filter.clone()).await, found, "{filter}");
    }
    let whole = assistant.call("list_workflow_runs", json!({})).await.data["runs"].clone();
    let (mut walked, mut cursor) = (Vec::new(), json!(null));
    loop {
        let page = assistant.call("list_workflow_runs", json!({"limit": 2, "cursor": cursor})).await;
        walked.extend(page.data["runs"].as_array().unwrap().clone());
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
    let id = assistant.a_piece("Hello").await;
    for minute in 0..50 {
        let at = next_year(&format!("06-01T09:{minute:02}"));
        assistant.call("schedule_content", json!({"contentId": id, "at": at})).await;
    }
    let page = in_time("a page", assistant.call("list_workflow_runs", json!({"limit": 50}))).await;
    assert_eq!(page.data["runs"].as_array().unwrap().len(), 50);
    assert!(page.text.chars().count() < 10_000, "{} characters", page.text.chars().count());
}

#[tokio::test]
async fn what_cannot_be_compared_fails_in_words() {
    let product = Product::start().await;
    product.runs_workflows();
    let db = product.test.db();
    let asked = entity::workflows::request_for_service(&db, Workflow::BillingReconcile).await.unwrap();
    let run = harness::eventually("the run is over", async || {
        let run = entity::workflows::get_any(&db, &asked.id).await.unwrap();
        run.status.is_over().then_some(run)
    })
    .await;
    assert_eq!(run.status, RunStatus::Failed);
    assert!(run.error.as_deref().is_some_and(|why| why.contains("Stripe")), "{run:?}");
}
