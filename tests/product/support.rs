//! The product with its customers and their assistants.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{Datelike, Utc};
use entity::db::Db;
use entity::feed::Feed;
use entity::ids::{CustomerId, GrantId};
use entity::keys::{self as api_keys, NewKey};
use entity::oauth::{self, Consent, NewClient, Redemption};
use entity::proposals::{self, Confidence, Evidence, NewProposal, Part};
use entity::scopes::Scopes;
use harness::{Backend, PATIENCE, TestDb};
use marketing::scanner::{Reach, Scanner};
use mcp_server::{AllowedOrigins, McpServer};
use platforms::Platforms;
use reqwest::{RequestBuilder, Response};
use rest_gateway::billing::Billing;
use rest_gateway::workflows::Runner;
use rest_gateway::{Gateway, SecretScanning, Site};
use rmcp::model::{
    CallToolRequestParams, ClientConfig, ContentBlock, GetPromptRequestParams, JsonObject, ProgressNotificationParam,
    ProtocolVersion, ReadResourceRequestParams, ResourceContents, ResourceUpdatedNotificationParam,
    SubscribeRequestParams, UnsubscribeRequestParams,
};
use rmcp::service::{
    ClientLifecycleMode, NotificationContext, Peer, RunningService, ServiceError, serve_client_with_lifecycle,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, RoleClient};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use web::client_ip::TrustedProxies;
use web::config::{Config, Environment, Mode, Secrets};
use web::rate_limit::RateLimiter;

use crate::schema;

pub const ADMIN_SECRET: &str = "the-operators-secret-of-these-tests";
pub const PUBLIC_URL: &str = "https://heycmo.example";
/// Where forms may lead besides.
pub const FORM_TARGET: &str = "https://checkout.example";
pub const MCP_URL: &str = "https://mcp.heycmo.example";
/// Of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Both servers on a database of their own.
pub struct Product {
    pub test: TestDb,
    pub gateway: String,
    pub mcp: String,
    pub http: reqwest::Client,
    pub shutdown: CancellationToken,
    workflows: Runner,
    _stop: DropGuard,
}

/// A customer and the key that they were given.
pub struct Account {
    pub id: CustomerId,
    pub key: String,
}

impl Product {
    pub async fn start() -> Self {
        Self::on(TestDb::migrated(Backend::Sqlite).await).await
    }

    pub async fn on(test: TestDb) -> Self {
        let db = test.db();
        Self::with_gateway_on(test, db).await
    }

    /// With these variables: rate limits are as configured, while all other tests have none.
    pub async fn limited(variables: &[(&str, &str)]) -> Self {
        let config = Config::from_environment(&Environment::of(variables)).unwrap();
        let shutdown = CancellationToken::new();
        let limiter = RateLimiter::start(config.rate_limits, config.trusted_proxies, shutdown.clone());
        let test = TestDb::migrated(Backend::Sqlite).await;
        let db = test.db();
        Self::with(test, db, limiter, shutdown, "off").await
    }

    /// Where apps that have no key may ask to be let in.
    pub async fn with_apps() -> Self {
        let test = TestDb::migrated(Backend::Sqlite).await;
        let db = test.db();
        Self::with(test, db, RateLimiter::off(), CancellationToken::new(), "on").await
    }

    pub async fn with_gateway_on(test: TestDb, db: Db) -> Self {
        Self::with(test, db, RateLimiter::off(), CancellationToken::new(), "off").await
    }

    /// Each server has its own way to the database, like the two processes that they are. Rate limits are one for both,
    /// as in `heycmo`.
    async fn with(test: TestDb, db: Db, rate_limiter: RateLimiter, shutdown: CancellationToken, oauth: &str) -> Self {
        let environment = Environment::of(&[
            ("PUBLIC_URL", PUBLIC_URL),
            ("MCP_PUBLIC_URL", MCP_URL),
            ("HEYCMO_OAUTH", oauth),
            ("ADMIN_SECRET", ADMIN_SECRET),
            ("ENCRYPTION_SECRET", "the-secret-that-keys-are-derived-from"),
        ]);
        let config = Config::from_environment(&environment).unwrap();
        let secrets = Secrets::load(&environment, Mode::Development, &config.data_dir).unwrap();
        let oauth = config.oauth(0, 0);
        // Without Stripe; tests/process has the stand-in.
        let billing = Billing::new(db.clone(), None, config.grace, config.origins.gateway(0)).unwrap();
        let site = Site::new(config.origins.gateway(0), &secrets, &[FORM_TARGET]).unwrap();
        let platforms = Platforms::new(db.clone(), config.composio, config.origins.gateway(0), &secrets).unwrap();
        let scanner = Scanner::new(Reach::also(&["127.0.0.0/8".parse().unwrap()])).unwrap();
        let workflows = Runner::new(&db, &billing, &platforms, &scanner, None, None).unwrap();
        let gateway = rest_gateway::app(Gateway {
            billing,
            platforms: platforms.clone(),
            workflows: workflows.clone(),
            scanner: scanner.clone(),
            secret_scanning: SecretScanning::new(db.clone(), config.secret_scanning_keys).unwrap(),
            site,
            db: db.clone(),
            feed: Feed::start(db, shutdown.clone()),
            admin_secret: secrets.admin,
            rate_limiter: rate_limiter.clone(),
            oauth: oauth.clone(),
            mcp_url: config.origins.mcp(0),
            shutdown: shutdown.clone(),
        });
        let db = test.another_db().await;
        let mcp = mcp_server::app(McpServer {
            platforms,
            scanner,
            db: db.clone(),
            feed: Feed::start(db, shutdown.clone()),
            origins: AllowedOrigins { hosts: vec!["127.0.0.1".to_owned()], origins: Vec::new() },
            binding_key: [7; 32],
            limits: mcp_server::transport::Limits::default(),
            oauth,
            rate_limiter,
            shutdown: shutdown.clone(),
        });
        Self {
            test,
            gateway: serve(gateway, &shutdown).await,
            mcp: serve(mcp, &shutdown).await,
            http: web::http_client().no_proxy().timeout(PATIENCE).build().unwrap(),
            _stop: shutdown.clone().drop_guard(),
            workflows,
            shutdown,
        }
    }

    /// From now on what is asked for is done, as in a gateway that serves; other tests have their rows to themselves.
    pub fn runs_workflows(&self) {
        self.workflows.start(&self.test.db(), &self.shutdown);
    }

    pub async fn customer(&self) -> Account {
        let (customer, key) = harness::a_customer(&self.test.db()).await;
        Account { id: customer.id, key: key.expose().to_owned() }
    }

    /// A key of the customer's that may do only this.
    pub async fn key_for(&self, id: &CustomerId, scopes: Scopes) -> String {
        let new = NewKey { scopes: Some(scopes), ..NewKey::default() };
        api_keys::create(&self.test.db(), id, new).await.unwrap().1.expose().to_owned()
    }

    /// An access token of an app that the customer lets do this, and the grant that it is of.
    pub async fn app_for(&self, id: &CustomerId, scopes: Scopes) -> (GrantId, String) {
        let (db, redirect_uri) = (self.test.db(), "https://app.example/callback".to_owned());
        let new = NewClient { name: "An app".to_owned(), redirect_uris: vec![redirect_uri.clone()] };
        let client = oauth::register(&db, new).await.unwrap();
        let consent = Consent {
            client_id: client.id.clone(),
            client_name: client.name,
            redirect_uri: redirect_uri.clone(),
            resource: format!("{MCP_URL}/mcp"),
            scopes,
            challenge: CHALLENGE.to_owned(),
        };
        let key = api_keys::list(&db, id).await.unwrap().pop().unwrap();
        let (grant, code) = oauth::allow(&db, &key, consent).await.unwrap();
        let redemption =
            Redemption { client_id: client.id, redirect_uri: Some(redirect_uri), verifier: VERIFIER.to_owned() };
        let issued = oauth::redeem(&db, &code, &redemption).await.unwrap();
        (grant.id, issued.access.expose().to_owned())
    }

    /// A proposal for the customer, as results would open one.
    pub async fn a_proposal(&self, id: &CustomerId, title: &str) -> String {
        let new = NewProposal {
            part: Part::VoiceDo(title.to_owned()),
            title: title.to_owned(),
            current: Value::Null,
            proposed: json!(title),
            evidence: Evidence::default(),
            expected_effect: title.to_owned(),
            confidence: Confidence::Low,
        };
        let renewed = proposals::renew(&self.test.db(), id, vec![new]).await.unwrap();
        renewed.opened[0].id.to_string()
    }

    pub fn get(&self, path: &str, key: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.gateway)).bearer_auth(key)
    }

    pub fn provision(&self, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}/api/admin/provision", self.gateway)).bearer_auth(ADMIN_SECRET).json(body)
    }

    /// An assistant of today, which opens a session.
    pub async fn assistant(&self, key: &str) -> Assistant {
        self.assistant_with(key, ClientLifecycleMode::Initialize).await
    }

    /// An assistant of the protocol without sessions.
    pub async fn modern_assistant(&self, key: &str) -> Assistant {
        let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
        self.assistant_with(key, ClientLifecycleMode::Discover { preferred_versions }).await
    }

    async fn assistant_with(&self, key: &str, lifecycle: ClientLifecycleMode) -> Assistant {
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", self.mcp)).auth_header(key);
        let (tell, heard) = mpsc::unbounded_channel();
        let connecting =
            serve_client_with_lifecycle(Ears(tell), StreamableHttpClientTransport::from_config(config), lifecycle);
        let client = in_time("connecting", connecting).await.unwrap();
        let tools = in_time("tools/list", client.list_all_tools()).await.unwrap();
        let tools =
            tools.into_iter().map(|tool| (tool.name.to_string(), serde_json::to_value(tool).unwrap())).collect();
        Assistant { client, tools, heard: Mutex::new(heard) }
    }

    /// Every row of a customer, but for when their keys and apps were last used and what their assistants have open.
    pub async fn state_of(&self, id: &CustomerId) -> Vec<String> {
        let is_state = |line: &String| {
            let is_use = ["api_keys:", "mcp_sessions:", "oauth_grants:", "oauth_tokens:"]
                .iter()
                .any(|table| line.starts_with(table));
            line.contains(id.as_str()) && !is_use
        };
        self.test.dump().await.into_iter().filter(is_state).collect()
    }
}

async fn serve(router: axum::Router, shutdown: &CancellationToken) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(web::serve::serve(listener, router, TrustedProxies::default(), shutdown.clone()));
    url
}

pub async fn in_time<T>(what: &str, action: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, action).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// A client of the MCP server.
pub struct Assistant {
    pub client: RunningService<RoleClient, Ears>,
    /// The tools as listed.
    pub tools: HashMap<String, Value>,
    heard: Mutex<mpsc::UnboundedReceiver<String>>,
}

/// What a tool answered.
#[derive(Debug)]
pub struct Said {
    pub text: String,
    pub data: Value,
    pub is_error: bool,
}

impl Said {
    /// The id of the piece that the answer is about.
    #[track_caller]
    pub fn content_id(&self) -> String {
        self.data["content"]["id"].as_str().expect("an answer about one piece").to_owned()
    }

    /// The rules that found something.
    #[track_caller]
    pub fn rules(&self) -> Vec<&str> {
        self.data["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
    }
}

impl Assistant {
    pub fn peer(&self) -> &Peer<RoleClient> {
        self.client.peer()
    }

    /// The answer of a tool, whatever it is.
    pub async fn say(&self, tool: &str, arguments: &Value) -> Result<Said, ServiceError> {
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(object(arguments));
        let result = in_time(tool, self.client.call_tool(request)).await?;
        let [ContentBlock::Text(text)] = result.content.as_slice() else { panic!("one text is expected: {result:?}") };
        let is_error = result.is_error == Some(true);
        Ok(Said { text: text.text.clone(), data: result.structured_content.unwrap_or_default(), is_error })
    }

    /// What a tool answers that does as it is asked: as its schema says, and with the same ids as its text.
    pub async fn call(&self, tool: &str, arguments: Value) -> Said {
        let said = self.say(tool, &arguments).await.unwrap();
        assert!(!said.is_error, "{tool} {arguments}: {}", said.text);
        let problems = schema::problems(&self.tools[tool]["outputSchema"], &said.data);
        assert!(problems.is_empty(), "{tool} {arguments}: {problems:#?}\n{:#}", said.data);
        let data = said.data.to_string();
        let (in_data, in_text) = (ids(&data), ids(&said.text));
        assert!(in_data.is_subset(&in_text), "{tool}: {in_data:?} in the data, {in_text:?} in the text");
        said
    }

    /// The words of a tool that refuses.
    pub async fn refused(&self, tool: &str, arguments: Value) -> String {
        let said = self.say(tool, &arguments).await.unwrap();
        assert!(said.is_error, "{tool} {arguments} was accepted: {}", said.text);
        said.text
    }

    pub async fn prompt(&self, name: &str, arguments: Value) -> Result<String, String> {
        let request = GetPromptRequestParams::new(name).with_arguments(object(&arguments));
        let result = in_time(name, self.client.get_prompt(request)).await.map_err(|error| error.to_string())?;
        let message = serde_json::to_value(&result.messages[0]).unwrap();
        assert_eq!((result.messages.len(), &message["role"]), (1, &json!("user")));
        Ok(message["content"]["text"].as_str().unwrap().to_owned())
    }

    pub async fn read(&self, uri: &str) -> Result<String, String> {
        let reading = self.client.read_resource(ReadResourceRequestParams::new(uri));
        let result = in_time(uri, reading).await.map_err(|error| error.to_string())?;
        match result.contents.as_slice() {
            [ResourceContents::TextResourceContents { text, mime_type, .. }] => {
                assert_eq!(mime_type.as_deref(), Some("text/markdown"));
                Ok(text.clone())
            }
            other => panic!("one text is expected: {other:?}"),
        }
    }

    /// As clients before 2026-07-28 do it.
    #[expect(deprecated, reason = "clients in the field still do")]
    pub async fn subscribe(&self, uri: &str) -> Result<(), ServiceError> {
        in_time(uri, self.client.subscribe(SubscribeRequestParams::new(uri))).await
    }

    #[expect(deprecated, reason = "clients in the field still do")]
    pub async fn unsubscribe(&self, uri: &str) -> Result<(), ServiceError> {
        in_time(uri, self.client.unsubscribe(UnsubscribeRequestParams::new(uri))).await
    }

    /// What the server tells next by itself: `list`, the address of a resource that changed, or how far a call is.
    pub async fn hears(&self) -> String {
        in_time("a notification", async { self.heard.lock().await.recv().await }).await.expect("the session goes on")
    }

    /// A new piece that no rule minds.
    pub async fn a_piece(&self, body: &str) -> String {
        let said = self.call("create_content", json!({"kind": "x_post", "body": body})).await;
        assert_eq!(said.data["content"]["status"], "in_review", "{}", said.text);
        said.content_id()
    }
}

/// Writes down what the server tells by itself.
pub struct Ears(mpsc::UnboundedSender<String>);

impl ClientHandler for Ears {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::default()
    }

    async fn on_resource_updated(&self, params: ResourceUpdatedNotificationParam, _: NotificationContext<RoleClient>) {
        let _ = self.0.send(params.uri);
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        let _ = self.0.send(format!("{}: {}", params.progress, params.message.unwrap_or_default()));
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        let _ = self.0.send("list".to_owned());
    }
}

#[track_caller]
pub fn object(value: &Value) -> JsonObject {
    value.as_object().cloned().expect("an object")
}

#[track_caller]
pub fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The ids of content, leads, runs and proposals in a text.
fn ids(text: &str) -> BTreeSet<&str> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| ["cnt_", "lead_", "run_", "prop_"].iter().any(|prefix| word.starts_with(prefix))).collect()
}

/// An error of either server, in the shape that all have.
#[track_caller]
pub fn assert_refused(response: &(u16, Value), status: u16, code: &str) {
    let (got, body) = response;
    assert_eq!((*got, body["code"].as_str()), (status, Some(code)), "{body}");
}

/// Status and body of an error, after a look at its shape.
pub async fn error_of(response: Response) -> (u16, Value) {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    assert_eq!(headers["content-type"], "application/json", "{status}");
    assert_eq!(headers.get("www-authenticate").is_some(), status == 401);
    let body: Value = response.json().await.unwrap();
    let mut names = keys(&body);
    names.remove("fields");
    assert_eq!(names, BTreeSet::from(["code", "error", "requestId"]), "{body}");
    assert_eq!(body["requestId"], headers["x-request-id"].to_str().unwrap());
    assert!(body["error"].as_str().is_some_and(|error| error.len() > 10 && error.len() < 1_000), "{body}");
    (status, body)
}

/// Sends a request that is to be refused.
pub async fn refusal(request: RequestBuilder) -> (u16, Value) {
    error_of(request.send().await.unwrap()).await
}

/// The JSON of a good answer.
pub async fn json_of(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    response.json().await.unwrap()
}

/// A day or time of next year, of which every day is ahead and less than two years away.
pub fn next_year(rest: &str) -> String {
    format!("{}-{rest}", Utc::now().year() + 1)
}

/// A stream goes on for longer than other answers take.
pub const STREAM_TIMEOUT: Duration = Duration::from_secs(60);
