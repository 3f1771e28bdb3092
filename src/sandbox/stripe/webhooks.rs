//! Events on their way to the gateway, signed as Stripe signs them.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::error::StripeError;
use super::state::{Attempt, now, now_millis};
use super::{Sandbox, render};

/// How long the gateway may take to answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait after the first attempt that failed; doubled with each.
const FIRST_RETRY_MILLIS: i64 = 250;
/// The longest wait between two attempts.
const LAST_RETRY_MILLIS: i64 = 60_000;
/// After how many attempts an event is given up.
const MAX_FAILURES: u32 = 60;
/// How often to look whether a session has expired.
const TICK: Duration = Duration::from_secs(30);
/// How long to wait when the sandbox cannot write its file.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends what is due, one at a time and oldest first.
pub async fn deliver_for_ever(sandbox: &Sandbox) {
    loop {
        // Sessions expire and tell so while nobody asks. A file that cannot be written is in the log.
        let _ = sandbox.read(|_| Ok(()));
        let wait = match next_due(sandbox) {
            Some((id, wait)) if wait.is_zero() => {
                if let Err(error) = deliver(sandbox, &id).await {
                    tracing::warn!(error = error.message(), "an event of the Stripe sandbox could not be delivered");
                    tokio::time::sleep(PAUSE).await;
                }
                continue;
            }
            Some((_, wait)) => wait.min(TICK),
            None => TICK,
        };
        tokio::select! {
            () = sandbox.0.changed.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The event to send first, and how long until then.
fn next_due(sandbox: &Sandbox) -> Option<(String, Duration)> {
    let live = sandbox.live();
    let waiting = live.state.events.iter().filter_map(|event| Some((event.due?, event)));
    let (due, event) = waiting.min_by_key(|(due, _)| *due).filter(|_| live.delivers)?;
    Some((event.id.clone(), Duration::from_millis(u64::try_from(due - now_millis()).unwrap_or(0))))
}

/// Sends an event now, whether it was taken before or not.
pub async fn deliver(sandbox: &Sandbox, id: &str) -> Result<Attempt, StripeError> {
    let (body, webhook) = {
        let live = sandbox.live();
        (body(&render::event(live.state.event(id)?))?, live.webhook.clone())
    };
    let at = now();
    let request = sandbox.0.http.post(webhook.url);
    let request = request.header(CONTENT_TYPE, "application/json; charset=utf-8");
    let request = request.header("Stripe-Signature", signature(&webhook.secret, at, &body));
    let attempt = match request.header("User-Agent", "Stripe/1.0 (sandbox)").body(body).send().await {
        Ok(answer) => Attempt { at, status: Some(answer.status().as_u16()), error: None },
        Err(error) => Attempt { at, status: None, error: Some(cause(&error)) },
    };
    sandbox.change(|state| {
        state.attempted(id, attempt.clone(), next_attempt);
        Ok(())
    })?;
    Ok(attempt)
}

/// An event as it is sent.
fn body(event: &serde_json::Value) -> Result<Vec<u8>, StripeError> {
    serde_json::to_vec_pretty(event).map_err(|error| StripeError::internal(error.to_string()))
}

/// When to send again, in milliseconds since 1970.
fn next_attempt(failures: u32) -> Option<i64> {
    let wait = FIRST_RETRY_MILLIS.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(LAST_RETRY_MILLIS);
    (failures < MAX_FAILURES).then(|| now_millis() + wait)
}

/// The value of `Stripe-Signature`.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub fn signature(secret: &SecretString, at: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length will do");
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// The innermost reason: the outer ones only say that sending failed.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
