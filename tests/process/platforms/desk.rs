//! A customer with an assistant and a browser, and what Composio's stand-in saw.

use entity::ids::CustomerId;
use harness::mcp::Caller;
use harness::process::HeyCmo;
use harness::{Backend, TestDb};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::support::Terminal;

/// HeyCMO in one process, and the stand-in in another, so that one can die without the other.
pub struct Desk {
    pub test: TestDb,
    pub server: HeyCmo,
    pub id: CustomerId,
    pub key: String,
    pub http: Client,
    sandbox: HeyCmo,
    terminal: Terminal,
}

impl Desk {
    pub async fn open() -> Self {
        Self::on(TestDb::migrated(Backend::Sqlite).await).await
    }

    pub async fn on(test: TestDb) -> Self {
        let sandbox = HeyCmo::start().await;
        let terminal = Terminal::on(&test)
            .set("COMPOSIO_API_KEY", "the-key-of-the-project")
            .set("COMPOSIO_BASE_URL", &format!("{}/api/v3.1", sandbox.sandbox.replace("localhost", "127.0.0.1")));
        let server = HeyCmo::launch(terminal.launch("heycmo")).await;
        let key = server.key.clone();
        let account = Caller::new(&server.mcp, &key).call(1, "get_account", json!({})).await.unwrap();
        let id = account["customerId"].as_str().unwrap().parse().unwrap();
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { test, server, id, key, http, sandbox, terminal }
    }

    /// Ends HeyCMO as SIGKILL does, and starts it again.
    pub async fn crash(self) -> Self {
        let Self { test, server, id, key, http, sandbox, terminal } = self;
        server.process.kill().await;
        test.execute("UPDATE outbox SET next_attempt_at = created_at").await;
        let server = HeyCmo::launch(terminal.launch("heycmo")).await;
        Self { test, server, id, key, http, sandbox, terminal }
    }

    /// A tool's data, or why it refused.
    pub async fn say(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        Caller::new(&self.server.mcp, &self.key).call(1, tool, arguments).await
    }

    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.say(tool, arguments).await.unwrap()
    }

    /// What a tool says to its reader.
    pub async fn text(&self, tool: &str, arguments: Value) -> String {
        let params = json!({"name": tool, "arguments": arguments});
        let result = Caller::new(&self.server.mcp, &self.key).ask(1, "tools/call", params).await.unwrap();
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    pub async fn rest(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Caller::new(&self.server.gateway, &self.key).request(method, path);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn get(&self, url: &str) -> Response {
        self.http.get(url).send().await.unwrap()
    }

    /// Links for these platforms, in their order.
    pub async fn links(&self, platforms: &[&str]) -> Vec<String> {
        let path = format!("/api/connect/{}", self.id);
        let (status, body) = self.rest(Method::POST, &path, Some(json!({"platforms": platforms}))).await;
        assert_eq!(status, 200, "{body}");
        platforms.iter().map(|platform| body["links"][*platform]["url"].as_str().expect("a link").to_owned()).collect()
    }

    /// What the person decides on the page that the link leads to; where their browser is sent then.
    pub async fn decide(&self, link: &str, decision: &str) -> String {
        assert_eq!(self.get(link).await.status(), 200);
        let response = self.http.post(format!("{link}/{decision}")).send().await.unwrap();
        assert_eq!(response.status(), 303);
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Connects a platform all the way.
    pub async fn connect(&self, platform: &str) {
        let link = self.links(&[platform]).await.remove(0);
        let back = self.decide(&link, "allow").await;
        let page = self.get(&back).await;
        assert_eq!(page.status(), 200, "{}", page.text().await.unwrap());
    }

    /// How each platform stands, by the REST API.
    pub async fn connections(&self) -> Value {
        let (status, body) = self.rest(Method::GET, &format!("/api/connections/{}", self.id), None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    pub async fn status(&self, platform: &str) -> String {
        self.connections().await["connections"][platform]["status"].as_str().unwrap().to_owned()
    }

    /// An approved piece.
    pub async fn approved(&self, piece: Value) -> String {
        let made = self.call("create_content", piece).await;
        let id = made["content"]["id"].as_str().unwrap().to_owned();
        self.call("review_content", json!({"contentId": id, "decision": "approved", "decidedBy": "Anna"})).await;
        id
    }

    pub async fn publish(&self, id: &str) -> Value {
        self.call("publish_content", json!({"contentId": id})).await
    }

    fn at_sandbox(&self, path: &str) -> String {
        format!("{}/composio/sandbox/{path}", self.sandbox.sandbox)
    }

    /// Has calls go wrong.
    pub async fn fault(&self, fault: Value) {
        let response = self.http.post(self.at_sandbox("faults")).json(&fault).send().await.unwrap();
        assert_eq!(response.status(), 204);
    }

    pub async fn no_more_faults(&self) {
        self.http.delete(self.at_sandbox("faults")).send().await.unwrap();
    }

    async fn seen(&self, what: &str) -> Vec<Value> {
        let body: Value = self.get(&self.at_sandbox(what)).await.json().await.unwrap();
        body[what].as_array().unwrap().clone()
    }

    /// What is out, on all platforms, oldest first.
    pub async fn posts(&self) -> Vec<Value> {
        self.seen("posts").await
    }

    /// The calls that the stand-in got whose path ends so.
    pub async fn calls(&self, path: &str) -> usize {
        let requests = self.seen("requests").await;
        requests.iter().filter(|request| request["path"].as_str().unwrap().ends_with(path)).count()
    }

    /// This customer's accounts at the stand-in.
    pub async fn accounts(&self) -> Vec<Value> {
        let all = self.seen("accounts").await;
        all.into_iter().filter(|account| account["user_id"] == self.id.as_str()).collect()
    }

    /// Gives the newest account of a toolkit any status.
    pub async fn set_status(&self, toolkit: &str, status: &str) {
        let accounts = self.accounts().await;
        let account = accounts.iter().rfind(|it| it["toolkit"]["slug"] == toolkit).expect("such an account");
        let path = format!("accounts/{}/status", account["id"].as_str().unwrap());
        let response = self.http.post(self.at_sandbox(&path)).json(&json!({"status": status})).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }

    /// What the doctor prints, with this key of the project.
    pub async fn doctor(&self, key: &str) -> String {
        let launch = self.terminal.launch("heycmo").env("COMPOSIO_API_KEY", key).arg("doctor");
        launch.finish().await.out
    }

    /// Has an operator run a command of `heycmo`.
    pub async fn operator(&self, arguments: &[&str]) -> harness::process::Finished {
        self.terminal.launch("heycmo").args(arguments.iter().copied()).finish().await
    }

    /// Lets the time pass that whoever died could still have been at it.
    pub async fn let_claims_pass(&self) {
        self.test.execute("UPDATE publications SET claimed_until = created_at").await;
    }
}

/// What the events of a type say, oldest first.
pub async fn events(desk: &Desk, event_type: &str) -> Vec<Value> {
    let listed = desk.call("list_events", json!({"type": event_type, "limit": 50})).await;
    let mut data: Vec<Value> = listed["events"].as_array().unwrap().iter().map(|event| event["data"].clone()).collect();
    data.reverse();
    data
}
