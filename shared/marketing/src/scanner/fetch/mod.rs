//! Fetching a page and what belongs to it, for whoever asks: only from addresses that are everybody's, and never more
//! than is good for us.

mod body;
mod document;
mod error;
mod links;
mod reach;
mod site;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use tokio::sync::Semaphore;
use url::{Host, Url};
use web::metrics::{self, Upstream};

use super::charset::decode;
use super::facts::{Facts, Redirect};
use super::page::Page;
use super::scan::Scan;
use body::read;
use error::failed;
use links::links_to_try;
use reach::{Guard, System};

pub use document::{Document, DocumentError};
pub use error::FetchError;
pub use reach::{Lookup, Reach};

/// How long a page may take with all its redirects, and what belongs to it once more.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 5;
/// How much of a page is read, compressed or not.
const MAX_PAGE: u64 = 5 * 1024 * 1024;
const MAX_HEADER: usize = 1_000;
/// Longer addresses are not kept, in bytes.
const MAX_ADDRESS: usize = 2_000;
/// How many pages are scanned at a time, and how many documents are fetched; the others wait.
const AT_ONCE: usize = 8;
/// Who we are and what for; the address is the project's.
const PAGE_AGENT: &str = concat!("Mozilla/5.0 (compatible; HeyCMO/", env!("CARGO_PKG_VERSION"), "; page scanner)");
/// The headers of an answer that rules look at.
const HEADERS: [&str; 4] = ["content-type", "content-encoding", "x-robots-tag", "cache-control"];

/// How far a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The page is fetched.
    Page,
    /// robots.txt, the sitemap and llms.txt are looked for.
    Site,
    /// Links are tried.
    Links,
    /// It is scored.
    Score,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Page, Self::Site, Self::Links, Self::Score];

    /// What is being done, in words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Page => "Fetching the page",
            Self::Site => "Looking for robots.txt, the sitemap and llms.txt",
            Self::Links => "Trying links",
            Self::Score => "Scoring",
        }
    }
}

/// Scans pages. Cheap to clone.
#[derive(Clone)]
pub struct Scanner {
    http: Client,
    reach: Reach,
    slots: Arc<Semaphore>,
    /// Documents are at addresses of strangers: however slow those are, no scan waits for them.
    document_slots: Arc<Semaphore>,
}

/// An answer, with its redirects.
struct Answer {
    response: Response,
    redirects: Vec<Redirect>,
    first_byte: Duration,
}

impl Scanner {
    /// A scanner that finds hosts as the system does.
    ///
    /// # Errors
    ///
    /// When the client cannot be made.
    pub fn new(reach: Reach) -> Result<Self, reqwest::Error> {
        Self::with_lookup(reach, Arc::new(System))
    }

    /// A scanner that finds hosts by itself.
    ///
    /// # Errors
    ///
    /// When the client cannot be made.
    pub fn with_lookup(reach: Reach, lookup: Arc<dyn Lookup>) -> Result<Self, reqwest::Error> {
        let http = web::http_client()
            .user_agent(PAGE_AGENT)
            .dns_resolver(Guard { lookup, reach: reach.clone() })
            // A proxy would look names up for itself.
            .no_proxy()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .connect_timeout(PATIENCE)
            .build()?;
        let slots = || Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { http, reach, slots: slots(), document_slots: slots() })
    }

    /// Fetches a page and what belongs to it, and scores it. `told` hears of each stage as it begins.
    ///
    /// # Errors
    ///
    /// When the address is none or not public, and when there is no HTML page.
    pub async fn scan(&self, url: &str, told: impl Fn(Stage) + Send) -> Result<Scan, FetchError> {
        let url = page_address(url)?;
        self.require_allowed(&url)?;
        let _slot = self.slots.acquire().await;
        told(Stage::Page);
        let (facts, html) = tokio::time::timeout(PATIENCE, self.page(url)).await.map_err(|_| FetchError::TooSlow)??;
        // A large page takes a while.
        let page = tokio::task::spawn_blocking(move || Page::read(facts, &html)).await;
        let mut page = page.map_err(|_| FetchError::Failed("it cannot be understood".to_owned()))?;
        told(Stage::Site);
        let robots_text = self.site(&mut page).await;
        told(Stage::Links);
        let links = links_to_try(&page);
        page.facts.tried_links = Some(self.try_links(links, &page.facts.url, &robots_text).await);
        told(Stage::Score);
        Ok(Scan::of(&page, Utc::now()))
    }

    /// A page and its text.
    async fn page(&self, url: Url) -> Result<(Facts, String), FetchError> {
        let Answer { response, redirects, first_byte } =
            self.get(url, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1").await?;
        let url = response.url().clone();
        let status = response.status();
        let header = |name: &str| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let headers: BTreeMap<String, String> = HEADERS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), header(name)?.chars().take(MAX_HEADER).collect())))
            .collect();
        let content_type = headers.get("content-type").cloned();
        if let Some(other) = content_type.as_deref().filter(|it| !is_html(it)) {
            return Err(FetchError::NotHtml(super::seo::short(other)));
        }
        let body = read(response, MAX_PAGE).await?;
        if body.is_cut {
            return Err(FetchError::TooLarge);
        }
        let (html, _) = decode(&body.bytes, content_type.as_deref());
        let facts = Facts {
            redirects,
            status: Some(status.as_u16()),
            headers,
            first_byte_ms: u64::try_from(first_byte.as_millis()).ok(),
            wire_bytes: Some(body.wire_bytes),
            bytes: u64::try_from(body.bytes.len()).ok(),
            ..Facts::only(url)
        };
        Ok((facts, html))
    }

    async fn get(&self, url: Url, accept: &str) -> Result<Answer, FetchError> {
        metrics::upstream(Upstream::Page, FetchError::outcome, self.follow(url, accept)).await
    }

    /// Follows redirects by itself, so that each address is looked at before anything is sent there.
    async fn follow(&self, mut url: Url, accept: &str) -> Result<Answer, FetchError> {
        let mut redirects = Vec::new();
        loop {
            self.require_allowed(&url)?;
            let began = Instant::now();
            let request = self.http.get(url.clone()).header(ACCEPT, accept).header(ACCEPT_LANGUAGE, "en, *;q=0.5");
            let response = request
                .header(ACCEPT_ENCODING, "gzip, deflate, br")
                .send()
                .await
                .map_err(|error| failed(&error, &url))?;
            let first_byte = began.elapsed();
            let Some(to) = redirected(&response, &url) else { return Ok(Answer { response, redirects, first_byte }) };
            if redirects.len() == MAX_REDIRECTS {
                return Err(FetchError::TooManyRedirects);
            }
            redirects.push(Redirect { status: response.status().as_u16(), to: to.clone() });
            url = to;
        }
    }

    /// The client looks names up with the guard, but takes addresses as they are.
    fn require_allowed(&self, url: &Url) -> Result<(), FetchError> {
        require_web(url)?;
        require_short(url)?;
        let not_public = || Err(FetchError::NotPublic(url.host_str().unwrap_or_default().to_owned()));
        let is_allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.reach.allows(address.into()),
            Some(Host::Ipv6(address)) => self.reach.allows(address.into()),
            Some(Host::Domain(name)) => self.reach.allows_name(name),
            None => false,
        };
        if is_allowed { Ok(()) } else { not_public() }
    }
}

/// Reads an address as people write it: with or without a scheme.
///
/// # Errors
///
/// When it is none.
pub fn page_address(text: &str) -> Result<Url, FetchError> {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url =
        Url::parse(&whole).map_err(|error| FetchError::Address(format!("This is no address of a page: {error}.")))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(FetchError::Address("This address has no host.".to_owned()));
    }
    require_web(&url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchError::Address("Leave the name and password out of the address.".to_owned()));
    }
    url.set_fragment(None);
    require_short(&url)?;
    Ok(url)
}

fn require_web(url: &Url) -> Result<(), FetchError> {
    if matches!(url.scheme(), "http" | "https") {
        return Ok(());
    }
    Err(FetchError::Address(format!("Only http and https are scanned, not {}.", url.scheme())))
}

fn require_short(url: &Url) -> Result<(), FetchError> {
    if url.as_str().len() <= MAX_ADDRESS {
        return Ok(());
    }
    Err(FetchError::Address(format!("An address has at most {MAX_ADDRESS} characters.")))
}

fn redirected(response: &Response, url: &Url) -> Option<Url> {
    let leads_on = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let to = response.headers().get(LOCATION).filter(|_| leads_on)?;
    let mut to = url.join(&String::from_utf8_lossy(to.as_bytes())).ok()?;
    to.set_fragment(None);
    Some(to)
}

fn is_html(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/xhtml+xml" | "")
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("reach", &self.reach).finish_non_exhaustive()
    }
}
