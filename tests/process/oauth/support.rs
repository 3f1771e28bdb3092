//! An app, the browser of the person who lets it in, and a server that does.

use std::collections::HashMap;

use entity::db::{DatabaseUrl, Db};
use harness::eventually;
use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use url::Url;

use crate::support::{Terminal, key_in};

pub const REDIRECT_URI: &str = "http://127.0.0.1:3000/callback";
/// Of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What is said by name.
pub type Fields<'a> = Vec<(&'a str, &'a str)>;

/// With a value changed, or without it.
pub fn with<'a>(fields: &Fields<'a>, name: &'a str, value: Option<&'a str>) -> Fields<'a> {
    let others = fields.iter().copied().filter(|(known, _)| *known != name);
    others.chain(value.map(|value| (name, value))).collect()
}

pub fn encoded(fields: &Fields<'_>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// What an address says by name.
pub fn said_in(address: &str) -> HashMap<String, String> {
    Url::parse(address).unwrap().query_pairs().into_owned().collect()
}

/// A server that lets apps in, and whoever has to do with it.
pub struct Site {
    pub server: HeyCmo,
    http: Client,
}

impl Site {
    pub async fn start() -> Self {
        Self::launch(Launch::new("heycmo")).await
    }

    pub async fn launch(launch: Launch) -> Self {
        let server = HeyCmo::launch(launch.env("HEYCMO_OAUTH", "on")).await;
        let http = web::http_client().no_proxy().redirect(Policy::none()).timeout(harness::PATIENCE).build().unwrap();
        Self { server, http }
    }

    pub fn get(&self, address: &str) -> RequestBuilder {
        self.http.get(address)
    }

    pub fn request(&self, method: Method, address: &str) -> RequestBuilder {
        self.http.request(method, address)
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.server.gateway)
    }

    pub fn resource(&self) -> String {
        format!("{}/mcp", self.server.mcp)
    }

    pub async fn json(&self, address: &str) -> Value {
        let response = self.get(address).send().await.unwrap();
        assert_eq!(response.status(), 200, "{address}");
        response.json().await.unwrap()
    }

    pub fn register(&self, about: &Value) -> RequestBuilder {
        self.http.post(self.at("/oauth/register")).json(about)
    }

    /// The id of an app that has registered itself.
    pub async fn an_app(&self) -> String {
        let about = json!({"client_name": "Claude", "redirect_uris": [REDIRECT_URI]});
        let (status, registered) = answer(self.register(&about)).await;
        assert_eq!(status, 201, "{registered}");
        registered["client_id"].as_str().unwrap().to_owned()
    }

    /// The database that the server writes to.
    pub async fn db(&self) -> Db {
        let file = self.server.process.data_dir().path().join("heycmo.db");
        Db::connect(&DatabaseUrl::Sqlite(file)).await.unwrap()
    }

    /// Waits until it is written down that an access token was used.
    pub async fn notes_a_use(&self) {
        let db = self.db().await;
        eventually("the use is noted", async || {
            let used = "SELECT 1 FROM oauth_tokens WHERE kind = 'access' AND used_at IS NOT NULL";
            db.connection().query_one_raw(Statement::from_string(DbBackend::Sqlite, used)).await.unwrap()
        })
        .await;
    }

    /// A browser in which somebody has logged in with this key.
    pub async fn browser(&self, key: &str) -> Browser<'_> {
        let login = self.http.post(self.at("/login")).header("sec-fetch-site", "same-origin");
        let login = login.header(CONTENT_TYPE, FORM).body(encoded(&vec![("key", key)]));
        let response = login.send().await.unwrap();
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Browser { site: self, cookie: Some(cookie) }
    }

    pub async fn owner(&self) -> Browser<'_> {
        self.browser(&self.server.key).await
    }

    /// The key of another customer.
    pub async fn another_customers_key(&self) -> String {
        key_in(&Terminal::beside(&self.server.process).heycmo("provision ben@example.com").await)
    }

    pub fn post(&self, path: &str, kind: &str, body: String) -> RequestBuilder {
        self.http.post(self.at(path)).header(CONTENT_TYPE, kind).body(body)
    }

    pub fn token(&self, fields: &Fields<'_>) -> RequestBuilder {
        self.post("/oauth/token", FORM, encoded(fields))
    }

    pub fn revoke(&self, fields: &Fields<'_>) -> RequestBuilder {
        self.post("/oauth/revoke", FORM, encoded(fields))
    }

    /// What an app exchanges its code with.
    pub async fn redeem(&self, client_id: &str, code: &str) -> (u16, Value) {
        answer(self.token(&redemption(client_id, code))).await
    }

    pub async fn refresh(&self, client_id: &str, token: &str) -> (u16, Value) {
        let fields = vec![("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", token)];
        answer(self.token(&fields)).await
    }

    /// An app that the owner lets do this.
    pub async fn let_in(&self, scope: &str) -> App {
        let client_id = self.an_app().await;
        let browser = self.owner().await;
        let code = browser.allow(&request(&client_id), scope).await;
        let (status, tokens) = self.redeem(&client_id, &code).await;
        assert_eq!(status, 200, "{tokens}");
        App { client_id, code, tokens }
    }

    pub fn assistant(&self, token: &str) -> Caller {
        Caller::new(&self.server.mcp, token)
    }

    /// The status that a token is answered with.
    pub async fn status(&self, token: &str) -> u16 {
        let request = self.get(&format!("{}/mcp/message?sessionId=none", self.server.mcp)).bearer_auth(token);
        match request.send().await.unwrap().status().as_u16() {
            405 => 200,
            other => other,
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// An app that was let in.
pub struct App {
    pub client_id: String,
    pub code: String,
    pub tokens: Value,
}

impl App {
    pub fn access(&self) -> &str {
        self.tokens["access_token"].as_str().unwrap()
    }

    pub fn refresh(&self) -> &str {
        self.tokens["refresh_token"].as_str().unwrap()
    }
}

/// What an app asks for.
pub fn request(client_id: &str) -> Fields<'_> {
    vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT_URI),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "the app's own word"),
        ("scope", "read write publish"),
    ]
}

pub fn redemption<'a>(client_id: &'a str, code: &'a str) -> Fields<'a> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", client_id),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
}

/// A person's browser.
pub struct Browser<'a> {
    site: &'a Site,
    pub cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub fn new(site: &'a Site) -> Self {
        Self { site, cookie: None }
    }

    fn with_cookie(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header("accept", "text/html");
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.with_cookie(self.site.get(&self.site.at(path))).send().await.unwrap()
    }

    /// Presses a button on a page of the dashboard.
    pub async fn post(&self, path: &str) -> Response {
        let post = self.site.http.post(self.site.at(path)).header("sec-fetch-site", "same-origin");
        self.with_cookie(post).send().await.unwrap()
    }

    /// The consent page for what an app asks.
    pub async fn asked(&self, request: &Fields<'_>) -> Response {
        self.get(&format!("/oauth/authorize?{}", encoded(request))).await
    }

    /// What is sent when something is pressed there, which does not say where it comes from.
    pub fn pressed(&self, request: &Fields<'_>, decision: &str, scope: &str) -> RequestBuilder {
        let request = encoded(request);
        let mut fields = vec![("request", request.as_str()), ("decision", decision)];
        fields.extend(scope.split(' ').filter(|name| !name.is_empty()).map(|name| ("scope", name)));
        let post = self.site.http.post(self.site.at("/oauth/authorize")).header(CONTENT_TYPE, FORM);
        self.with_cookie(post.body(encoded(&fields)))
    }

    pub async fn presses(&self, request: &Fields<'_>, decision: &str, scope: &str) -> Response {
        self.pressed(request, decision, scope).header("sec-fetch-site", "same-origin").send().await.unwrap()
    }

    /// The code that the app gets when it is let do this.
    pub async fn allow(&self, request: &Fields<'_>, scope: &str) -> String {
        assert_eq!(self.asked(request).await.status(), 200);
        let response = self.presses(request, "allow", scope).await;
        said_in(location(&response)).remove("code").expect("a code")
    }

    /// The apps that are let in, as the dashboard shows them.
    pub async fn apps(&self) -> String {
        let home = self.get("/login").await;
        let page = self.get(&format!("{}/keys", location(&home))).await.text().await.unwrap();
        let apps = page.split("id=\"apps\"").nth(1).unwrap_or_default();
        apps.split("</section>").next().unwrap().to_owned()
    }
}

#[track_caller]
pub fn location(response: &Response) -> &str {
    let status = response.status();
    response.headers().get(LOCATION).unwrap_or_else(|| panic!("{status} leads nowhere")).to_str().unwrap()
}

pub async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

/// An error in the shape that OAuth has.
#[track_caller]
pub fn assert_error(answer: &(u16, Value), status: u16, error: &str) {
    let (got, body) = answer;
    assert_eq!((*got, body["error"].as_str()), (status, Some(error)), "{body}");
    assert!(body["error_description"].as_str().is_some_and(|text| text.len() > 10), "{body}");
}
