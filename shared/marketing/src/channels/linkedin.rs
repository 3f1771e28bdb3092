//! LinkedIn.

use entity::content::{Draft, Finding, MediaType, Severity};

use crate::rule::Rule;
use crate::text::{characters, counted, cut, first_line, hashtags, number, utf16};

/// In UTF-16 code units: LinkedIn does not say what a character is, and no usual counting gives more.
const MAX_LENGTH: usize = 3_000;
/// What shows above "see more", about three lines.
const FOLD: usize = 210;
const MIN_HASHTAGS: usize = 3;
const MAX_HASHTAGS: usize = 5;
const MAX_IMAGES: usize = 20;
const MAX_VIDEOS: usize = 1;

const LENGTH: Rule = Rule {
    id: "linkedin.length",
    severity: Severity::Blocking,
    source: Some("https://www.linkedin.com/help/linkedin/answer/a528176"),
    summary: || format!("A post has at most {} characters; an emoji takes two or more.", number(MAX_LENGTH)),
};
const MEDIA: Rule = Rule {
    id: "linkedin.media",
    severity: Severity::Blocking,
    source: Some(
        "https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/multiimage-post-api",
    ),
    summary: || format!("A post carries up to {MAX_IMAGES} pictures or {MAX_VIDEOS} video, not both."),
};
const HOOK: Rule = Rule {
    id: "linkedin.hook",
    severity: Severity::Warning,
    source: None,
    summary: || format!("The first line makes its point within {FOLD} characters, about what shows above “see more”."),
};
const HASHTAGS: Rule = Rule {
    id: "linkedin.hashtags",
    severity: Severity::Note,
    source: None,
    summary: || format!("A post has {MIN_HASHTAGS} to {MAX_HASHTAGS} hashtags, at the end."),
};

pub(crate) static RULES: &[&Rule] = &[&LENGTH, &MEDIA, &HOOK, &HASHTAGS];

pub(crate) fn check(draft: &Draft, found: &mut Vec<Finding>) {
    let body = draft.body.trim();
    let length = utf16(body);
    if length > MAX_LENGTH {
        found.push(
            LENGTH
                .finding(format!("{} of {} characters.", number(length), number(MAX_LENGTH)), cut(length, MAX_LENGTH)),
        );
    }
    check_media(draft, found);
    let hook = characters(first_line(body));
    if hook > FOLD {
        found.push(HOOK.finding(
            format!("The first line has {} characters; about {FOLD} show above “see more”.", number(hook)),
            format!("Start with a line of at most {FOLD} characters that makes the point, then a blank line."),
        ));
    }
    let tags = hashtags(body).len();
    if !body.is_empty() && !(MIN_HASHTAGS..=MAX_HASHTAGS).contains(&tags) {
        found.push(HASHTAGS.finding(
            format!("{}; {MIN_HASHTAGS} to {MAX_HASHTAGS} are usual.", counted(tags, "hashtag", "hashtags")),
            format!("End with {MIN_HASHTAGS} to {MAX_HASHTAGS} hashtags that name the topic."),
        ));
    }
}

fn check_media(draft: &Draft, found: &mut Vec<Finding>) {
    let videos = draft.media.iter().filter(|media| media.media_type == MediaType::Video).count();
    let images = draft.media.len() - videos;
    if images > MAX_IMAGES || videos > MAX_VIDEOS || (images > 0 && videos > 0) {
        found.push(MEDIA.finding(
            format!("{} and {}.", counted(images, "picture", "pictures"), counted(videos, "video", "videos")),
            format!("Keep up to {MAX_IMAGES} pictures, or {MAX_VIDEOS} video and no picture."),
        ));
    }
}
