//! Looks at what has to be right at Composio before customers can connect.

use entity::connections::Platform;
use futures::future::join_all;

use crate::table::all;
use crate::{Error, Platforms, Result};

/// Where Composio sends its events.
const WEBHOOK_PATH: &str = "/api/webhooks/composio";

/// What was found out about a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Customers can connect it.
    Fine,
    /// Composio has no app of its own for it, and the operator has named none.
    NeedsAuthConfig,
    /// Composio does not know it.
    Unknown,
    /// Composio cannot be asked.
    Failed(String),
}

impl Platforms {
    /// Asks Composio about each platform.
    ///
    /// # Errors
    ///
    /// When nothing is configured.
    pub async fn check(&self) -> Result<Vec<(Platform, Finding)>> {
        let project = self.project()?;
        let checks = all().map(async |facts| {
            let finding = match project.composio.toolkit(facts.toolkit).await {
                Ok(toolkit) if toolkit.has_managed_oauth() => Finding::Fine,
                Ok(_) if project.auth_configs.contains_key(&facts.platform) => Finding::Fine,
                Ok(_) => Finding::NeedsAuthConfig,
                Err(error) if error.is_not_found() => Finding::Unknown,
                Err(error) => Finding::Failed(error.to_string()),
            };
            (facts.platform, finding)
        });
        Ok(join_all(checks).await)
    }

    /// Whether Composio tells us of lost connections.
    ///
    /// # Errors
    ///
    /// When Composio cannot be asked.
    pub async fn is_told_of_losses(&self) -> Result<bool> {
        let project = self.project()?;
        let wanted = project.public_url.join(WEBHOOK_PATH);
        let subscriptions = project.composio.webhook_subscriptions().await;
        let subscriptions = subscriptions.map_err(|error| Error::Upstream(Platform::GoogleAnalytics, error))?;
        Ok(subscriptions.iter().any(|subscription| subscription.webhook_url == wanted))
    }
}
