//! How X counts: the weights of twitter-text's configuration version 3, its emoji and its addresses.
//!
//! See <https://github.com/twitter/twitter-text>. The crate of that name is not used: it counts an address without
//! `https://` by its letters, takes seconds for a long line without blanks, and needs a C++ compiler.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::text::utf16;

/// The most a post may weigh, in characters.
pub(crate) const MAX_LENGTH: usize = 280;
/// What any address weighs, because X replaces it with a short one of its own.
pub(crate) const URL_LENGTH: usize = 23;
/// What an emoji weighs, and any character outside of [`LIGHT`].
const DEFAULT_WEIGHT: usize = 2;
/// Characters that weigh one.
const LIGHT: [std::ops::RangeInclusive<char>; 4] =
    ['\0'..='\u{10ff}', '\u{2000}'..='\u{200d}', '\u{2010}'..='\u{201f}', '\u{2032}'..='\u{2037}'];
/// The longest address that X recognises, in UTF-16 code units.
const MAX_URL: usize = 4_096;

/// The length of a post as X counts it, in weighted characters; 280 is the most it takes.
#[must_use]
pub fn weighted_length(text: &str) -> usize {
    let text: String = text.nfc().collect();
    let urls = url_ranges(&text);
    let mut length = urls.len() * URL_LENGTH;
    let mut start = 0;
    for url in urls {
        length += text.get(start..url.start).map_or(0, plain_length);
        start = url.end;
    }
    length + text.get(start..).map_or(0, plain_length)
}

fn plain_length(text: &str) -> usize {
    text.graphemes(true).map(grapheme_weight).sum()
}

/// An emoji weighs the same however many code points it takes; a lone code point goes by the table in any case.
fn grapheme_weight(grapheme: &str) -> usize {
    let mut chars = grapheme.chars();
    let alone = chars.next().is_some() && chars.next().is_none();
    if !alone && emojis::get(grapheme).or_else(|| emojis::get(grapheme.trim_end_matches('\u{fe0f}'))).is_some() {
        return DEFAULT_WEIGHT;
    }
    grapheme.chars().map(|c| if LIGHT.iter().any(|range| range.contains(&c)) { 1 } else { DEFAULT_WEIGHT }).sum()
}

/// Characters of a host after a scheme: all but blanks, marks of direction and ASCII punctuation, save `-` and `_`.
const HOST: &str = r#"[^\s!'"\#%&()*+,\\./:;<=>?@\[\]^{|}~$\x{FEFF}\x{FFFE}\x{FFFF}\x{202A}-\x{202E}\x{061C}\x{200E}\x{200F}\x{2066}-\x{2069}]"#;
/// Characters of a host without a scheme: ASCII and Latin letters.
const BARE: &str = r"[-a-z0-9\x{C0}-\x{24F}\x{1E00}-\x{1EFF}]";

/// A host, perhaps with a scheme before it. Whether it ends in a top-level domain is seen to afterwards.
static CANDIDATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"(?i)(https?://)(?:{HOST}+)(?:\.{HOST}+)+|{BARE}+(?:\.{BARE}+)+")).ok());

/// What may follow the host: a port, a path that does not end in punctuation, a query.
static TAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let general = r"a-z0-9\x{0400}-\x{04FF}!*';:=+,.$/%\#\[\]\-\x{2013}_~@|&\x{C0}-\x{24F}\x{1E00}-\x{1EFF}";
    let ending = r"[+\-a-z0-9\x{0400}-\x{04FF}=_\#/\x{C0}-\x{24F}\x{1E00}-\x{1EFF}]";
    let parentheses = format!(r"\([{general}]*(?:\([{general}]+\))?[{general}]*\)");
    let query = r"\?[a-z0-9!?*'@();:&=+$/%\#\[\]\-_.,~|]*[a-z0-9\-_&=\#/]";
    Regex::new(&format!(
        r"(?i)^(?::[0-9]+)?(?:/(?:(?:[{general}]|{parentheses})*(?:{ending}|{parentheses}))?)?(?:{query})?"
    ))
    .ok()
});

/// Where addresses stand in a text, by the rules of twitter-text: with a scheme, or a host that ends in a known
/// top-level domain.
pub(crate) fn url_ranges(text: &str) -> Vec<Range<usize>> {
    let (Some(candidate), Some(tail)) = (CANDIDATE.as_ref(), TAIL.as_ref()) else { return Vec::new() };
    let mut urls: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(found) = candidate.captures_at(text, from).and_then(|found| found.get(0).zip(Some(found.get(1)))) {
        let (found, scheme) = found;
        let host_start = scheme.map_or(found.start(), |scheme| scheme.end());
        let host = text.get(host_start..found.end()).unwrap_or_default();
        let before = text.get(..found.start()).and_then(|before| before.chars().next_back());
        from = found.end();
        if !may_follow(before, scheme.is_some()) {
            continue;
        }
        let after = text.get(found.end()..).and_then(|after| after.chars().next());
        let Some(length) = domain_length(host, after, scheme.is_some()) else { continue };
        let host_end = host_start + length;
        let rest = text.get(host_end..).unwrap_or_default();
        let end = host_end + tail.find(rest).map_or(0, |tail| tail.end());
        if text.get(found.start()..end).is_some_and(|url| utf16(url) <= MAX_URL) {
            urls.push(found.start()..end);
        }
        from = end;
    }
    urls
}

/// Whether an address may start after this character.
fn may_follow(before: Option<char>, has_scheme: bool) -> bool {
    before.is_none_or(|c| {
        !c.is_ascii_alphanumeric()
            && !matches!(c, '@' | '＠' | '$' | '#' | '＃')
            && (has_scheme || !matches!(c, '-' | '_' | '.' | '/'))
    })
}

/// Length in bytes of the longest start of `host` that ends in a top-level domain; `after` follows the host.
fn domain_length(host: &str, after: Option<char>, has_scheme: bool) -> Option<usize> {
    let joins = ['-', '_'];
    let mut end = 0;
    let mut longest = None;
    let mut labels = host.split('.');
    let mut before = labels.next()?;
    for label in labels {
        if before.starts_with(joins) || before.ends_with(joins) {
            break;
        }
        let start = end + before.len() + 1;
        end = start;
        let next = if start + label.len() == host.len() { after } else { Some('.') };
        longest = top_level_length(label, next, has_scheme).map(|length| start + length).or(longest);
        before = label;
    }
    longest
}

/// Length of the top-level domain at the start of a label. A word of another script may be written right after it.
fn top_level_length(label: &str, next: Option<char>, has_scheme: bool) -> Option<usize> {
    let ascii = label.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(label.len());
    let (name, rest) = label.split_at_checked(ascii)?;
    let follows = rest.chars().next().or(next);
    let ends = follows.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '@' | '+' | '-'));
    let name = name.to_ascii_lowercase();
    if ends && (tld::exist(&name) || name.starts_with("xn--")) {
        return Some(ascii);
    }
    // twitter-text lists the few top-level domains in other scripts; with a scheme before them any will do.
    (has_scheme && ascii == 0 && !label.is_empty()).then_some(label.len())
}
