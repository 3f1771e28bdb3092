use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// A platform that customers connect. The order is that of lists.
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
pub enum Platform {
    /// Visits to the website.
    GoogleAnalytics,
    /// How the website is found in Google's search.
    SearchConsole,
    /// Instagram, of business and creator accounts.
    Instagram,
    /// LinkedIn.
    Linkedin,
    /// X, formerly Twitter.
    X,
    /// Pages on Facebook.
    Facebook,
    /// YouTube.
    Youtube,
    /// TikTok.
    Tiktok,
    /// Reddit.
    Reddit,
    /// Gmail.
    Gmail,
    /// Campaigns by e-mail.
    Mailchimp,
    /// Contacts and deals.
    Hubspot,
    /// Messages to a team.
    Slack,
    /// Pages of a workspace.
    Notion,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::GoogleAnalytics,
        Self::SearchConsole,
        Self::Instagram,
        Self::Linkedin,
        Self::X,
        Self::Facebook,
        Self::Youtube,
        Self::Tiktok,
        Self::Reddit,
        Self::Gmail,
        Self::Mailchimp,
        Self::Hubspot,
        Self::Slack,
        Self::Notion,
    ];

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GoogleAnalytics => "google_analytics",
            Self::SearchConsole => "search_console",
            Self::Instagram => "instagram",
            Self::Linkedin => "linkedin",
            Self::X => "x",
            Self::Facebook => "facebook",
            Self::Youtube => "youtube",
            Self::Tiktok => "tiktok",
            Self::Reddit => "reddit",
            Self::Gmail => "gmail",
            Self::Mailchimp => "mailchimp",
            Self::Hubspot => "hubspot",
            Self::Slack => "slack",
            Self::Notion => "notion",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no platform. Says which there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownPlatform;

impl fmt::Display for UnknownPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be one of")?;
        for (index, platform) in Platform::ALL.into_iter().enumerate() {
            write!(f, "{} {platform}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(text: &str) -> Result<Self, UnknownPlatform> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == text).ok_or(UnknownPlatform)
    }
}
