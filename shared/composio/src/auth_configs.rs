use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::client::Patience;
use crate::{Composio, Result};

/// How accounts of one toolkit are connected: by whose app, with which permissions.
#[derive(Clone, Debug, Deserialize)]
pub struct AuthConfig {
    /// Composio's id.
    pub id: String,
    /// `ENABLED` or `DISABLED`.
    #[serde(default)]
    pub status: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    items: Vec<AuthConfig>,
}

#[derive(Deserialize)]
struct Made {
    auth_config: AuthConfig,
}

impl Composio {
    /// The auth configs of a toolkit that can be used, newest first as Composio lists them.
    ///
    /// # Errors
    ///
    /// When the call fails.
    pub async fn enabled_auth_configs(&self, toolkit: &str) -> Result<Vec<AuthConfig>> {
        let query = [("toolkit_slug", toolkit.to_owned()), ("show_disabled", "false".to_owned())];
        let Listed { items } = self.get("/auth_configs", &query).await?;
        Ok(items.into_iter().filter(|config| config.status.as_deref() != Some("DISABLED")).collect())
    }

    /// Makes an auth config by Composio's own app.
    ///
    /// # Errors
    ///
    /// When the call fails, such as for a toolkit that Composio has no app for.
    pub async fn make_managed_auth_config(&self, toolkit: &str, name: &str) -> Result<AuthConfig> {
        let body = json!({
            "toolkit": { "slug": toolkit },
            "auth_config": { "type": "use_composio_managed_auth", "name": name },
        });
        let Made { auth_config } = self.call(Method::POST, "/auth_configs", &[], Some(&body), Patience::ONCE).await?;
        Ok(auth_config)
    }
}
