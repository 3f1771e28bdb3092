//! Stripe's webhook signatures: <https://docs.stripe.com/webhooks#verify-manually>.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far a signature's time may be from ours, in seconds, either way.
const TOLERANCE: i64 = 300;

/// Whether `header` signs `body` with one of the secrets, at about `now` (Unix time in seconds).
///
/// Several secrets are accepted while one replaces another, and so are several signatures in the header.
#[must_use]
pub fn is_valid(header: &str, body: &[u8], secrets: &[SecretString], now: i64) -> bool {
    let Some((timestamp, signatures)) = parse(header) else { return false };
    let Ok(signed_at) = timestamp.parse::<i64>() else { return false };
    // Every pair is tried, so that the time it takes tells nothing.
    let mut matched = false;
    for secret in secrets {
        for signature in &signatures {
            matched |= signs(secret, timestamp, body, signature);
        }
    }
    matched && now.saturating_sub(signed_at).saturating_abs() <= TOLERANCE
}

fn parse(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let mut timestamp = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", time) if timestamp.is_none() => timestamp = Some(time.trim()),
            ("t", _) => return None,
            ("v1", hex) => signatures.extend(hex::decode(hex.trim()).ok()),
            // Other schemes are not ours to judge.
            _ => {}
        }
    }
    Some((timestamp?, signatures))
}

fn signs(secret: &SecretString, timestamp: &str, body: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_test_1","object":"event","type":"customer.subscription.updated"}"#;
    /// Both official libraries make this of the body, the secret and the time.
    const SIGNATURE: &str = "6d1695090a29031f4a635fba8776b80e9058dddec671fd5bdf1d7c278222cf63";
    const NOW: i64 = 1_700_000_000;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    fn accepts(header: &str) -> bool {
        is_valid(header, BODY, &secrets(&["whsec_test_secret"]), NOW)
    }

    #[test]
    fn what_stripe_signs_is_accepted() {
        assert!(accepts(&format!("t={NOW},v1={SIGNATURE}")));
        assert!(accepts(&format!("t={NOW}, v1={}, v1={SIGNATURE},v0=abc", "0".repeat(64))));
        assert!(is_valid(&format!("t={NOW},v1={SIGNATURE}"), BODY, &secrets(&["new", "whsec_test_secret"]), NOW + 300));
    }

    #[test]
    fn nothing_else_is() {
        for header in [
            String::new(),
            "nonsense".to_owned(),
            format!("t={NOW}"),
            format!("v1={SIGNATURE}"),
            format!("t={NOW},v0={SIGNATURE}"),
            format!("t=,v1={SIGNATURE}"),
            format!("t={},v1={SIGNATURE}", NOW + 1),
            format!("t={NOW},t={NOW},v1={SIGNATURE}"),
            format!("t={NOW},v1={}", SIGNATURE.replace('6', "7")),
            format!("t={NOW},v1={}", &SIGNATURE[..62]),
        ] {
            assert!(!accepts(&header), "{header} was accepted");
        }
        let header = format!("t={NOW},v1={SIGNATURE}");
        let secret = secrets(&["whsec_test_secret"]);
        assert!(!is_valid(&header, BODY, &secrets(&["whsec_other"]), NOW));
        assert!(!is_valid(&header, BODY, &[], NOW));
        assert!(!is_valid(&header, &BODY[1..], &secret, NOW));
        for away in [-301, 301, i64::MAX - NOW, i64::MIN] {
            assert!(!is_valid(&header, BODY, &secret, NOW.saturating_add(away)), "{away}");
        }
    }
}
