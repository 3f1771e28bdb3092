//! A browser: it asks for pages, sends what a form of ours sends, and shows where it is sent instead of going there.

use reqwest::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};

use crate::support::{Account, Product};

pub struct Browser<'a> {
    product: &'a Product,
    http: Client,
    /// The value of the session cookie.
    pub cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub fn new(product: &'a Product) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).timeout(harness::PATIENCE).build().unwrap();
        Self { product, http, cookie: None }
    }

    /// A browser in which the customer has logged in.
    pub async fn of(product: &'a Product, account: &Account) -> Self {
        let mut browser = Self::new(product);
        let response = browser.log_in(&account.key, None).send().await.unwrap();
        assert_eq!(response.status(), 303, "{}", response.text().await.unwrap());
        browser.cookie = Some(session_cookie(&response).0);
        browser
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.with_cookie(self.http.get(format!("{}{path}", self.product.gateway)))
    }

    /// What a form of ours sends.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.post_from_anywhere(path, fields).header("sec-fetch-site", "same-origin")
    }

    /// A post that does not say where it comes from.
    pub fn post_from_anywhere(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let encode = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let request = self.http.post(format!("{}{path}", self.product.gateway)).body(body.join("&"));
        self.with_cookie(request).header("content-type", "application/x-www-form-urlencoded")
    }

    pub fn log_in(&self, key: &str, next: Option<&str>) -> RequestBuilder {
        let next = next.map(|next| ("next", next));
        self.post("/login", &[("key", key)].into_iter().chain(next).collect::<Vec<_>>())
    }

    fn with_cookie(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, format!("other=1; heycmo_session={cookie}")),
            None => request,
        }
    }
}

/// A page of the customer's, as they read it; `path` goes on after the address of the overview.
pub async fn read(product: &Product, account: &Account, path: &str) -> String {
    let browser = Browser::of(product, account).await;
    let (status, html) = page(browser.get(&format!("/api/dashboard/{}{path}", account.id))).await;
    assert_eq!(status, 200, "{html}");
    as_read(&html)
}

/// Without what only keeps texts apart.
pub fn as_read(html: &str) -> String {
    html.replace(['\u{2068}', '\u{2069}'], "").replace("&#x2f;", "/").replace("&#x27;", "'")
}

#[track_caller]
pub fn assert_shows(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

/// Value and attributes of the session cookie that is set.
#[track_caller]
pub fn session_cookie(response: &Response) -> (String, Vec<String>) {
    let header = response.headers()[SET_COOKIE].to_str().unwrap();
    let mut parts = header.split("; ").map(str::to_owned);
    let value = parts.next().unwrap().strip_prefix("heycmo_session=").expect("our cookie").to_owned();
    (value, parts.collect())
}

#[track_caller]
pub fn location(response: &Response) -> &str {
    assert_eq!(response.status(), 303);
    response.headers()[LOCATION].to_str().unwrap()
}

/// Status and text of a page.
pub async fn page(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    assert_eq!(content_type.as_deref(), Some("text/html; charset=utf-8"), "{status} {text}");
    (status, text)
}
