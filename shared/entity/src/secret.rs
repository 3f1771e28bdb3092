//! Secrets that we make, give out once and keep only as a hash: a prefix that says what they are, and 64 lower-case hex
//! characters, which are 32 bytes from the operating system's random source.
//!
//! With that much entropy a plain SHA-256 is enough; a slow password hash would only slow the customer down.

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};

const RANDOM_BYTES: usize = 32;

/// What is stored of a secret. A different type, so that the secret itself cannot reach the database.
#[derive(Clone, Debug, PartialEq, Eq, sea_orm::DeriveValueType)]
pub struct HashedSecret(String);

impl HashedSecret {
    pub(crate) fn of(secret: &str) -> Self {
        Self(hex::encode(Sha256::digest(secret)))
    }

    /// Compared in constant time.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

// Asked for by primary keys; only databases without RETURNING would use it.
impl sea_orm::TryFromU64 for HashedSecret {
    fn try_from_u64(_: u64) -> std::result::Result<Self, sea_orm::DbErr> {
        Err(sea_orm::DbErr::ConvertFromU64("HashedSecret"))
    }
}

/// A new secret.
pub(crate) fn generate(prefix: &str) -> Result<SecretString> {
    let mut bytes = [0_u8; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::Database(sea_orm::DbErr::Custom(format!("no random bytes from the operating system: {error}")))
    })?;
    Ok(format!("{prefix}{}", hex::encode(bytes)).into())
}

/// A text as a secret of this prefix, if it has the form of one: nothing else reaches the database.
pub(crate) fn read(prefix: &str, text: &str) -> Option<SecretString> {
    let hex = text.strip_prefix(prefix)?;
    let well_formed =
        hex.len() == RANDOM_BYTES * 2 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    well_formed.then(|| text.into())
}

/// A text that is not a secret of ours of the expected kind. Says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secret of ours")]
pub struct MalformedSecret;

/// A kind of secret by its prefix. Printing one prints nothing of it; `expose` is the only way out.
macro_rules! plain_secret {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(secrecy::SecretString);

        impl $name {
            /// What every secret of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new one.
            ///
            /// # Errors
            ///
            /// When the operating system has no randomness to give.
            pub fn generate() -> crate::Result<Self> {
                crate::secret::generate(Self::PREFIX).map(Self)
            }

            /// It as text, to be shown to its owner and nobody else.
            #[must_use]
            pub fn expose(&self) -> &str {
                secrecy::ExposeSecret::expose_secret(&self.0)
            }

            /// What is stored of it.
            #[must_use]
            pub fn hash(&self) -> crate::secret::HashedSecret {
                crate::secret::HashedSecret::of(self.expose())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(", $prefix, "…)"))
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::secret::MalformedSecret;

            /// Refuses whatever is none by its form, so that it never reaches the database.
            fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
                crate::secret::read(Self::PREFIX, text).map(Self).ok_or(crate::secret::MalformedSecret)
            }
        }
    };
}

pub(crate) use plain_secret;
