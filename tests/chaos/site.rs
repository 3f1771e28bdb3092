//! Everything that serves, on a database, with stand-ins for the services in a process of their own.

use std::sync::Arc;

use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch, Process, listens};
use harness::{Backend, Proxy, TestDb};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use entity::ids::CustomerId;

const WEBHOOK_SECRET: &str = "whsec_of_the_chaos";

/// A customer and their key.
#[derive(Clone)]
pub struct Tenant {
    pub id: CustomerId,
    pub key: String,
}

/// What serves, and may die: `heycmo` on SQLite, `heycmo-gateway` and `heycmo-mcp` on Postgres.
pub struct Site {
    pub test: TestDb,
    pub gateway: String,
    pub mcp: String,
    /// The way to Stripe and Composio.
    pub upstream: Proxy,
    pub stand_ins: StandIns,
    pub servers: Vec<Server>,
}

/// Stripe and Composio, and what happened there.
#[derive(Clone)]
pub struct StandIns {
    origin: String,
    http: Client,
    _process: Arc<HeyCmo>,
}

/// A process of the site's.
pub struct Server {
    binary: &'static str,
    /// What a shell does before it becomes the process.
    preparation: String,
    settings: Vec<(String, String)>,
    data: Arc<TempDir>,
    process: Option<Process>,
}

/// How to make a site that is unlike others.
pub struct Plan {
    pub test: TestDb,
    pub settings: Vec<(String, String)>,
    pub preparation: String,
}

impl Plan {
    pub fn on(test: TestDb) -> Self {
        Self { test, settings: Vec::new(), preparation: ":".to_owned() }
    }

    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), value.into()));
        self
    }
}

impl Site {
    pub async fn on(test: TestDb) -> Self {
        Self::open(Plan::on(test)).await
    }

    pub async fn open(plan: Plan) -> Self {
        let Plan { test, settings: wanted, preparation } = plan;
        let stand_ins = StandIns::start().await;
        let upstream = Proxy::before(&Url::parse(&stand_ins.origin).unwrap()).await;
        let (gateway, mcp) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let mut settings: Vec<(String, String)> = [
            ("DATABASE_URL", test.url_text()),
            ("HEYCMO_GATEWAY_ADDR", gateway.clone()),
            ("HEYCMO_MCP_ADDR", mcp.clone()),
            ("STRIPE_SECRET_KEY", "sk_test_of_the_chaos".to_owned()),
            ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
            ("STRIPE_PRICE_ID", "price_sandbox_pro".to_owned()),
            ("STRIPE_API_BASE", upstream.url().as_str().trim_end_matches('/').to_owned()),
            ("COMPOSIO_API_KEY", "the-key-of-the-project".to_owned()),
            ("COMPOSIO_BASE_URL", upstream.url().join("api/v3.1").unwrap().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        settings.extend(wanted);
        let binaries: &[&str] = match test.backend() {
            Backend::Sqlite => &["heycmo"],
            Backend::Postgres => &["heycmo-gateway", "heycmo-mcp"],
        };
        let data = Arc::new(tempfile::tempdir().unwrap());
        let server = |binary: &&'static str| Server {
            binary,
            preparation: preparation.clone(),
            settings: settings.clone(),
            data: data.clone(),
            process: None,
        };
        let mut servers: Vec<Server> = binaries.iter().map(server).collect();
        for server in &mut servers {
            server.start().await;
        }
        let (gateway, mcp) = (format!("http://{gateway}"), format!("http://{mcp}"));
        stand_ins.tells(&format!("{gateway}/api/webhooks/stripe")).await;
        Self { test, gateway, mcp, upstream, stand_ins, servers }
    }

    pub fn rest(&self, tenant: &Tenant) -> Caller {
        Caller::new(&self.gateway, &tenant.key)
    }

    pub fn tools(&self, tenant: &Tenant) -> Caller {
        Caller::new(&self.mcp, &tenant.key)
    }

    /// A new customer who has connected X.
    pub async fn tenant(&self) -> Tenant {
        let db = self.test.another_db().await;
        let (customer, key) = harness::a_customer(&db).await;
        db.close().await.unwrap();
        let tenant = Tenant { id: customer.id, key: key.expose().to_owned() };
        let path = format!("/api/connect/{}", tenant.id);
        let request = self.rest(&tenant).request(Method::POST, &path).json(&json!({"platforms": ["x"]}));
        let links: Value = request.send().await.unwrap().json().await.unwrap();
        let link = links["links"]["x"]["url"].as_str().unwrap_or_else(|| panic!("{links}"));
        // The browser follows to the page that confirms it.
        let page = self.stand_ins.http.post(format!("{link}/allow")).send().await.unwrap();
        assert!(page.status().is_success(), "{}", page.text().await.unwrap());
        tenant
    }

    /// What every process logged since it was started last.
    pub fn log(&self) -> String {
        self.servers.iter().filter_map(|server| Some(server.process.as_ref()?.log())).collect()
    }
}

impl Server {
    pub async fn start(&mut self) {
        let launch = Launch::after(&self.preparation, self.binary, self.data.clone());
        let launch = self.settings.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
        let mut process = launch.start();
        if self.binary == "heycmo" {
            // The line that ends either greeting.
            process
                .printed(|out| (out.contains("cursor://") || out.contains("To connect another")).then_some(()))
                .await;
        } else {
            listens(&mut process).await;
        }
        self.process = Some(process);
    }

    /// Ends it as SIGKILL does.
    pub async fn kill(&mut self) {
        self.take().kill().await;
    }

    /// The process, for whoever ends it in another way.
    pub fn take(&mut self) -> Process {
        self.process.take().expect("it runs")
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").pid()
    }

    pub fn is_gateway(&self) -> bool {
        self.binary != "heycmo-mcp"
    }
}

impl StandIns {
    async fn start() -> Self {
        let process = HeyCmo::start().await;
        let http = web::http_client().no_proxy().build().unwrap();
        Self { origin: process.sandbox.replace("localhost", "127.0.0.1"), http, _process: Arc::new(process) }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        let request = body.iter().fold(request, |request, body| request.json(body));
        let response = request.bearer_auth("sk_test_look").send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// Has Stripe send its events there.
    async fn tells(&self, url: &str) {
        self.ask(Method::POST, "/sandbox/webhooks", Some(json!({"url": url, "secret": WEBHOOK_SECRET}))).await;
    }

    pub async fn pay(&self, session: &str) {
        self.ask(Method::POST, &format!("/sandbox/sessions/{session}/pay"), None).await;
    }

    /// Stripe's events, oldest first.
    pub async fn events(&self) -> Vec<Value> {
        let mut all = self.ask(Method::GET, "/sandbox/events", None).await;
        serde_json::from_value(all["events"].take()).unwrap()
    }

    /// Sends an event, whether it was taken before or not; whether it is taken now.
    pub async fn deliver(&self, event: &Value) -> bool {
        let path = format!("/sandbox/events/{}/deliver", event["id"].as_str().unwrap());
        self.ask(Method::POST, &path, None).await["status"] == 200
    }

    /// The subscriptions that are paid for.
    pub async fn subscriptions(&self) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        loop {
            let after = ids.last().map(|id| format!("&starting_after={id}")).unwrap_or_default();
            let page = self.ask(Method::GET, &format!("/v1/subscriptions?limit=100&status=all{after}"), None).await;
            let listed = page["data"].as_array().unwrap().iter();
            ids.extend(listed.map(|it| it["id"].as_str().unwrap().to_owned()));
            if page["has_more"] == false {
                return ids;
            }
        }
    }

    /// The words of everything that is out.
    pub async fn posts(&self) -> Vec<String> {
        let seen = self.ask(Method::GET, "/composio/sandbox/posts", None).await;
        seen["posts"].as_array().unwrap().iter().map(|post| post["text"].as_str().unwrap().to_owned()).collect()
    }
}

/// A port that nobody listens at now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
