//! Why a page, or what belongs to it, cannot be had.

use url::Url;
use web::metrics::Outcome;

use super::reach::Refused;
use super::{MAX_PAGE, MAX_REDIRECTS, PATIENCE};
use crate::scanner::seo::short;

/// Why a page cannot be scanned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It is no address of a web page.
    #[error("{0}")]
    Address(String),
    /// It leads to what is not everybody's.
    #[error("{0} is not a public address. Only pages that anybody can open are scanned.")]
    NotPublic(String),
    /// There is no such host.
    #[error("There is no host {0}.")]
    NoHost(String),
    /// It led on too often.
    #[error("The page redirects more than {MAX_REDIRECTS} times.")]
    TooManyRedirects,
    /// It took too long.
    #[error("The page did not come within {} seconds.", PATIENCE.as_secs())]
    TooSlow,
    /// It is too large.
    #[error("The page has more than {} MiB.", MAX_PAGE / 1024 / 1024)]
    TooLarge,
    /// It is not HTML.
    #[error("This is no HTML page, but {0}.")]
    NotHtml(String),
    /// It comes in a way that was not asked for.
    #[error("The page could not be read: it is packed in a way that was not asked for, {0}.")]
    Packed(String),
    /// Anything else between us and it.
    #[error("The page could not be read: {0}.")]
    Failed(String),
}

impl FetchError {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Address(_)
            | Self::NotPublic(_)
            | Self::TooManyRedirects
            | Self::TooLarge
            | Self::NotHtml(_)
            | Self::Packed(_) => Outcome::Refused,
            Self::NoHost(_) | Self::TooSlow | Self::Failed(_) => Outcome::Failed,
        }
    }
}

/// What went wrong between us and a site.
pub(super) fn failed(error: &reqwest::Error, url: &Url) -> FetchError {
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut words = "the connection failed".to_owned();
    while let Some(cause) = source {
        if cause.downcast_ref::<Refused>().is_some() {
            return FetchError::NotPublic(host);
        }
        words = cause.to_string();
        source = cause.source();
    }
    match () {
        () if error.is_timeout() => FetchError::TooSlow,
        () if words.contains("failed to lookup") || words.contains("dns") => FetchError::NoHost(host),
        () => FetchError::Failed(short(&words)),
    }
}
