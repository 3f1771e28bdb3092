//! The tools: what each takes, and what it gives. `data` is what the platform's own API answers.

mod analytics;
mod mailchimp;
mod social;

use serde_json::Value;

use super::state::State;

/// A platform that can be connected.
pub struct Toolkit {
    pub slug: &'static str,
    pub name: &'static str,
}

/// A tool and the arguments that it knows, spelled as Composio's schemas spell them.
pub struct Tool {
    pub slug: &'static str,
    pub toolkit: &'static str,
    pub arguments: &'static [&'static str],
}

/// What a tool gives, or the platform's refusal.
pub type Outcome = Result<Value, String>;

pub const TOOLKITS: &[Toolkit] = &[
    Toolkit { slug: "google_analytics", name: "Google Analytics" },
    Toolkit { slug: "google_search_console", name: "Google Search Console" },
    Toolkit { slug: "instagram", name: "Instagram" },
    Toolkit { slug: "linkedin", name: "LinkedIn" },
    Toolkit { slug: "twitter", name: "X" },
    Toolkit { slug: "facebook", name: "Facebook" },
    Toolkit { slug: "youtube", name: "YouTube" },
    Toolkit { slug: "tiktok", name: "TikTok" },
    Toolkit { slug: "reddit", name: "Reddit" },
    Toolkit { slug: "gmail", name: "Gmail" },
    Toolkit { slug: "mailchimp", name: "Mailchimp" },
    Toolkit { slug: "hubspot", name: "HubSpot" },
    Toolkit { slug: "slack", name: "Slack" },
    Toolkit { slug: "notion", name: "Notion" },
];

macro_rules! tools {
    ($($toolkit:literal: { $($slug:literal [$($argument:literal),*])* })*) => {
        /// All of them.
        pub const TOOLS: &[Tool] =
            &[$($(Tool { slug: $slug, toolkit: $toolkit, arguments: &[$($argument),*] },)*)*];
    };
}

tools! {
    "google_analytics": {
        "GOOGLE_ANALYTICS_LIST_ACCOUNTS" ["pageSize", "pageToken"]
        "GOOGLE_ANALYTICS_LIST_PROPERTIES" ["filter", "pageSize", "pageToken"]
        "GOOGLE_ANALYTICS_RUN_REPORT" ["property", "dateRanges", "dimensions", "metrics", "limit", "offset", "orderBys", "dimensionFilter"]
    }
    "google_search_console": {
        "GOOGLE_SEARCH_CONSOLE_LIST_SITES" []
        "GOOGLE_SEARCH_CONSOLE_SEARCH_ANALYTICS_QUERY" ["site_url", "start_date", "end_date", "dimensions", "search_type", "row_limit", "start_row", "data_state", "dimension_filter_groups"]
    }
    "instagram": {
        "INSTAGRAM_GET_USER_INFO" ["ig_user_id"]
        "INSTAGRAM_GET_USER_INSIGHTS" ["ig_user_id", "metric", "period", "since", "until", "metric_type"]
        "INSTAGRAM_GET_IG_USER_MEDIA" ["ig_user_id", "fields", "limit", "after", "since", "until"]
        "INSTAGRAM_GET_IG_MEDIA_INSIGHTS" ["ig_media_id", "metric", "period"]
        "INSTAGRAM_CREATE_MEDIA_CONTAINER" ["ig_user_id", "image_url", "video_url", "caption", "media_type", "children", "is_carousel_item"]
        "INSTAGRAM_GET_POST_STATUS" ["creation_id"]
        "INSTAGRAM_CREATE_POST" ["ig_user_id", "creation_id"]
    }
    "linkedin": {
        "LINKEDIN_GET_MY_INFO" []
        "LINKEDIN_GET_COMPANY_INFO" ["role", "state", "count", "start"]
        "LINKEDIN_CREATE_LINKED_IN_POST" ["author", "commentary", "visibility", "lifecycleState", "distribution", "isReshareDisabledByAuthor"]
        "LINKEDIN_DELETE_LINKED_IN_POST" ["share_id"]
    }
    "twitter": {
        "TWITTER_USER_LOOKUP_ME" ["user__fields", "expansions", "tweet__fields"]
        "TWITTER_RECENT_SEARCH" ["query", "max_results", "start_time", "end_time", "tweet__fields", "next_token"]
        "TWITTER_POST_LOOKUP_BY_POST_ID" ["id", "tweet__fields"]
        "TWITTER_CREATION_OF_A_POST" ["text", "reply__in__reply__to__tweet__id", "quote_tweet_id", "media__media__ids"]
        "TWITTER_POST_DELETE_BY_POST_ID" ["id"]
    }
    "facebook": {
        "FACEBOOK_LIST_MANAGED_PAGES" ["fields", "limit", "user_id"]
        "FACEBOOK_GET_PAGE_DETAILS" ["page_id", "fields"]
        "FACEBOOK_GET_PAGE_POSTS" ["page_id", "fields", "limit", "since", "until"]
        "FACEBOOK_CREATE_POST" ["page_id", "message", "link", "published", "scheduled_publish_time"]
        "FACEBOOK_CREATE_PHOTO_POST" ["page_id", "message", "url", "published"]
    }
    "youtube": {
        "YOUTUBE_GET_CHANNEL_STATISTICS" ["id", "mine", "part"]
        "YOUTUBE_LIST_CHANNEL_VIDEOS" ["channelId", "maxResults", "pageToken", "part"]
        "YOUTUBE_VIDEO_DETAILS" ["id", "part"]
    }
    "mailchimp": {
        "MAILCHIMP_GET_LISTS_INFO" ["count", "offset"]
        "MAILCHIMP_ADD_CAMPAIGN" ["type", "recipients__list__id", "settings__subject__line", "settings__preview__text", "settings__title", "settings__from__name", "settings__reply__to"]
        "MAILCHIMP_SET_CAMPAIGN_CONTENT" ["campaign_id", "html", "plain_text"]
        "MAILCHIMP_SEND_CAMPAIGN" ["campaign_id"]
        "MAILCHIMP_GET_CAMPAIGN_INFO" ["campaign_id"]
        "MAILCHIMP_LIST_CAMPAIGN_REPORTS" ["count", "offset"]
    }
}

pub fn toolkit(slug: &str) -> Option<&'static Toolkit> {
    TOOLKITS.iter().find(|toolkit| toolkit.slug == slug)
}

pub fn find(slug: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.slug == slug)
}

pub fn of_toolkit(slug: &str) -> impl Iterator<Item = &'static Tool> {
    TOOLS.iter().filter(move |tool| tool.toolkit == slug)
}

/// Does what the tool does, for a user whose account is connected.
pub fn run(tool: &Tool, state: &mut State, user: &str, arguments: &Value) -> Outcome {
    match tool.toolkit {
        "google_analytics" | "google_search_console" => analytics::run(tool.slug, user, arguments),
        "mailchimp" => mailchimp::run(tool.slug, state, user, arguments),
        _ => social::run(tool.slug, state, user, arguments),
    }
}

/// An argument as a text.
fn text<'a>(arguments: &'a Value, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn required<'a>(arguments: &'a Value, name: &str) -> Result<&'a str, String> {
    text(arguments, name).ok_or_else(|| format!("Following fields are missing: {{'{name}'}}"))
}
