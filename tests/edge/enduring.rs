//! The official clients at work while replicas of both kinds die and come back.

use std::collections::{BTreeMap, HashMap};
use std::process::Stdio;
use std::time::Duration;

use harness::clients::{node, python};
use harness::mcp::{Caller, Events};
use harness::process::HeyCmo;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::site::{Site, anybody};

/// Longer than any client takes.
const DEADLINE: Duration = Duration::from_secs(300);
/// How many replicas die in the calls of each client.
const ROUNDS: &str = "2";
const SEED: u64 = 0x6564_6765;

/// The clients: a name, a program, whether it is told of the older transport.
fn clients() -> Vec<(&'static str, Command, bool)> {
    let typescript = |script: &str, arguments: &[&str]| {
        let mut command = node(script);
        command.args(arguments);
        command
    };
    let sdk = |version: &str, arguments: &[&str]| {
        let mut command = python(version, "python");
        command.arg(format!("sdk_{version}.py")).args(arguments);
        command
    };
    vec![
        ("TypeScript 1, SSE", typescript("sdk-v1.mjs", &["sse"]), true),
        ("TypeScript 1, HTTP", typescript("sdk-v1.mjs", &["http"]), false),
        ("TypeScript 2, HTTP of 2025", typescript("sdk-v2.mjs", &["http", "legacy"]), false),
        ("TypeScript 2, HTTP of 2026", typescript("sdk-v2.mjs", &["http", "auto"]), false),
        ("Python 1, SSE", sdk("v1", &["sse"]), true),
        ("Python 1, HTTP", sdk("v1", &["http"]), false),
        ("Python 2, HTTP of 2026", sdk("v2", &["http", "auto"]), false),
    ]
}

/// A wish for a replica to die, and where to tell that it did.
type Wish = oneshot::Sender<()>;

#[tokio::test]
async fn the_official_clients_go_on_while_replicas_die() {
    let stand_ins = HeyCmo::start().await;
    let upstream = stand_ins.sandbox.replace("localhost", "127.0.0.1");
    let mut site = Site::start_with(&[
        ("COMPOSIO_API_KEY", "the-key-of-the-project"),
        ("COMPOSIO_BASE_URL", &format!("{upstream}/api/v3.1")),
    ])
    .await;
    let posts = format!("{upstream}/composio/sandbox/posts");
    let (wishes, wished) = mpsc::channel::<Wish>(16);
    let mut at_work = tokio::task::JoinSet::new();
    for (name, mut command, is_older) in clients() {
        let (id, caller) = site.customer(&format!("{}@example.com", name.replace([' ', ','], "-"))).await;
        connect_x(&caller, &id).await;
        let key = key_of(&caller);
        let printed = if is_older {
            json!({"url": format!("{}/mcp/sse?token={key}", site.origin)})
        } else {
            json!({"url": format!("{}/mcp", site.origin), "headers": {"Authorization": format!("Bearer {key}")}})
        };
        command.env("HEYCMO_JOB", "enduring").env("HEYCMO_ROUNDS", ROUNDS).env("HEYCMO_POSTS", &posts);
        command.env("HEYCMO_PRINTED", printed.to_string());
        at_work.spawn(work(name, command, wishes.clone()));
    }
    let (id, caller) = site.customer("browser@example.com").await;
    let browsing = CancellationToken::new();
    let browser = tokio::spawn(browse(caller, id, browsing.clone()));
    drop(wishes);

    let ending = async {
        while let Some(ended) = at_work.join_next().await {
            ended.unwrap();
        }
    };
    let all = futures::future::join(ending, kill_as_wished(&mut site, wished));
    tokio::time::timeout(DEADLINE, all).await.expect("the clients come to an end");
    browsing.cancel();
    browser.await.unwrap();

    let out: Value = anybody().get(&posts).send().await.unwrap().json().await.unwrap();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for post in out["posts"].as_array().unwrap() {
        *times.entry(post["text"].as_str().unwrap()).or_default() += 1;
    }
    assert!(times.len() >= 2 * clients().len(), "{times:?}");
    assert!(times.values().all(|times| *times == 1), "out more than once: {times:?}");
}

/// Connects X as the person would.
async fn connect_x(caller: &Caller, id: &str) {
    let request = caller.request(Method::POST, &format!("/api/connect/{id}"));
    let links: Value = request.json(&json!({"platforms": ["x"]})).send().await.unwrap().json().await.unwrap();
    let link = links["links"]["x"]["url"].as_str().unwrap_or_else(|| panic!("{links}"));
    let page = anybody().post(format!("{link}/allow")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
}

fn key_of(caller: &Caller) -> String {
    let request = caller.request(Method::GET, "/").build().unwrap();
    request.headers()["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned()
}

/// Runs a client to its end, and passes on its wishes.
async fn work(name: &str, mut command: Command, wishes: mpsc::Sender<Wish>) {
    let home = tempfile::tempdir().unwrap();
    let pipes = command.env("HOME", home.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut script = pipes.kill_on_drop(true).spawn().expect("the client starts");
    let mut standard_error = script.stderr.take().unwrap();
    let complaints = tokio::spawn(async move {
        let mut text = String::new();
        standard_error.read_to_string(&mut text).await.map(|_| text)
    });
    let mut input = script.stdin.take().unwrap();
    let mut asked = BufReader::new(script.stdout.take().unwrap()).lines();
    while let Some(line) = asked.next_line().await.unwrap() {
        assert_eq!(line, "kill", "{name}");
        let (dead, is_dead) = oneshot::channel();
        wishes.send(dead).await.unwrap();
        is_dead.await.unwrap();
        // It may have come to its end meanwhile.
        let _ = input.write_all(b"killed\n").await;
    }
    let status = script.wait().await.unwrap();
    assert!(status.success(), "{name}: {}", complaints.await.unwrap().unwrap());
    println!("{name} has come to its end");
}

/// Replicas of both kinds in turn, one at a time, so that one of each kind is always there.
async fn kill_as_wished(site: &mut Site, mut wished: mpsc::Receiver<Wish>) {
    let mut dice = SEED;
    while let Some(wish) = wished.recv().await {
        // A generator of pseudo-random numbers that is as good as it has to be.
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (is_gateway, index) = (dice >> 40 & 3 == 0, usize::from(dice >> 50 & 1 == 1));
        site.kill(is_gateway, index).await;
        // The tests are the clock: what the dead one was publishing is let go of.
        site.database.execute("UPDATE publications SET claimed_until = created_at").await;
        wish.send(()).ok();
        site.restart(is_gateway, index).await;
        site.serves().await;
    }
}

/// What a page with script does: writes, and follows the log, again and again after the last event that it saw.
async fn browse(caller: Caller, id: String, end: CancellationToken) {
    let (mut made, mut seen) = (Vec::new(), Vec::<String>::new());
    let keys = format!("/api/customer/{id}/keys");
    while !end.is_cancelled() {
        let mut request = caller.request(Method::GET, &format!("/api/events/{id}/stream"));
        if let Some(last) = seen.last() {
            request = request.header("last-event-id", last);
        }
        let Ok(response) = request.send().await else { continue };
        if response.status() != StatusCode::OK {
            assert!(response.status().is_server_error(), "{}", response.status());
            continue;
        }
        let mut events = Events::of(response);
        loop {
            let answer = caller.request(Method::POST, &keys).json(&json!({"label": "browser"})).send().await;
            if let Ok(answer) = answer
                && answer.status() == StatusCode::CREATED
                && let Ok(key) = answer.json::<Value>().await
            {
                made.push(key["id"].as_str().unwrap().to_owned());
            }
            match end.run_until_cancelled(events.next()).await {
                Some(Ok(Some(event))) => seen.push(event.id),
                // It ended or broke: the browser follows anew.
                _ => break,
            }
        }
    }
    let listed = caller.get(&keys).await.unwrap();
    let listed: HashMap<&str, &Value> =
        listed["keys"].as_array().unwrap().iter().map(|key| (key["id"].as_str().unwrap(), key)).collect();
    assert!(!made.is_empty() && made.iter().all(|id| listed.contains_key(id.as_str())), "{made:?}");
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}
