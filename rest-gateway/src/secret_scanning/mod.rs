//! Keys that a code host found where everybody can read them. GitHub tells by its secret scanning partner program, whose
//! form others have taken over: a list of matches, signed with a key that it publishes.
//! See <https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program>.

mod public_keys;

use std::sync::Arc;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entity::HashedSecret;
use entity::db::Db;
use entity::keys::{self, FoundAt, PlainKey};
use entity::oauth::{self, AccessToken, RefreshToken};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;
use utoipa::ToSchema;
use web::ApiError;
use webpki::RawPublicKeyEntity;

use public_keys::{PublicKeys, Unknown};

/// Longer addresses are nobody's.
const MAX_URL_CHARS: usize = 2_000;

/// What is found is taken out of use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SecretScanning {
    db: Db,
    public_keys: Arc<PublicKeys>,
}

/// How a report is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Which of the published keys signed it.
    pub identifier: &'a str,
    /// ECDSA on P-256 with SHA-256 over the body as it was sent, in base64.
    pub signature: &'a str,
}

/// A text that looks like one of our secrets, and where it is.
#[derive(Debug, Deserialize)]
struct Match {
    token: String,
    #[serde(rename = "type")]
    token_type: String,
    url: Option<String>,
    source: Option<String>,
}

/// What we say of a match.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdict {
    /// SHA-256 of what was found, in hex.
    token_hash: String,
    /// As it was reported.
    token_type: String,
    /// Whether it was a secret of ours.
    #[schema(value_type = String, pattern = "^(true|false)_positive$", example = "true_positive")]
    label: &'static str,
}

impl SecretScanning {
    /// Reports that are signed with the keys that `keys_url` publishes.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be made.
    pub fn new(db: Db, keys_url: Url) -> Result<Self, String> {
        Ok(Self { db, public_keys: Arc::new(PublicKeys::new(keys_url)?) })
    }

    /// Takes whatever of the report is ours out of use. The same report may come again.
    ///
    /// # Errors
    ///
    /// 400 for what is not signed or no report, 502 where the published keys cannot be had, and what the database says.
    pub async fn receive(&self, signed: Signed<'_>, body: &[u8]) -> Result<Vec<Verdict>, ApiError> {
        self.verify(signed, body).await?;
        let matches: Vec<Match> = serde_json::from_slice(body).map_err(|_| {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_report", "The body is not a list of matches.")
        })?;
        let mut verdicts = Vec::new();
        for found in matches {
            let is_ours = self.revoke(&found).await?;
            verdicts.push(Verdict {
                token_hash: hex::encode(Sha256::digest(&found.token)),
                token_type: found.token_type,
                label: if is_ours { "true_positive" } else { "false_positive" },
            });
        }
        Ok(verdicts)
    }

    async fn verify(&self, signed: Signed<'_>, body: &[u8]) -> Result<(), ApiError> {
        let refused = || {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "invalid_signature",
                "The report is not signed with a published key.",
            )
        };
        let signature = STANDARD.decode(signed.signature).map_err(|_| refused())?;
        if signed.identifier.is_empty() || signature.is_empty() {
            return Err(refused());
        }
        let key = self.public_keys.get(signed.identifier).await.map_err(|unknown| match unknown {
            Unknown::NotPublished => refused(),
            Unknown::NotAnswered => ApiError::new(
                StatusCode::BAD_GATEWAY,
                "keys_unavailable",
                "The keys that sign reports cannot be had now. Nothing was revoked; send the report again.",
            ),
        })?;
        if signs(&key, body, &signature) { Ok(()) } else { Err(refused()) }
    }

    /// The one place that knows which texts may be secrets of ours, by their prefix.
    async fn revoke(&self, found: &Match) -> Result<bool, ApiError> {
        let token = &found.token;
        let place = FoundAt {
            url: found.url.as_deref().and_then(public_address),
            source: found.source.as_deref().filter(|source| is_name(source)).map(str::to_owned),
        };
        let of_an_app = token.parse::<AccessToken>().map(|token| token.hash());
        if let Ok(token) = of_an_app.or_else(|_| token.parse::<RefreshToken>().map(|token| token.hash())) {
            return self.shut_out(&token, &place).await;
        }
        let Ok(key) = found.token.parse::<PlainKey>() else { return Ok(false) };
        let Some(customer_id) = keys::revoke_leaked(&self.db, &key, &place).await? else { return Ok(false) };
        tracing::warn!(customer = %customer_id, url = place.url, "a key was found where everybody can read it, and ended with all that it had made and let in");
        Ok(true)
    }

    /// Ends what an app was let do, one of whose tokens was found.
    async fn shut_out(&self, token: &HashedSecret, place: &FoundAt) -> Result<bool, ApiError> {
        let Some(customer_id) = oauth::end_leaked(&self.db, token, place).await? else { return Ok(false) };
        tracing::warn!(customer = %customer_id, url = place.url, "an app's token was found where everybody can read it, and the app shut out");
        Ok(true)
    }
}

fn signs(key: &SubjectPublicKeyInfoDer<'_>, body: &[u8], signature: &[u8]) -> bool {
    RawPublicKeyEntity::try_from(key)
        .is_ok_and(|key| key.verify_signature(webpki::ring::ECDSA_P256_SHA256, body, signature).is_ok())
}

/// The address, if it is one that a person can go to.
fn public_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(url.to_string()).filter(|url| url.len() <= MAX_URL_CHARS)
}

/// Whether it is a name such as `Pull_request_comment`.
fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
