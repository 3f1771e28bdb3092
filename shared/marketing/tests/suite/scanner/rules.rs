//! Each rule with the least page that passes it and the least that does not.

use std::collections::BTreeMap;

use marketing::scanner::{
    Facts, Grade, Group, Page, Redirect, Robots, Sitemap, TriedLink, Verdict, geo_score, rules, seo_score,
};

use super::page_at;

const URL: &str = "https://example.com/blog/planning";

fn body(html: &str) -> String {
    format!("<body><main>{html}</main></body>")
}

fn words(count: usize) -> String {
    vec!["word"; count].join(" ")
}

fn json_ld(json: &str) -> String {
    format!("<script type=\"application/ld+json\">{json}</script>")
}

fn typed(fields: &str) -> String {
    json_ld(&format!("{{\"@context\":\"https://schema.org\",{fields}}}"))
}

/// A page made of facts only.
fn with(change: impl FnOnce(&mut Facts)) -> Page {
    let mut facts = Facts::only(URL.parse().unwrap());
    change(&mut facts);
    Page::read(facts, "")
}

fn robots(text: &str) -> Page {
    with(|facts| facts.robots = Some(Robots::read(text.as_bytes(), &facts.url.clone())))
}

/// What English takes more than a hundred words to show, hard and easy to read.
fn prose(sentence: &str, times: usize) -> String {
    body(&format!("<p>{}</p>", vec![sentence; times].join(" ")))
}

/// By rule: pages that pass, and pages that do not.
fn cases() -> BTreeMap<&'static str, (Vec<Page>, Vec<Page>)> {
    let html = |text: &str| page_at(URL, text);
    let meta = |name: &str, content: &str| html(&format!("<meta name=\"{name}\" content=\"{content}\">"));
    let property = |name: &str, content: &str| html(&format!("<meta property=\"{name}\" content=\"{content}\">"));
    let bodies = |text: &str| html(&body(text));
    let header = |name: &str, value: &str| {
        with(|facts| {
            facts.headers.insert(name.to_owned(), value.to_owned());
        })
    };
    let status = |status: u16, hops: usize| {
        with(|facts| {
            facts.status = Some(status);
            facts.redirects = vec![Redirect { status: 301, to: facts.url.clone() }; hops];
        })
    };
    let tried = |statuses: &[u16]| {
        with(|facts| {
            let link = |status: &u16| TriedLink { url: facts.url.clone(), status: Some(*status) };
            facts.tried_links = Some(statuses.iter().map(link).collect());
        })
    };
    let first_byte = |ms: u64| with(|facts| facts.first_byte_ms = Some(ms));
    let long = words(320);
    let hard = "Notwithstanding aforementioned organisational considerations, interdepartmental representatives systematically \
                institutionalised comprehensive administrative recommendations concerning multidimensional profitability.";
    let article = |fields: &str| html(&typed(&format!("\"@type\":\"Article\",\"headline\":\"H\"{fields}")));
    let answer = "This is the answer to the question, in as many words as it takes to be quoted alone.";
    let brand = |title: &str, text: &str| {
        html(&format!(
            "<title>{title}</title><meta property=og:site_name content=Acme><body><main><p>{text}</p></main></body>"
        ))
    };
    BTreeMap::from([
        (
            "seo.title",
            (
                vec![
                    html("<title>How to plan a quarter</title>"),
                    html("<title>四半期の計画を立てる方法について</title>"),
                ],
                vec![
                    html(""),
                    html("<title>Plan</title>"),
                    html(&format!("<title>{long}</title>")),
                    html("<title>One title here</title><title>And another one</title>"),
                ],
            ),
        ),
        (
            "seo.description",
            (
                vec![meta(
                    "description",
                    "A quarter is planned in three hours, with a list, a calendar and somebody who says no.",
                )],
                vec![html(""), meta("description", "Short."), meta("description", &long), meta("description", "")],
            ),
        ),
        (
            "seo.charset",
            (
                vec![
                    html("<meta charset=utf-8>"),
                    html("<meta http-equiv=Content-Type content='text/html; charset=utf-8'>"),
                    header("content-type", "text/html; charset=utf-8"),
                ],
                vec![html(""), header("content-type", "text/html")],
            ),
        ),
        (
            "seo.lang",
            (
                vec![html("<html lang=en>"), html("<html lang=zh-Hant-TW>")],
                vec![html(""), html("<html lang=english>"), html("<html lang=''>")],
            ),
        ),
        (
            "seo.og.title",
            (vec![property("og:title", "A"), meta("og:title", "A")], vec![html(""), property("og:title", "")]),
        ),
        ("seo.og.description", (vec![property("og:description", "A")], vec![html("")])),
        (
            "seo.og.image",
            (vec![property("og:image", "https://example.com/a.png")], vec![html(""), property("og:image", "/a.png")]),
        ),
        ("seo.og.type", (vec![property("og:type", "article")], vec![html("")])),
        (
            "seo.structured.valid",
            (
                vec![html(&typed("\"@type\":\"Article\",\"headline\":\"H\""))],
                vec![
                    html(""),
                    html(&json_ld("{")),
                    html(&typed("\"@type\":\"Product\",\"name\":\"P\"")),
                    html(&json_ld("{\"@type\":\"Article\",\"headline\":\"H\"}")),
                    html("<div itemscope itemtype='https://schema.org/Product'></div>"),
                ],
            ),
        ),
        (
            "seo.structured.type",
            (
                vec![
                    html(&typed("\"@type\":\"WebPage\",\"name\":\"H\"")),
                    page_at(
                        "https://example.com/",
                        &typed("\"@type\":\"Organization\",\"name\":\"O\",\"url\":\"https://example.com\""),
                    ),
                ],
                vec![
                    html(""),
                    page_at("https://example.com/", &typed("\"@type\":\"BreadcrumbList\",\"itemListElement\":[1]")),
                    html(&format!(
                        "<meta property=og:type content=article>{}",
                        typed("\"@type\":\"Organization\",\"name\":\"O\",\"url\":\"u\"")
                    )),
                ],
            ),
        ),
        ("seo.h1", (vec![html("<h1>A</h1>")], vec![html(""), html("<h1></h1>"), html("<h1>A</h1><h1>B</h1>")])),
        (
            "seo.headings.order",
            (vec![html("<h1>A</h1><h2>B</h2><h3>C</h3><h2>D</h2>")], vec![html(""), html("<h1>A</h1><h4>B</h4>")]),
        ),
        (
            "seo.headings.sections",
            (vec![bodies(&format!("<h2>B</h2><p>{long}</p>"))], vec![bodies(&format!("<p>{long}</p>"))]),
        ),
        (
            "seo.content.depth",
            (
                vec![bodies(&format!("<p>{long}</p>"))],
                vec![html(""), bodies("<p>Little.</p>"), html(&format!("<nav>{long}</nav>"))],
            ),
        ),
        (
            "seo.content.readability",
            (
                vec![
                    html(&prose(
                        "We plan the week on Monday, and we look at what we did. Then we choose what to drop.",
                        12,
                    )),
                    html(&prose(
                        "Wir planen die Woche am Montag und sehen, was wir schon haben. Dann fangen wir an.",
                        12,
                    )),
                ],
                vec![html(&prose(hard, 12))],
            ),
        ),
        (
            "seo.links.internal",
            (
                vec![bodies("<a href=/a>About us</a> <a href=https://www.example.com/b>Prices</a>")],
                vec![
                    bodies(""),
                    bodies("<a href=/a>About us</a>"),
                    bodies("<a href=#top>Top</a><a href=https://other.example>O</a>"),
                    html("<nav><a href=/a>A</a><a href=/b>B</a></nav>"),
                ],
            ),
        ),
        (
            "seo.links.text",
            (
                vec![
                    bodies("<a href=/a>Prices</a>"),
                    bodies("<a href=/a><img src=a.png alt=Prices></a>"),
                    bodies("<a href=/a aria-label=Prices></a>"),
                ],
                vec![bodies("<a href=/a>click here</a>"), bodies("<a href=/a><img src=a.png></a>")],
            ),
        ),
        ("seo.links.broken", (vec![tried(&[200, 403])], vec![tried(&[200, 404]), tried(&[500])])),
        (
            "seo.images.alt",
            (vec![html("<img src=a alt='A cat'>"), html("<img src=a alt=''>")], vec![html("<img src=a>")]),
        ),
        ("seo.images.size", (vec![html("<img src=a width=1 height=1>")], vec![html("<img src=a width=1>")])),
        (
            "seo.images.lazy",
            (
                vec![html("<img src=a><img src=b><img src=c><img src=d loading=lazy>")],
                vec![html("<img src=a><img src=b><img src=c><img src=d>")],
            ),
        ),
        ("seo.status", (vec![status(200, 0), status(200, 1)], vec![status(404, 0), status(200, 3)])),
        (
            "seo.indexable",
            (
                vec![html(""), robots("User-agent: *\nAllow: /")],
                vec![
                    meta("robots", "noindex, follow"),
                    meta("googlebot", "none"),
                    header("x-robots-tag", "noindex"),
                    robots("User-agent: *\nDisallow: /blog"),
                ],
            ),
        ),
        (
            "seo.canonical",
            (
                vec![html("<link rel=canonical href=https://example.com/blog/planning>")],
                vec![
                    html(""),
                    html("<link rel=canonical href=/blog>"),
                    html("<link rel=canonical href=https://other.example/>"),
                    html(
                        "<link rel=canonical href=https://example.com/a><link rel=canonical href=https://example.com/b>",
                    ),
                ],
            ),
        ),
        (
            "seo.sitemap",
            (
                vec![
                    with(|facts| facts.sitemap = Some(Sitemap::Listed)),
                    with(|facts| facts.sitemap = Some(Sitemap::TooLarge)),
                ],
                vec![
                    with(|facts| facts.sitemap = Some(Sitemap::Missing)),
                    with(|facts| facts.sitemap = Some(Sitemap::Unlisted)),
                    with(|facts| facts.sitemap = Some(Sitemap::Unreadable("it is empty".to_owned()))),
                ],
            ),
        ),
        (
            "seo.viewport",
            (
                vec![meta("viewport", "width=device-width, initial-scale=1")],
                vec![html(""), meta("viewport", "width=1024")],
            ),
        ),
        ("seo.https", (vec![html("")], vec![page_at("http://example.com/", "")])),
        ("seo.speed", (vec![first_byte(300)], vec![first_byte(1_000), first_byte(5_000)])),
        (
            "seo.weight",
            (
                vec![
                    with(|facts| facts.bytes = Some(500)),
                    with(|facts| {
                        facts.bytes = Some(90_000);
                        facts.headers.insert("content-encoding".to_owned(), "br".to_owned());
                    }),
                ],
                vec![with(|facts| facts.bytes = Some(90_000)), with(|facts| facts.bytes = Some(3_000_000))],
            ),
        ),
        (
            "geo.answer.first",
            (
                vec![bodies(&format!("<p>{answer}</p>"))],
                vec![html(""), bodies("<p>Hi.</p>"), bodies(&format!("<p>{long}</p>"))],
            ),
        ),
        (
            "geo.answer.questions",
            (
                vec![bodies(&format!("<h2>What is it?</h2><p>{answer}</p><h2>Was kostet es？</h2><p>{answer}</p>"))],
                vec![
                    html(""),
                    bodies(&format!("<h2>What is it?</h2><p>{answer}</p>")),
                    bodies("<h2>What?</h2><p>No.</p><h2>Who?</h2>"),
                ],
            ),
        ),
        (
            "geo.answer.lists",
            (
                vec![bodies("<ul><li>A</li></ul>"), bodies("<table><tr><td>A</table>")],
                vec![bodies(&format!("<p>{long} {long}</p>"))],
            ),
        ),
        (
            "geo.evidence.numbers",
            (
                vec![bodies("<p>It takes 40 minutes.</p><p>Of them 12 % agree.</p><p>It costs $9 a month.</p>")],
                vec![html(""), bodies("<p>It takes 40 minutes.</p><p>Few agree.</p>")],
            ),
        ),
        (
            "geo.evidence.sources",
            (
                vec![bodies("<a href=https://a.example/x>A</a><a href=https://b.example/y>B</a>")],
                vec![
                    html(""),
                    bodies("<a href=https://a.example/x>A</a><a href=https://a.example/y>B</a>"),
                    bodies("<a href=https://x.com/us>X</a><a href=https://www.linkedin.com/us>L</a>"),
                ],
            ),
        ),
        (
            "geo.evidence.quotes",
            (
                vec![
                    bodies("<blockquote>Plan less.</blockquote>"),
                    bodies("<p>She says: “We plan one hour a week and not a minute more.”</p>"),
                ],
                vec![html(""), bodies("<p>Plan “less”.</p>")],
            ),
        ),
        (
            "geo.author",
            (
                vec![article(",\"author\":{\"@type\":\"Person\",\"name\":\"Ann\"}")],
                vec![html(""), html("<a rel=author href=/ann>Ann</a>"), article("")],
            ),
        ),
        (
            "geo.date",
            (
                vec![article(",\"datePublished\":\"2026-01-02\",\"dateModified\":\"2026-02-03\"")],
                vec![
                    html(""),
                    article(",\"datePublished\":\"2026-01-02\""),
                    html("<time datetime=2026-01-02>January</time>"),
                ],
            ),
        ),
        (
            "geo.entity.organization",
            (
                vec![html(&typed(
                    "\"@type\":\"Organization\",\"name\":\"O\",\"url\":\"u\",\"sameAs\":[\"https://x.com/o\"]",
                ))],
                vec![html(""), html(&typed("\"@type\":\"Organization\",\"name\":\"O\",\"url\":\"u\""))],
            ),
        ),
        (
            "geo.entity.name",
            (
                vec![brand("Acme: planning", "Acme plans quarters.")],
                vec![
                    html(""),
                    brand("Planning", "Acme plans quarters."),
                    brand("Acme: planning", "We plan quarters."),
                    brand("Planning", "We plan quarters."),
                ],
            ),
        ),
        (
            "geo.schema.answers",
            (vec![article("")], vec![html(""), html(&typed("\"@type\":\"WebPage\",\"name\":\"W\""))]),
        ),
        (
            "geo.schema.breadcrumbs",
            (vec![html(&typed("\"@type\":\"BreadcrumbList\",\"itemListElement\":[1]"))], vec![html("")]),
        ),
        (
            "geo.crawlers.chatgpt",
            (vec![robots("")], vec![robots("User-agent: GPTBot\nDisallow: /"), robots("User-agent: *\nDisallow: /")]),
        ),
        (
            "geo.crawlers.claude",
            (vec![robots("User-agent: GPTBot\nDisallow: /")], vec![robots("User-agent: ClaudeBot\nDisallow: /")]),
        ),
        ("geo.crawlers.perplexity", (vec![robots("")], vec![robots("User-agent: PerplexityBot\nDisallow: /blog/")])),
        ("geo.crawlers.google", (vec![robots("")], vec![robots("User-agent: Google-Extended\nDisallow: /")])),
        (
            "geo.llms_txt",
            (vec![with(|facts| facts.has_llms_txt = Some(true))], vec![with(|facts| facts.has_llms_txt = Some(false))]),
        ),
        (
            "geo.without_script",
            (
                vec![bodies(&format!("<p>{long}</p>"))],
                vec![html(""), html("<body><div id=root></div><script src=app.js></script>")],
            ),
        ),
    ])
}

#[test]
fn each_rule_passes_what_is_right_and_nothing_else() {
    let cases = cases();
    for rule in rules() {
        let (right, wrong) = cases.get(rule.id).unwrap_or_else(|| panic!("{} has no pages", rule.id));
        for page in right {
            let seen = (rule.check)(page);
            assert!(matches!(seen, Verdict::Pass(_)), "{}: {seen:?}", rule.id);
        }
        for (index, page) in wrong.iter().enumerate() {
            let seen = (rule.check)(page);
            assert!(matches!(seen, Verdict::Fail(_) | Verdict::Part(..)), "{} {index}: {seen:?}", rule.id);
            assert!(seen.earned().unwrap() < 1.0, "{} {index}: {seen:?}", rule.id);
        }
    }
    assert_eq!(cases.len(), rules().count(), "no pages without a rule");
}

#[test]
fn the_weights_are_those_of_the_dimensions_and_every_rule_has_a_source() {
    let page = page_at(URL, "");
    for (score, prefix) in [(seo_score(&page), "seo."), (geo_score(&page), "geo.")] {
        let mut worth: BTreeMap<&str, u32> = BTreeMap::new();
        for rule in rules().filter(|rule| rule.id.starts_with(prefix)) {
            *worth.entry(rule.dimension).or_default() += u32::from(rule.weight);
            assert!(rule.source.starts_with("https://") && rule.advice.ends_with('.'), "{}", rule.id);
        }
        assert_eq!(worth.values().sum::<u32>(), 100, "{prefix}");
        for dimension in score.dimensions.iter().filter(|it| it.of > 0.0) {
            assert_eq!(f64::from(worth[dimension.name.as_str()]), dimension.of, "{}", dimension.name);
        }
    }
    let first: Vec<(String, f64)> =
        seo_score(&page).dimensions.iter().take(3).map(|it| (it.name.clone(), it.of)).collect();
    assert_eq!(
        first,
        [("meta tags".to_owned(), 25.0), ("open graph".to_owned(), 15.0), ("structured data".to_owned(), 15.0)]
    );
}

#[test]
fn what_is_not_known_counts_neither_way() {
    let unknown = page_at(URL, "<h1>A</h1>");
    let known = |passes: bool| {
        let mut facts = Facts::only(URL.parse().unwrap());
        facts.sitemap = Some(if passes { Sitemap::Listed } else { Sitemap::Missing });
        seo_score(&Page::read(facts, "<h1>A</h1>"))
    };
    let technical = |score: &marketing::scanner::Score| score.dimensions.last().unwrap().points;
    assert!(seo_score(&unknown).findings.iter().all(|finding| finding.id != "seo.sitemap"));
    assert!(technical(&known(false)) < technical(&known(true)));
    let alone = geo_score(&with(|_| {}));
    assert!(alone.dimensions.iter().any(|it| it.name == "llms.txt" && it.of == 0.0), "{alone:?}");
}

#[test]
fn findings_are_grouped_and_the_greatest_gain_comes_first() {
    let score = seo_score(&page_at(URL, "<title>How to plan a quarter</title>"));
    assert!(score.findings.is_sorted_by(|a, b| a.points >= b.points));
    assert_eq!(score.grade, Grade::F);
    for finding in &score.findings {
        let expected = match finding.points {
            points if points >= 4.0 => Group::Urgent,
            points if points > 0.0 => Group::Recommended,
            _ => Group::Done,
        };
        assert_eq!((finding.group, finding.advice.is_some()), (expected, finding.points > 0.0), "{finding:?}");
    }
}
