//! What a site's sitemaps say of a page (<https://www.sitemaps.org/protocol.html>).

use std::io::Read;

use flate2::bufread::GzDecoder;
use serde::{Deserialize, Serialize};
use sitemapo::{Error, Format, Parser, Record};
use url::Url;

/// A packed sitemap is unpacked up to so many bytes.
const MAX_UNPACKED: u64 = 8 * 1024 * 1024;
/// What a gzip file begins with (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Whether a page is in its site's sitemaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sitemap {
    /// There is none.
    Missing,
    /// What is there cannot be read, and why.
    Unreadable(String),
    /// It was looked through and does not list the page.
    Unlisted,
    /// It is too large to be looked through, and the page was not among what was.
    TooLarge,
    /// It lists the page.
    Listed,
}

/// What one file of a sitemap says.
#[derive(Debug, PartialEq, Eq)]
pub enum File {
    /// It cannot be read, and why.
    Unreadable(String),
    /// It lists the page.
    Listed,
    /// It does not list the page; but perhaps these do.
    Index {
        /// Where they are.
        sitemaps: Vec<Url>,
        /// Whether all of them are named.
        is_whole: bool,
    },
    /// It does not list the page, as far as it was read.
    Unlisted {
        /// Whether all of it was read.
        is_whole: bool,
    },
}

/// Reads a file, as far as it was fetched, and looks for a page by the addresses under which it is known.
#[must_use]
pub fn read(bytes: &[u8], is_cut: bool, pages: &[Url]) -> File {
    if !bytes.starts_with(&GZIP) {
        return look(bytes, is_cut, pages);
    }
    let mut unpacked = Vec::new();
    let outcome = GzDecoder::new(bytes).take(MAX_UNPACKED).read_to_end(&mut unpacked);
    if outcome.is_err() && !is_cut {
        return File::Unreadable("it cannot be unpacked".to_owned());
    }
    let is_cut = is_cut || unpacked.len() as u64 == MAX_UNPACKED;
    look(&unpacked, is_cut, pages)
}

fn look(bytes: &[u8], is_cut: bool, pages: &[Url]) -> File {
    let mut parser = Parser::new(bytes);
    let mut sitemaps = Vec::new();
    let mut problem = None;
    for record in parser.by_ref() {
        match record {
            Ok(Record::Entry(entry)) if pages.iter().any(|page| is_same(page, &entry.location)) => {
                return File::Listed;
            }
            Ok(Record::Entry(_)) => {}
            Ok(Record::Sitemap(sitemap)) => sitemaps.push(sitemap.location),
            Err(error) => problem = Some(error),
        }
    }
    match (parser.format(), problem) {
        (Some(format), None) => found(format, sitemaps, !is_cut),
        // What was cut off breaks off in the middle.
        (Some(format), Some(Error::Xml(_))) if is_cut => found(format, sitemaps, false),
        (Some(format), Some(Error::ByteLimit | Error::RecordLimit)) => found(format, sitemaps, false),
        (_, Some(Error::UnknownRoot { name })) => {
            let name: String = name.chars().take(40).collect();
            File::Unreadable(format!("it begins with <{name}>, not with <urlset> or <sitemapindex>"))
        }
        (_, Some(_)) => File::Unreadable("its XML is broken".to_owned()),
        (None, None) => File::Unreadable("it is empty".to_owned()),
    }
}

fn found(format: Format, sitemaps: Vec<Url>, is_whole: bool) -> File {
    match format {
        Format::Index => File::Index { sitemaps, is_whole },
        Format::Text | Format::UrlSet => File::Unlisted { is_whole },
    }
}

/// A slash at the end makes no other page, as far as readers of sitemaps are concerned.
fn is_same(page: &Url, listed: &Url) -> bool {
    let without_slash = |url: &Url| (url.path().trim_end_matches('/').to_owned(), url.query().map(str::to_owned));
    page.origin() == listed.origin() && without_slash(page) == without_slash(listed)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn found_in(bytes: &[u8], is_cut: bool) -> File {
        read(bytes, is_cut, &["https://example.com/a?b=c#d".parse().unwrap()])
    }

    fn urls(locations: &[&str]) -> String {
        let urls: String = locations.iter().map(|it| format!("<url><loc>{it}</loc></url>")).collect();
        format!("<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>")
    }

    #[test]
    fn a_page_is_found_in_every_format() {
        let listed = urls(&["https://example.com/", "https://example.com/a/?b=c"]);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(listed.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        for bytes in [listed.as_bytes(), &packed, b"https://example.com/\nhttps://example.com/a?b=c\n"] {
            assert_eq!(found_in(bytes, false), File::Listed);
        }
        for other in ["https://example.com/a", "http://example.com/a?b=c", "https://other.example/a?b=c", "/a?b=c"] {
            assert_eq!(found_in(urls(&[other]).as_bytes(), false), File::Unlisted { is_whole: true }, "{other}");
        }
    }

    #[test]
    fn an_index_names_others() {
        let index = "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>\
                     <sitemap><loc>https://example.com/1.xml</loc></sitemap></sitemapindex>";
        let sitemaps = vec!["https://example.com/1.xml".parse().unwrap()];
        assert_eq!(found_in(index.as_bytes(), false), File::Index { sitemaps, is_whole: true });
    }

    #[test]
    fn what_is_cut_off_is_no_mistake_and_what_is_broken_is() {
        let whole = urls(&["https://example.com/"]);
        let cut = &whole.as_bytes()[..whole.len() - 20];
        assert_eq!(found_in(cut, true), File::Unlisted { is_whole: false });
        for broken in ["", "<urlset><url></wrong>", "<!doctype html><html><body>Not here</body></html>"] {
            assert!(matches!(found_in(broken.as_bytes(), false), File::Unreadable(_)), "{broken}");
        }
    }
}
