use serde::Deserialize;

use crate::{Composio, Result};

/// A platform as Composio knows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Toolkit {
    /// Composio's name for it in addresses and calls.
    pub slug: String,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// In which ways accounts can be connected by Composio's own apps, such as `OAUTH2`.
    #[serde(default)]
    pub composio_managed_auth_schemes: Vec<String>,
}

impl Toolkit {
    /// Whether customers can connect it without an app of the operator's own.
    #[must_use]
    pub fn has_managed_oauth(&self) -> bool {
        self.composio_managed_auth_schemes.iter().any(|scheme| scheme == "OAUTH2" || scheme == "OAUTH1")
    }
}

impl Composio {
    /// One toolkit.
    ///
    /// # Errors
    ///
    /// When the call fails; not found for an unknown slug.
    pub async fn toolkit(&self, slug: &str) -> Result<Toolkit> {
        self.get(&format!("/toolkits/{slug}"), &[]).await
    }
}
