//! The gateway and the MCP server as processes of their own, on one database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::mcp::{Caller, Events};
use harness::process::{Process, listens};
use harness::{Backend, TestDb};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Terminal, key_in, status, word_after};

/// How soon what an operator takes away is gone everywhere.
const SOON: Duration = Duration::from_secs(5);

struct Pair {
    terminal: Terminal,
    gateway: String,
    mcp: String,
    _processes: (Process, Process),
    _database: Arc<TestDb>,
}

/// A customer whose key opened one of everything.
struct Connected {
    id: String,
    mcp: Caller,
    gateway: Caller,
    sse: Events,
    stream: Events,
    log: Events,
}

impl Pair {
    /// Both started at the same instant, on nothing.
    async fn start(backend: Backend) -> Self {
        let database = Arc::new(TestDb::empty(backend).await);
        let terminal = Terminal::on(&database);
        let mut gateway = terminal.launch("heycmo-gateway").start();
        let mut mcp = terminal.launch("heycmo-mcp").start();
        Self {
            terminal,
            gateway: listens(&mut gateway).await,
            mcp: listens(&mut mcp).await,
            _processes: (gateway, mcp),
            _database: database,
        }
    }

    /// A customer made by the gateway.
    async fn provision(&self) -> Value {
        let secret = std::fs::read_to_string(self.terminal.data_dir().join("admin_secret")).unwrap();
        let operator = Caller::new(&self.gateway, secret.trim());
        let request = operator.request(Method::POST, "/api/admin/provision");
        let response = request.json(&json!({"email": "anna@example.com"})).send().await.unwrap();
        assert_eq!(response.status(), 201);
        response.json().await.unwrap()
    }

    async fn connect(&self, id: &str, key: &str) -> Connected {
        let (mcp, gateway) = (Caller::new(&self.mcp, key), Caller::new(&self.gateway, key));
        Connected {
            id: id.to_owned(),
            sse: mcp.connect_sse().await.unwrap().events,
            stream: mcp.connect().await.unwrap().listen().await.unwrap(),
            log: gateway.follow(&format!("/api/events/{id}/stream")).await.unwrap(),
            mcp,
            gateway,
        }
    }
}

impl Connected {
    /// Everything that is open ends soon.
    async fn is_cut_off(&mut self) {
        let since = Instant::now();
        self.sse.end().await.unwrap();
        self.stream.end().await.unwrap();
        self.log.end().await.unwrap();
        assert!(since.elapsed() < SOON, "it took {:?}", since.elapsed());
    }

    /// Whatever the key is shown to answers with this.
    async fn is_answered(&self, expected: u16) {
        for (caller, path) in [
            (&self.mcp, "/mcp/sse".to_owned()),
            (&self.gateway, format!("/api/customer/{}", self.id)),
            (&self.gateway, format!("/api/events/{}", self.id)),
            (&self.gateway, format!("/api/events/{}/stream", self.id)),
        ] {
            assert_eq!(status(caller, &path).await, expected, "{path}");
        }
        let called = self.mcp.call(1, "get_account", json!({})).await;
        assert_eq!(called.is_ok(), expected == 200, "{called:?}");
        if let Err(refused) = called {
            assert!(refused.starts_with(&expected.to_string()), "{refused}");
        }
    }
}

async fn what_one_does_the_other_knows(backend: Backend) {
    let pair = Pair::start(backend).await;
    let made = pair.provision().await;
    let (id, key) = (made["customerId"].as_str().unwrap(), made["apiKey"].as_str().unwrap());
    let mut connected = pair.connect(id, key).await;
    connected.is_answered(200).await;

    let piece = json!({"kind": "linkedin_post", "body": "Rockets are back."});
    let saved = connected.mcp.call(1, "create_content", piece).await.unwrap();
    let event = connected.log.next().await.unwrap().unwrap();
    assert_eq!(event.name, "content.created");
    let data: Value = serde_json::from_str(&event.data).unwrap();
    assert!(data.to_string().contains(saved["content"]["id"].as_str().unwrap()), "{data}");
}

async fn what_one_starts_the_other_does(backend: Backend) {
    let pair = Pair::start(backend).await;
    let made = pair.provision().await;
    let mut older = Caller::new(&pair.mcp, made["apiKey"].as_str().unwrap()).connect_sse().await.unwrap();
    let call = json!({"name": "start_workflow", "arguments": {"workflow": "onboarding", "waitSeconds": 50},
        "_meta": {"progressToken": "mine"}});
    let asked = older.start("tools/call", call).await.unwrap();
    let told: Value = serde_json::from_str(&older.events.next().await.unwrap().unwrap().data).unwrap();
    assert_eq!((&told["method"], &told["params"]["progressToken"]), (&json!("notifications/progress"), &json!("mine")));
    let answer = older.result(asked).await.unwrap()["structuredContent"].take();
    assert_eq!(answer["run"]["status"], "running");
    assert!(answer["waitsFor"].as_str().is_some_and(|what| what.contains("update_brand")), "{answer:#}");
}

async fn a_revoked_key_is_cut_off_everywhere(backend: Backend) {
    let pair = Pair::start(backend).await;
    let made = pair.provision().await;
    let (id, first) = (made["customerId"].as_str().unwrap(), made["apiKey"].as_str().unwrap());
    let second = pair.terminal.heycmo("key create anna@example.com").await;
    let mut connected = pair.connect(id, &key_in(&second)).await;
    pair.terminal.heycmo(&format!("key revoke anna@example.com {}", word_after(&second, "Made key"))).await;
    connected.is_cut_off().await;
    connected.is_answered(401).await;
    pair.connect(id, first).await.is_answered(200).await;
}

async fn a_suspended_customer_is_cut_off_until_resumed(backend: Backend) {
    let pair = Pair::start(backend).await;
    let made = pair.provision().await;
    let (id, key) = (made["customerId"].as_str().unwrap(), made["apiKey"].as_str().unwrap());
    let mut connected = pair.connect(id, key).await;
    pair.terminal.heycmo("customer suspend anna@example.com").await;
    connected.is_cut_off().await;
    connected.is_answered(403).await;
    pair.terminal.heycmo("customer resume anna@example.com").await;
    connected.is_answered(200).await;
}

/// On databases with nothing in them, so that both processes want to make the schema.
macro_rules! on_each_empty_database {
    ($($name:ident),* $(,)?) => {
        mod sqlite {$(
            #[tokio::test]
            async fn $name() {
                super::$name(harness::Backend::Sqlite).await;
            }
        )*}

        #[cfg(feature = "postgres")]
        mod postgres {$(
            #[tokio::test]
            async fn $name() {
                super::$name(harness::Backend::Postgres).await;
            }
        )*}
    };
}

on_each_empty_database!(
    what_one_does_the_other_knows,
    what_one_starts_the_other_does,
    a_revoked_key_is_cut_off_everywhere,
    a_suspended_customer_is_cut_off_until_resumed,
);
