//! What is known of a page besides its HTML.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::robots::Robots;
use super::sitemap::Sitemap;

/// What fetching a page has shown. What was not found out is absent, and no rule counts it for or against the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Where the page is, after all redirects.
    pub url: Url,
    /// Where each redirect led, in order.
    #[serde(default)]
    pub redirects: Vec<Redirect>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Headers of the answer, by their names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How long until the answer began, in milliseconds.
    pub first_byte_ms: Option<u64>,
    /// The size of the HTML on the wire, in bytes.
    pub wire_bytes: Option<u64>,
    /// The size of the HTML, in bytes.
    pub bytes: Option<u64>,
    /// robots.txt of the site.
    pub robots: Option<Robots>,
    /// Whether the site's sitemap lists the page.
    pub sitemap: Option<Sitemap>,
    /// Whether the site has an llms.txt.
    pub has_llms_txt: Option<bool>,
    /// The links that were tried.
    pub tried_links: Option<Vec<TriedLink>>,
}

/// A redirect that was followed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Redirect {
    /// Such as 301.
    pub status: u16,
    /// Where it led.
    pub to: Url,
}

/// A link of the page that was tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TriedLink {
    /// Where it leads.
    pub url: Url,
    /// The answer's status; none when there was no answer.
    pub status: Option<u16>,
}

impl TriedLink {
    /// Whether what it leads to is not there. A site that refuses programs may be there for people.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.status, Some(404 | 410 | 500..=599))
    }
}

impl Facts {
    /// Nothing but the address is known.
    #[must_use]
    pub const fn only(url: Url) -> Self {
        Self {
            url,
            redirects: Vec::new(),
            status: None,
            headers: BTreeMap::new(),
            first_byte_ms: None,
            wire_bytes: None,
            bytes: None,
            robots: None,
            sitemap: None,
            has_llms_txt: None,
            tried_links: None,
        }
    }

    /// A header of the answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}
