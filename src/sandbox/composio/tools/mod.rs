//! The tools: what each takes, and what it gives. `data` is what the platform's own API answers.

mod analytics;
mod mailchimp;
mod social;

use serde_json::{Map, Value, json};

use super::state::State;

/// A platform that can be connected.
pub struct Toolkit {
    pub slug: &'static str,
    pub name: &'static str,
}

/// A tool and its arguments, spelled as Composio's schemas spell them: those that it needs, and those that it can do
/// without. What the platform knows and the sandbox does not is refused, so that nobody thinks it had an effect.
pub struct Tool {
    pub slug: &'static str,
    pub toolkit: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
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
    ($($toolkit:literal: { $($slug:literal [$($required:literal),*] [$($optional:literal),*])* })*) => {
        /// All of them.
        pub const TOOLS: &[Tool] = &[$($(
            Tool { slug: $slug, toolkit: $toolkit, required: &[$($required),*], optional: &[$($optional),*] },
        )*)*];
    };
}

tools! {
    "google_analytics": {
        "GOOGLE_ANALYTICS_LIST_ACCOUNTS" [] ["pageSize", "pageToken"]
        "GOOGLE_ANALYTICS_LIST_PROPERTIES" ["filter"] ["pageSize", "pageToken"]
        "GOOGLE_ANALYTICS_RUN_REPORT" ["property", "dateRanges", "metrics"] ["dimensions", "limit", "offset"]
    }
    "google_search_console": {
        "GOOGLE_SEARCH_CONSOLE_LIST_SITES" [] []
        "GOOGLE_SEARCH_CONSOLE_SEARCH_ANALYTICS_QUERY" ["site_url", "start_date", "end_date"] ["dimensions", "row_limit", "start_row"]
    }
    "instagram": {
        "INSTAGRAM_GET_USER_INFO" [] []
        "INSTAGRAM_GET_USER_INSIGHTS" ["ig_user_id", "metric"] ["period", "since", "until", "metric_type"]
        "INSTAGRAM_GET_IG_USER_MEDIA" ["ig_user_id"] ["fields", "limit"]
        "INSTAGRAM_GET_IG_MEDIA_INSIGHTS" ["ig_media_id", "metric"] ["period"]
        "INSTAGRAM_CREATE_MEDIA_CONTAINER" ["ig_user_id"] ["image_url", "video_url", "caption", "media_type", "children", "is_carousel_item"]
        "INSTAGRAM_GET_POST_STATUS" ["creation_id"] []
        "INSTAGRAM_CREATE_POST" ["ig_user_id", "creation_id"] []
    }
    "linkedin": {
        "LINKEDIN_GET_MY_INFO" [] []
        "LINKEDIN_GET_COMPANY_INFO" [] ["role", "state", "count", "start"]
        "LINKEDIN_CREATE_LINKED_IN_POST" ["author", "commentary"] ["visibility", "lifecycleState"]
        "LINKEDIN_DELETE_LINKED_IN_POST" ["share_id"] []
    }
    "twitter": {
        "TWITTER_USER_LOOKUP_ME" [] ["user__fields"]
        "TWITTER_RECENT_SEARCH" ["query"] ["max_results", "tweet__fields"]
        "TWITTER_POST_LOOKUP_BY_POST_ID" ["id"] ["tweet__fields"]
        "TWITTER_CREATION_OF_A_POST" ["text"] ["reply__in__reply__to__tweet__id"]
        "TWITTER_POST_DELETE_BY_POST_ID" ["id"] []
    }
    "facebook": {
        "FACEBOOK_LIST_MANAGED_PAGES" [] ["fields", "limit"]
        "FACEBOOK_GET_PAGE_DETAILS" ["page_id"] ["fields"]
        "FACEBOOK_GET_PAGE_POSTS" ["page_id"] ["fields", "limit", "since", "until"]
        "FACEBOOK_CREATE_POST" ["page_id", "message"] ["link"]
        "FACEBOOK_CREATE_PHOTO_POST" ["page_id", "url"] ["message"]
    }
    "youtube": {
        "YOUTUBE_GET_CHANNEL_STATISTICS" [] ["mine", "part"]
        "YOUTUBE_LIST_CHANNEL_VIDEOS" ["channelId"] ["maxResults", "part"]
        "YOUTUBE_VIDEO_DETAILS" ["id"] ["part"]
    }
    "mailchimp": {
        "MAILCHIMP_GET_LISTS_INFO" [] []
        "MAILCHIMP_ADD_CAMPAIGN" ["type", "recipients__list__id"] ["settings__subject__line", "settings__preview__text", "settings__title", "settings__from__name", "settings__reply__to"]
        "MAILCHIMP_SET_CAMPAIGN_CONTENT" ["campaign_id", "html"] []
        "MAILCHIMP_SEND_CAMPAIGN" ["campaign_id"] []
        "MAILCHIMP_GET_CAMPAIGN_INFO" ["campaign_id"] []
        "MAILCHIMP_LIST_CAMPAIGN_REPORTS" [] []
    }
}

impl Tool {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }

    /// What Composio tells of its arguments, as a JSON schema.
    pub fn input_parameters(&self) -> Value {
        let properties: Map<String, Value> =
            self.names().map(|name| (name.to_owned(), json!({ "type": kind(name), "title": name }))).collect();
        json!({ "type": "object", "properties": properties, "required": self.required })
    }

    /// What is wrong with arguments, if anything.
    pub fn objection(&self, arguments: &Map<String, Value>) -> Option<String> {
        let unknown = arguments.keys().find(|name| self.names().all(|known| known != name.as_str()));
        let missing = self.required.iter().find(|name| arguments.get(**name).is_none_or(Value::is_null));
        let wrong = arguments.iter().find(|(name, value)| !fits(kind(name), value));
        let problem = unknown
            .map(|name| format!("{} has no argument {name} in the sandbox", self.slug))
            .or_else(|| missing.map(|name| format!("Following fields are missing: {{'{name}'}}")))
            .or_else(|| wrong.map(|(name, _)| format!("{name} must be of the type {}", kind(name))));
        problem.map(|problem| format!("Invalid request data provided: {problem}"))
    }
}

/// The JSON type of an argument; the same name means the same everywhere.
fn kind(argument: &str) -> &'static str {
    match argument {
        "dateRanges" | "dimensions" | "metrics" | "metric" | "children" | "tweet__fields" | "user__fields" => "array",
        "pageSize" | "limit" | "offset" | "row_limit" | "start_row" | "count" | "start" | "max_results"
        | "maxResults" => "integer",
        "is_carousel_item" | "mine" => "boolean",
        _ => "string",
    }
}

fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "array" => value.is_array(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        _ => value.is_string(),
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
