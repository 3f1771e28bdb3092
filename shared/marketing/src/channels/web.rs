//! The brand's own pages: blog posts and landing pages.

use entity::content::{Draft, Finding, Severity};

use crate::markdown::{self, Markdown};
use crate::rule::Rule;
use crate::text::{characters, counted, cut, filled, number, words};

/// Search engines set no limit but cut what does not fit the line.
const MIN_TITLE: usize = 10;
const MAX_TITLE: usize = 60;
const MAX_DESCRIPTION: usize = 160;
const MIN_WORDS: usize = 300;
/// From this length on a text needs headings to find one's way.
const LONG_WORDS: usize = 600;

const TITLES: &str = "https://developers.google.com/search/docs/appearance/title-link";
const SNIPPETS: &str = "https://developers.google.com/search/docs/appearance/snippet";
const LINKS_GUIDE: &str = "https://developers.google.com/search/docs/crawling-indexing/links-crawlable";

const TITLE: Rule = Rule {
    id: "web.title",
    severity: Severity::Blocking,
    source: Some(TITLES),
    summary: || "There is a title.".to_owned(),
};
const TITLE_LENGTH: Rule = Rule {
    id: "web.title_length",
    severity: Severity::Warning,
    source: Some(TITLES),
    summary: || {
        format!(
            "The title has {MIN_TITLE} to {MAX_TITLE} characters. Google names no number; longer ones are mostly cut in its results."
        )
    },
};
const DESCRIPTION: Rule = Rule {
    id: "web.description",
    severity: Severity::Warning,
    source: Some(SNIPPETS),
    summary: || {
        format!(
            "There is a meta description of at most {MAX_DESCRIPTION} characters. Google names no number; longer ones are mostly cut in its results."
        )
    },
};
const LENGTH: Rule = Rule {
    id: "blog.length",
    severity: Severity::Warning,
    source: None,
    summary: || format!("The article has at least {MIN_WORDS} words."),
};
const HEADINGS: Rule = Rule {
    id: "blog.headings",
    severity: Severity::Note,
    source: None,
    summary: || format!("An article of more than {LONG_WORDS} words has headings."),
};
const ONE_TITLE: Rule = Rule {
    id: "web.heading_levels",
    severity: Severity::Note,
    source: None,
    summary: || {
        "The headings of the body start at the second level (##): the title of the page is the first.".to_owned()
    },
};
const LINKS: Rule = Rule {
    id: "blog.links",
    severity: Severity::Note,
    source: Some(LINKS_GUIDE),
    summary: || "The article links to a page of the site or to a source.".to_owned(),
};
const CALL: Rule = Rule {
    id: "landing.call_to_action",
    severity: Severity::Warning,
    source: None,
    summary: || "The page has a link for the one thing that visitors are to do.".to_owned(),
};

pub(crate) static BLOG_RULES: &[&Rule] = &[&TITLE, &TITLE_LENGTH, &DESCRIPTION, &LENGTH, &HEADINGS, &ONE_TITLE, &LINKS];
pub(crate) static LANDING_RULES: &[&Rule] = &[&TITLE, &TITLE_LENGTH, &DESCRIPTION, &CALL, &ONE_TITLE];

pub(crate) fn check_blog(draft: &Draft, found: &mut Vec<Finding>) {
    let body = markdown::parse(&draft.body);
    check_head(draft, &body, found);
    let count = words(&body.text);
    if count > 0 && count < MIN_WORDS {
        found.push(LENGTH.finding(
            format!(
                "{}; an article that answers a question takes {MIN_WORDS} or more.",
                counted(count, "word", "words")
            ),
            format!(
                "Add at least {} of substance: an example, a number, a step.",
                counted(MIN_WORDS - count, "word", "words")
            ),
        ));
    }
    if count > LONG_WORDS && body.titles + body.headings == 0 {
        found.push(HEADINGS.finding(
            format!("{} words and no heading.", number(count)),
            "Put a heading (##) above each part that says what it tells.",
        ));
    }
    if count > 0 && body.links.is_empty() {
        found.push(LINKS.finding("The article has no link.", "Link to a page of the site or to a source of a fact."));
    }
}

pub(crate) fn check_landing(draft: &Draft, found: &mut Vec<Finding>) {
    let body = markdown::parse(&draft.body);
    check_head(draft, &body, found);
    if body.links.iter().all(|link| link.trim().is_empty()) && filled(draft.link.as_deref()).is_none() {
        found.push(CALL.finding(
            "The page has no link, so visitors can do nothing on it.",
            "Add a link that names the action, such as [Start the free trial](https://example.com/start).",
        ));
    }
}

/// What both kinds of page show in search results, and the levels of their headings.
fn check_head(draft: &Draft, body: &Markdown, found: &mut Vec<Finding>) {
    match filled(draft.title.as_deref()) {
        Some(title) => check_title(title, found),
        None => found.push(TITLE.finding(
            "There is no title.",
            format!("Write a title of {MIN_TITLE} to {MAX_TITLE} characters that says what the page is about."),
        )),
    }
    let description = filled(draft.description.as_deref()).map(characters);
    match description {
        None => found.push(DESCRIPTION.finding(
            "There is no meta description.",
            format!("Write one of at most {MAX_DESCRIPTION} characters that makes people want to open the page."),
        )),
        Some(length) if length > MAX_DESCRIPTION => found.push(DESCRIPTION.finding(
            format!("The meta description has {} of {MAX_DESCRIPTION} characters.", number(length)),
            cut(length, MAX_DESCRIPTION),
        )),
        Some(_) => {}
    }
    if body.titles > 0 {
        found.push(ONE_TITLE.finding(
            format!(
                "{} of the first level in the body, next to the title.",
                counted(body.titles, "heading", "headings")
            ),
            "Use ## for the parts of the body and ### below them.",
        ));
    }
}

fn check_title(title: &str, found: &mut Vec<Finding>) {
    let length = characters(title);
    if length > MAX_TITLE {
        found.push(
            TITLE_LENGTH.finding(
                format!("The title has {} of {MAX_TITLE} characters.", number(length)),
                cut(length, MAX_TITLE),
            ),
        );
    } else if length < MIN_TITLE {
        found.push(TITLE_LENGTH.finding(
            format!(
                "The title has {}; fewer than {MIN_TITLE} say too little.",
                counted(length, "character", "characters")
            ),
            format!("Lengthen it to {MIN_TITLE} to {MAX_TITLE} characters."),
        ));
    }
}
