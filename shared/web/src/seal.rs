//! Encryption of what is given out or stored and must be read back: cookies, states, secrets of others.
//!
//! AES-256-GCM with a fresh random nonce each time. The key is derived from `ENCRYPTION_SECRET` for one purpose, and
//! the purpose is authenticated too, so that what was sealed for one thing never opens as another.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretSlice;

use crate::config::EncryptionSecret;

/// What every sealed text begins with, so that another scheme can follow.
const VERSION: &str = "v1.";
const NONCE_BYTES: usize = 12;

/// Seals and opens texts of one purpose. Cheap enough to be made once and kept; prints nothing of its keys.
///
/// Random nonces of 96 bits are safe for 2^32 seals under one key; change the secret long before that.
#[derive(Clone)]
pub struct Seal {
    purpose: &'static str,
    current: Aes256Gcm,
    fallback: Option<Aes256Gcm>,
}

/// A text could not be sealed: the operating system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("cannot seal: {0}")]
pub struct SealError(String);

/// A text that was not sealed by us for this purpose, or was altered since. Says nothing more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sealed by us for this purpose")]
pub struct NotSealed;

impl Seal {
    /// Seals with `current`; opens what `current` or `fallback` sealed.
    pub(crate) fn new(purpose: &'static str, current: &EncryptionSecret, fallback: Option<&EncryptionSecret>) -> Self {
        let cipher = |secret: &EncryptionSecret| Aes256Gcm::new(&secret.derive(purpose).into());
        Self { purpose, current: cipher(current), fallback: fallback.map(cipher) }
    }

    /// A text of letters, digits, `.`, `-` and `_` that only [`Seal::open`] can read.
    ///
    /// # Errors
    ///
    /// When there is no randomness.
    pub fn seal(&self, plain: &[u8]) -> Result<String, SealError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| SealError(error.to_string()))?;
        let sealed = self
            .current
            .encrypt(&Nonce::from(nonce), self.payload(plain))
            .map_err(|_| SealError("the text is too long".to_owned()))?;
        Ok(format!("{VERSION}{}", URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// What was sealed.
    ///
    /// # Errors
    ///
    /// [`NotSealed`] for everything else.
    pub fn open(&self, text: &str) -> Result<SecretSlice<u8>, NotSealed> {
        let bytes = text.strip_prefix(VERSION).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(NotSealed)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(NotSealed)?;
        let nonce = Nonce::from(*nonce);
        let ciphers = [Some(&self.current), self.fallback.as_ref()];
        let opened = ciphers.into_iter().flatten().find_map(|cipher| cipher.decrypt(&nonce, self.payload(sealed)).ok());
        opened.map(SecretSlice::from).ok_or(NotSealed)
    }

    fn payload<'a>(&self, msg: &'a [u8]) -> Payload<'a, 'static> {
        Payload { msg, aad: self.purpose.as_bytes() }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const PLAIN: &[u8] = b"what nobody else may read";

    fn secret(letter: &str) -> EncryptionSecret {
        EncryptionSecret::new(letter.repeat(32).into())
    }

    fn seal(purpose: &'static str) -> Seal {
        Seal::new(purpose, &secret("a"), None)
    }

    #[test]
    fn what_was_sealed_opens() {
        for plain in [PLAIN, b"", &[0xff; 10_000]] {
            let sealed = seal("a test").seal(plain).unwrap();
            assert_eq!(seal("a test").open(&sealed).unwrap().expose_secret(), plain);
        }
        let sealed = seal("a test").seal(PLAIN).unwrap();
        let is_plain_text = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        assert!(sealed.starts_with("v1.") && sealed.bytes().all(is_plain_text), "{sealed}");
    }

    #[test]
    fn the_same_text_sealed_twice_differs() {
        let seal = seal("a test");
        assert_ne!(seal.seal(PLAIN).unwrap(), seal.seal(PLAIN).unwrap());
    }

    #[test]
    fn no_altered_byte_goes_unnoticed() {
        let seal = seal("a test");
        let sealed = seal.seal(PLAIN).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed[VERSION.len()..]).unwrap();
        for position in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[position] ^= 1;
            let altered = format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(altered));
            assert_eq!(seal.open(&altered).unwrap_err(), NotSealed, "byte {position}");
        }
        for cut in 0..sealed.len() {
            assert_eq!(seal.open(&sealed[..cut]).unwrap_err(), NotSealed, "cut at {cut}");
        }
        for wrong in [format!("{sealed}A"), format!("{sealed}="), sealed.replace("v1.", "v2."), "ü".to_owned()] {
            assert_eq!(seal.open(&wrong).unwrap_err(), NotSealed, "{wrong}");
        }
    }

    #[test]
    fn each_purpose_is_its_own() {
        let sealed = seal("one thing").seal(PLAIN).unwrap();
        assert_eq!(seal("another").open(&sealed).unwrap_err(), NotSealed);
        // Even under the same key: the purpose is authenticated, not only derived from.
        let mut same_key = seal("one thing");
        same_key.purpose = "another";
        assert_eq!(same_key.open(&sealed).unwrap_err(), NotSealed);
    }

    #[test]
    fn a_secret_can_be_rotated() {
        let old = Seal::new("a test", &secret("a"), None);
        let rotated = Seal::new("a test", &secret("b"), Some(&secret("a")));
        let finished = Seal::new("a test", &secret("b"), None);
        let sealed_before = old.seal(PLAIN).unwrap();
        assert_eq!(rotated.open(&sealed_before).unwrap().expose_secret(), PLAIN);
        assert_eq!(finished.open(&sealed_before).unwrap_err(), NotSealed);
        let sealed_after = rotated.seal(PLAIN).unwrap();
        assert_eq!(finished.open(&sealed_after).unwrap().expose_secret(), PLAIN);
        assert_eq!(old.open(&sealed_after).unwrap_err(), NotSealed);
    }

    #[test]
    fn nothing_of_it_prints() {
        let seal = seal("a test");
        let opened = seal.open(&seal.seal(PLAIN).unwrap()).unwrap();
        assert_eq!(format!("{seal:?}"), r#"Seal { purpose: "a test", .. }"#);
        assert!(!format!("{opened:?}").contains("119"), "{opened:?}");
    }
}
