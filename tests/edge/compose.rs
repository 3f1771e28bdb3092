//! What compose.yaml tells the processes is enough for them: they start with it and serve, with and without Inngest.

#[path = "../../shared/inngest/tests/protocol/fake.rs"]
#[allow(dead_code, reason = "the tests of the crate use the rest")]
mod fake;
#[path = "../../shared/inngest/tests/protocol/wire.rs"]
#[allow(dead_code, reason = "the tests of the crate use the rest")]
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fake::{EVENT_KEY, Fake};
use harness::clients::python;
use harness::process::{Launch, Process, listens};
use harness::{Backend, TestDb, eventually};
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::site::{anybody, root};

const AS_JSON: &str = "import json, sys\nfrom ruamel.yaml import YAML\n\
                       json.dump(YAML(typ='safe').load(open(sys.argv[1])), sys.stdout)";

/// The file, and the directory where the secrets are that it mounts.
struct Compose {
    services: Value,
    secrets: TempDir,
    variables: BTreeMap<&'static str, String>,
}

impl Compose {
    async fn read(database: &TestDb, variables: BTreeMap<&'static str, String>) -> Self {
        let file = root().join("compose.yaml");
        let output = python("tools", "python").args(["-c", AS_JSON]).arg(file).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file: Value = serde_json::from_slice(&output.stdout).unwrap();
        let secrets = tempfile::tempdir().unwrap();
        let keep = |name: &str, secret: &str| std::fs::write(secrets.path().join(name), format!("{secret}\n")).unwrap();
        keep("database_url", &database.url_text());
        keep("admin_secret", &"a".repeat(64));
        keep("encryption_secret", &"e".repeat(64));
        Self { services: file["services"].clone(), secrets, variables }
    }

    /// A container of a service: its command with its environment and no other, on a file system that holds nothing.
    fn container(&self, service: &str, command: &str) -> Launch {
        let mut words = command.split(' ');
        let mut launch = Launch::on(words.next().unwrap(), Arc::new(tempfile::tempdir().unwrap()));
        for limit in ["CHECKOUT", "WEBHOOKS", "API", "PREAUTH", "MCP", "ADMIN"] {
            launch = launch.without(&format!("RATE_LIMIT_{limit}"));
        }
        launch = launch.without("HEYCMO_DATA_DIR").without("HEYCMO_SANDBOX_ADDR").args(words);
        if self.services[service]["env_file"] == ".env" {
            for (name, value) in &self.variables {
                launch = launch.env(name, value);
            }
        }
        for (name, value) in self.services[service]["environment"].as_object().unwrap() {
            let value =
                self.filled(value.as_str().unwrap()).replace("/run/secrets", self.secrets.path().to_str().unwrap());
            // There is one network here, and other servers are in it.
            let value = if name.ends_with("_ADDR") { "127.0.0.1:0".to_owned() } else { value };
            launch = launch.env(name, value);
        }
        launch
    }

    /// The command that compose.yaml gives a service.
    fn service(&self, service: &str) -> Launch {
        self.container(service, self.services[service]["command"].as_str().unwrap())
    }

    /// A value with the variables of `.env` in it.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (inside, after) = after.split_once('}').unwrap();
            let name = inside.split(':').next().unwrap();
            let default = inside.split_once(":-").map(|(_, default)| default.to_owned());
            let value = self.variables.get(name).cloned().or(default);
            filled += before;
            filled += &value.unwrap_or_else(|| panic!("{name} has to be set"));
            rest = after;
        }
        filled + rest
    }

    /// Starts everything that is ours, in the order that compose.yaml asks for.
    async fn up(&self) -> (Process, Process) {
        let migrated = self.service("migrate").finish().await;
        assert!(migrated.status.success(), "{migrated:?}");
        (self.service("rest-gateway").start(), self.service("mcp-server").start())
    }

    /// A new customer's id and key, made as the README says.
    async fn provision(&self) -> (String, String) {
        let made = self.container("rest-gateway", "heycmo provision you@heycmo.example").finish().await;
        assert!(made.status.success(), "{made:?}");
        let word_with = |beginning: &str| {
            let mut words = made.out.split_whitespace();
            words.find(|word| word.starts_with(beginning)).unwrap_or_else(|| panic!("{}", made.out)).to_owned()
        };
        (word_with("cust_"), word_with("hcmo_live_"))
    }
}

fn variables(more: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
    let site = ("HEYCMO_SITE", "heycmo.example");
    std::iter::once(&site).chain(more).map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// Whether there is nothing where a container could not have written.
fn is_empty(directory: &Path) -> bool {
    std::fs::read_dir(directory).unwrap().next().is_none()
}

/// Both serve a customer, and write nothing but to the database.
async fn serve(compose: &Compose, gateway: &mut Process, mcp: &mut Process) -> (String, String, String) {
    let (id, key) = compose.provision().await;
    let (gateway_origin, mcp_origin) = (listens(gateway).await, listens(mcp).await);
    let http = anybody();
    let account = http.get(format!("{gateway_origin}/api/customer/{id}")).bearer_auth(&key).send().await.unwrap();
    assert_eq!(account.status(), StatusCode::OK);
    let account: Value = account.json().await.unwrap();
    let endpoint = account["mcpEndpoint"].as_str().unwrap();
    assert!(endpoint.starts_with("https://heycmo.example/mcp/sse?token="), "{endpoint}");
    let stream = http.get(format!("{mcp_origin}/mcp/sse")).header("host", "heycmo.example").bearer_auth(&key);
    assert_eq!(stream.send().await.unwrap().status(), StatusCode::OK);
    for process in [gateway, mcp] {
        assert!(is_empty(process.data_dir().path()), "it wrote a file");
    }
    (gateway_origin, id, key)
}

#[tokio::test]
async fn compose_yaml_starts_what_serves() {
    let database = TestDb::empty(Backend::Postgres).await;
    let compose = Compose::read(&database, variables(&[])).await;
    let (mut gateway, mut mcp) = compose.up().await;
    serve(&compose, &mut gateway, &mut mcp).await;
}

/// Its own Inngest is reached over the network of the containers, without TLS.
#[tokio::test]
async fn compose_yaml_starts_what_serves_with_its_own_inngest() {
    let (inngest, origin) = Fake::start(Some(wire::KEY)).await;
    let database = TestDb::empty(Backend::Postgres).await;
    let wanted = [("INNGEST_EVENT_KEY", EVENT_KEY), ("INNGEST_SIGNING_KEY", wire::KEY), ("INNGEST_BASE_URL", &origin)];
    let compose = Compose::read(&database, variables(&wanted)).await;
    let (mut gateway, mut mcp) = compose.up().await;
    let (gateway, id, key) = serve(&compose, &mut gateway, &mut mcp).await;
    inngest.sync(&format!("{gateway}/api/inngest")).await;
    let started = anybody().post(format!("{gateway}/api/onboard/{id}")).bearer_auth(&key).send().await.unwrap();
    assert_eq!(started.status(), StatusCode::OK);
    eventually("the event arrives", async || (!inngest.runs("heycmo-onboarding").is_empty()).then_some(())).await;
    inngest.settle().await;
    assert_eq!(database.number("SELECT count(*) FROM workflow_runs WHERE status = 'running'").await, 1);
}
