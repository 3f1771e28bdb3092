use serde_json::{Value, json};

use crate::support::{Product, keys};

#[tokio::test]
async fn a_running_process_is_alive_and_ready() {
    let product = Product::start().await;
    let ready = json!({"status": "ready", "db": true, "composio": {"status": "not_configured"}});
    for (path, expected) in [("/api/health", json!({"status": "ok"})), ("/api/health/ready", ready)] {
        let response = product.http.get(format!("{}{path}", product.gateway)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body: Value = response.json().await.unwrap();
        let timestamp = body.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert_eq!(body, expected);
        assert_timestamp(timestamp.as_str().unwrap());
    }
    for path in ["/health", "/health/ready"] {
        let response = product.http.get(format!("{}{path}", product.mcp)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(keys(&response.json().await.unwrap()).contains("timestamp"));
    }
}

/// UTC with milliseconds, as in `2025-01-15T10:30:00.000Z`.
#[track_caller]
pub fn assert_timestamp(text: &str) {
    let time = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    assert_eq!(text, time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
}

#[cfg(feature = "postgres")]
mod outage {
    use std::time::{Duration, Instant};

    use entity::db::Db;
    use harness::{Backend, Proxy, TestDb, eventually};
    use serde_json::Value;

    use crate::support::{Product, assert_refused, refusal};

    async fn ready(product: &Product) -> (u16, Value) {
        let response = product.http.get(format!("{}/api/health/ready", product.gateway)).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    #[tokio::test]
    async fn readiness_follows_the_database() {
        let test = TestDb::migrated(Backend::Postgres).await;
        let proxy = Proxy::before_database(&test.url()).await;
        let db = Db::connect(&proxy.database_url()).await.unwrap();
        let product = Product::with_gateway_on(test, db).await;
        let customer = product.customer().await;
        for cut in [Proxy::refuse, Proxy::stall] {
            assert_eq!(ready(&product).await.0, 200);
            cut(&proxy);
            let asked = Instant::now();
            let (status, body) = ready(&product).await;
            assert_eq!((status, &body["status"], &body["db"]), (503, &"not_ready".into(), &false.into()), "{body}");
            assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
            let own = product.get(&format!("/api/customer/{}", customer.id), &customer.key);
            assert_refused(&refusal(own).await, 503, "database_unavailable");
            let alive = product.http.get(format!("{}/api/health", product.gateway)).send().await.unwrap();
            assert_eq!(alive.status(), 200);
            proxy.restore();
            eventually("it is ready again", async || (ready(&product).await.0 == 200).then_some(())).await;
        }
    }
}
