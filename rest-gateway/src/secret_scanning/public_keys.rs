//! The keys that a code host publishes to sign its reports with.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;
use web::metrics::{self, Outcome, Upstream};

const TIMEOUT: Duration = Duration::from_secs(10);
/// A key may be withdrawn; until it is asked again it counts.
const GOOD_FOR: Duration = Duration::from_secs(60 * 60);
/// Whoever makes names up does not have us ask more often.
const ASKED_AT_MOST_EVERY: Duration = Duration::from_secs(60);
const MAX_BYTES: usize = 256 * 1024;

/// Published keys by their names, asked for when one is needed.
#[derive(Debug)]
pub struct PublicKeys {
    http: reqwest::Client,
    url: Url,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, SubjectPublicKeyInfoDer<'static>>,
    read_at: Option<Instant>,
    /// When it was asked last, and whether it answered.
    asked: Option<(Instant, bool)>,
}

/// Why there is no key of a name.
#[derive(Debug)]
pub enum Unknown {
    /// None of this name is published.
    NotPublished,
    /// It cannot be told: whoever publishes them does not answer as they should.
    NotAnswered,
}

#[derive(Deserialize)]
struct Published {
    public_keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    key_identifier: String,
    /// PEM.
    key: String,
}

impl PublicKeys {
    pub fn new(url: Url) -> Result<Self, String> {
        let http = web::http_client()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("cannot make a client for published keys: {error}"))?;
        Ok(Self { http, url, known: Mutex::default() })
    }

    /// The key of this name. Callers wait for one another, so that one of them asks.
    pub async fn get(&self, name: &str) -> Result<SubjectPublicKeyInfoDer<'static>, Unknown> {
        let mut known = self.known.lock().await;
        let is_fresh = known.read_at.is_some_and(|at| at.elapsed() < GOOD_FOR);
        let may_ask = known.asked.is_none_or(|(at, _)| at.elapsed() >= ASKED_AT_MOST_EVERY);
        if may_ask && !(is_fresh && known.keys.contains_key(name)) {
            let read = self.read().await;
            known.asked = Some((Instant::now(), read.is_some()));
            if let Some(keys) = read {
                known.keys = keys;
                known.read_at = Some(Instant::now());
            }
        }
        let answered = known.asked.is_none_or(|(_, answered)| answered);
        let unknown = if answered { Unknown::NotPublished } else { Unknown::NotAnswered };
        known.keys.get(name).cloned().ok_or(unknown)
    }

    async fn read(&self) -> Option<HashMap<String, SubjectPublicKeyInfoDer<'static>>> {
        match metrics::upstream(Upstream::CodeHost, |_| Outcome::Failed, self.fetch()).await {
            Ok(published) => Some(published.public_keys.into_iter().filter_map(read_key).collect()),
            Err(problem) => {
                tracing::warn!(url = %self.url, problem, "the keys that sign reports of leaked keys cannot be read");
                None
            }
        }
    }

    async fn fetch(&self) -> Result<Published, String> {
        let response = self.http.get(self.url.clone()).send().await.and_then(reqwest::Response::error_for_status);
        let mut response = response.map_err(|error| error.without_url().to_string())?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(format!("the answer has more than {MAX_BYTES} bytes"));
            }
        }
        serde_json::from_slice(&body).map_err(|error| format!("the answer is not a list of keys: {error}"))
    }
}

fn read_key(published: PublishedKey) -> Option<(String, SubjectPublicKeyInfoDer<'static>)> {
    let key = SubjectPublicKeyInfoDer::from_pem_slice(published.key.as_bytes()).ok()?;
    Some((published.key_identifier, key))
}
