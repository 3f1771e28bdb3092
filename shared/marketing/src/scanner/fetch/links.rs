//! Whether the links of a page lead somewhere.

use std::time::Duration;

use futures::StreamExt;
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};
use url::Url;

use super::{PATIENCE, Scanner};
use crate::scanner::facts::TriedLink;
use crate::scanner::page::Page;
use crate::scanner::robots::{OUR_NAME, is_allowed};

/// How long a link may take that is only tried.
const LINK_PATIENCE: Duration = Duration::from_secs(4);
/// How many links are tried, and how many at a time.
const MAX_LINKS: usize = 15;
const LINKS_AT_ONCE: usize = 5;
/// Among how many they are chosen.
const MAX_LOOKED_AT: usize = 500;

impl Scanner {
    pub(super) async fn try_links(&self, links: Vec<Url>, page: &Url, robots: &[u8]) -> Vec<TriedLink> {
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
}

/// Some of the links, half of the site and half of others, each once.
pub(super) fn links_to_try(page: &Page) -> Vec<Url> {
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
