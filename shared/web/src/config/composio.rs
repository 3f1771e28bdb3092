use std::collections::BTreeMap;

use entity::connections::Platform;
use secrecy::SecretString;
use url::Url;

use super::{ConfigError, Environment, parse_api_base};

const API_KEY: &str = "COMPOSIO_API_KEY";
const BASE_URL: &str = "COMPOSIO_BASE_URL";
const DEFAULT_BASE_URL: &str = "https://backend.composio.dev/api/v3.1";

/// The project at Composio through which customers connect their platforms.
#[derive(Clone, Debug)]
pub struct ComposioConfig {
    /// `COMPOSIO_API_KEY`: the project's key.
    pub api_key: SecretString,
    /// `COMPOSIO_BASE_URL`: with the version of the API in its path.
    pub base_url: Url,
    /// `COMPOSIO_WEBHOOK_SECRET`: several while one replaces another; none, and no webhook is believed.
    pub webhook_secrets: Vec<SecretString>,
    /// `COMPOSIO_AUTH_CONFIG_<PLATFORM>`: where the operator's own auth config is to be used.
    pub auth_configs: BTreeMap<Platform, String>,
}

impl ComposioConfig {
    pub(super) fn from_environment(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        let base_url = environment.parsed_with(BASE_URL, parse_api_base)?;
        let webhook_secrets = environment.list_of("COMPOSIO_WEBHOOK_SECRET", |text| Ok(SecretString::from(text)))?;
        let auth_configs: BTreeMap<Platform, String> = Platform::ALL
            .into_iter()
            .filter_map(|platform| Some((platform, environment.var(auth_config_variable(platform))?.to_owned())))
            .collect();
        let Some(api_key) = environment.var(API_KEY) else {
            if webhook_secrets.is_empty() && auth_configs.is_empty() {
                return Ok(None);
            }
            return Err(ConfigError::new(API_KEY, "must be set too when other COMPOSIO_ variables are"));
        };
        let base_url = match base_url {
            Some(url) => url,
            None => parse_api_base(DEFAULT_BASE_URL).map_err(|problem| ConfigError::new(BASE_URL, problem))?,
        };
        Ok(Some(Self { api_key: api_key.into(), base_url, webhook_secrets, auth_configs }))
    }
}

/// The variable that names the operator's own auth config for a platform.
#[must_use]
pub const fn auth_config_variable(platform: Platform) -> &'static str {
    match platform {
        Platform::GoogleAnalytics => "COMPOSIO_AUTH_CONFIG_GOOGLE_ANALYTICS",
        Platform::SearchConsole => "COMPOSIO_AUTH_CONFIG_SEARCH_CONSOLE",
        Platform::Instagram => "COMPOSIO_AUTH_CONFIG_INSTAGRAM",
        Platform::Linkedin => "COMPOSIO_AUTH_CONFIG_LINKEDIN",
        Platform::X => "COMPOSIO_AUTH_CONFIG_X",
        Platform::Facebook => "COMPOSIO_AUTH_CONFIG_FACEBOOK",
        Platform::Youtube => "COMPOSIO_AUTH_CONFIG_YOUTUBE",
        Platform::Tiktok => "COMPOSIO_AUTH_CONFIG_TIKTOK",
        Platform::Reddit => "COMPOSIO_AUTH_CONFIG_REDDIT",
        Platform::Gmail => "COMPOSIO_AUTH_CONFIG_GMAIL",
        Platform::Mailchimp => "COMPOSIO_AUTH_CONFIG_MAILCHIMP",
        Platform::Hubspot => "COMPOSIO_AUTH_CONFIG_HUBSPOT",
        Platform::Slack => "COMPOSIO_AUTH_CONFIG_SLACK",
        Platform::Notion => "COMPOSIO_AUTH_CONFIG_NOTION",
    }
}
