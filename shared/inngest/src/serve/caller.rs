//! Who calls.

use axum::http::HeaderMap;
use chrono::Utc;

use super::{Answer, App};
use crate::config::Mode;
use crate::signature::{SignatureError, SigningKey};

/// The header of signatures.
pub(super) const SIGNATURE: &str = "x-inngest-signature";

/// Who calls, as far as it is known.
#[derive(Clone, Copy)]
pub(super) enum Caller<'a> {
    /// Anybody: in dev mode it does not matter.
    Dev,
    /// Inngest, with this key.
    Inngest(&'a SigningKey),
    /// Somebody who says nothing about it.
    Unsigned,
    /// Somebody whose signature is not good.
    Forged,
    /// There is no key to tell.
    Unknown,
}

impl<'a> Caller<'a> {
    /// Only the configuration says whether a signature is needed, nothing in the request.
    pub(super) fn of(app: &'a App, headers: &HeaderMap, body: &[u8]) -> Self {
        let config = app.client.config();
        if config.mode == Mode::Dev {
            return Self::Dev;
        }
        let mut keys = config.signing_keys().peekable();
        if keys.peek().is_none() {
            return Self::Unknown;
        }
        let Some(signature) = headers.get(SIGNATURE) else { return Self::Unsigned };
        let signature = signature.to_str().unwrap_or_default();
        let now = Utc::now().timestamp();
        let mut refused = SignatureError::Mismatch;
        for key in keys {
            match key.verify(signature, body, now) {
                Ok(()) => return Self::Inngest(key),
                Err(SignatureError::Mismatch) => {}
                Err(problem) => refused = problem,
            }
        }
        tracing::warn!(problem = %refused, "a call was refused");
        Self::Forged
    }

    /// The key to sign the answer with.
    pub(super) fn key(self) -> Option<&'a SigningKey> {
        match self {
            Self::Inngest(key) => Some(key),
            Self::Dev | Self::Unsigned | Self::Forged | Self::Unknown => None,
        }
    }

    /// The answer to those who may not call.
    pub(super) fn refusal(self) -> Option<Answer> {
        match self {
            Self::Dev | Self::Inngest(_) => None,
            Self::Unsigned | Self::Forged => Some(Answer::unauthorized()),
            Self::Unknown => Some(Answer::unconfigured()),
        }
    }
}
