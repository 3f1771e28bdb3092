//! A site: Caddy in front of two replicas of each process.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use harness::mcp::Caller;
use harness::process::{Launch, Process, listens};
use harness::{Backend, TestDb};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What Caddy logs.
const LOG: &str = "caddy.log";
/// Where Caddy keeps the certificate of its own authority.
const AUTHORITY: &str = "caddy/pki/authorities/local/root.crt";
/// Below the root of the project.
pub const CADDYFILE: &str = "Caddyfile";

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Caddy, with the files of the project before it. It is Debian's, which has the older name of a setting.
pub fn caddy() -> Command {
    let is_there = Command::new("caddy").arg("version").output().is_ok_and(|output| output.status.success());
    assert!(is_there, "Caddy is not installed: run tests/setup");
    let mut command = Command::new("caddy");
    command.current_dir(root()).env("HEYCMO_BUFFERS", "buffer_requests");
    command
}

/// A process that can be ended and started again where it was.
pub struct Replica {
    address: String,
    process: Option<Process>,
}

/// The whole site.
pub struct Site {
    /// Where clients reach it.
    pub origin: String,
    /// Both MCP servers.
    pub mcp_servers: Vec<Replica>,
    /// Both gateways.
    pub gateways: Vec<Replica>,
    settings: Vec<(String, String)>,
    data: Arc<TempDir>,
    caddy: tokio::process::Child,
    /// What they share.
    pub database: TestDb,
}

impl Site {
    /// A site without rate limits.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A site with these variables.
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_at("http://127.0.0.1", CADDYFILE, variables).await
    }

    /// A site with TLS, under a name of this machine, of which Caddy itself is the authority; and the authority's
    /// certificate.
    pub async fn start_with_tls() -> (Self, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let caddyfile = directory.path().join(CADDYFILE);
        let ours = std::fs::read_to_string(root().join(CADDYFILE)).unwrap();
        // The machine that runs the tests is not to trust that authority, nor to serve anything at port 80.
        let here = ours.replacen("admin off", "admin off\n\tskip_install_trust\n\tauto_https disable_redirects", 1);
        std::fs::write(&caddyfile, here).unwrap();
        let site = Self::start_at("https://localhost", caddyfile.to_str().unwrap(), &[]).await;
        let certificate = site.data.path().join(AUTHORITY);
        let certificate = harness::eventually("Caddy makes its authority", async || {
            // Caddy writes it in place: for a moment the file is there and has nothing in it.
            std::fs::read(&certificate).ok().filter(|pem| pem.trim_ascii_end().ends_with(b"-----END CERTIFICATE-----"))
        });
        (site, certificate.await)
    }

    async fn start_at(host: &str, caddyfile: &str, variables: &[(&str, &str)]) -> Self {
        // Held until Caddy takes it, or else one of the replicas might.
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("{host}:{}", port.local_addr().unwrap().port());
        let database = TestDb::migrated(Backend::Postgres).await;
        let data = Arc::new(tempfile::tempdir().unwrap());
        let mut settings = vec![
            ("DATABASE_URL".to_owned(), database.url_text()),
            ("PUBLIC_URL".to_owned(), origin.clone()),
            ("MCP_PUBLIC_URL".to_owned(), origin.clone()),
            ("TRUSTED_PROXIES".to_owned(), "127.0.0.1/32".to_owned()),
        ];
        settings.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (mut gateways, mut mcp_servers) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            gateways.push(Replica::start("heycmo-gateway", "127.0.0.1:0", &settings, &data).await);
            mcp_servers.push(Replica::start("heycmo-mcp", "127.0.0.1:0", &settings, &data).await);
        }
        let listed = |replicas: &[Replica]| {
            let addresses: Vec<&str> = replicas.iter().map(|replica| replica.address.as_str()).collect();
            format!("to {}", addresses.join(" "))
        };
        let mut command = tokio::process::Command::from(caddy());
        command
            .args(["run", "--adapter", "caddyfile", "--config", caddyfile])
            .env("HEYCMO_SITE", &origin)
            .env("HEYCMO_GATEWAYS", listed(&gateways))
            .env("HEYCMO_MCP_SERVERS", listed(&mcp_servers))
            .env("HOME", data.path())
            .env("XDG_DATA_HOME", data.path())
            .env("XDG_CONFIG_HOME", data.path())
            // Into a file: whoever is not read stops at some point.
            .stderr(std::fs::File::create(data.path().join(LOG)).unwrap())
            .kill_on_drop(true);
        drop(port);
        let caddy = command.spawn().unwrap();
        let site = Self { origin, mcp_servers, gateways, settings, data, caddy, database };
        // Whoever does not know the authority is not served.
        if !site.origin.starts_with("https") {
            site.serves().await;
        }
        site
    }

    /// Waits until both kinds of process are reached through the edge.
    pub async fn serves(&self) {
        for path in ["/api/health/ready", "/mcp"] {
            harness::eventually("the edge passes calls on", async || {
                let answer = anybody().get(format!("{}{path}", self.origin)).send().await.ok()?;
                (answer.status() == StatusCode::OK || answer.status() == StatusCode::UNAUTHORIZED).then_some(())
            })
            .await;
        }
    }

    /// A new customer, with a key.
    pub async fn customer(&self, email: &str) -> (String, Caller) {
        let secret = std::fs::read_to_string(self.data.path().join("admin_secret")).unwrap();
        let operator = Caller::new(&self.origin, secret.trim());
        let request = operator.request(Method::POST, "/api/admin/provision").json(&json!({ "email": email }));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let made: Value = response.json().await.unwrap();
        let key = made["apiKey"].as_str().unwrap();
        (made["customerId"].as_str().unwrap().to_owned(), Caller::new(&self.origin, key))
    }

    /// The key of a customer who is made behind the edge.
    pub async fn key_of_a_new_customer(&self) -> String {
        let (_, key) = harness::a_customer(&self.database.db()).await;
        key.expose().to_owned()
    }

    /// So many customers that each replica has some: that one has none of 12 happens once in 2,000 times.
    pub async fn customers(&self) -> Vec<(String, Caller)> {
        let mut customers = Vec::new();
        for number in 0..12 {
            customers.push(self.customer(&format!("customer-{number}@example.com")).await);
        }
        customers
    }

    /// Kills an MCP server and starts it again where it was; `meanwhile` is done while it is away.
    pub async fn without_mcp_server(&mut self, index: usize, meanwhile: impl AsyncFnOnce(&Self)) {
        self.kill(false, index).await;
        meanwhile(self).await;
        self.restart(false, index).await;
    }

    /// Ends a replica as SIGKILL does.
    pub async fn kill(&mut self, is_gateway: bool, index: usize) {
        let replicas = if is_gateway { &mut self.gateways } else { &mut self.mcp_servers };
        replicas[index].process.take().unwrap().kill().await;
    }

    /// Starts it again where it was.
    pub async fn restart(&mut self, is_gateway: bool, index: usize) {
        let (binary, replicas) =
            if is_gateway { ("heycmo-gateway", &mut self.gateways) } else { ("heycmo-mcp", &mut self.mcp_servers) };
        let address = replicas[index].address.clone();
        replicas[index] = Replica::start(binary, &address, &self.settings, &self.data).await;
    }

    /// Stops Caddy, and gives what it logged.
    pub async fn log(mut self) -> String {
        let pid = self.caddy.id().unwrap();
        let status = Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
        assert!(status.success());
        self.caddy.wait().await.unwrap();
        std::fs::read_to_string(self.data.path().join(LOG)).unwrap()
    }
}

/// A test that fails says what Caddy and the servers complained about meanwhile.
#[expect(clippy::print_stderr, reason = "read by whoever looks why a test failed")]
impl Drop for Site {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let caddy = std::fs::read_to_string(self.data.path().join(LOG)).unwrap_or_default();
        let is_complaint = |line: &&str| line.contains(r#""level":"error""#) || line.contains(r#""level":"warn""#);
        for line in caddy.lines().filter(is_complaint) {
            eprintln!("Caddy: {line}");
        }
        for replica in self.mcp_servers.iter().chain(&self.gateways) {
            let log = replica.process.as_ref().map(Process::log).unwrap_or_default();
            eprintln!("{}:\n{log}", replica.address);
        }
    }
}

impl Replica {
    async fn start(binary: &str, address: &str, settings: &[(String, String)], data: &Arc<TempDir>) -> Self {
        let variable = if binary == "heycmo-mcp" { "HEYCMO_MCP_ADDR" } else { "HEYCMO_GATEWAY_ADDR" };
        let launch = Launch::on(binary, data.clone()).env(variable, address);
        let launch = settings.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
        let mut process = launch.start();
        let address = listens(&mut process).await.trim_start_matches("http://").to_owned();
        Self { address, process: Some(process) }
    }

    /// What it logged so far.
    pub fn logged(&self) -> String {
        self.process.as_ref().unwrap().log()
    }
}

/// Somebody without a key.
pub fn anybody() -> reqwest::Client {
    web::http_client().no_proxy().build().unwrap()
}
