//! Events on their way to the gateway, signed as Composio signs them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{SecondsFormat, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::Sha256;
use ulid::Ulid;

use super::state::Account;
use super::{Sandbox, api};

/// How long the gateway may take to answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Tells that an account no longer works, in the background.
pub fn tell_expired(sandbox: &Sandbox, account: &Account) {
    let id = format!("msg_{}", Ulid::generate());
    let body = json!({
        "id": id,
        "type": "composio.connected_account.expired",
        "metadata": { "project_id": "pr_sandbox", "org_id": "ok_sandbox" },
        "data": api::account(account),
        "timestamp": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
    });
    tokio::spawn(deliver(sandbox.clone(), id, body.to_string()));
}

async fn deliver(sandbox: Sandbox, id: String, body: String) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        let at = Utc::now().timestamp().to_string();
        let signature = signature(&sandbox.0.webhook.secret, &id, &at, body.as_bytes());
        let request = sandbox.0.http.post(sandbox.0.webhook.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.header("webhook-id", &id).header("webhook-timestamp", at);
        let request = request.header("webhook-signature", signature).header("x-composio-webhook-version", "V3");
        match request.header("x-composio-delivery-attempt", attempt).body(body.clone()).send().await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => {
                tracing::debug!(status = %answer.status(), "the gateway did not take an event of the sandbox")
            }
            Err(error) => tracing::debug!(%error, "an event of the Composio sandbox could not be delivered"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    tracing::warn!(id, "an event of the Composio sandbox was given up");
}

/// The value of `webhook-signature`.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub fn signature(secret: &SecretString, id: &str, at: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length will do");
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
