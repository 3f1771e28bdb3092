//! Signatures: how Inngest and an app know each other.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// How far a signature's time may be from ours, in seconds, either way.
const TOLERANCE: i64 = 300;
/// How much of a key's hash is shown to those who know the key.
const HINT: usize = 12;

/// A signing key, `signkey-<environment>-<hexadecimal>`: what Inngest's calls, and the answers to them, are signed with.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Without the prefix. It signs as it is written: it is not decoded.
    secret: SecretString,
    /// What Inngest's API takes as a bearer token.
    bearer: SecretString,
    /// The beginning of the hash in it.
    hint: String,
}

/// A text that is no signing key. Says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a signing key of Inngest: `signkey-<environment>-` and then hexadecimal digits")]
pub struct InvalidSigningKey;

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none, or it cannot be read.
    #[error("the signature is missing or malformed")]
    Malformed,
    /// Another key, or another body.
    #[error("the signature is of another key or another body")]
    Mismatch,
    /// It is too old or from the future.
    #[error("the signature was made at {signed_at} and now is {now}: more than 300 seconds apart; look at the clocks")]
    Expired {
        /// When it was made, in seconds since 1970.
        signed_at: i64,
        /// When it came, in seconds since 1970.
        now: i64,
    },
}

impl SigningKey {
    /// Reads a key, with or without its prefix.
    ///
    /// # Errors
    ///
    /// When what follows the prefix is not hexadecimal.
    pub fn new(key: &SecretString) -> Result<Self, InvalidSigningKey> {
        let key = key.expose_secret().trim();
        let (prefix, secret) = split(key);
        let decoded = hex::decode(secret).map_err(|_| InvalidSigningKey)?;
        if decoded.is_empty() {
            return Err(InvalidSigningKey);
        }
        let hash = hex::encode(Sha256::digest(&decoded));
        Ok(Self {
            secret: secret.into(),
            bearer: format!("{prefix}{hash}").into(),
            hint: hash.chars().take(HINT).collect(),
        })
    }

    /// The value of `X-Inngest-Signature` for this body, made at `now` (seconds since 1970).
    #[must_use]
    pub fn sign(&self, body: &[u8], now: i64) -> String {
        let time = now.to_string();
        let signature = self.mac(body, &time).map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default();
        format!("t={time}&s={signature}")
    }

    /// Holds the value of `X-Inngest-Signature` against the bytes of the body. Takes the same time wherever they differ.
    ///
    /// # Errors
    ///
    /// When it was not made of this body, with this key, within five minutes of `now` (seconds since 1970).
    pub fn verify(&self, header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
        let field = |name| url::form_urlencoded::parse(header.as_bytes()).find(|(key, _)| key == name);
        let ((_, time), (_, signature)) = field("t").zip(field("s")).ok_or(SignatureError::Malformed)?;
        let signed_at: i64 = time.parse().map_err(|_| SignatureError::Malformed)?;
        let signature = hex::decode(&*signature).map_err(|_| SignatureError::Malformed)?;
        let mac = self.mac(body, &time).ok_or(SignatureError::Mismatch)?;
        mac.verify_slice(&signature).map_err(|_| SignatureError::Mismatch)?;
        if now.saturating_sub(signed_at).saturating_abs() > TOLERANCE {
            return Err(SignatureError::Expired { signed_at, now });
        }
        Ok(())
    }

    /// What Inngest's API takes as a bearer token: the key's prefix and its hash.
    #[must_use]
    pub fn bearer(&self) -> &SecretString {
        &self.bearer
    }

    /// Enough of the key's hash to tell keys apart.
    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }

    fn mac(&self, body: &[u8], time: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes()).ok()?;
        mac.update(body);
        mac.update(time.as_bytes());
        Some(mac)
    }
}

/// Takes `signkey-<environment>-` off.
fn split(key: &str) -> (&str, &str) {
    let secret =
        key.strip_prefix("signkey-").and_then(|rest| rest.split_once('-')).and_then(|(environment, secret)| {
            let is_word = environment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            (is_word && !environment.is_empty()).then_some(secret)
        });
    match secret {
        Some(secret) => (key.strip_suffix(secret).unwrap_or_default(), secret),
        None => ("", key),
    }
}

/// SHA-256 of the event key, in hexadecimal.
#[must_use]
pub fn event_key_hash(key: &SecretString) -> String {
    hex::encode(Sha256::digest(key.expose_secret()))
}
