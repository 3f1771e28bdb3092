#![doc = include_str!("README.md")]

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use entity::ids::{ContentId, CustomerId, EventId, KeyId, ProposalId, RunId, ScanId};
use entity::keys::PlainKey;
use entity::scopes::Scopes;
use http_body_util::BodyExt;
use inngest::{Config, FunctionOptions, Inngest, SigningKey, create_function};
use marketing::scanner::{
    Facts, OUR_NAME, Page, Robots, Scan, decode, is_allowed, markdown, page_address, read_sitemap,
};
use mcp_server::caller::{Caller, Credential};
use mcp_server::transport::{Limits, Sessions, TransportConfig};
use rest_gateway::oauth::redirect;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::{SessionState, SessionStore, SessionStoreError};
use secrecy::SecretString;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

/// Unix time at which every signature of the corpora was made.
const NOW: i64 = 1_700_000_000;
const INNGEST_KEY: &str = "signkey-test-8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff";

/// A parser, and the name of its corpus.
pub type Parser = (&'static str, fn(&[u8]));

/// Every one.
pub const PARSERS: [Parser; 15] = [
    ("api_key", api_key),
    ("id", id),
    ("signature", signature),
    ("json_rpc", json_rpc),
    ("inngest_call", inngest_call),
    ("inngest_event", inngest_event),
    ("stripe_event", stripe_event),
    ("composio_event", composio_event),
    ("client_document", client_document),
    ("redirect_address", redirect_address),
    ("page", page),
    ("site_file", site_file),
    ("scan_address", scan_address),
    ("sealed", sealed),
    ("forwarded_for", forwarded_for),
];

/// A key prints as it was read, and is one character from being none.
pub fn api_key(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Ok(key) = text.parse::<PlainKey>() else { return };
    assert_eq!(key.expose(), text);
    assert!(!format!("{key:?}").contains(text));
    assert!(format!("{text}0").parse::<PlainKey>().is_err());
}

/// Ids are what pages of lists go on after, and what paths name. Each prints as it was read and is of one kind only.
pub fn id(data: &[u8]) {
    fn reads<T: FromStr + ToString>(text: &str) -> bool {
        let Ok(id) = text.parse::<T>() else { return false };
        assert_eq!(id.to_string(), text);
        true
    }
    let Some(text) = text(data) else { return };
    let kinds = [
        reads::<CustomerId>(text),
        reads::<KeyId>(text),
        reads::<EventId>(text),
        reads::<ContentId>(text),
        reads::<RunId>(text),
        reads::<ScanId>(text),
        reads::<ProposalId>(text),
    ];
    assert!(kinds.into_iter().filter(|is| *is).count() <= 1, "{text} is of two kinds");
}

/// The first line is a header, the rest a body. What signs a body signs no other and is too old a day later.
pub fn signature(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, body) = data.split_at(end);
    let Some(header) = text(header) else { return };
    let body = body.get(1..).unwrap_or_default();
    let other = [body, b" "].concat();
    let secrets = [SecretString::from("whsec_fuzz")];

    let stripe = |body: &[u8], now| rest_gateway::billing::signature::is_valid(header, body, &secrets, now);
    let composio = |body: &[u8], now: i64| {
        let timestamp = NOW.to_string();
        let headers = composio::signature::Headers { id: "msg_1", timestamp: &timestamp, signature: header };
        composio::signature::is_valid(headers, body, &secrets, now)
    };
    let key = SigningKey::new(&INNGEST_KEY.into()).expect("it is a key");
    let inngest = |body: &[u8], now| key.verify(header, body, now).is_ok();
    let signs_nothing_else = |is_valid: &dyn Fn(&[u8], i64) -> bool| {
        if is_valid(body, NOW) {
            assert!(!is_valid(&other, NOW) && !is_valid(body, NOW + 86_400));
        }
    };
    signs_nothing_else(&stripe);
    signs_nothing_else(&composio);
    signs_nothing_else(&inngest);
}

/// A message of MCP's, posted to each transport. Whatever it is, the server is not at fault, and says what is.
pub fn json_rpc(data: &[u8]) {
    thread_local! {
        static MCP: Mcp = Mcp::start();
    }
    MCP.with(|mcp| mcp.runtime.block_on(mcp.post(data)));
}

struct Mcp {
    runtime: tokio::runtime::Runtime,
    router: Router,
}

/// Answers nothing but what every server answers.
#[derive(Clone)]
struct Mute;

impl ServerHandler for Mute {}

struct NoStore;

#[async_trait::async_trait]
impl SessionStore for NoStore {
    async fn load(&self, _: &str) -> Result<Option<SessionState>, SessionStoreError> {
        Ok(None)
    }

    async fn store(&self, _: &str, _: &SessionState) -> Result<(), SessionStoreError> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), SessionStoreError> {
        Ok(())
    }
}

impl Mcp {
    fn start() -> Self {
        let runtime = runtime();
        let router = {
            let _within = runtime.enter();
            let limits = Limits::default();
            let sessions = Sessions::new(&limits, tokio_util::sync::CancellationToken::new());
            let config = TransportConfig::new([7; 32].into(), vec!["localhost".to_owned()], Vec::new());
            mcp_server::transport::router(Mute, config, Arc::new(NoStore), &sessions)
        };
        Self { runtime, router }
    }

    async fn post(&self, data: &[u8]) {
        // A customer for each, so that none is refused because of those before.
        let caller = Caller {
            customer_id: CustomerId::new(),
            credential: Credential::Key(KeyId::new()),
            scopes: Scopes::ALL,
            expires_at: None,
            time_zone: chrono_tz::UTC,
        };
        let ask = async |request: axum::http::request::Builder, body: &[u8]| {
            let request = request.header(HOST, "localhost").header(CONTENT_TYPE, "application/json");
            let request = request.header(ACCEPT, "application/json, text/event-stream").extension(caller.clone());
            let request = request.body(Body::from(body.to_vec())).expect("it is a request");
            self.router.clone().oneshot(request).await.expect("routers do not fail")
        };
        let is_ours = |status: StatusCode| status.is_success() || status.is_client_error();

        let method = serde_json::from_slice::<Value>(data).ok();
        let method = method.as_ref().and_then(|message| message.get("method")?.as_str()?.parse::<HeaderValue>().ok());
        let newest = Request::post("/mcp").header("mcp-protocol-version", "2026-07-28");
        let newest = method.into_iter().fold(newest, |request, method| request.header("mcp-method", method));
        for request in [Request::post("/mcp"), newest] {
            // A stream that waits for news does not end, so the body is dropped.
            let answer = ask(request, data).await;
            assert!(is_ours(answer.status()), "{}", answer.status());
        }

        let opened = ask(Request::get("/mcp/sse"), b"").await;
        assert_eq!(opened.status(), StatusCode::OK);
        let mut stream = opened.into_body();
        let first = stream.frame().await.and_then(Result::ok).and_then(|frame| frame.into_data().ok());
        let first = first.map(|data| String::from_utf8_lossy(&data).into_owned()).unwrap_or_default();
        let endpoint = first.lines().find_map(|line| line.strip_prefix("data: ")).expect("the endpoint comes first");
        let answer = ask(Request::post(endpoint), data).await;
        assert!(is_ours(answer.status()), "{}", answer.status());
    }
}

/// A call of Inngest's, signed as it should be. Whatever it is, the answer is JSON and is signed; without the signature
/// nothing of it is looked at.
pub fn inngest_call(data: &[u8]) {
    thread_local! {
        static APP: (tokio::runtime::Runtime, Router) = (runtime(), functions());
    }
    APP.with(|(runtime, router)| {
        runtime.block_on(async {
            let key = SigningKey::new(&INNGEST_KEY.into()).expect("it is a key");
            let signature = key.sign(data, chrono::Utc::now().timestamp());
            let call = Request::post("/api/inngest?fnId=fuzz-sum&stepId=step").header(HOST, "localhost");
            let signed = call.header("x-inngest-signature", signature).body(Body::from(data.to_vec()));
            let answer = router.clone().oneshot(signed.expect("it is a request")).await.expect("routers do not fail");
            assert!(answer.headers().contains_key("x-inngest-signature"), "{}", answer.status());
            let body = answer.into_body().collect().await.expect("it is in memory").to_bytes();
            assert!(serde_json::from_slice::<Value>(&body).is_ok(), "{}", String::from_utf8_lossy(&body));

            let call = Request::post("/api/inngest?fnId=fuzz-sum&stepId=step").header(HOST, "localhost");
            let unsigned = call.body(Body::from(data.to_vec())).expect("it is a request");
            let answer = router.clone().oneshot(unsigned).await.expect("routers do not fail");
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        });
    });
}

/// An app with a function of every kind of step that asks nobody.
fn functions() -> Router {
    let variables = [("INNGEST_SIGNING_KEY", INNGEST_KEY), ("INNGEST_BASE_URL", "http://127.0.0.1:1")];
    let read = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let config = Config::read(read).expect("it is a configuration");
    let http = web::http_client().build().expect("a client can be made");
    let sum = create_function(
        FunctionOptions::new("sum").event("number/given"),
        async |input: inngest::Input<Value>, step: inngest::Step| {
            let one: Value = step.run("one", async || Ok(json!(1))).await?;
            step.sleep("a while", std::time::Duration::from_secs(60)).await?;
            Ok(json!({ "one": one, "event": input.event.data }))
        },
    );
    Router::new().route("/api/inngest", inngest::serve(Inngest::new("fuzz", config, http), [sum]).expect("an app"))
}

/// An event as it is kept and sent on: what was read says the same when it is read again.
pub fn inngest_event(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<inngest::Event>(data) else { return };
    let written = serde_json::to_vec(&event).expect("an event is JSON");
    assert_eq!(serde_json::from_slice::<inngest::Event>(&written).expect("what we wrote can be read"), event);
}

/// The body of Stripe's webhook.
pub fn stripe_event(data: &[u8]) {
    let Ok((event, text)) = rest_gateway::billing::webhook::read(data) else { return };
    assert!(!event.id().is_empty() && event.id().len() <= 255 && text.as_bytes() == data);
}

/// The body of Composio's webhook; what it holds may be a token, and is not printed.
pub fn composio_event(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<composio::Envelope>(data) else { return };
    let _ = (event.account_id(), event.user_id().map(str::parse::<CustomerId>));
    assert!(!format!("{event:?}").contains("data:"));
}

/// What an app says of itself: a name that stands in a sentence, and addresses that answers may go to.
pub fn client_document(data: &[u8]) {
    let Ok(client) = rest_gateway::oauth::clients::read("https://app.example/client.json", data) else { return };
    assert!(!client.name.is_empty() && !client.name.contains(char::is_control), "{:?}", client.name);
    assert!(!client.redirect_uris.is_empty() && client.redirect_uris.iter().all(|it| redirect::place(it).is_some()));
}

/// Where an app wants its answers: to a place that stays the same with an answer in it, and that a policy can name in one
/// word.
pub fn redirect_address(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Some(place) = redirect::place(text) else { return };
    let answered = redirect::with_answer(text, &[("code", "a&b"), ("state", "#c")]).expect("it is an address");
    // What is written in another way may be longer than an app may give.
    if answered.len() <= 500 {
        assert_eq!(redirect::place(&answered), Some(place));
    }
    assert!(redirect::is_registered(&[text.to_owned()], text));
    let target = redirect::form_target(text).expect("it is an address");
    assert!(!target.contains([';', ',', '\'', '"']) && !target.contains(char::is_whitespace), "{target}");
}

/// A page that somebody has scanned. Scores are of a hundred, and the same page has the same.
pub fn page(data: &[u8]) {
    let scan = || {
        let (html, _) = decode(data, None);
        let page = Page::read(Facts::only(address("https://example.com/a")), &html);
        Scan::of(&page, chrono::DateTime::UNIX_EPOCH)
    };
    let first = scan();
    assert!(first.seo.score <= 100 && first.geo.score <= 100);
    assert!(!markdown(&first).is_empty());
    let kept = serde_json::to_value(&first).expect("a scan is JSON");
    assert!(serde_json::from_value::<Scan>(kept.clone()).is_ok());
    assert_eq!(serde_json::to_value(scan()).expect("a scan is JSON"), kept);
}

/// robots.txt and sitemaps of a site. Only addresses of web pages come out.
pub fn site_file(data: &[u8]) {
    let page = address("https://example.com/a/b?c=d");
    let robots = Robots::read(data, &page);
    let _ = (is_allowed(data, OUR_NAME, &page), robots.allows("GPTBot"));
    for is_cut in [false, true] {
        let _ = read_sitemap(data, is_cut, std::slice::from_ref(&page));
    }
}

/// What somebody types as the address of a page. What it is read as reads as itself.
pub fn scan_address(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Ok(url) = page_address(text) else { return };
    assert!(
        url.host_str().is_some_and(|host| !host.is_empty()) && url.username().is_empty() && url.password().is_none()
    );
    assert_eq!(page_address(url.as_str()).as_ref(), Ok(&url));
}

/// A cookie, a state that a browser brings back, a claim: what we did not seal does not open, and what we did does.
pub fn sealed(data: &[u8]) {
    let environment = web::config::Environment::of(&[
        ("ADMIN_SECRET", "0123456789abcdef0123456789abcdef"),
        ("ENCRYPTION_SECRET", "0123456789abcdef0123456789abcdef"),
    ]);
    let secrets = web::config::Secrets::load(&environment, web::config::Mode::Production, std::path::Path::new("."));
    let seal = secrets.expect("both are there").seal("fuzz");
    assert!(text(data).is_none_or(|text| seal.open(text).is_err()), "a stranger's text opened");
    let sealed = seal.seal(data).expect("it is not too long");
    assert_eq!(secrecy::ExposeSecret::expose_secret(&seal.open(&sealed).expect("it is ours")), data);
}

/// The header of proxies. Where none is trusted it changes nothing.
pub fn forwarded_for(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let headers = HeaderMap::from_iter([(axum::http::HeaderName::from_static("x-forwarded-for"), value)]);
    let client = |trusted: &str| {
        let environment = web::config::Environment::of(&[("TRUSTED_PROXIES", trusted)]);
        let proxies = web::client_ip::TrustedProxies::from_environment(&environment).expect("they are networks");
        web::client_ip::network_of(proxies.client(&axum::http::Extensions::new(), &headers))
    };
    assert!(client("").is_unspecified());
    let _ = client("0.0.0.0/0,::/0");
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

fn address(text: &str) -> Url {
    text.parse().expect("it is an address")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}
