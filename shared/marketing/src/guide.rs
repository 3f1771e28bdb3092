//! How to write for each channel.

use chrono::TimeDelta;
use entity::content::{Channel, ContentKind};

use crate::check::rules_for;
use crate::rule::Rule;

/// What a writer and a scheduler need to know of a channel.
#[derive(Debug)]
pub struct Guide {
    /// The channel.
    pub channel: Channel,
    /// Its name in the API, such as `landing_page`.
    pub slug: &'static str,
    /// Its name for people, such as "Landing page".
    pub name: &'static str,
    /// What appears there.
    pub kinds: &'static [ContentKind],
    /// Least time between two pieces, as we recommend; none where pieces do not compete for the same readers' time.
    pub min_spacing: Option<TimeDelta>,
    /// How to write for it: our own advice, one thought a line.
    pub advice: &'static [&'static str],
}

impl Guide {
    /// The rules of all its kinds, each once, those that block first.
    #[must_use]
    pub fn rules(&self) -> Vec<&'static Rule> {
        let mut rules: Vec<&'static Rule> = Vec::new();
        for rule in self.kinds.iter().flat_map(|kind| rules_for(*kind)) {
            if rules.iter().all(|known| known.id != rule.id) {
                rules.push(rule);
            }
        }
        rules.sort_by_key(|rule| rule.severity);
        rules
    }
}

/// Every channel, in the order in which they are listed to people.
pub const CHANNELS: [Channel; 9] = [
    Channel::Linkedin,
    Channel::X,
    Channel::Instagram,
    Channel::Facebook,
    Channel::Newsletter,
    Channel::Email,
    Channel::Blog,
    Channel::LandingPage,
    Channel::Ads,
];

/// The guide of a channel.
#[must_use]
pub fn guide(channel: Channel) -> &'static Guide {
    match channel {
        Channel::Blog => &BLOG,
        Channel::Linkedin => &LINKEDIN,
        Channel::X => &X,
        Channel::Instagram => &INSTAGRAM,
        Channel::Facebook => &FACEBOOK,
        Channel::Newsletter => &NEWSLETTER,
        Channel::Email => &EMAIL,
        Channel::LandingPage => &LANDING_PAGE,
        Channel::Ads => &ADS,
    }
}

/// The channel of a [`Guide::slug`].
#[must_use]
pub fn channel_from_slug(slug: &str) -> Option<Channel> {
    CHANNELS.into_iter().find(|channel| guide(*channel).slug == slug)
}

/// What a kind of content is called for people, such as "LinkedIn post".
#[must_use]
pub const fn kind_label(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::BlogPost => "Blog post",
        ContentKind::LinkedinPost => "LinkedIn post",
        ContentKind::XPost => "X post",
        ContentKind::XThread => "X thread",
        ContentKind::InstagramPost => "Instagram post",
        ContentKind::FacebookPost => "Facebook post",
        ContentKind::Newsletter => "Newsletter",
        ContentKind::Email => "E-mail",
        ContentKind::LandingPage => "Landing page",
        ContentKind::Ad => "Search ad",
    }
}

static LINKEDIN: Guide = Guide {
    channel: Channel::Linkedin,
    slug: "linkedin",
    name: "LinkedIn",
    kinds: &[ContentKind::LinkedinPost],
    min_spacing: Some(TimeDelta::hours(12)),
    advice: &[
        "Open with one line that holds the point: a result with its number, a mistake, or a claim people may disagree with.",
        "Write from experience, in the first person: what was tried, what happened, what it taught.",
        "One idea a post. Paragraphs of one to three short sentences with a blank line between them.",
        "Show the proof: a number with its period, an example, a screenshot.",
        "End with one question that peers can answer from their own work, or with one next step.",
        "LinkedIn shows plain text: no Markdown, and lists as lines that start with a dash.",
    ],
};

static X: Guide = Guide {
    channel: Channel::X,
    slug: "x",
    name: "X",
    kinds: &[ContentKind::XPost, ContentKind::XThread],
    min_spacing: Some(TimeDelta::hours(1)),
    advice: &[
        "Say one thing in a post, in the words one would use aloud.",
        "Put the surprising part first; leave out the introduction.",
        "Prefer a number, a name or an example to an adjective.",
        "In a thread the first post makes the promise and stands on its own; each further post carries one step of it.",
        "End a thread with the takeaway in one sentence and, if there is one, the link.",
        "Plain text only; line breaks give structure.",
    ],
};

static INSTAGRAM: Guide = Guide {
    channel: Channel::Instagram,
    slug: "instagram",
    name: "Instagram",
    kinds: &[ContentKind::InstagramPost],
    min_spacing: Some(TimeDelta::hours(6)),
    advice: &[
        "The picture stops the thumb; the caption gives the reason to stay. Decide what the picture shows first.",
        "First line: what is in it for the reader, before “more” hides the rest.",
        "Short paragraphs, and one story or one tip a post.",
        "In a carousel the first picture asks or promises, each next one gives one step, the last says what to do.",
        "Ask for one thing: save it, send it to somebody, answer a question, or visit the link in the profile.",
        "A few precise hashtags at the end say what the post is about.",
    ],
};

static FACEBOOK: Guide = Guide {
    channel: Channel::Facebook,
    slug: "facebook",
    name: "Facebook",
    kinds: &[ContentKind::FacebookPost],
    min_spacing: Some(TimeDelta::hours(6)),
    advice: &[
        "Write to people who know the brand already: news, people, help, occasions.",
        "Make the point in the first sentence; most readers see only that.",
        "Keep it short, a few sentences, unless a story carries it.",
        "Use a picture of real people or of the product in use.",
        "Ask a question that takes one sentence to answer.",
        "One link at most, with the reason to open it.",
    ],
};

static NEWSLETTER: Guide = Guide {
    channel: Channel::Newsletter,
    slug: "newsletter",
    name: "Newsletter",
    kinds: &[ContentKind::Newsletter],
    min_spacing: Some(TimeDelta::hours(24)),
    advice: &[
        "The subject names what the reader gets; the preview text adds to it and does not repeat it.",
        "Open with the most useful thing, not with a greeting about the season.",
        "Give each part a heading that can be skimmed, and keep one main topic an issue.",
        "Say for each link what waits behind it; “click here” says nothing.",
        "One main call to action, once in the middle and once at the end.",
        "Sign with the name of a person who reads the answers.",
    ],
};

static EMAIL: Guide = Guide {
    channel: Channel::Email,
    slug: "email",
    name: "E-mail",
    kinds: &[ContentKind::Email],
    min_spacing: Some(TimeDelta::hours(24)),
    advice: &[
        "Write to one person, about one matter, with one thing to do.",
        "The first sentence says why this message comes to this reader now.",
        "Keep it under 150 words unless the reader asked for detail.",
        "Put the request on a line of its own and make it easy to say yes to.",
        "No attachments, few pictures, no urgency that is not real.",
    ],
};

static BLOG: Guide = Guide {
    channel: Channel::Blog,
    slug: "blog",
    name: "Blog",
    kinds: &[ContentKind::BlogPost],
    min_spacing: Some(TimeDelta::hours(12)),
    advice: &[
        "Choose the question a reader types, and answer it in the first two sentences.",
        "Use headings that are questions or statements, so that the outline alone makes sense.",
        "Back each claim with a number, an example or a link to its source.",
        "Tell what only this brand can tell: its data, its customers, its mistakes.",
        "Link to the pages of the site that help next.",
        "Close with the one step that follows, not with a summary.",
    ],
};

static LANDING_PAGE: Guide = Guide {
    channel: Channel::LandingPage,
    slug: "landing_page",
    name: "Landing page",
    kinds: &[ContentKind::LandingPage],
    min_spacing: None,
    advice: &[
        "One page, one audience, one offer, one action.",
        "The headline says what the visitor gets; the line below says for whom and how.",
        "Repeat the words of the ad or link that led here.",
        "Order: promise, proof, how it works, objections, action.",
        "Proof beats praise: a customer's name and number, a guarantee that is meant, a demo.",
        "Name the action by its result, such as “See my audit”, and repeat it after each part that persuades.",
    ],
};

static ADS: Guide = Guide {
    channel: Channel::Ads,
    slug: "ads",
    name: "Search ads",
    kinds: &[ContentKind::Ad],
    min_spacing: None,
    advice: &[
        "Write headlines that make sense in any order and in any pair: Google combines them.",
        "Use the words people search for in several headlines.",
        "Spread the headlines: what it is, the benefit, the proof, the price or offer, the call to action.",
        "Make each description a whole thought that stands alone.",
        "Promise nothing that the page behind the link does not show at once.",
    ],
};
