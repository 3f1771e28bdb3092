//! Pages of an account, one after the other: how long a person waits for the server.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::calls::histogram;
use crate::subject::Customer;

/// Not counted.
const WARM_UP: usize = 20;

pub async fn measure(customer: &Customer, duration: Duration) {
    let pages = pages(customer).await;
    let each = duration.max(Duration::from_secs(1));
    println!("{:<28} {:>9} {:>9} {:>9} {:>9}", "page", "KB", "p50 ms", "p99 ms", "max ms");
    for (name, path) in pages {
        for _ in 0..WARM_UP {
            get(customer, &path).await;
        }
        let (mut times, mut bytes, end) = (histogram(), 0, Instant::now() + each);
        while Instant::now() < end {
            let asked = Instant::now();
            bytes = get(customer, &path).await;
            times.record(asked.elapsed().as_micros() as u64).expect("less than a minute");
        }
        let millis = |micros: u64| micros as f64 / 1_000.0;
        println!(
            "{name:<28} {:>9.1} {:>9.2} {:>9.2} {:>9.2}",
            bytes as f64 / 1_000.0,
            millis(times.value_at_quantile(0.5)),
            millis(times.value_at_quantile(0.99)),
            millis(times.max())
        );
    }
    println!();
}

/// Each page, by its name and path, of an account with numbers, a report and a piece of two versions.
async fn pages(customer: &Customer) -> Vec<(&'static str, String)> {
    let call = async |id, tool: &str, arguments| customer.mcp.call(id, tool, arguments).await.expect("it is done");
    call(100, "start_workflow", json!({"workflow": "performance_snapshot", "waitSeconds": 50})).await;
    let report = call(101, "start_workflow", json!({"workflow": "analytics_report", "waitSeconds": 50})).await;
    let draft = json!({"kind": "blog_post", "title": "On rockets", "body": "A rocket leaves the house. ".repeat(300)});
    let piece = call(102, "create_content", draft).await;
    let (report, piece) = (text(&report, "/run/id"), text(&piece, "/content/id"));
    let change = json!({"contentId": piece, "body": "A rocket has left the house. ".repeat(300)});
    call(103, "update_content", change).await;
    let home = format!("/api/dashboard/{}", customer.id);
    [
        ("overview", ""),
        ("content", "/content"),
        ("content, a month", "/content?view=month"),
        ("piece", &format!("/content/{piece}")),
        ("piece, compared", &format!("/content/{piece}?compare=1")),
        ("scans", "/scans"),
        ("reports", "/reports"),
        ("report", &format!("/reports/{report}")),
        ("connections", "/connections"),
        ("activity", "/activity"),
        ("keys and billing", "/keys"),
    ]
    .map(|(name, path)| (name, format!("{home}{path}")))
    .into_iter()
    .chain([("start page", "/".to_owned())])
    .collect()
}

fn text(answer: &Value, pointer: &str) -> String {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no {pointer} in {answer}")).to_owned()
}

/// How many bytes the page has.
async fn get(customer: &Customer, path: &str) -> usize {
    let response = customer.gateway.request(Method::GET, path).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.bytes().await.expect("the whole page").len()
}
