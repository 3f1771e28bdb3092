//! What others wrote stays text, and what is others' stays hidden.

use entity::ids::RunId;
use entity::reports::{self, NewReport};
use entity::scans::{self, NewScan};
use reqwest::StatusCode;
use serde_json::json;

use super::support::{Browser, page};
use crate::support::{Account, Product};

const SCRIPT: &str = "<script>alert(1)</script>";

/// Something hostile wherever a text can be, and the pages that show it.
async fn fill(product: &Product, anna: &Account) -> Vec<String> {
    let assistant = product.assistant(&anna.key).await;
    assistant.call("update_brand", json!({"name": SCRIPT})).await;
    let body = format!("{SCRIPT} and \"quotes\" & <img src=x onerror=alert(1)> \u{202e}עברית 🚀");
    let id = assistant.a_piece(&body).await;
    let review = json!({"contentId": id, "decision": "revised", "decidedBy": SCRIPT, "reason": SCRIPT});
    assistant.call("review_content", review).await;
    let again = json!({"contentId": id, "body": format!("{body} again"), "note": SCRIPT});
    assistant.call("update_content", again).await;
    let letter = json!({
        "kind": "newsletter", "subject": SCRIPT, "preheader": SCRIPT, "body": "long ".repeat(2_000) + SCRIPT, "title": SCRIPT,
    });
    let letter = assistant.call("create_content", letter).await.content_id();
    assistant.call("log_lead", json!({"source": SCRIPT, "name": SCRIPT})).await;
    let new = NewScan {
        url: "https://acme.example/\"onload=\"<script>alert(1)</script>".to_owned(),
        title: Some(SCRIPT.to_owned()),
        seo: 40,
        geo: 50,
        report: json!({}),
    };
    let scan = scans::save(&product.test.db(), &anna.id, new.clone()).await.unwrap().id;
    scans::save(&product.test.db(), &anna.id, new).await.unwrap();
    let report = NewReport {
        run_id: RunId::new(),
        first_day: "2026-06-01".parse().unwrap(),
        last_day: "2026-06-07".parse().unwrap(),
        headline: SCRIPT.to_owned(),
        data: json!({}),
        markdown: SCRIPT.to_owned(),
    };
    let report = reports::save(&product.test.db(), &anna.id, report).await.unwrap().run_id;
    product.a_proposal(&anna.id, SCRIPT).await;
    let paths = ["", "/content", "/scans", "/reports", "/connections", "/activity", "/keys"].map(str::to_owned);
    let more = [
        format!("/content/{id}?compare=1"),
        format!("/content/{letter}"),
        format!("/scans/{scan}"),
        format!("/reports/{report}"),
    ];
    paths.into_iter().chain(more).collect()
}

#[tokio::test]
async fn whatever_somebody_wrote_stays_text() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let browser = Browser::of(&product, &anna).await;
    let form = [("label", "<script>alert(1)</script>")];
    let made = browser.post(&format!("/api/dashboard/{}/keys", anna.id), &form).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    for path in fill(&product, &anna).await {
        let (status, html) = page(browser.get(&format!("/api/dashboard/{}{path}", anna.id))).await;
        assert_eq!(status, 200, "{path}");
        let safe = html.contains("&lt;script&gt;alert(1)&lt;&#x2f;script&gt;") || path == "/connections";
        assert!(safe, "{path} does not show it: {html}");
        for raw in ["<script>", "<img src=x", "\"onload=\""] {
            assert!(!html.contains(raw), "{raw} at {path}: {html}");
        }
    }
}

#[tokio::test]
async fn another_customers_pages_are_as_good_as_none() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let his = Browser::of(&product, &ben).await;
    for path in fill(&product, &anna).await {
        let (status, html) = page(his.get(&format!("/api/dashboard/{}{path}", anna.id))).await;
        assert_eq!(status, 404, "{path}");
        assert!(!html.contains("alert(1)"), "{path}: {html}");
        // Her ids under his own address.
        let (status, html) = page(his.get(&format!("/api/dashboard/{}{path}", ben.id))).await;
        let has_id = path.contains("cnt_") || path.contains("scan_") || path.contains("run_");
        assert_eq!(status, if has_id { 404 } else { 200 }, "{path}");
        assert!(!html.contains("alert(1)"), "{path}: {html}");
    }
    let live = his.get(&format!("/api/dashboard/{}/live", anna.id)).send().await.unwrap();
    assert_eq!(live.status(), 404);
}
