//! How well search engines can read, show and rank a page.

use unicode_segmentation::UnicodeSegmentation;

use super::page::Page;
use super::reading;
use super::rule::{Dimensions, Rule, Verdict, real};
use super::sitemap::Sitemap;
use super::structured;

/// Of the eight dimensions the first three have the weights that customers know; the rest is ours.
pub const DIMENSIONS: Dimensions = &[
    ("meta tags", 25),
    ("open graph", 15),
    ("structured data", 15),
    ("headings", 10),
    ("content", 10),
    ("links", 7),
    ("images", 6),
    ("technical", 12),
];

/// Characters of a title.
const TITLE: std::ops::RangeInclusive<usize> = 10..=60;
/// Characters of a description.
const MAX_DESCRIPTION: usize = 160;
const MIN_DESCRIPTION: usize = 50;
/// Words below which a page has little to say.
const MIN_WORDS: usize = 300;
/// Milliseconds until an answer begins.
const GOOD_FIRST_BYTE: u64 = 800;
const POOR_FIRST_BYTE: u64 = 1_800;
/// Googlebot reads no more of a page than this many bytes.
const MAX_BYTES: u64 = 2 * 1024 * 1024;
const WORTH_COMPRESSING: u64 = 1_024;

const TITLE_LINKS: &str = "https://developers.google.com/search/docs/appearance/title-link";
const SNIPPETS: &str = "https://developers.google.com/search/docs/appearance/snippet";
const OGP: &str = "https://ogp.me/";
const STRUCTURED: &str = "https://developers.google.com/search/docs/appearance/structured-data/intro-structured-data";
const HEADINGS: &str = "https://www.w3.org/WAI/tutorials/page-structure/headings/";
const HELPFUL: &str = "https://developers.google.com/search/docs/fundamentals/creating-helpful-content";
const LINKS: &str = "https://developers.google.com/search/docs/crawling-indexing/links-crawlable";
const IMAGES: &str = "https://developers.google.com/search/docs/appearance/google-images";

/// All rules. The weights of a dimension's rules add up to the dimension's.
pub const RULES: &[Rule] = &[
    Rule {
        id: "seo.title",
        dimension: "meta tags",
        weight: 9,
        advice: "Give the page one <title> of 10 to 60 characters that says what it is about, the most important words first.",
        source: TITLE_LINKS,
        check: title,
    },
    Rule {
        id: "seo.description",
        dimension: "meta tags",
        weight: 8,
        advice: "Write a meta description of 50 to 160 characters that says what a visitor gets here.",
        source: SNIPPETS,
        check: description,
    },
    Rule {
        id: "seo.charset",
        dimension: "meta tags",
        weight: 4,
        advice: "Put <meta charset=\"utf-8\"> first in the head.",
        source: "https://html.spec.whatwg.org/multipage/semantics.html#charset",
        check: |page| {
            let in_header = page.facts.header("content-type").is_some_and(|it| it.to_lowercase().contains("charset="));
            match (page.declares_charset, in_header) {
                (true, _) => Verdict::Pass("The page declares its encoding.".into()),
                (false, true) => Verdict::Pass("The server declares the encoding.".into()),
                (false, false) => Verdict::Fail("Nothing declares the encoding.".into()),
            }
        },
    },
    Rule {
        id: "seo.lang",
        dimension: "meta tags",
        weight: 4,
        advice: "Say the page's language: <html lang=\"en\">.",
        source: "https://www.w3.org/International/questions/qa-html-language-declarations",
        check: lang,
    },
    Rule {
        id: "seo.og.title",
        dimension: "open graph",
        weight: 4,
        advice: "Add <meta property=\"og:title\">: it is the headline when the page is shared.",
        source: OGP,
        check: |page| open_graph(page, "og:title"),
    },
    Rule {
        id: "seo.og.description",
        dimension: "open graph",
        weight: 4,
        advice: "Add <meta property=\"og:description\">: one or two sentences for whoever sees the page shared.",
        source: OGP,
        check: |page| open_graph(page, "og:description"),
    },
    Rule {
        id: "seo.og.image",
        dimension: "open graph",
        weight: 4,
        advice: "Add <meta property=\"og:image\"> with the whole address of a picture, 1200 × 630 pixels.",
        source: OGP,
        check: |page| match page.meta(&["og:image", "og:image:url", "og:image:secure_url"]) {
            Some(image) if image.starts_with("http://") || image.starts_with("https://") => {
                Verdict::Pass(format!("og:image is {}.", short(image)))
            }
            Some(image) => Verdict::Part(0.5, format!("og:image is not a whole address: {}.", short(image))),
            None => Verdict::Fail("There is no og:image.".into()),
        },
    },
    Rule {
        id: "seo.og.type",
        dimension: "open graph",
        weight: 3,
        advice: "Add <meta property=\"og:type\">: website, article or product.",
        source: OGP,
        check: |page| open_graph(page, "og:type"),
    },
    Rule {
        id: "seo.structured.valid",
        dimension: "structured data",
        weight: 9,
        advice: "Describe the page in JSON-LD with the properties that its type needs, and check it with Google's Rich Results Test.",
        source: STRUCTURED,
        check: valid_data,
    },
    Rule {
        id: "seo.structured.type",
        dimension: "structured data",
        weight: 6,
        advice: "Use the type that fits the page: Organization or WebSite for a home page, Article or BlogPosting for an article, Product for something on sale, FAQPage for questions.",
        source: "https://developers.google.com/search/docs/appearance/structured-data/search-gallery",
        check: fitting_data,
    },
    Rule {
        id: "seo.h1",
        dimension: "headings",
        weight: 5,
        advice: "Give the page exactly one <h1> that says what it is about.",
        source: HEADINGS,
        check: |page| {
            let firsts: Vec<&str> = page
                .headings
                .iter()
                .filter(|it| it.level == 1 && !it.text.is_empty())
                .map(|it| it.text.as_str())
                .collect();
            match firsts.as_slice() {
                [] => Verdict::Fail("There is no <h1> with text.".into()),
                [first] => Verdict::Pass(format!("The <h1> is \"{}\".", short(first))),
                many => Verdict::Part(0.5, format!("There are {} <h1>.", many.len())),
            }
        },
    },
    Rule {
        id: "seo.headings.order",
        dimension: "headings",
        weight: 3,
        advice: "Do not skip levels: an <h2> for each section, an <h3> only below an <h2>.",
        source: HEADINGS,
        check: heading_order,
    },
    Rule {
        id: "seo.headings.sections",
        dimension: "headings",
        weight: 2,
        advice: "Divide a long text by headings, one for about every 300 words.",
        source: HEADINGS,
        check: |page| {
            if page.words < MIN_WORDS {
                return Verdict::Open("The page is short.".into());
            }
            let sections = page.headings.iter().filter(|it| it.level > 1 && !it.text.is_empty()).count();
            let wanted = page.words.div_ceil(400);
            Verdict::share(sections, wanted, format!("There are {sections} headings for {} words.", page.words))
        },
    },
    Rule {
        id: "seo.content.depth",
        dimension: "content",
        weight: 6,
        advice: "Say more: answer what somebody who searches for this wants to know next. About 300 words is the least for most pages.",
        source: HELPFUL,
        check: |page| Verdict::share(page.words, MIN_WORDS, format!("The content has {} words.", page.words)),
    },
    Rule {
        id: "seo.content.readability",
        dimension: "content",
        weight: 4,
        advice: "Shorten sentences and use everyday words.",
        source: "https://digital.gov/guides/plain-language",
        check: |page| match reading::ease(&page.text, page.lang.as_deref()) {
            Some(reading) => match reading.excess {
                excess if excess <= 0.0 => Verdict::Pass(reading.seen),
                excess if excess < 1.0 => Verdict::Part(1.0 - excess, reading.seen),
                _ => Verdict::Fail(reading.seen),
            },
            None => Verdict::Open("The text is too short, or in a language that is not measured.".into()),
        },
    },
    Rule {
        id: "seo.links.internal",
        dimension: "links",
        weight: 3,
        advice: "Link from the text to at least two related pages of your site.",
        source: LINKS,
        check: |page| {
            let found = page
                .links
                .iter()
                .filter(|it| it.is_internal && it.in_content && it.url.path() != page.facts.url.path());
            let count = found.count();
            Verdict::share(count, 2, format!("The content links to {count} pages of the site."))
        },
    },
    Rule {
        id: "seo.links.text",
        dimension: "links",
        weight: 2,
        advice: "Let each link say where it leads; \"click here\" and empty links say nothing.",
        source: LINKS,
        check: |page| {
            let all = page.links.len();
            let good = page.links.iter().filter(|it| says_something(&it.text)).count();
            Verdict::share(good, all, format!("{good} of {all} links say where they lead."))
        },
    },
    Rule {
        id: "seo.links.broken",
        dimension: "links",
        weight: 2,
        advice: "Mend or remove the links whose pages are gone.",
        source: "https://developers.google.com/search/docs/crawling-indexing/http-network-errors",
        check: |page| match &page.facts.tried_links {
            Some(tried) if !tried.is_empty() => {
                let broken: Vec<&str> = tried.iter().filter(|it| it.is_broken()).map(|it| it.url.as_str()).collect();
                let seen = match broken.as_slice() {
                    [] => format!("All of {} tried links lead somewhere.", tried.len()),
                    broken => format!("Broken: {}.", broken.join(", ")),
                };
                Verdict::share(tried.len() - broken.len(), tried.len(), seen)
            }
            _ => Verdict::Open("No links were tried.".into()),
        },
    },
    Rule {
        id: "seo.images.alt",
        dimension: "images",
        weight: 3,
        advice: "Describe each picture in its alt text; give decoration an empty one.",
        source: "https://www.w3.org/WAI/tutorials/images/",
        check: |page| {
            let good = page.images.iter().filter(|it| it.alt.is_some()).count();
            Verdict::share(
                good,
                page.images.len(),
                format!("{good} of {} pictures have an alt text.", page.images.len()),
            )
        },
    },
    Rule {
        id: "seo.images.size",
        dimension: "images",
        weight: 2,
        advice: "Give pictures width and height, so that the page does not jump while they load.",
        source: "https://web.dev/articles/optimize-cls",
        check: |page| {
            let good = page.images.iter().filter(|it| it.has_size).count();
            Verdict::share(good, page.images.len(), format!("{good} of {} pictures have a size.", page.images.len()))
        },
    },
    Rule {
        id: "seo.images.lazy",
        dimension: "images",
        weight: 1,
        advice: "Add loading=\"lazy\" to the pictures further down, and not to the first.",
        source: IMAGES,
        check: |page| {
            let later: Vec<_> = page.images.iter().skip(3).collect();
            let good = later.iter().filter(|it| it.is_lazy).count();
            Verdict::share(
                good,
                later.len(),
                format!("{good} of {} pictures further down are loaded when needed.", later.len()),
            )
        },
    },
    Rule {
        id: "seo.status",
        dimension: "technical",
        weight: 2,
        advice: "Let the page answer with status 200, at the end of at most one redirect.",
        source: "https://developers.google.com/search/docs/crawling-indexing/http-network-errors",
        check: |page| match (page.facts.status, page.facts.redirects.len()) {
            (None, _) => Verdict::Open("The page was not fetched.".into()),
            (Some(status), _) if !(200..300).contains(&status) => {
                Verdict::Fail(format!("The page answers with status {status}."))
            }
            (Some(status), hops @ 0..=1) => Verdict::Pass(format!("Status {status}, redirects: {hops}.")),
            (Some(status), hops) => Verdict::Part(0.5, format!("Status {status}, only after {hops} redirects.")),
        },
    },
    Rule {
        id: "seo.indexable",
        dimension: "technical",
        weight: 3,
        advice: "Remove noindex and what keeps Googlebot away in robots.txt, unless this page is not to be found.",
        source: "https://developers.google.com/search/docs/crawling-indexing/block-indexing",
        check: indexable,
    },
    Rule {
        id: "seo.canonical",
        dimension: "technical",
        weight: 2,
        advice: "Add one <link rel=\"canonical\"> with the whole address under which this page is to be found.",
        source: "https://developers.google.com/search/docs/crawling-indexing/consolidate-duplicate-urls",
        check: canonical,
    },
    Rule {
        id: "seo.sitemap",
        dimension: "technical",
        weight: 1,
        advice: "Publish a sitemap that lists this page, and name it in robots.txt.",
        source: "https://www.sitemaps.org/protocol.html",
        check: in_sitemap,
    },
    Rule {
        id: "seo.viewport",
        dimension: "technical",
        weight: 1,
        advice: "Add <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">.",
        source: "https://developers.google.com/search/docs/crawling-indexing/mobile/mobile-sites-mobile-first-indexing",
        check: |page| {
            let good = page.meta(&["viewport"]).is_some_and(|it| it.contains("width=device-width"));
            Verdict::when(
                good,
                if good { "The page fits phones." } else { "The page does not say that it fits phones." },
            )
        },
    },
    Rule {
        id: "seo.https",
        dimension: "technical",
        weight: 1,
        advice: "Serve the page by HTTPS and redirect HTTP to it.",
        source: "https://developers.google.com/search/docs/crawling-indexing/https",
        check: |page| {
            let good = page.facts.url.scheme() == "https";
            Verdict::when(good, format!("The page is served by {}.", page.facts.url.scheme().to_uppercase()))
        },
    },
    Rule {
        id: "seo.speed",
        dimension: "technical",
        weight: 1,
        advice: "Make the server answer within 0.8 seconds: cache the page or move it closer to its visitors.",
        source: "https://web.dev/articles/ttfb",
        check: |page| match page.facts.first_byte_ms {
            None => Verdict::Open("It was not measured.".into()),
            Some(ms @ ..=GOOD_FIRST_BYTE) => Verdict::Pass(format!("The answer began after {ms} ms.")),
            Some(ms @ ..=POOR_FIRST_BYTE) => Verdict::Part(0.5, format!("The answer began after {ms} ms.")),
            Some(ms) => Verdict::Fail(format!("The answer began after {ms} ms.")),
        },
    },
    Rule {
        id: "seo.weight",
        dimension: "technical",
        weight: 1,
        advice: "Compress the HTML on its way (gzip or Brotli), and keep it below 2 MB: crawlers read no further.",
        source: "https://developers.google.com/search/docs/crawling-indexing/googlebot",
        check: weight,
    },
];

fn title(page: &Page) -> Verdict {
    let Some(title) = page.title() else { return Verdict::Fail("There is no <title>.".into()) };
    let length = title.graphemes(true).count();
    let seen = format!("The title has {length} characters: \"{}\".", short(title));
    match length {
        _ if page.titles.len() > 1 => Verdict::Part(0.5, format!("There are {} titles.", page.titles.len())),
        length if TITLE.contains(&length) => Verdict::Pass(seen),
        _ => Verdict::Part(0.5, seen),
    }
}

fn description(page: &Page) -> Verdict {
    let Some(description) = page.meta(&["description"]) else {
        return Verdict::Fail("There is no meta description.".into());
    };
    let length = description.graphemes(true).count();
    let seen = format!("The description has {length} characters.");
    // A character of Chinese or Japanese says about as much as two of an alphabet.
    let least = if description.chars().any(is_ideograph) { MIN_DESCRIPTION / 2 } else { MIN_DESCRIPTION };
    if (least..=MAX_DESCRIPTION).contains(&length) { Verdict::Pass(seen) } else { Verdict::Part(0.5, seen) }
}

const fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

fn lang(page: &Page) -> Verdict {
    match page.lang.as_deref() {
        None => Verdict::Fail("<html> has no lang.".into()),
        Some(lang) if reading::is_language_tag(lang) => Verdict::Pass(format!("<html lang=\"{}\">.", short(lang))),
        Some(lang) => Verdict::Fail(format!("\"{}\" is not a language.", short(lang))),
    }
}

fn open_graph(page: &Page, name: &str) -> Verdict {
    match page.meta(&[name]) {
        Some(content) => Verdict::Pass(format!("{name} is \"{}\".", short(content))),
        None => Verdict::Fail(format!("There is no {name}.")),
    }
}

fn valid_data(page: &Page) -> Verdict {
    if page.data.is_empty() {
        return match page.has_microdata {
            true => Verdict::Part(0.5, "There is microdata or RDFa, and no JSON-LD, which Google prefers.".into()),
            false => Verdict::Fail("There is no structured data.".into()),
        };
    }
    let problems: Vec<String> = page.data.iter().flat_map(|block| block.problems.iter().cloned()).collect();
    match problems.as_slice() {
        [] => Verdict::Pass(format!("{} JSON-LD scripts are right.", page.data.len())),
        some => {
            let good = page.data.iter().filter(|block| block.problems.is_empty()).count();
            let seen = format!("Wrong in JSON-LD: {}.", some.iter().take(5).cloned().collect::<Vec<_>>().join("; "));
            // Half for what can be read at all.
            let readable = page.data.iter().filter(|block| !block.entities.is_empty()).count();
            let all = real(page.data.len());
            Verdict::Part((real(good) + real(readable)) / (2.0 * all), seen)
        }
    }
}

fn fitting_data(page: &Page) -> Verdict {
    let mut known: Vec<&str> = page.entities().flat_map(structured::types).collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return Verdict::Fail("No type is given.".into());
    }
    let kind = page.meta(&["og:type"]).unwrap_or_default();
    let (what, fitting): (&str, &[&str]) = if kind == "article" {
        ("an article", &["Article", "BlogPosting", "NewsArticle", "TechArticle", "Report", "Recipe", "HowTo", "Review"])
    } else if kind.starts_with("product") || kind == "og:product" {
        ("a product", &["Product", "ProductGroup", "SoftwareApplication", "WebApplication", "Service", "Offer"])
    } else if page.is_home() {
        (
            "a home page",
            &[
                "Organization",
                "Corporation",
                "OnlineStore",
                "OnlineBusiness",
                "NGO",
                "LocalBusiness",
                "Restaurant",
                "Store",
                "WebSite",
                "Person",
                "SoftwareApplication",
                "WebApplication",
            ],
        )
    } else {
        return Verdict::Pass(format!("The types are {}.", known.join(", ")));
    };
    let seen = format!("For {what} the types are {}.", known.join(", "));
    if known.iter().any(|of| fitting.contains(of)) { Verdict::Pass(seen) } else { Verdict::Part(0.3, seen) }
}

fn heading_order(page: &Page) -> Verdict {
    let levels: Vec<u8> = page.headings.iter().filter(|it| !it.text.is_empty()).map(|it| it.level).collect();
    let steps = levels.iter().zip(levels.iter().skip(1));
    let skips = steps.filter(|(before, after)| **after > **before + 1).count();
    match levels.len() {
        0 => Verdict::Fail("There are no headings.".into()),
        count => Verdict::share(count - skips.min(count), count, format!("{skips} of {count} headings skip a level.")),
    }
}

/// Words that say nothing about where a link leads.
const EMPTY_WORDS: &[&str] = &[
    "click here",
    "here",
    "read more",
    "more",
    "link",
    "learn more",
    "hier",
    "mehr",
    "weiterlesen",
    "ici",
    "aquí",
    "leer más",
    "en savoir plus",
];

fn says_something(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    !text.is_empty() && !EMPTY_WORDS.contains(&text.trim_end_matches(['.', '…', '»', '›', '→', ' ']))
}

/// What on the page keeps it out of indexes.
fn noindex(page: &Page) -> Option<&'static str> {
    let forbids = |text: &str| {
        let words = text.to_lowercase();
        words.split([',', ' ', ':']).any(|word| matches!(word, "noindex" | "none"))
    };
    if page.metas.iter().any(|(name, content)| matches!(name.as_str(), "robots" | "googlebot") && forbids(content)) {
        return Some("A robots meta element says noindex.");
    }
    page.facts.header("x-robots-tag").is_some_and(forbids).then_some("The header X-Robots-Tag says noindex.")
}

fn in_sitemap(page: &Page) -> Verdict {
    match &page.facts.sitemap {
        None => Verdict::Open("Whether there is a sitemap is not known.".into()),
        Some(Sitemap::Listed) => Verdict::Pass("The sitemap lists this page.".into()),
        Some(Sitemap::TooLarge) => Verdict::Pass("There is a sitemap, too large to be looked through whole.".into()),
        Some(Sitemap::Unlisted) if noindex(page).is_some() => {
            Verdict::Pass("The sitemap leaves this page out, which is not to be found.".into())
        }
        Some(Sitemap::Unlisted) => Verdict::Part(0.5, "The sitemap does not list this page.".into()),
        Some(Sitemap::Unreadable(why)) => Verdict::Fail(format!("The sitemap cannot be read: {why}.")),
        Some(Sitemap::Missing) => Verdict::Fail("No sitemap was found.".into()),
    }
}

fn indexable(page: &Page) -> Verdict {
    if let Some(why) = noindex(page) {
        return Verdict::Fail(why.into());
    }
    match &page.facts.robots {
        Some(robots) if !robots.allows("Googlebot") => Verdict::Fail("robots.txt keeps Googlebot away.".into()),
        Some(robots) if !robots.allows("Bingbot") => Verdict::Part(0.7, "robots.txt keeps Bingbot away.".into()),
        _ => Verdict::Pass("Search engines may show the page.".into()),
    }
}

fn canonical(page: &Page) -> Verdict {
    match page.canonicals.as_slice() {
        [] => Verdict::Fail("There is no canonical address.".into()),
        [one] => match url::Url::parse(one) {
            Ok(url) if url.host_str() == page.facts.url.host_str() => Verdict::Pass(format!("It is {}.", short(one))),
            Ok(_) => Verdict::Part(0.5, format!("It is on another host: {}.", short(one))),
            Err(_) => Verdict::Part(0.5, format!("It is not a whole address: {}.", short(one))),
        },
        many => Verdict::Part(0.3, format!("There are {}.", many.len())),
    }
}

fn weight(page: &Page) -> Verdict {
    let Some(bytes) = page.facts.bytes else { return Verdict::Open("It was not measured.".into()) };
    let encoding = page.facts.header("content-encoding").filter(|encoding| *encoding != "identity");
    let kilobytes = bytes.div_ceil(1_024);
    match encoding {
        _ if bytes > MAX_BYTES => Verdict::Fail(format!("The HTML has {kilobytes} KB.")),
        None if bytes > WORTH_COMPRESSING => {
            Verdict::Part(0.5, format!("The HTML, {kilobytes} KB, is not compressed."))
        }
        None => Verdict::Pass(format!("The HTML has {kilobytes} KB.")),
        Some(encoding) => Verdict::Pass(format!("The HTML, {kilobytes} KB, is compressed by {}.", short(encoding))),
    }
}

/// The beginning of a text of the page: whatever it is, a report stays short.
pub(super) fn short(text: &str) -> String {
    const MAX: usize = 80;
    let plain: String = text.chars().filter(|letter| !letter.is_control()).collect();
    match plain.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", plain.get(..end).unwrap_or_default()),
        None => plain,
    }
}
