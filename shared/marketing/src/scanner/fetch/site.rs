//! What a site has beside the page: robots.txt, sitemaps and llms.txt.

use std::collections::VecDeque;

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::body::{Body, read};
use super::{PATIENCE, Scanner};
use crate::scanner::page::Page;
use crate::scanner::robots::{OUR_NAME, Robots, is_allowed};
use crate::scanner::sitemap::{self, Sitemap};

/// How much of robots.txt is read: as RFC 9309 asks for at least.
const MAX_ROBOTS: u64 = 512 * 1024;
/// How much of llms.txt is looked at, to see that it is one.
const MAX_BEGINNING: u64 = 4 * 1024;
/// How much of a sitemap is read, and of how many: an index may name thousands.
const MAX_SITEMAP: u64 = 2 * 1024 * 1024;
const MAX_SITEMAPS: usize = 6;

/// A file of the site, as far as it was read.
struct Small {
    status: StatusCode,
    kind: String,
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Scanner {
    /// Finds out about the site; gives its robots.txt.
    pub(super) async fn site(&self, page: &mut Page) -> Vec<u8> {
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
}

fn is_markup(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}
