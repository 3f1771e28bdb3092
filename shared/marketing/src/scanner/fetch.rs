//! Fetching a page and what belongs to it, for whoever asks: only from addresses that are everybody's, and never more
//! than is good for us.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use chrono::Utc;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION,
    USER_AGENT,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::Semaphore;
use tokio_util::io::StreamReader;
use url::{Host, Url};
use web::metrics::{self, Outcome, Upstream};

use super::address::is_public;
use super::charset::decode;
use super::facts::{Facts, Redirect, TriedLink};
use super::page::Page;
use super::robots::{OUR_NAME, Robots, is_allowed};
use super::scan::Scan;
use super::sitemap::{self, Sitemap};

/// How long a page may take with all its redirects, and what belongs to it once more.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a link may take that is only tried.
const LINK_PATIENCE: Duration = Duration::from_secs(4);
/// How long a document may take, with the time that it waits for others.
const DOCUMENT_PATIENCE: Duration = Duration::from_secs(5);
const MAX_REDIRECTS: usize = 5;
/// How much of a page is read, compressed or not.
const MAX_PAGE: u64 = 5 * 1024 * 1024;
/// How much of robots.txt is read: as RFC 9309 asks for at least.
const MAX_ROBOTS: u64 = 512 * 1024;
/// How much of llms.txt is looked at, to see that it is one.
const MAX_BEGINNING: u64 = 4 * 1024;
/// How much of a sitemap is read, and of how many: an index may name thousands.
const MAX_SITEMAP: u64 = 2 * 1024 * 1024;
const MAX_SITEMAPS: usize = 6;
/// How many links are tried, and how many at a time.
const MAX_LINKS: usize = 15;
const LINKS_AT_ONCE: usize = 5;
/// Among how many they are chosen.
const MAX_LOOKED_AT: usize = 500;
const MAX_HEADER: usize = 1_000;
/// Longer addresses are not kept, in bytes.
const MAX_ADDRESS: usize = 2_000;
/// How many pages are scanned at a time, and how many documents are fetched; the others wait.
const AT_ONCE: usize = 8;
/// Who we are and what for; the address is the project's.
const PAGE_AGENT: &str = concat!("Mozilla/5.0 (compatible; HeyCMO/", env!("CARGO_PKG_VERSION"), "; page scanner)");
const DOCUMENT_AGENT: &str =
    concat!("Mozilla/5.0 (compatible; HeyCMO/", env!("CARGO_PKG_VERSION"), "; client metadata)");
/// The headers of an answer that rules look at.
const HEADERS: [&str; 4] = ["content-type", "content-encoding", "x-robots-tag", "cache-control"];

/// Why a page cannot be scanned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It is no address of a web page.
    #[error("{0}")]
    Address(String),
    /// It leads to what is not everybody's.
    #[error("{0} is not a public address. Only pages that anybody can open are scanned.")]
    NotPublic(String),
    /// There is no such host.
    #[error("There is no host {0}.")]
    NoHost(String),
    /// It led on too often.
    #[error("The page redirects more than {MAX_REDIRECTS} times.")]
    TooManyRedirects,
    /// It took too long.
    #[error("The page did not come within {} seconds.", PATIENCE.as_secs())]
    TooSlow,
    /// It is too large.
    #[error("The page has more than {} MiB.", MAX_PAGE / 1024 / 1024)]
    TooLarge,
    /// It is not HTML.
    #[error("This is no HTML page, but {0}.")]
    NotHtml(String),
    /// It comes in a way that was not asked for.
    #[error("The page could not be read: it is packed in a way that was not asked for, {0}.")]
    Packed(String),
    /// Anything else between us and it.
    #[error("The page could not be read: {0}.")]
    Failed(String),
}

impl FetchError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Address(_)
            | Self::NotPublic(_)
            | Self::TooManyRedirects
            | Self::TooLarge
            | Self::NotHtml(_)
            | Self::Packed(_) => Outcome::Refused,
            Self::NoHost(_) | Self::TooSlow | Self::Failed(_) => Outcome::Failed,
        }
    }
}

/// Why there is no document, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Its site cannot be reached, which says nothing of the document and may pass.
    #[error("{0}")]
    Unreachable(String),
    /// There is none that we would take.
    #[error("{0}")]
    Refused(String),
}

impl DocumentError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Unreachable(_) => Outcome::Failed,
            Self::Refused(_) => Outcome::Refused,
        }
    }

    fn too_slow() -> Self {
        Self::Unreachable(format!("it did not come within {} seconds", DOCUMENT_PATIENCE.as_secs()))
    }

    fn too_large(most: u64) -> Self {
        Self::Refused(format!("it has more than {most} bytes"))
    }

    fn of_status(status: StatusCode) -> Self {
        let words = format!("it is answered with status {}", status.as_u16());
        if status.is_server_error() { Self::Unreachable(words) } else { Self::Refused(words) }
    }
}

impl From<FetchError> for DocumentError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::NotPublic(host) => Self::Refused(format!("{host} is not a public address")),
            FetchError::Packed(how) => Self::Refused(format!("it is packed in a way that was not asked for, {how}")),
            FetchError::TooSlow => Self::too_slow(),
            FetchError::NoHost(host) => Self::Unreachable(format!("there is no host {host}")),
            FetchError::Failed(cause) => Self::Unreachable(cause),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// How far the scanner may reach: what anybody on the internet reaches, and the networks that whoever runs it allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    also: Arc<[IpNet]>,
}

impl Reach {
    /// Public addresses and these networks: for who develops a site on their own machine.
    #[must_use]
    pub fn also(networks: &[IpNet]) -> Self {
        Self { also: networks.into() }
    }

    fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.also.iter().any(|network| network.contains(&address))
    }

    /// Without networks of our own no name of them needs to be looked up.
    fn allows_name(&self, name: &str) -> bool {
        !self.also.is_empty() || !is_local_name(name)
    }
}

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

/// Finds the addresses of a host.
pub trait Lookup: Send + Sync {
    /// All of them.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// By the system.
struct System;

impl Lookup for System {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// Says why an address was refused, through the client that asked for it.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not public")]
struct Refused(String);

/// Gives the client only addresses that it may connect to. It connects to what it is given here and looks nothing up
/// again, so a name that means something else a moment later changes nothing.
#[derive(Clone)]
struct Guard {
    lookup: Arc<dyn Lookup>,
    reach: Reach,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = guard.lookup.lookup(host.clone()).await?;
            // One that is not public makes the name suspect: whoever owns it decides which one is taken.
            if !found.iter().all(|address| guard.reach.allows(*address)) {
                return Err(Box::new(Refused(host)) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
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

struct Body {
    bytes: Vec<u8>,
    wire_bytes: u64,
    /// There was more.
    is_cut: bool,
}

/// A small file at an address that somebody gave us.
#[derive(Clone, Debug)]
pub struct Document {
    /// All of it.
    pub bytes: Vec<u8>,
    /// For how many seconds it may be kept, if it says so.
    pub max_age: Option<u64>,
}

/// A file of the site, as far as it was read.
struct Small {
    status: StatusCode,
    kind: String,
    bytes: Vec<u8>,
    is_cut: bool,
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

    /// Fetches a small document from exactly this address: as carefully as a page, but no redirect is followed.
    ///
    /// # Errors
    ///
    /// When the address is not public, or there is no such document of at most `most` bytes.
    pub async fn document(&self, url: &Url, most: u64) -> Result<Document, DocumentError> {
        self.require_allowed(url)?;
        let fetched = async {
            let fetched = tokio::time::timeout(DOCUMENT_PATIENCE, self.fetch_document(url, most)).await;
            fetched.unwrap_or_else(|_| Err(DocumentError::too_slow()))
        };
        metrics::upstream(Upstream::Page, DocumentError::outcome, fetched).await
    }

    async fn fetch_document(&self, url: &Url, most: u64) -> Result<Document, DocumentError> {
        let _slot = self.document_slots.acquire().await;
        let request = self.http.get(url.clone()).header(ACCEPT, "application/json").header(USER_AGENT, DOCUMENT_AGENT);
        let response = request.send().await.map_err(|error| failed(&error, url))?;
        if response.status() != StatusCode::OK {
            return Err(DocumentError::of_status(response.status()));
        }
        let max_age = max_age(response.headers());
        let Body { bytes, is_cut, .. } = read(response, most).await?;
        if is_cut { Err(DocumentError::too_large(most)) } else { Ok(Document { bytes, max_age }) }
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

    /// Finds out about the site; gives its robots.txt.
    async fn site(&self, page: &mut Page) -> Vec<u8> {
        let facts = &mut page.facts;
        let text = match self.small(&facts.url, "/robots.txt", MAX_ROBOTS).await {
            Some(Small { status, bytes, .. }) if status.is_success() => {
                facts.robots = Some(Robots::read(&bytes, &facts.url));
                bytes
            }
            // RFC 9309, 2.3.1.3: whoever has none lets everybody in. What failed says nothing.
            Some(Small { status, .. }) if status.is_client_error() => {
                facts.robots = Some(Robots::none());
                Vec::new()
            }
            _ => Vec::new(),
        };
        let (sitemap, llms) = tokio::join!(
            tokio::time::timeout(PATIENCE, self.sitemap(page, &text)),
            self.small_if_allowed(&page.facts.url, "/llms.txt", &text, MAX_BEGINNING)
        );
        page.facts.sitemap = sitemap.ok().flatten();
        page.facts.has_llms_txt = llms.map(|Small { status, kind, bytes, .. }| {
            // Many sites answer everything with a page.
            status.is_success() && !kind.contains("html") && !is_markup(&bytes) && !bytes.is_empty()
        });
        text
    }

    /// Looks for the page in the sitemaps that robots.txt names, or else in the usual one; none when it cannot be known.
    async fn sitemap(&self, page: &Page, robots: &[u8]) -> Option<Sitemap> {
        let facts = &page.facts;
        let named = facts.robots.as_ref().map_or(&[] as &[Url], |robots| &robots.sitemaps);
        let mut open: VecDeque<Url> = named.iter().cloned().collect();
        if open.is_empty() {
            open.extend(facts.url.join("/sitemap.xml"));
        }
        let is_usual = named.is_empty();
        let pages: Vec<Url> =
            page.canonicals.iter().filter_map(|it| facts.url.join(it).ok()).chain([facts.url.clone()]).collect();
        let (mut verdict, mut looked_at) = (None, 0);
        while let Some(url) = open.pop_front() {
            if looked_at == MAX_SITEMAPS {
                return Some(Sitemap::TooLarge);
            }
            looked_at += 1;
            let Some(Small { status, kind, bytes, is_cut }) =
                self.small_if_allowed(&facts.url, url.as_str(), robots, MAX_SITEMAP).await
            else {
                continue;
            };
            // Many sites answer everything with a page.
            if status.is_client_error() || is_usual && kind.contains("html") {
                verdict.get_or_insert(Sitemap::Missing);
                continue;
            }
            if !status.is_success() {
                continue;
            }
            let file = tokio::task::spawn_blocking({
                let pages = pages.clone();
                move || sitemap::read(&bytes, is_cut, &pages)
            });
            verdict = Some(match (file.await.ok()?, verdict) {
                (sitemap::File::Listed, _) => return Some(Sitemap::Listed),
                (sitemap::File::Unreadable(why), None | Some(Sitemap::Missing)) => Sitemap::Unreadable(why),
                (sitemap::File::Unreadable(_), Some(before)) => before,
                (sitemap::File::Index { is_whole: false, .. } | sitemap::File::Unlisted { is_whole: false }, _)
                | (_, Some(Sitemap::TooLarge)) => Sitemap::TooLarge,
                (sitemap::File::Index { sitemaps, .. }, _) => {
                    open.extend(sitemaps);
                    Sitemap::Unlisted
                }
                (sitemap::File::Unlisted { .. }, _) => Sitemap::Unlisted,
            });
        }
        verdict
    }

    async fn small_if_allowed(&self, page: &Url, path: &str, robots: &[u8], most: u64) -> Option<Small> {
        let url = page.join(path).ok()?;
        if is_allowed(robots, OUR_NAME, &url) { self.small(page, path, most).await } else { None }
    }

    /// The beginning of a file; none when there was no answer.
    async fn small(&self, page: &Url, path: &str, most: u64) -> Option<Small> {
        let url = page.join(path).ok().filter(|url| url.scheme() == "http" || url.scheme() == "https")?;
        let fetched = async {
            let response = self.get(url, "*/*").await.ok()?.response;
            let kind =
                response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
            let status = response.status();
            let Body { bytes, is_cut, .. } = read(response, most).await.ok()?;
            Some(Small { status, kind, bytes, is_cut })
        };
        tokio::time::timeout(PATIENCE / 2, fetched).await.ok()?
    }

    async fn try_links(&self, links: Vec<Url>, page: &Url, robots: &[u8]) -> Vec<TriedLink> {
        // robots.txt of other sites is not read for a single question; they are asked once, and only for the headers.
        let allowed = links.into_iter().filter(|url| url.host() != page.host() || is_allowed(robots, OUR_NAME, url));
        let tried = futures::stream::iter(allowed.map(|url| self.try_link(url))).buffered(LINKS_AT_ONCE);
        // What does not fit into the time stays open.
        let end = tokio::time::sleep(PATIENCE);
        tried.take_until(end).filter_map(futures::future::ready).collect().await
    }

    /// None where it may not be tried.
    async fn try_link(&self, url: Url) -> Option<TriedLink> {
        let ask = async |method: Method| {
            self.require_allowed(&url).ok()?;
            let request = self.http.request(method, url.clone()).header(ACCEPT, "*/*");
            tokio::time::timeout(LINK_PATIENCE, request.send()).await.ok()?.ok().map(|answer| answer.status())
        };
        let status = match ask(Method::HEAD).await {
            // Some servers only know GET.
            Some(StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED | StatusCode::NOT_FOUND) => {
                ask(Method::GET).await
            }
            status => status,
        };
        let status = status?;
        Some(TriedLink { url, status: Some(status.as_u16()) })
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

/// For how many seconds an answer may be kept.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let said = headers.get(CACHE_CONTROL)?.to_str().ok()?.to_ascii_lowercase();
    let mut directives = said.split(',').map(str::trim);
    if directives.clone().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return Some(0);
    }
    directives.find_map(|directive| directive.strip_prefix("max-age=")?.parse().ok())
}

/// Names that never mean anything on the internet. Sources: RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476, and
/// ICANN's `.internal`.
fn is_local_name(name: &str) -> bool {
    const LOCAL: [&str; 13] = [
        "localhost",
        "local",
        "internal",
        "intranet",
        "private",
        "corp",
        "home",
        "lan",
        "home.arpa",
        "test",
        "invalid",
        "onion",
        "alt",
    ];
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_single = !name.contains('.');
    is_single
        || LOCAL.iter().any(|local| name.strip_suffix(local).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn redirected(response: &Response, url: &Url) -> Option<Url> {
    let leads_on = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let to = response.headers().get(LOCATION).filter(|_| leads_on)?;
    let mut to = url.join(&String::from_utf8_lossy(to.as_bytes())).ok()?;
    to.set_fragment(None);
    Some(to)
}

fn failed(error: &reqwest::Error, url: &Url) -> FetchError {
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut words = "the connection failed".to_owned();
    while let Some(cause) = source {
        if cause.downcast_ref::<Refused>().is_some() {
            return FetchError::NotPublic(host);
        }
        words = cause.to_string();
        source = cause.source();
    }
    match () {
        () if error.is_timeout() => FetchError::TooSlow,
        () if words.contains("failed to lookup") || words.contains("dns") => FetchError::NoHost(host),
        () => FetchError::Failed(super::seo::short(&words)),
    }
}

fn is_html(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/xhtml+xml" | "")
}

fn is_markup(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}

/// Reads at most so much of a body, on the wire and unpacked.
async fn read(response: Response, most: u64) -> Result<Body, FetchError> {
    let url = response.url().clone();
    let encoding = response.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoding = encoding.trim().to_ascii_lowercase();
    let wire = Arc::new(AtomicU64::new(0));
    let counted = wire.clone();
    let stream = response.bytes_stream().map_err(io::Error::other).inspect_ok(move |chunk| {
        counted.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    });
    let packed = BufReader::new(StreamReader::new(stream).take(most + 1));
    let mut unpacked = unpacked(&encoding, packed)?.take(most + 1);
    let mut bytes = Vec::new();
    if let Err(error) = unpacked.read_to_end(&mut bytes).await {
        // A body that breaks off says as much as it says; browsers show it too.
        if bytes.is_empty() {
            tracing::debug!(%error, %url, "a page broke off");
            return Err(FetchError::Failed("it broke off".to_owned()));
        }
    }
    let is_cut = bytes.len() as u64 > most;
    bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(Body { bytes, wire_bytes: wire.load(Ordering::Relaxed), is_cut })
}

type Reading = Pin<Box<dyn AsyncRead + Send>>;

fn unpacked(encoding: &str, packed: impl AsyncBufRead + Send + Unpin + 'static) -> Result<Reading, FetchError> {
    Ok(match encoding {
        "" | "identity" => Box::pin(packed),
        "gzip" | "x-gzip" => Box::pin(GzipDecoder::new(packed)),
        "br" => Box::pin(BrotliDecoder::new(packed)),
        // By the standard it is zlib's format; some send it without.
        "deflate" => Box::pin(ZlibDecoder::new(packed)),
        other => {
            return Err(FetchError::Packed(super::seo::short(other)));
        }
    })
}

/// Some of the links, half of the site and half of others, each once.
fn links_to_try(page: &Page) -> Vec<Url> {
    let mut found: Vec<(Url, bool)> = Vec::new();
    for link in page.links.iter().take(MAX_LOOKED_AT) {
        let mut url = link.url.clone();
        url.set_fragment(None);
        if url != page.facts.url && !found.iter().any(|(known, _)| *known == url) {
            found.push((url, link.is_internal));
        }
    }
    let of = |wanted: bool, most: usize| {
        found.iter().filter(move |(_, is)| *is == wanted).map(|(url, _)| url.clone()).take(most)
    };
    let outside: Vec<Url> = of(false, MAX_LINKS / 2).collect();
    of(true, MAX_LINKS - outside.len()).chain(outside).collect()
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("reach", &self.reach).finish_non_exhaustive()
    }
}
