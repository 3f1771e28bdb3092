//! SIGTERM while everybody works: no call that was under way is cut off, streams end as they should, and the process is
//! gone in time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use harness::{Backend, TestDb, eventually};
use reqwest::Method;
use serde_json::json;

use crate::invariants::hold_in_the_end;
use crate::load::Load;
use crate::seed::Dice;
use crate::site::{Site, Tenant};

const SEED: u64 = 0x7465_726d;
/// Calls under way are given 10 s.
const GIVEN: Duration = Duration::from_secs(10);
/// What a busy machine takes besides.
const MARGIN: Duration = Duration::from_secs(10);
const CALLERS: usize = 8;

/// When the calls began that were cut off.
type CutOff = Arc<Mutex<Vec<(Instant, String)>>>;

/// Calls again and again, each time on a new connection, until nobody takes calls any more.
async fn call_until_refused(url: String, tenant: Tenant, cut_off: CutOff) {
    loop {
        let http = web::http_client().no_proxy().build().unwrap();
        let began = Instant::now();
        match http.request(Method::GET, &url).bearer_auth(&tenant.key).send().await {
            Ok(answer) => {
                assert!(answer.status().is_success(), "{url}: {}", answer.status());
                if let Err(error) = answer.bytes().await {
                    cut_off.lock().unwrap().push((began, format!("{error:?}")));
                }
            }
            Err(error) if error.is_connect() => return,
            Err(error) => {
                cut_off.lock().unwrap().push((began, format!("{error:?}")));
                return;
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_cut_off_when_a_process_is_told_to_stop() {
    let mut dice = Dice::of(SEED);
    let mut site = Site::on(TestDb::migrated(Backend::Postgres).await).await;
    let tenant = site.tenant().await;
    let load = Load::start(&site, &mut dice).await;
    for index in 0..site.servers.len() {
        load.ledger.more(20).await;
        let (url, mut streams) = if site.servers[index].is_gateway() {
            let stream = format!("/api/events/{}/stream", tenant.id);
            let log = site.rest(&tenant).follow(&stream).await.unwrap();
            (format!("{}/api/events/{}", site.gateway, tenant.id), vec![log])
        } else {
            let older = site.tools(&tenant).connect_sse().await.unwrap().events;
            let session = site.tools(&tenant).connect().await.unwrap().listen().await.unwrap();
            (format!("{}/health/ready", site.mcp), vec![older, session])
        };
        let cut_off = CutOff::default();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| tokio::spawn(call_until_refused(url.clone(), tenant.clone(), cut_off.clone())))
            .collect();
        load.ledger.more(20).await;
        let process = site.servers[index].take();
        let told = Instant::now();
        let stopped = process.stop().await;
        let took = told.elapsed();
        assert_eq!(stopped.status.code(), Some(0), "{stopped:?}");
        assert!(took < GIVEN + MARGIN, "it took {took:?}");
        for events in &mut streams {
            events.end().await.expect("the stream ends, and does not break");
        }
        for caller in callers {
            caller.await.unwrap();
        }
        let under_way: Vec<_> = cut_off.lock().unwrap().iter().filter(|(began, _)| *began < told).cloned().collect();
        assert!(under_way.is_empty(), "calls that were cut off: {under_way:?}");
        site.servers[index].start().await;
    }
    load.ledger.more(20).await;
    let ledger = load.end().await;
    hold_in_the_end(&site, &ledger).await;
    eventually("it serves", async || site.tools(&tenant).call(1, "get_account", json!({})).await.ok()).await;
}
