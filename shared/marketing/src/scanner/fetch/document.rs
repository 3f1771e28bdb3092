//! Small documents at addresses that strangers give us.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CACHE_CONTROL, HeaderMap, USER_AGENT};
use url::Url;
use web::metrics::{self, Outcome, Upstream};

use super::body::{Body, read};
use super::error::failed;
use super::{FetchError, Scanner};

/// How long a document may take, with the time that it waits for others.
const DOCUMENT_PATIENCE: Duration = Duration::from_secs(5);
const DOCUMENT_AGENT: &str =
    concat!("Mozilla/5.0 (compatible; HeyCMO/", env!("CARGO_PKG_VERSION"), "; client metadata)");

/// A small file at an address that somebody gave us.
#[derive(Clone, Debug)]
pub struct Document {
    /// All of it.
    pub bytes: Vec<u8>,
    /// For how many seconds it may be kept, if it says so.
    pub max_age: Option<u64>,
}

/// Why there is no document, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Its site cannot be reached, which says nothing of the document and may pass.
    #[error("{0}")]
    Unreachable(String),
    /// There is none that we would take.
    #[error("{0}")]
    Refused(String),
}

impl DocumentError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Unreachable(_) => Outcome::Failed,
            Self::Refused(_) => Outcome::Refused,
        }
    }

    fn too_slow() -> Self {
        Self::Unreachable(format!("it did not come within {} seconds", DOCUMENT_PATIENCE.as_secs()))
    }

    fn too_large(most: u64) -> Self {
        Self::Refused(format!("it has more than {most} bytes"))
    }

    fn of_status(status: StatusCode) -> Self {
        let words = format!("it is answered with status {}", status.as_u16());
        if status.is_server_error() { Self::Unreachable(words) } else { Self::Refused(words) }
    }
}

impl From<FetchError> for DocumentError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::NotPublic(host) => Self::Refused(format!("{host} is not a public address")),
            FetchError::Packed(how) => Self::Refused(format!("it is packed in a way that was not asked for, {how}")),
            FetchError::TooSlow => Self::too_slow(),
            FetchError::NoHost(host) => Self::Unreachable(format!("there is no host {host}")),
            FetchError::Failed(cause) => Self::Unreachable(cause),
            other => Self::Refused(other.to_string()),
        }
    }
}

impl Scanner {
    /// Fetches a small document from exactly this address: as carefully as a page, but no redirect is followed.
    ///
    /// # Errors
    ///
    /// When the address is not public, or there is no such document of at most `most` bytes.
    pub async fn document(&self, url: &Url, most: u64) -> Result<Document, DocumentError> {
        self.require_allowed(url)?;
        let fetched = async {
            let fetched = tokio::time::timeout(DOCUMENT_PATIENCE, self.fetch_document(url, most)).await;
            fetched.unwrap_or_else(|_| Err(DocumentError::too_slow()))
        };
        metrics::upstream(Upstream::Page, DocumentError::outcome, fetched).await
    }

    async fn fetch_document(&self, url: &Url, most: u64) -> Result<Document, DocumentError> {
        let _slot = self.document_slots.acquire().await;
        let request = self.http.get(url.clone()).header(ACCEPT, "application/json").header(USER_AGENT, DOCUMENT_AGENT);
        let response = request.send().await.map_err(|error| failed(&error, url))?;
        if response.status() != StatusCode::OK {
            return Err(DocumentError::of_status(response.status()));
        }
        let max_age = max_age(response.headers());
        let Body { bytes, is_cut, .. } = read(response, most).await?;
        if is_cut { Err(DocumentError::too_large(most)) } else { Ok(Document { bytes, max_age }) }
    }
}

/// For how many seconds an answer may be kept.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let said = headers.get(CACHE_CONTROL)?.to_str().ok()?.to_ascii_lowercase();
    let mut directives = said.split(',').map(str::trim);
    if directives.clone().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return Some(0);
    }
    directives.find_map(|directive| directive.strip_prefix("max-age=")?.parse().ok())
}
