//! The page scanner: how well search engines and answer engines can use a page.
//!
//! Fetching ([`Scanner`]) finds out facts; scoring ([`seo_score`], [`geo_score`]) is pure: the same page has the same
//! score. The two scores are never merged.

mod address;
mod charset;
mod facts;
mod fetch;
mod fixes;
mod geo;
mod page;
mod reading;
mod regression;
mod report;
mod robots;
mod rule;
mod scan;
mod seo;
mod sitemap;
mod structured;

pub use address::is_public;
pub use charset::decode;
pub use facts::{Facts, Redirect, TriedLink};
pub use fetch::{Document, DocumentError, FetchError, Lookup, Reach, Scanner, Stage, page_address};
pub use fixes::{Fix, fixes};
pub use geo::Engines;
pub use page::{Heading, Image, Link, Page};
pub use regression::{Fall, Regression, to_keep};
pub use report::markdown;
pub use robots::{OUR_NAME, Robots, is_allowed};
pub use rule::{Dimension, Finding, Grade, Group, Rule, Score, Verdict};
pub use scan::Scan;
pub use sitemap::{File as SitemapFile, Sitemap, read as read_sitemap};
pub use structured::Block;

/// How well search engines can read, show and rank a page.
#[must_use]
pub fn seo_score(page: &Page) -> Score {
    rule::score(page, seo::DIMENSIONS, seo::RULES)
}

/// How readily answer engines can read and cite a page.
#[must_use]
pub fn geo_score(page: &Page) -> Score {
    rule::score(page, geo::DIMENSIONS, geo::RULES)
}

/// The rules of the two scores, search engines first.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    seo::RULES.iter().chain(geo::RULES)
}
