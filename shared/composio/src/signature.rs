//! Signatures of webhooks, as the official SDK checks them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far a webhook's time may be from ours, in seconds, either way.
const TOLERANCE: i64 = 300;

/// The headers of a webhook that its signature is made of.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`: Unix time of this attempt, in seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or several, after `v1,`, between blanks.
    pub signature: &'a str,
}

/// Whether `headers` sign `body` with one of the secrets, at about `now` (Unix time in seconds).
///
/// Unlike other services with these headers, Composio's key is the text of the secret itself, not what it is in base64.
#[must_use]
pub fn is_valid(headers: Headers<'_>, body: &[u8], secrets: &[SecretString], now: i64) -> bool {
    let Ok(sent_at) = headers.timestamp.parse::<i64>() else { return false };
    let given = headers.signature.split(' ').filter_map(|part| STANDARD.decode(part.strip_prefix("v1,")?).ok());
    let given: Vec<Vec<u8>> = given.collect();
    // Every pair is tried, so that the time it takes tells nothing.
    let mut matched = false;
    for secret in secrets {
        for signature in &given {
            matched |= mac(headers, body, secret).is_some_and(|mac| mac.verify_slice(signature).is_ok());
        }
    }
    matched && now.saturating_sub(sent_at).saturating_abs() <= TOLERANCE
}

fn mac(headers: Headers<'_>, body: &[u8], secret: &SecretString) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    for part in [headers.id.as_bytes(), b".", headers.timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"id":"msg_1","type":"composio.connected_account.expired","metadata":{"project_id":"pr_1","org_id":"ok_1"},"data":{"id":"ca_1","toolkit":{"slug":"gmail"},"auth_config":{"id":"ac_1","auth_scheme":"OAUTH2"},"status":"EXPIRED"},"timestamp":"2026-02-06T12:00:00.000Z"}"#;
    /// The official Python SDK accepts it.
    const SIGNATURE: &str = "v1,FusqCgY/0qu747JwYZJOOGhZXXCvufju4a+UDNh799U=";
    const NOW: i64 = 1_700_000_000;

    fn accepts(id: &str, timestamp: &str, signature: &str, body: &str, secret: &str, now: i64) -> bool {
        is_valid(Headers { id, timestamp, signature }, body.as_bytes(), &["old".into(), secret.into()], now)
    }

    #[test]
    fn what_composio_signs_is_accepted() {
        let several = format!("v1,AAAA v2,BBBB {SIGNATURE}");
        for (signature, now) in
            [(SIGNATURE, NOW), (several.as_str(), NOW), (SIGNATURE, NOW + 300), (SIGNATURE, NOW - 300)]
        {
            assert!(
                accepts("msg_1", "1700000000", signature, BODY, "composio_test_secret", now),
                "{signature} at {now}"
            );
        }
    }

    #[test]
    fn nothing_else_is() {
        let secret = "composio_test_secret";
        for (id, timestamp, signature, body, secret, now) in [
            ("msg_2", "1700000000", SIGNATURE, BODY, secret, NOW),
            ("msg_1", "1700000001", SIGNATURE, BODY, secret, NOW),
            ("msg_1", "1700000000", SIGNATURE, "{}", secret, NOW),
            ("msg_1", "1700000000", SIGNATURE, BODY, "other", NOW),
            ("msg_1", "1700000000", SIGNATURE, BODY, secret, NOW + 301),
            ("msg_1", "1700000000", SIGNATURE, BODY, secret, NOW - 301),
            ("msg_1", "1700000000", &SIGNATURE[3..], BODY, secret, NOW),
            ("msg_1", "1700000000", "v1,", BODY, secret, NOW),
            ("msg_1", "1700000000", "", BODY, secret, NOW),
            ("msg_1", "soon", SIGNATURE, BODY, secret, NOW),
        ] {
            assert!(
                !accepts(id, timestamp, signature, body, secret, now),
                "{id} {timestamp} {signature} {secret} {now}"
            );
        }
    }
}
