//! Texts to copy for what a page lacks, made of what the page itself says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::page::Page;
use super::rule::{Group, Score};

/// How many pages an `llms.txt` names.
const MAX_PAGES: usize = 20;
const MAX_DESCRIPTION: usize = 155;
const MAX_QUESTIONS: usize = 10;

/// A text to copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// What it is, such as `llms.txt`.
    pub name: String,
    /// Where it belongs.
    pub place: String,
    /// The text.
    pub text: String,
}

/// Ready-made texts for what was found missing. Everything in them is taken from the page; what it does not say is left
/// as `…` for a person.
#[must_use]
pub fn fixes(page: &Page, seo: &Score, geo: &Score) -> Vec<Fix> {
    let is_wanted = |id: &str| {
        seo.findings.iter().chain(&geo.findings).any(|finding| finding.id == id && finding.group != Group::Done)
    };
    let meta: Vec<String> = [
        ("seo.charset", "<meta charset=\"utf-8\">".to_owned()),
        ("seo.viewport", "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">".to_owned()),
        ("seo.title", format!("<title>{}</title>", escaped(&heading(page)))),
        ("seo.description", named("name", "description", &description(page))),
        ("seo.canonical", format!("<link rel=\"canonical\" href=\"{}\">", escaped(page.facts.url.as_str()))),
        ("seo.og.title", named("property", "og:title", &heading(page))),
        ("seo.og.description", named("property", "og:description", &description(page))),
        ("seo.og.type", named("property", "og:type", if is_article(page) { "article" } else { "website" })),
        ("seo.og.image", named("property", "og:image", "https://…")),
    ]
    .into_iter()
    .filter(|(id, _)| is_wanted(id))
    .map(|(_, text)| text)
    .collect();
    let mut fixes = Vec::new();
    if !meta.is_empty() {
        fixes.push(fix("Meta tags", "In the <head> of the page", meta.join("\n")));
    }
    if is_wanted("seo.structured.valid") || is_wanted("seo.structured.type") || is_wanted("geo.schema.answers") {
        fixes.push(fix("JSON-LD", "In the <head> of the page", script(&json_ld(page))));
    }
    let questions = questions(page);
    if !questions.is_empty() && !page.has_entity(&["FAQPage", "QAPage"]) {
        let faq = json!({ "@context": "https://schema.org", "@type": "FAQPage", "mainEntity": questions });
        fixes.push(fix("JSON-LD for the questions", "In the <head> of the page", script(&faq)));
    }
    if is_wanted("geo.llms_txt") {
        fixes.push(fix("llms.txt", "As the file /llms.txt of the site", llms_txt(page)));
    }
    fixes
}

fn fix(name: &str, place: &str, text: String) -> Fix {
    Fix { name: name.to_owned(), place: place.to_owned(), text }
}

fn named(attribute: &str, name: &str, content: &str) -> String {
    format!("<meta {attribute}=\"{name}\" content=\"{}\">", escaped(content))
}

fn heading(page: &Page) -> String {
    let first = page.headings.iter().find(|it| it.level == 1 && !it.text.is_empty()).map(|it| it.text.as_str());
    cut(page.title().or(first).unwrap_or("…"), 60)
}

fn description(page: &Page) -> String {
    let own = page.meta(&["description", "og:description"]);
    let paragraph = page.paragraphs.iter().find(|text| text.chars().count() >= 40).map(String::as_str);
    own.or(paragraph).map_or_else(|| "…".to_owned(), |text| cut(text, MAX_DESCRIPTION))
}

/// At most so many characters, ended at a word.
fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let beginning = text.get(..end).unwrap_or_default();
    let whole_words = beginning.rsplit_once(' ').map_or(beginning, |(words, _)| words);
    format!("{}…", whole_words.trim_end_matches([',', ';', ':', '-', '–']))
}

fn is_article(page: &Page) -> bool {
    page.meta(&["og:type"]) == Some("article") || page.has_byline || !page.times.is_empty()
}

fn site_name(page: &Page) -> String {
    let named = page.meta(&["og:site_name", "application-name"]).map(str::to_owned);
    named.unwrap_or_else(|| page.facts.url.host_str().unwrap_or("…").to_owned())
}

fn json_ld(page: &Page) -> Value {
    let home = page.facts.url.join("/").map_or_else(|_| page.facts.url.to_string(), |url| url.to_string());
    let who = json!({ "@type": "Organization", "name": site_name(page), "url": home, "sameAs": ["https://…"] });
    let url = page.facts.url.as_str();
    let (heading, description) = (heading(page), description(page));
    if page.is_home() {
        return json!({ "@context": "https://schema.org", "@type": "Organization", "name": site_name(page), "url": home,
            "description": description, "logo": "https://…", "sameAs": ["https://…"] });
    }
    if is_article(page) {
        let published = page.times.first().map_or("…", String::as_str);
        let author = json!({ "@type": "Person", "name": page.meta(&["author"]).unwrap_or("…") });
        return json!({ "@context": "https://schema.org", "@type": "Article", "headline": heading, "description": description,
            "url": url, "datePublished": published, "dateModified": published, "author": author, "publisher": who });
    }
    json!({ "@context": "https://schema.org", "@type": "WebPage", "name": heading, "description": description, "url": url,
        "publisher": who })
}

/// The questions of the headings with the paragraph below as the answer.
fn questions(page: &Page) -> Vec<Value> {
    let asked = page.headings.iter().filter(|it| it.text.ends_with(['?', '？', '؟']));
    let answered = asked.filter_map(|it| Some((it, page.paragraphs.get(it.paragraphs_before)?)));
    let question = |(heading, answer): (&super::page::Heading, &String)| json!({ "@type": "Question", "name": heading.text, "acceptedAnswer": { "@type": "Answer", "text": cut(answer, 500) } });
    answered.take(MAX_QUESTIONS).map(question).collect()
}

/// A script that cannot be ended by what is in it.
fn script(data: &Value) -> String {
    let json = serde_json::to_string_pretty(data).unwrap_or_default().replace("</", "<\\/");
    format!("<script type=\"application/ld+json\">\n{json}\n</script>")
}

/// As <https://llmstxt.org/> has it.
fn llms_txt(page: &Page) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut pages = Vec::new();
    for link in page.links.iter().filter(|link| link.is_internal && !link.text.is_empty()) {
        let path = link.url.path();
        if pages.len() < MAX_PAGES && path != "/" && !seen.contains(&path) {
            seen.push(path);
            let mut url = link.url.clone();
            url.set_fragment(None);
            pages.push(format!("- [{}]({url})", cut(&link.text, 80).replace(['[', ']'], "")));
        }
    }
    let pages = if pages.is_empty() { "- [Home](…)".to_owned() } else { pages.join("\n") };
    format!("# {}\n\n> {}\n\n## Pages\n\n{pages}\n", site_name(page), description(page))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
