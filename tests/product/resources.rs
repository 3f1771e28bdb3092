use entity::brands;
use entity::content::{self, Decision, Findings, Review};
use entity::ids::RunId;
use entity::reports::{self, NewReport};
use harness::{TestDb, on_each_database};
use rmcp::model::{ServerNotification, SubscriptionFilter};
use serde_json::json;

use crate::support::{Product, in_time, next_year};

on_each_database!(a_session_is_told_of_what_it_subscribed_to, a_listener_without_session_is_told_of_what_it_asked_for);

const BRAND: &str = "heycmo://brand";

/// As another process would do it.
async fn rename_elsewhere(product: &Product, id: &entity::ids::CustomerId, name: &str) {
    let rename = |brand: &mut brands::Brand| {
        brand.name = Some(name.to_owned());
        Ok(())
    };
    brands::update(&product.test.another_db().await, id, rename, |_| false).await.unwrap();
}

async fn approve_elsewhere(product: &Product, id: &entity::ids::CustomerId, piece: &str) {
    let review = Review {
        revision: 1,
        decision: Decision::Approved,
        decided_by: "Anna".to_owned(),
        reason: None,
        findings: Findings::default(),
    };
    content::review(&product.test.another_db().await, id, &piece.parse().unwrap(), review).await.unwrap();
}

async fn a_session_is_told_of_what_it_subscribed_to(test: TestDb) {
    let product = Product::on(test).await;
    let customer = product.customer().await;
    let (assistant, other) = (product.assistant(&customer.key).await, product.assistant(&customer.key).await);
    let piece = assistant.a_piece("Watched").await;
    let unwatched = assistant.a_piece("Not watched").await;
    let uri = format!("heycmo://content/{piece}");
    assistant.subscribe(BRAND).await.unwrap();
    assistant.subscribe(&uri).await.unwrap();
    // What was made before the subscription may still be told of.
    let next = async || loop {
        let heard = assistant.hears().await;
        if heard != "list" {
            return heard;
        }
    };

    other.call("update_brand", json!({"name": "By another session"})).await;
    assert_eq!(next().await, BRAND);
    rename_elsewhere(&product, &customer.id, "By another process").await;
    assert_eq!(next().await, BRAND);
    assert!(assistant.read(BRAND).await.unwrap().contains("By another process"));
    other.call("update_content", json!({"contentId": unwatched, "body": "Changed"})).await;
    approve_elsewhere(&product, &customer.id, &piece).await;
    assert_eq!(next().await, uri);
    assert!(assistant.read(&uri).await.unwrap().contains("approved"));
    other.call("schedule_content", json!({"contentId": piece, "at": next_year("06-01T09:00")})).await;
    assert_eq!(next().await, uri);

    assistant.unsubscribe(BRAND).await.unwrap();
    rename_elsewhere(&product, &customer.id, "Unheard").await;
    other.call("update_content", json!({"contentId": piece, "body": "Changed"})).await;
    assert_eq!(next().await, uri, "the brand is not subscribed to any more");
}

async fn a_listener_without_session_is_told_of_what_it_asked_for(test: TestDb) {
    let product = Product::on(test).await;
    let customer = product.customer().await;
    let assistant = product.modern_assistant(&customer.key).await;
    let piece = assistant.a_piece("Watched").await;
    let uri = format!("heycmo://content/{piece}");
    let filter = SubscriptionFilter::builder().resource_subscriptions([BRAND, uri.as_str()]).build();
    let mut subscription = in_time("listen", assistant.peer().listen(filter)).await.unwrap();

    let mut next = async || match in_time("an update", subscription.next()).await.unwrap() {
        Some(ServerNotification::ResourceUpdatedNotification(update)) => update.params.uri,
        other => panic!("an update is expected: {other:?}"),
    };
    rename_elsewhere(&product, &customer.id, "By another process").await;
    assert_eq!(next().await, BRAND);
    assistant.a_piece("The list was not asked for").await;
    approve_elsewhere(&product, &customer.id, &piece).await;
    assert_eq!(next().await, uri);
    assistant.call("update_brand", json!({"name": "By itself"})).await;
    assert_eq!(next().await, BRAND);
    in_time("cancel", subscription.cancel()).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_cannot_be_watched() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    for uri in [
        "",
        "heycmo://",
        "heycmo://brand/",
        "heycmo://Brand",
        "heycmo://playbook/myspace",
        "heycmo://content/",
        "heycmo://content/5",
        "heycmo://content/cnt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "https://example.com/",
        "file:///etc/passwd",
        &"x".repeat(100_000),
    ] {
        let error = assistant.read(uri).await.unwrap_err();
        assert!(error.contains("There is no") && error.len() < 500, "{error}");
        assert!(assistant.subscribe(uri).await.is_err(), "{uri:.50}");
    }
}

#[tokio::test]
async fn everything_there_is_can_be_listed_and_read() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let mut pieces = Vec::new();
    for number in 0..60 {
        pieces.insert(0, format!("heycmo://content/{}", assistant.a_piece(&format!("Piece {number}")).await));
    }
    let listed = in_time("resources/list", assistant.client.list_all_resources()).await.unwrap();
    let uris: Vec<&str> = listed.iter().map(|resource| resource.uri.as_str()).collect();
    assert_eq!(uris[0], BRAND);
    assert!(uris[1..10].iter().all(|uri| uri.starts_with("heycmo://playbook/")), "{uris:?}");
    assert_eq!(uris[10..], pieces);
    for uri in &uris[..11] {
        let text = assistant.read(uri).await.unwrap();
        assert!(text.starts_with("# ") && text.len() < 10_000, "{uri}: {text}");
    }
    for cursor in ["5", "cnt_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let page = rmcp::model::PaginatedRequestParams::default().with_cursor(Some(cursor.to_owned()));
        let error = assistant.client.list_resources(Some(page)).await.unwrap_err().to_string();
        assert!(error.contains("`cursor`"), "{error}");
    }
}

#[tokio::test]
async fn a_week_reads_like_its_calendar_and_tells_of_changes() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    assistant.call("update_brand", json!({"timeZone": "Asia/Tokyo"})).await;
    let piece = assistant.a_piece("Spring in the shop").await;
    // Monday morning there is still Sunday in London.
    assistant.call("schedule_content", json!({"contentId": piece, "at": "2027-03-01T07:30"})).await;
    let week = "heycmo://calendar/2027-W09";
    let text = assistant.read(week).await.unwrap();
    let monday = text.split("## Monday 2027-03-01").nth(1).unwrap().split("## Tuesday").next().unwrap();
    assert!(monday.contains(&piece) && monday.contains("Spring in the shop") && text.contains("Asia/Tokyo"), "{text}");
    let other = assistant.read("heycmo://calendar/2027-W08").await.unwrap();
    assert!(!other.contains(&piece), "{other}");
    for wrong in ["2027-W00", "2027-W54", "2027-9", "2027-W9", "W09", "2027-W09 ", "99999999999-W09"] {
        assert!(assistant.read(&format!("heycmo://calendar/{wrong}")).await.is_err(), "{wrong}");
    }
    let weeks = assistant.client.complete_resource_argument("heycmo://calendar/{isoWeek}", "isoWeek", "20", None).await;
    assert_eq!(weeks.unwrap().values.len(), 5);

    assistant.subscribe(week).await.unwrap();
    assistant.call("schedule_content", json!({"contentId": piece, "at": "2027-03-02T09:00"})).await;
    loop {
        // What was made before the subscription may still be told of.
        match assistant.hears().await.as_str() {
            "list" => {}
            heard => break assert_eq!(heard, week),
        }
    }
}

#[tokio::test]
async fn a_report_is_listed_completed_read_and_told_of() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let save = async |run_id: &RunId| {
        let new = NewReport {
            run_id: run_id.clone(),
            first_day: "2026-06-01".parse().unwrap(),
            last_day: "2026-06-07".parse().unwrap(),
            headline: "Sessions rose.".to_owned(),
            data: json!({}),
            markdown: "# 2026-06-01 to 2026-06-07\n".to_owned(),
        };
        reports::save(&product.test.another_db().await, &customer.id, new).await.unwrap();
    };
    let runs: Vec<RunId> = (0..7).map(|_| RunId::new()).collect();
    let uris: Vec<String> = runs.iter().rev().map(|run| format!("heycmo://reports/{run}")).collect();
    let refused = assistant.read(&uris[0]).await.unwrap_err();
    assert!(refused.contains("There is no such report") || refused.contains("There is no report"), "{refused}");
    assert!(assistant.subscribe(&uris[0]).await.is_err(), "there is nothing yet to watch");
    assistant.subscribe("heycmo://brand").await.unwrap();
    for run in &runs {
        save(run).await;
        // Who watches anything is told that there is one more.
        assert_eq!(assistant.hears().await, "list");
    }
    assert_eq!(assistant.read(&uris[0]).await.unwrap(), "# 2026-06-01 to 2026-06-07\n");
    let listed = in_time("resources/list", assistant.client.list_all_resources()).await.unwrap();
    let listed: Vec<_> = listed.iter().filter(|resource| resource.uri.starts_with("heycmo://reports/")).collect();
    assert_eq!(listed.iter().map(|resource| &resource.uri).collect::<Vec<_>>(), uris[..5].iter().collect::<Vec<_>>());
    assert_eq!(listed[0].description.as_deref(), Some("Sessions rose."));
    let offered = assistant.client.complete_resource_argument("heycmo://reports/{runId}", "runId", "run_", None).await;
    let newest_first: Vec<String> = runs.iter().rev().map(RunId::to_string).collect();
    assert_eq!(offered.unwrap().values, newest_first);
}
