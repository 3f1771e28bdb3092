use chrono::{DateTime, Utc};
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Patience;
use crate::{Composio, Result};

/// The event that tells that an account no longer works.
pub const EXPIRED: &str = "composio.connected_account.expired";

/// An event, version 3. What it is about is in `data`, which may hold tokens: read single fields of it only.
#[derive(Deserialize)]
pub struct Envelope {
    /// The same for every attempt to deliver it.
    pub id: String,
    /// Such as [`EXPIRED`].
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    #[serde(default)]
    pub timestamp: Option<DateTime<Utc>>,
    #[serde(default)]
    data: Value,
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope").field("id", &self.id).field("event_type", &self.event_type).finish_non_exhaustive()
    }
}

impl Envelope {
    /// The account that it is about.
    #[must_use]
    pub fn account_id(&self) -> Option<&str> {
        self.data.get("id").and_then(Value::as_str)
    }

    /// Our id of whom the account belongs to, where it is told.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.data.get("user_id").and_then(Value::as_str)
    }
}

/// Where Composio sends events.
#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    /// Composio's id.
    pub id: String,
    /// Where they are sent.
    pub webhook_url: String,
    /// What they are signed with; told only when it is made.
    #[serde(default)]
    pub secret: Option<SecretString>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    items: Vec<Subscription>,
}

impl Composio {
    /// Where events are sent.
    ///
    /// # Errors
    ///
    /// When the call fails.
    pub async fn webhook_subscriptions(&self) -> Result<Vec<Subscription>> {
        let Listed { items } = self.get("/webhook_subscriptions", &[]).await?;
        Ok(items)
    }

    /// Has expired accounts told to this address. The secret in the answer is told this once.
    ///
    /// # Errors
    ///
    /// When the call fails.
    pub async fn subscribe(&self, webhook_url: &str) -> Result<Subscription> {
        let body = json!({ "webhook_url": webhook_url, "enabled_events": [EXPIRED], "version": "V3" });
        self.call(Method::POST, "/webhook_subscriptions", &[], Some(&body), Patience::ONCE).await
    }
}
