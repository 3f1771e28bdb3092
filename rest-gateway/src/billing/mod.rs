//! Billing: checkout, Stripe's webhooks and what follows from them.
//!
//! Stripe's events are hints: [`worker`] handles each by asking Stripe how things stand ([`sync`]) and writing that.

pub mod checkout;
pub mod claim;
pub mod portal;
pub mod reconcile;
mod reply;
pub mod signature;
pub mod stripe;
mod sync;
pub mod webhook;
pub mod worker;

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::Duration;
use entity::db::Db;
use secrecy::SecretString;
use tokio::sync::Notify;
use web::ApiError;
use web::config::{PublicUrl, StripeConfig};

use stripe::{Stripe, StripeError};

/// What billing works with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Billing {
    db: Db,
    account: Option<Arc<Account>>,
    public_url: PublicUrl,
    grace: Duration,
    /// Wakes the worker when there is an event to handle.
    stored: Arc<Notify>,
}

/// Our account at Stripe.
#[derive(Debug)]
struct Account {
    stripe: Stripe,
    price: String,
    webhook_secrets: Vec<SecretString>,
    live: bool,
}

impl Billing {
    /// Billing through this Stripe account, or none: then every billing route answers 503 `not_configured`.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be made.
    pub fn new(db: Db, config: Option<StripeConfig>, grace: Duration, public_url: PublicUrl) -> Result<Self, String> {
        let account = config.map(Account::new).transpose()?.map(Arc::new);
        Ok(Self { db, account, public_url, grace, stored: Arc::default() })
    }

    /// Whether there is a Stripe account.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        self.account.is_some()
    }

    /// For how long a failed payment is forgiven.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        self.grace
    }

    fn account(&self) -> Result<&Account, ApiError> {
        self.account.as_deref().ok_or_else(|| {
            ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_configured",
                "Payments are not set up on this server. Its operator can make you an account.",
            )
        })
    }
}

impl Account {
    fn new(config: StripeConfig) -> Result<Self, String> {
        let live = config.is_live();
        let StripeConfig { secret_key, webhook_secrets, price, api_base } = config;
        Ok(Self { stripe: Stripe::new(secret_key, api_base)?, price, webhook_secrets, live })
    }
}

/// Why something that needs Stripe did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Stripe failed.
    #[error(transparent)]
    Stripe(#[from] StripeError),
    /// Our side failed or refused.
    #[error(transparent)]
    Store(#[from] entity::Error),
    /// Stripe's answer lacks something or says something that we do not know.
    #[error("Stripe's answer: {0}")]
    Unexpected(String),
}

impl Error {
    fn is_stale(&self) -> bool {
        matches!(self, Self::Store(entity::Error::Conflict { code: entity::billing::STALE, .. }))
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Stripe(_) | Error::Unexpected(_) => {
                tracing::warn!(%error, "Stripe failed");
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "stripe_failed",
                    "Our payment provider did not answer as it should. Nothing was charged; try again in a moment.",
                )
            }
        }
    }
}
