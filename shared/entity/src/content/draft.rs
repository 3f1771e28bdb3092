//! What an author writes, and what the rules find in it.

use schemars::JsonSchema;
use sea_orm::{DeriveActiveEnum, EnumIter, FromJsonQueryResult};
use serde::{Deserialize, Serialize};

/// What a piece of content is. Fixed when the piece is created.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ContentKind {
    /// An article on the brand's own blog; body in Markdown.
    BlogPost,
    /// A post on LinkedIn.
    LinkedinPost,
    /// A single post on X.
    XPost,
    /// A thread on X; a line with only `---` separates its posts.
    XThread,
    /// A caption with media on Instagram.
    InstagramPost,
    /// A post on a Facebook page.
    FacebookPost,
    /// An issue of the newsletter; body in Markdown.
    Newsletter,
    /// A single e-mail; body in Markdown.
    Email,
    /// A landing page; body in Markdown.
    LandingPage,
    /// A responsive search ad: the title holds the headlines and the body the descriptions, one a line.
    Ad,
}

/// Where content appears.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Channel {
    /// The brand's own blog.
    Blog,
    /// LinkedIn.
    Linkedin,
    /// X, formerly Twitter.
    X,
    /// Instagram.
    Instagram,
    /// Facebook.
    Facebook,
    /// The newsletter.
    Newsletter,
    /// Single e-mails.
    Email,
    /// Landing pages of the brand's site.
    LandingPage,
    /// Search ads.
    Ads,
}

impl ContentKind {
    /// Where content of this kind appears.
    #[must_use]
    pub const fn channel(self) -> Channel {
        match self {
            Self::BlogPost => Channel::Blog,
            Self::LinkedinPost => Channel::Linkedin,
            Self::XPost | Self::XThread => Channel::X,
            Self::InstagramPost => Channel::Instagram,
            Self::FacebookPost => Channel::Facebook,
            Self::Newsletter => Channel::Newsletter,
            Self::Email => Channel::Email,
            Self::LandingPage => Channel::LandingPage,
            Self::Ad => Channel::Ads,
        }
    }
}

/// The words and media of a piece of content, as stored in each revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, FromJsonQueryResult)]
#[serde(rename_all = "camelCase", default)]
pub struct Draft {
    /// Headline, or a working title for kinds that show none. For an ad: its headlines, one a line.
    pub title: Option<String>,
    /// The text itself. For an X thread: posts separated by lines with only `---`. For an ad: its descriptions, one a line.
    pub body: String,
    /// Subject line of an e-mail or newsletter.
    pub subject: Option<String>,
    /// Preview text of an e-mail or newsletter, shown after the subject in the inbox.
    pub preheader: Option<String>,
    /// Meta description of a blog post or landing page.
    pub description: Option<String>,
    /// The page the piece leads to.
    pub link: Option<String>,
    /// Pictures and videos, in order.
    pub media: Vec<Media>,
}

/// A picture or video that goes with a piece of content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// Public https address of the file.
    pub url: String,
    /// Picture or video.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// What is to be seen, for people who cannot see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

/// Kind of a media file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum MediaType {
    /// A still picture.
    Image,
    /// A moving one.
    Video,
}

/// One thing the rules found in a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule, such as `linkedin.length`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was seen, with numbers.
    pub message: String,
    /// What to change so that the rule passes.
    pub fix: String,
    /// Public page that states the rule; absent for the brand's own rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Severity {
    /// The channel would refuse it, or the brand forbids it: it cannot be approved.
    Blocking,
    /// It would work less well than it could.
    Warning,
    /// Worth knowing.
    Note,
}

/// The findings of one revision, as stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// The findings that stand in the way of an approval.
    pub fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(|finding| finding.severity == Severity::Blocking)
    }
}
