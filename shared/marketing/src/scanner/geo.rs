//! How readily answer engines can read and cite a page.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::Page;
use super::rule::{Dimensions, Rule, Score, Verdict, whole};
use super::structured;
use crate::text::words;

/// All weights are ours.
pub const DIMENSIONS: Dimensions = &[
    ("direct answers", 20),
    ("evidence", 20),
    ("authorship", 12),
    ("entity", 12),
    ("answer schema", 10),
    ("crawler access", 12),
    ("llms.txt", 4),
    ("without script", 10),
];

/// Words of a passage that can be quoted whole.
const PASSAGE: std::ops::RangeInclusive<usize> = 12..=90;
/// Words below which a page without scripts run has nothing to quote.
const MIN_WORDS: usize = 100;
/// Words above which there should be lists or tables.
const LONG: usize = 400;

const GEO_STUDY: &str = "https://arxiv.org/abs/2311.09735";
const SNIPPETS: &str = "https://developers.google.com/search/docs/appearance/featured-snippets";
const AI_FEATURES: &str = "https://developers.google.com/search/docs/appearance/ai-features";
const BYLINES: &str = "https://developers.google.com/search/docs/fundamentals/creating-helpful-content";
const DATES: &str = "https://developers.google.com/search/docs/appearance/publication-dates";
const ORGANIZATION: &str = "https://developers.google.com/search/docs/appearance/structured-data/organization";

/// All rules. The weights of a dimension's rules add up to the dimension's.
pub const RULES: &[Rule] = &[
    Rule {
        id: "geo.answer.first",
        dimension: "direct answers",
        weight: 8,
        advice: "Begin with one paragraph of 12 to 90 words that answers what the page is about, so that it can be quoted alone.",
        source: SNIPPETS,
        check: |page| {
            let first = page.paragraphs.iter().take(3).find(|text| PASSAGE.contains(&words(text)));
            match first {
                Some(text) => Verdict::Pass(format!("Near the top: \"{}\".", super::seo::short(text))),
                None if page.paragraphs.is_empty() => Verdict::Fail("There are no paragraphs.".into()),
                None => Verdict::Fail("None of the first three paragraphs can be quoted alone.".into()),
            }
        },
    },
    Rule {
        id: "geo.answer.questions",
        dimension: "direct answers",
        weight: 7,
        advice: "Ask in at least two headings what people ask (\"How much does … cost?\"), and answer in the paragraph below.",
        source: SNIPPETS,
        check: |page| {
            let asked = page.headings.iter().filter(|it| is_question(&it.text));
            let answered = asked.filter(|it| {
                page.paragraphs.get(it.paragraphs_before).is_some_and(|text| words(text) >= *PASSAGE.start())
            });
            let count = answered.count();
            Verdict::share(count, 2, format!("{count} headings ask a question that is answered below."))
        },
    },
    Rule {
        id: "geo.answer.lists",
        dimension: "direct answers",
        weight: 5,
        advice: "Put steps, choices and comparisons in lists and tables.",
        source: SNIPPETS,
        check: |page| match page.lists + page.tables {
            0 if page.words < LONG => Verdict::Open("The page is short.".into()),
            0 => Verdict::Fail("There are no lists or tables.".into()),
            count => Verdict::Pass(format!("There are {count} lists and tables.")),
        },
    },
    Rule {
        id: "geo.evidence.numbers",
        dimension: "evidence",
        weight: 8,
        advice: "State facts with numbers: amounts, shares, times, years. Pages with statistics are cited more.",
        source: GEO_STUDY,
        check: |page| {
            let count = page.paragraphs.iter().filter(|text| FIGURE.is_match(text)).count();
            Verdict::share(count, 3, format!("{count} paragraphs state a number."))
        },
    },
    Rule {
        id: "geo.evidence.sources",
        dimension: "evidence",
        weight: 8,
        advice: "Link from the text to at least two outside sources for what you claim.",
        source: GEO_STUDY,
        check: |page| {
            let mut hosts: Vec<&str> = page
                .links
                .iter()
                .filter(|it| !it.is_internal && it.in_content)
                .filter_map(|it| it.url.host_str())
                .filter(|host| !SOCIAL.iter().any(|site| host.ends_with(site)))
                .collect();
            hosts.sort_unstable();
            hosts.dedup();
            Verdict::share(hosts.len(), 2, format!("The content links to {} outside sources.", hosts.len()))
        },
    },
    Rule {
        id: "geo.evidence.quotes",
        dimension: "evidence",
        weight: 4,
        advice: "Quote somebody who knows, by name, in a <blockquote>.",
        source: GEO_STUDY,
        check: |page| {
            let spoken = page.paragraphs.iter().filter(|text| QUOTATION.is_match(text)).count();
            let count = page.quotes + spoken;
            Verdict::when(count > 0, format!("There are {count} quotations."))
        },
    },
    Rule {
        id: "geo.author",
        dimension: "authorship",
        weight: 6,
        advice: "Name the author on the page and in its JSON-LD.",
        source: BYLINES,
        check: |page| {
            if !is_article(page) {
                return Verdict::Open("The page is no article.".into());
            }
            let in_data = page.entities().any(|it| structured::field(it, "author").is_some());
            match (in_data, page.has_byline || page.meta(&["author", "article:author"]).is_some()) {
                (true, _) => Verdict::Pass("The author is in the JSON-LD.".into()),
                (false, true) => Verdict::Part(0.7, "The author is named, and not in the JSON-LD.".into()),
                (false, false) => Verdict::Fail("No author is named.".into()),
            }
        },
    },
    Rule {
        id: "geo.date",
        dimension: "authorship",
        weight: 6,
        advice: "Say when the page was published and last changed: <time datetime=\"…\"> and datePublished, dateModified in the JSON-LD.",
        source: DATES,
        check: |page| {
            if !is_article(page) {
                return Verdict::Open("The page is no article.".into());
            }
            let has = |name: &str| page.entities().any(|it| structured::field(it, name).is_some());
            let in_meta = page.meta(&["article:published_time", "article:modified_time", "date", "dc.date"]).is_some();
            match (has("datePublished"), has("dateModified"), in_meta || !page.times.is_empty()) {
                (true, true, _) => Verdict::Pass("Both dates are in the JSON-LD.".into()),
                (true, false, _) | (false, true, _) => {
                    Verdict::Part(0.8, "Only one of the two dates is in the JSON-LD.".into())
                }
                (false, false, true) => Verdict::Part(0.6, "There is a date, and not in the JSON-LD.".into()),
                (false, false, false) => Verdict::Fail("There is no date.".into()),
            }
        },
    },
    Rule {
        id: "geo.entity.organization",
        dimension: "entity",
        weight: 6,
        advice: "Describe who you are in JSON-LD: Organization with name, url, logo, and sameAs with your profiles elsewhere.",
        source: ORGANIZATION,
        check: |page| {
            let who = page.entities().find(|it| structured::types(it).any(|of| WHO.contains(&of)));
            match who {
                Some(who) if structured::field(who, "sameAs").is_some() => {
                    Verdict::Pass(format!("{} with sameAs.", name_of(who)))
                }
                Some(who) => Verdict::Part(0.6, format!("{} without sameAs.", name_of(who))),
                None => Verdict::Fail("The JSON-LD does not say whose page it is.".into()),
            }
        },
    },
    Rule {
        id: "geo.entity.name",
        dimension: "entity",
        weight: 6,
        advice: "Use one name for the brand or product: in the title, the first heading and the first paragraphs.",
        source: AI_FEATURES,
        check: named_alike,
    },
    Rule {
        id: "geo.schema.answers",
        dimension: "answer schema",
        weight: 6,
        advice: "Mark up questions and answers as FAQPage, steps as HowTo, an article as Article.",
        source: "https://schema.org/FAQPage",
        check: |page| {
            let fits = [
                "FAQPage",
                "QAPage",
                "HowTo",
                "Article",
                "BlogPosting",
                "NewsArticle",
                "TechArticle",
                "Product",
                "Recipe",
                "Course",
                "Event",
                "SoftwareApplication",
                "Service",
            ];
            let found = page.entities().flat_map(structured::types).find(|of| fits.contains(of));
            match found {
                Some(of) => Verdict::Pass(format!("There is {of}.")),
                None => Verdict::Fail("Nothing in the JSON-LD can become an answer.".into()),
            }
        },
    },
    Rule {
        id: "geo.schema.breadcrumbs",
        dimension: "answer schema",
        weight: 4,
        advice: "Say where the page stands in the site: BreadcrumbList in JSON-LD.",
        source: "https://developers.google.com/search/docs/appearance/structured-data/breadcrumb",
        check: |page| {
            if page.is_home() {
                return Verdict::Open("It is the home page.".into());
            }
            let found = page.has_entity(&["BreadcrumbList"]);
            Verdict::when(found, if found { "There is a BreadcrumbList." } else { "There is no BreadcrumbList." })
        },
    },
    Rule {
        id: "geo.crawlers.chatgpt",
        dimension: "crawler access",
        weight: 3,
        advice: "Let OAI-SearchBot and GPTBot read the page in robots.txt, if ChatGPT is to know and cite it.",
        source: "https://platform.openai.com/docs/bots",
        check: |page| crawlers(page, &["OAI-SearchBot", "GPTBot"]),
    },
    Rule {
        id: "geo.crawlers.claude",
        dimension: "crawler access",
        weight: 3,
        advice: "Let ClaudeBot read the page in robots.txt, if Claude is to know it.",
        source: "https://support.anthropic.com/en/articles/8896518",
        check: |page| crawlers(page, &["ClaudeBot"]),
    },
    Rule {
        id: "geo.crawlers.perplexity",
        dimension: "crawler access",
        weight: 3,
        advice: "Let PerplexityBot read the page in robots.txt, if Perplexity is to cite it.",
        source: "https://docs.perplexity.ai/guides/bots",
        check: |page| crawlers(page, &["PerplexityBot"]),
    },
    Rule {
        id: "geo.crawlers.google",
        dimension: "crawler access",
        weight: 3,
        advice: "Let Googlebot and Google-Extended read the page in robots.txt, if Google's answers and Gemini are to use it.",
        source: "https://developers.google.com/search/docs/crawling-indexing/google-common-crawlers",
        check: |page| crawlers(page, &["Googlebot", "Google-Extended"]),
    },
    Rule {
        id: "geo.llms_txt",
        dimension: "llms.txt",
        weight: 4,
        advice: "Publish /llms.txt: what you are and your most important pages, in Markdown.",
        source: "https://llmstxt.org/",
        check: |page| match page.facts.has_llms_txt {
            None => Verdict::Open("Whether there is an llms.txt is not known.".into()),
            Some(found) => Verdict::when(found, if found { "There is an llms.txt." } else { "There is no llms.txt." }),
        },
    },
    Rule {
        id: "geo.without_script",
        dimension: "without script",
        weight: 10,
        advice: "Send the content in the HTML: most AI crawlers run no scripts, and see only what is there without them.",
        source: "https://developers.google.com/search/docs/crawling-indexing/javascript/javascript-seo-basics",
        check: |page| {
            let seen = format!("{} words are there without scripts.", page.words);
            match page.words {
                count if count >= MIN_WORDS => Verdict::Pass(seen),
                _ if page.scripts == 0 && !page.has_app_root => Verdict::Part(0.7, seen),
                _ => Verdict::share(page.words, MIN_WORDS, seen),
            }
        },
    },
];

/// How well each answer engine can use a page, from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Engines {
    /// ChatGPT.
    pub chatgpt: u8,
    /// Perplexity.
    pub perplexity: u8,
    /// Gemini.
    pub gemini: u8,
    /// The answers in Google's search results.
    pub google_ai: u8,
}

/// What counts for an engine: its crawlers, and how much more than elsewhere a dimension counts.
struct Engine {
    crawlers: &'static [&'static str],
    weights: &'static [(&'static str, f64)],
}

/// The split is our own judgement of what each engine says of itself: ChatGPT and Perplexity cite passages and sources,
/// Google's engines rest on its index and structured data.
const CHATGPT: Engine =
    Engine { crawlers: &["OAI-SearchBot", "GPTBot"], weights: &[("direct answers", 1.3), ("without script", 1.5)] };
const PERPLEXITY: Engine = Engine { crawlers: &["PerplexityBot"], weights: &[("evidence", 1.5), ("authorship", 1.3)] };
const GEMINI: Engine = Engine { crawlers: &["Google-Extended"], weights: &[("entity", 1.4), ("answer schema", 1.3)] };
const GOOGLE_AI: Engine =
    Engine { crawlers: &["Googlebot"], weights: &[("answer schema", 1.5), ("authorship", 1.3), ("llms.txt", 0.0)] };
/// What an engine whose crawler is kept away still knows, from others.
const KEPT_AWAY: f64 = 0.25;

/// The score for each engine, from the dimensions of the whole.
#[must_use]
pub fn engines(page: &Page, score: &Score) -> Engines {
    let of = |engine: &Engine| {
        let weight = |name: &str| engine.weights.iter().find(|(of, _)| *of == name).map_or(1.0, |(_, weight)| *weight);
        let dimensions = score.dimensions.iter().filter(|it| it.name != "crawler access");
        let (points, all) = dimensions.fold((0.0, 0.0), |(points, all), it| {
            (points + it.points * weight(&it.name), all + it.of * weight(&it.name))
        });
        let is_let_in = match &page.facts.robots {
            Some(robots) => engine.crawlers.iter().any(|crawler| robots.allows(crawler)),
            None => true,
        };
        let share = if all > 0.0 { points / all } else { 0.0 };
        whole(100.0 * share * if is_let_in { 1.0 } else { KEPT_AWAY })
    };
    Engines { chatgpt: of(&CHATGPT), perplexity: of(&PERPLEXITY), gemini: of(&GEMINI), google_ai: of(&GOOGLE_AI) }
}

/// Who can be behind a page.
const WHO: &[&str] = &[
    "Organization",
    "Corporation",
    "OnlineBusiness",
    "OnlineStore",
    "NGO",
    "LocalBusiness",
    "Restaurant",
    "Store",
    "Person",
    "EducationalOrganization",
    "GovernmentOrganization",
    "NewsMediaOrganization",
];
/// Links to these are no sources.
const SOCIAL: &[&str] = &[
    "facebook.com",
    "instagram.com",
    "linkedin.com",
    "twitter.com",
    "x.com",
    "youtube.com",
    "tiktok.com",
    "pinterest.com",
    "threads.net",
    "wa.me",
    "t.me",
];

/// A number with what it counts: a share, money, a year, a unit, or one of more than one digit.
static FIGURE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\d+([.,]\d+)?\s?(%|percent\b)|[$€£¥]\s?\d|\d\s?[€£¥]|\b\d{2,}"));
/// Words between quotation marks, long enough to be somebody's.
static QUOTATION: LazyLock<Regex> = LazyLock::new(|| pattern(r#"[“„«"「][^“”„«»"」]{30,}[”“»"」]"#));

#[expect(clippy::expect_used, reason = "the patterns above are tried by the tests")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file")
}

/// By the marks of the languages that have one; Greek's looks like a semicolon and is left out.
fn is_question(heading: &str) -> bool {
    heading.trim_end().ends_with(['?', '？', '؟'])
}

fn is_article(page: &Page) -> bool {
    page.meta(&["og:type"]) == Some("article")
        || page.has_entity(&[
            "Article",
            "BlogPosting",
            "NewsArticle",
            "TechArticle",
            "Report",
            "Review",
            "Recipe",
            "HowTo",
        ])
        || page.has_byline
        || ["/blog/", "/news/", "/article", "/post/", "/posts/"].iter().any(|part| page.facts.url.path().contains(part))
}

fn name_of(entity: &Value) -> String {
    let name = structured::field(entity, "name").and_then(Value::as_str).unwrap_or("somebody");
    super::seo::short(name)
}

fn named_alike(page: &Page) -> Verdict {
    let mut in_data = page.entities().filter(|it| structured::types(it).any(|of| WHO.contains(&of) || of == "Product"));
    let in_data = in_data.find_map(|it| structured::field(it, "name").and_then(Value::as_str));
    let Some(name) = page.meta(&["og:site_name", "application-name"]).or(in_data) else {
        return Verdict::Part(0.3, "Neither og:site_name nor the JSON-LD names the brand.".into());
    };
    let lower = name.to_lowercase();
    let beginning = page.paragraphs.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(" ");
    let title = page.title().unwrap_or_default().to_lowercase();
    let in_text = page.headings.iter().any(|it| it.level == 1 && it.text.to_lowercase().contains(&lower))
        || beginning.to_lowercase().contains(&lower);
    let shown = super::seo::short(name);
    match (title.contains(&lower), in_text) {
        (true, true) => Verdict::Pass(format!("\"{shown}\" is in the title and the text.")),
        (false, false) => {
            Verdict::Fail(format!("\"{shown}\" is neither in the title nor at the beginning of the text."))
        }
        (true, false) => {
            Verdict::Part(0.6, format!("\"{shown}\" is in the title, and not at the beginning of the text."))
        }
        (false, true) => Verdict::Part(0.6, format!("\"{shown}\" is in the text, and not in the title.")),
    }
}

fn crawlers(page: &Page, names: &[&str]) -> Verdict {
    let Some(robots) = &page.facts.robots else { return Verdict::Open("robots.txt could not be read.".into()) };
    let kept: Vec<&str> = names.iter().copied().filter(|name| !robots.allows(name)).collect();
    let seen = match kept.as_slice() {
        [] => format!("robots.txt lets {} in.", names.join(" and ")),
        kept => format!("robots.txt keeps {} away.", kept.join(" and ")),
    };
    Verdict::share(names.len() - kept.len(), names.len(), seen)
}
