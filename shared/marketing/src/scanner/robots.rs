//! What robots.txt says to the crawlers that matter (RFC 9309).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

/// Who crawls for what. Sources: <https://developers.google.com/search/docs/crawling-indexing/overview-google-crawlers>,
/// <https://platform.openai.com/docs/bots>, <https://docs.perplexity.ai/guides/bots>,
/// <https://support.anthropic.com/en/articles/8896518>.
pub const CRAWLERS: [&str; 7] =
    ["Googlebot", "Bingbot", "GPTBot", "OAI-SearchBot", "ClaudeBot", "PerplexityBot", "Google-Extended"];

/// The name under which our own requests go.
pub const OUR_NAME: &str = "HeyCMO";

/// What robots.txt lets whom do with one page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Robots {
    /// Whether the site has one.
    pub exists: bool,
    /// Whether each of the answer engines’ crawlers may read the page.
    pub allowed: BTreeMap<String, bool>,
    /// The sitemaps that it names.
    #[serde(default)]
    pub sitemaps: Vec<Url>,
}

impl Robots {
    /// Reads robots.txt for a page.
    #[must_use]
    pub fn read(text: &[u8], page: &Url) -> Self {
        let allowed = CRAWLERS.iter().map(|name| ((*name).to_owned(), is_allowed(text, name, page))).collect();
        let sitemaps = robotxt::Robots::parse(text, OUR_NAME).sitemaps().to_vec();
        Self { exists: true, allowed, sitemaps }
    }

    /// A site without one lets everybody read everything.
    #[must_use]
    pub fn none() -> Self {
        let allowed = CRAWLERS.iter().map(|name| ((*name).to_owned(), true)).collect();
        Self { exists: false, allowed, sitemaps: Vec::new() }
    }

    /// Whether a crawler may read the page.
    #[must_use]
    pub fn allows(&self, crawler: &str) -> bool {
        self.allowed.get(crawler).copied().unwrap_or(true)
    }
}

/// Whether somebody may read an address.
#[must_use]
pub fn is_allowed(text: &[u8], agent: &str, url: &Url) -> bool {
    robotxt::Robots::parse(text, agent).is_url_allowed(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crawler_has_its_own_group() {
        let text = b"User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nDisallow: /private\nSitemap: https://example.com/s.xml\n";
        let robots = Robots::read(text, &"https://example.com/pricing".parse().unwrap());
        assert!(!robots.allows("GPTBot") && robots.allows("ClaudeBot") && robots.allows("Googlebot"));
        assert_eq!(robots.sitemaps, ["https://example.com/s.xml".parse().unwrap()]);
        let private = Robots::read(text, &"https://example.com/private/x".parse().unwrap());
        assert!(!private.allows("Googlebot"));
        assert!(Robots::none().allows("GPTBot"));
    }
}
