//! What each platform is and can do for us: the one place that knows.

use entity::connections::Platform;
use entity::content::Channel;

/// A platform, as routes, tools, pages and `heycmo doctor` describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Which.
    pub platform: Platform,
    /// Its name for people.
    pub name: &'static str,
    /// Composio's name for it.
    pub toolkit: &'static str,
    /// Whether we read numbers from it.
    pub metrics: bool,
    /// What we publish on it.
    pub publishes: &'static [Channel],
    /// Whether it can carry messages to the customer's own team.
    pub notifies: bool,
    /// What people should know before they connect it.
    pub limits: &'static str,
}

const fn source(platform: Platform, name: &'static str, toolkit: &'static str, limits: &'static str) -> Facts {
    Facts { platform, name, toolkit, metrics: true, publishes: &[], notifies: false, limits }
}

const fn plain(platform: Platform, name: &'static str, toolkit: &'static str, limits: &'static str) -> Facts {
    Facts { metrics: false, ..source(platform, name, toolkit, limits) }
}

/// What a platform is and can do for us.
#[must_use]
pub const fn facts(platform: Platform) -> Facts {
    match platform {
        Platform::GoogleAnalytics => source(
            platform,
            "Google Analytics",
            "google_analytics",
            "Google Analytics 4 only. The numbers of the last day or two still grow.",
        ),
        Platform::SearchConsole => source(
            platform,
            "Google Search Console",
            "google_search_console",
            "Google tells what people searched two to three days later.",
        ),
        Platform::Instagram => Facts {
            publishes: &[Channel::Instagram],
            ..source(
                platform,
                "Instagram",
                "instagram",
                "Business and creator accounts only. Every post needs a picture or video at a public address; 50 posts a day.",
            )
        },
        Platform::Linkedin => Facts {
            publishes: &[Channel::Linkedin],
            ..source(
                platform,
                "LinkedIn",
                "linkedin",
                "Posts go out as the person who connected it. LinkedIn gives no numbers on a person's posts.",
            )
        },
        Platform::X => Facts {
            publishes: &[Channel::X],
            ..source(platform, "X", "twitter", "Posts and threads of text. X counts the posts of each app and day.")
        },
        Platform::Facebook => Facts {
            publishes: &[Channel::Facebook],
            ..source(
                platform,
                "Facebook",
                "facebook",
                "Pages only, not profiles: the first page that the person manages.",
            )
        },
        Platform::Youtube => {
            source(platform, "YouTube", "youtube", "Totals of the channel and its videos as they are now.")
        }
        Platform::Tiktok => plain(platform, "TikTok", "tiktok", "Can be connected; nothing is read or posted yet."),
        Platform::Reddit => plain(platform, "Reddit", "reddit", "Can be connected; nothing is read or posted yet."),
        Platform::Gmail => Facts {
            notifies: true,
            ..plain(platform, "Gmail", "gmail", "Can be connected; nothing is read or sent yet.")
        },
        Platform::Mailchimp => Facts {
            publishes: &[Channel::Newsletter, Channel::Email],
            ..plain(
                platform,
                "Mailchimp",
                "mailchimp",
                "Newsletters and e-mails go as campaigns to the first audience of the account.",
            )
        },
        Platform::Hubspot => plain(platform, "HubSpot", "hubspot", "Can be connected; nothing is read or written yet."),
        Platform::Slack => Facts {
            notifies: true,
            ..plain(platform, "Slack", "slack", "Can be connected; nothing is read or sent yet.")
        },
        Platform::Notion => plain(platform, "Notion", "notion", "Can be connected; nothing is read or written yet."),
    }
}

/// All of them, in the order of lists.
pub fn all() -> impl Iterator<Item = Facts> {
    Platform::ALL.into_iter().map(facts)
}

/// Where content of a channel goes out, if anywhere.
#[must_use]
pub fn platform_of(channel: Channel) -> Option<Platform> {
    all().find(|facts| facts.publishes.contains(&channel)).map(|facts| facts.platform)
}

/// The platform behind one of Composio's names.
#[must_use]
pub fn platform_of_toolkit(toolkit: &str) -> Option<Platform> {
    all().find(|facts| facts.toolkit.eq_ignore_ascii_case(toolkit)).map(|facts| facts.platform)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_platform_is_listed_once_and_found_by_its_toolkit() {
        let toolkits: BTreeSet<&str> = all().map(|facts| facts.toolkit).collect();
        assert_eq!(toolkits.len(), Platform::ALL.len());
        for facts in all() {
            assert_eq!(platform_of_toolkit(facts.toolkit), Some(facts.platform));
            assert_eq!(facts.platform.as_str().parse(), Ok(facts.platform));
        }
    }

    #[test]
    fn each_channel_goes_out_in_one_place_at_most() {
        for channel in
            [Channel::Linkedin, Channel::X, Channel::Instagram, Channel::Facebook, Channel::Newsletter, Channel::Email]
        {
            assert_eq!(all().filter(|facts| facts.publishes.contains(&channel)).count(), 1, "{channel:?}");
        }
        for channel in [Channel::Blog, Channel::LandingPage, Channel::Ads] {
            assert_eq!(platform_of(channel), None, "{channel:?}");
        }
    }
}
