//! X: posts and threads. How X counts is in [`counting`].

mod counting;

use entity::content::{Draft, Finding, MediaType, Severity};

use crate::rule::Rule;
use crate::text::{counted, cut, filled, hashtags, number};
pub use counting::weighted_length;
pub(crate) use counting::{MAX_LENGTH, URL_LENGTH, url_ranges};

const MIN_POSTS: usize = 2;
/// What the composer of X takes in one thread.
const MAX_POSTS: usize = 25;
const MAX_IMAGES: usize = 4;
const MAX_VIDEOS: usize = 1;
const MAX_HASHTAGS: usize = 2;

const COUNTING: &str = "https://docs.x.com/fundamentals/counting-characters";
const UPLOAD: &str = "https://docs.x.com/x-api/media/quickstart/best-practices";

const LENGTH: Rule = Rule {
    id: "x.length",
    severity: Severity::Blocking,
    source: Some(COUNTING),
    summary: || {
        format!(
            "A post has at most {MAX_LENGTH} characters as X counts them: a link counts {URL_LENGTH} whatever its \
             length, an emoji 2, a Chinese, Japanese or Korean character 2."
        )
    },
};
const CHARACTERS: Rule = Rule {
    id: "x.characters",
    severity: Severity::Blocking,
    source: Some("https://github.com/twitter/twitter-text"),
    summary: || "A post has none of the characters U+FFFE, U+FEFF and U+FFFF, which X refuses.".to_owned(),
};
const MEDIA: Rule = Rule {
    id: "x.media",
    severity: Severity::Blocking,
    source: Some(UPLOAD),
    summary: || {
        format!(
            "A post carries up to {MAX_IMAGES} pictures or {MAX_VIDEOS} video, not both. In a thread, media goes with the first post."
        )
    },
};
const LINK: Rule = Rule {
    id: "x.link",
    severity: Severity::Note,
    source: None,
    summary: || "The link stands in the text, where readers can follow it.".to_owned(),
};
const HASHTAGS: Rule = Rule {
    id: "x.hashtags",
    severity: Severity::Note,
    source: None,
    summary: || format!("A post has at most {MAX_HASHTAGS} hashtags."),
};
const POSTS: Rule = Rule {
    id: "x.thread_posts",
    severity: Severity::Blocking,
    source: None,
    summary: || format!("A thread has {MIN_POSTS} to {MAX_POSTS} posts, separated by lines that hold only ---."),
};
const EMPTY: Rule = Rule {
    id: "x.thread_empty_post",
    severity: Severity::Blocking,
    source: None,
    summary: || "No post of a thread is empty.".to_owned(),
};

pub(crate) static POST_RULES: &[&Rule] = &[&LENGTH, &CHARACTERS, &MEDIA, &LINK, &HASHTAGS];
pub(crate) static THREAD_RULES: &[&Rule] = &[&POSTS, &EMPTY, &LENGTH, &CHARACTERS, &MEDIA, &LINK, &HASHTAGS];

/// The posts of a thread's body, trimmed: the text between lines that hold only `---`.
///
/// An empty post is kept, so that the number of a post is its place in the result plus one.
#[must_use]
pub fn posts(body: &str) -> Vec<&str> {
    let mut posts = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for line in body.split_inclusive('\n') {
        if line.trim() == "---" {
            posts.push(body.get(start..end).unwrap_or_default().trim());
            start = end + line.len();
        }
        end += line.len();
    }
    posts.push(body.get(start..).unwrap_or_default().trim());
    posts
}

pub(crate) fn check_post(draft: &Draft, found: &mut Vec<Finding>) {
    check_text(draft.body.trim(), "", found);
    check_shared(draft, found);
}

pub(crate) fn check_thread(draft: &Draft, found: &mut Vec<Finding>) {
    let posts = posts(&draft.body);
    if !(MIN_POSTS..=MAX_POSTS).contains(&posts.len()) {
        found.push(POSTS.finding(
            format!("{}; a thread has {MIN_POSTS} to {MAX_POSTS}.", counted(posts.len(), "post", "posts")),
            if posts.len() < MIN_POSTS {
                "Separate the posts with lines that hold only ---, or save it as a single post."
            } else {
                "Merge or drop posts."
            },
        ));
    }
    // Posts beyond the most are to go in any case; looking at them would only make the list long.
    for (index, post) in posts.iter().enumerate().take(MAX_POSTS) {
        let number = index + 1;
        if post.is_empty() {
            found.push(
                EMPTY.finding(
                    format!("Post {number} is empty."),
                    format!("Write post {number} or remove its separator."),
                ),
            );
        }
        check_text(post, &format!("Post {number}: "), found);
    }
    check_shared(draft, found);
}

/// What holds for each single post; `place` names the post at the start of a message.
fn check_text(post: &str, place: &str, found: &mut Vec<Finding>) {
    let length = weighted_length(post);
    if length > MAX_LENGTH {
        found.push(LENGTH.finding(
            format!("{place}{} of {} characters as X counts them.", number(length), number(MAX_LENGTH)),
            format!("{place}{}", cut(length, MAX_LENGTH)),
        ));
    }
    if post.contains(['\u{fffe}', '\u{feff}', '\u{ffff}']) {
        found.push(CHARACTERS.finding(
            format!("{place}An invisible character that X refuses is in the text."),
            format!("{place}Remove the characters U+FFFE, U+FEFF and U+FFFF."),
        ));
    }
    let tags = hashtags(post).len();
    if tags > MAX_HASHTAGS {
        found.push(HASHTAGS.finding(
            format!(
                "{place}{}; more than {MAX_HASHTAGS} distract from the text.",
                counted(tags, "hashtag", "hashtags")
            ),
            format!("{place}Keep the {MAX_HASHTAGS} that matter most."),
        ));
    }
}

fn check_shared(draft: &Draft, found: &mut Vec<Finding>) {
    let videos = draft.media.iter().filter(|media| media.media_type == MediaType::Video).count();
    let images = draft.media.len() - videos;
    if images > MAX_IMAGES || videos > MAX_VIDEOS || (images > 0 && videos > 0) {
        found.push(MEDIA.finding(
            format!("{} and {}.", counted(images, "picture", "pictures"), counted(videos, "video", "videos")),
            format!("Keep up to {MAX_IMAGES} pictures, or {MAX_VIDEOS} video and no picture."),
        ));
    }
    if let Some(link) = filled(draft.link.as_deref()).filter(|link| !draft.body.contains(link)) {
        found.push(LINK.finding(
            "The link does not stand in the text, and X shows no other.",
            format!("Put {link} into the text if readers are to follow it; it counts {URL_LENGTH} characters."),
        ));
    }
}
