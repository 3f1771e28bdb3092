//! Rules that hold on every channel.

use entity::content::{ContentKind, Draft, Finding, MediaType, Severity};

use crate::channels::is_markdown;
use crate::markdown;
use crate::problem::is_web_url;
use crate::rule::Rule;
use crate::text::{counted, filled};

const BODY: Rule = Rule {
    id: "body.empty",
    severity: Severity::Blocking,
    source: None,
    summary: || "There is text in the body.".to_owned(),
};
const LINK: Rule = Rule {
    id: "link.url",
    severity: Severity::Blocking,
    source: None,
    summary: || "The link is a whole web address that starts with https:// or http://.".to_owned(),
};
const MEDIA: Rule = Rule {
    id: "media.url",
    severity: Severity::Blocking,
    source: None,
    summary: || "Each picture or video has a whole web address that starts with https:// or http://.".to_owned(),
};
const ALT: Rule = Rule {
    id: "media.alt",
    severity: Severity::Warning,
    source: Some("https://www.w3.org/WAI/tutorials/images/"),
    summary: || "Each picture has an alt text for people who cannot see it.".to_owned(),
};

pub(crate) static RULES: &[&Rule] = &[&BODY, &LINK, &MEDIA, &ALT];

pub(crate) fn check(kind: ContentKind, draft: &Draft, found: &mut Vec<Finding>) {
    if draft.body.trim().is_empty() {
        found.push(BODY.finding("The body is empty.", "Write the text."));
    }
    if let Some(link) = filled(draft.link.as_deref()).filter(|link| !is_web_url(link)) {
        found.push(LINK.finding(
            format!("“{link}” is not a web address."),
            "Give the whole address, such as https://example.com/page.",
        ));
    }
    check_media_urls(draft, found);
    check_alt(kind, draft, found);
}

fn check_media_urls(draft: &Draft, found: &mut Vec<Finding>) {
    for (index, media) in draft.media.iter().enumerate().filter(|(_, media)| !is_web_url(&media.url)) {
        found.push(MEDIA.finding(
            format!("“{}”, number {} of the media, is not a web address.", media.url, index + 1),
            "Give the public address of the file, such as https://example.com/picture.jpg.",
        ));
    }
}

fn check_alt(kind: ContentKind, draft: &Draft, found: &mut Vec<Finding>) {
    let mut missing = draft
        .media
        .iter()
        .filter(|media| media.media_type == MediaType::Image && filled(media.alt.as_deref()).is_none())
        .count();
    if is_markdown(kind) {
        missing += markdown::parse(&draft.body).pictures_without_alt;
    }
    if missing > 0 {
        found.push(ALT.finding(
            format!("{} without alt text.", counted(missing, "picture", "pictures")),
            "Say in each alt text, in a sentence, what is to be seen.",
        ));
    }
}
