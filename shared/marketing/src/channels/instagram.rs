//! Instagram.

use entity::content::{Draft, Finding, MediaType, Severity};
use url::Url;

use super::x::url_ranges;
use crate::rule::Rule;
use crate::text::{characters, counted, cut, first_line, hashtags, mentions, number, utf16};

/// In UTF-16 code units: Instagram does not say what a character is, and no usual counting gives more.
const MAX_LENGTH: usize = 2_200;
const MAX_HASHTAGS: usize = 30;
/// What Instagram has announced that it is lowering the limit to, step by step; its documentation still says thirty.
const FEW_HASHTAGS: usize = 5;
const MAX_MENTIONS: usize = 20;
const MAX_MEDIA: usize = 10;
/// What shows above "more".
const FOLD: usize = 125;

const CAPTION: &str =
    "https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media";
const PUBLISHING: &str = "https://developers.facebook.com/docs/instagram-platform/content-publishing/";

const LENGTH: Rule = Rule {
    id: "instagram.length",
    severity: Severity::Blocking,
    source: Some(CAPTION),
    summary: || format!("A caption has at most {} characters; an emoji takes two or more.", number(MAX_LENGTH)),
};
const HASHTAGS: Rule = Rule {
    id: "instagram.hashtags",
    severity: Severity::Blocking,
    source: Some(CAPTION),
    summary: || format!("A caption has at most {MAX_HASHTAGS} hashtags."),
};
const FEWER_HASHTAGS: Rule = Rule {
    id: "instagram.few_hashtags",
    severity: Severity::Warning,
    source: Some("https://www.threads.com/@creators/post/DSalXGPCWM4"),
    summary: || {
        format!("A caption has at most {FEW_HASHTAGS} hashtags: Instagram is lowering its limit to that number.")
    },
};
const MENTIONS: Rule = Rule {
    id: "instagram.mentions",
    severity: Severity::Blocking,
    source: Some(CAPTION),
    summary: || format!("A caption mentions at most {MAX_MENTIONS} accounts."),
};
const MEDIA: Rule = Rule {
    id: "instagram.media",
    severity: Severity::Blocking,
    source: Some(PUBLISHING),
    summary: || format!("A post carries 1 to {MAX_MEDIA} pictures or videos; text alone cannot be posted."),
};
const FORMAT: Rule = Rule {
    id: "instagram.format",
    severity: Severity::Warning,
    source: Some(PUBLISHING),
    summary: || "Pictures are JPEG files, the only format that Instagram takes from other software.".to_owned(),
};
const LINK: Rule = Rule {
    id: "instagram.link",
    severity: Severity::Warning,
    source: None,
    summary: || "The caption has no link: it cannot be tapped there.".to_owned(),
};
const HOOK: Rule = Rule {
    id: "instagram.hook",
    severity: Severity::Note,
    source: None,
    summary: || format!("The first line has at most {FOLD} characters, about what shows above “more”."),
};

pub(crate) static RULES: &[&Rule] = &[&LENGTH, &HASHTAGS, &MENTIONS, &MEDIA, &FEWER_HASHTAGS, &FORMAT, &LINK, &HOOK];

pub(crate) fn check(draft: &Draft, found: &mut Vec<Finding>) {
    let caption = draft.body.trim();
    let length = utf16(caption);
    if length > MAX_LENGTH {
        found.push(
            LENGTH
                .finding(format!("{} of {} characters.", number(length), number(MAX_LENGTH)), cut(length, MAX_LENGTH)),
        );
    }
    check_tags(caption, found);
    check_media(draft, found);
    if !url_ranges(caption).is_empty() {
        found.push(LINK.finding(
            "The caption has a link, which cannot be tapped on Instagram.",
            "Take the link out and point to the link in the profile.",
        ));
    }
    let hook = characters(first_line(caption));
    if hook > FOLD {
        found.push(HOOK.finding(
            format!("The first line has {} characters; about {FOLD} show above “more”.", number(hook)),
            format!("Make the point in a first line of at most {FOLD} characters."),
        ));
    }
}

fn check_tags(caption: &str, found: &mut Vec<Finding>) {
    let tags = hashtags(caption).len();
    if tags > MAX_HASHTAGS {
        found.push(HASHTAGS.finding(
            format!("{tags} of {MAX_HASHTAGS} hashtags."),
            format!("Remove at least {}.", counted(tags - MAX_HASHTAGS, "hashtag", "hashtags")),
        ));
    } else if tags > FEW_HASHTAGS {
        found.push(FEWER_HASHTAGS.finding(
            format!("{tags} hashtags; Instagram is lowering its limit to {FEW_HASHTAGS}."),
            format!("Keep the {FEW_HASHTAGS} that describe the post best."),
        ));
    }
    let mentions = mentions(caption).len();
    if mentions > MAX_MENTIONS {
        found.push(MENTIONS.finding(
            format!("{mentions} of {MAX_MENTIONS} mentions."),
            format!("Remove at least {}.", counted(mentions - MAX_MENTIONS, "mention", "mentions")),
        ));
    }
}

fn check_media(draft: &Draft, found: &mut Vec<Finding>) {
    let count = draft.media.len();
    if count == 0 {
        found.push(MEDIA.finding(
            "There is no picture or video, and Instagram takes no text alone.",
            format!("Add 1 to {MAX_MEDIA} pictures or videos."),
        ));
    } else if count > MAX_MEDIA {
        found.push(MEDIA.finding(
            format!("{count} of {MAX_MEDIA} pictures and videos."),
            format!("Remove at least {}.", count - MAX_MEDIA),
        ));
    }
    let others = draft.media.iter().filter(|media| media.media_type == MediaType::Image && is_other_format(&media.url));
    let others = others.count();
    if others > 0 {
        found.push(FORMAT.finding(
            format!("{} by its file name no JPEG file.", counted(others, "picture is", "pictures are each")),
            "Give the address of a JPEG file.",
        ));
    }
}

/// Whether the file name says that it is a picture of another format than JPEG.
fn is_other_format(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let path = url.path().to_ascii_lowercase();
    [".png", ".gif", ".webp", ".avif", ".heic", ".svg", ".bmp", ".tif", ".tiff"].iter().any(|end| path.ends_with(end))
}
