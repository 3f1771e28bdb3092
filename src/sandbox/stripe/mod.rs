//! A stand-in for Stripe that speaks its wire format: customers, Checkout, subscriptions, invoices, the customer portal
//! and signed webhooks. No money moves.
//!
//! `/v1` is Stripe's API, `/pay`, `/portal` and `/invoice` are what a customer would see at Stripe, `/` is for the
//! person who develops, and `/sandbox` is for tests. Everything is kept in one JSON file.

mod actions;
mod api;
mod control;
mod error;
mod faults;
mod pages;
mod params;
mod render;
mod state;
#[cfg(test)]
mod tests;
mod webhooks;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use secrecy::SecretString;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;

use error::StripeError;
use faults::Faults;
use state::State;

/// The secret key to use with the sandbox. It takes every `sk_test_…` and `rk_test_…`.
pub const SECRET_KEY: &str = "sk_test_sandbox";
/// The one price there is.
pub const PRICE_ID: &str = "price_sandbox_pro";
/// The version of the API whose shapes are spoken.
pub const API_VERSION: &str = "2026-09-30.endive";
/// The name of its file in the data directory.
pub const FILE: &str = "sandbox-stripe.json";

/// How many calls the log for tests keeps.
const MAX_LOGGED: usize = 10_000;

/// Where events are sent.
#[derive(Clone, Debug)]
pub struct WebhookTarget {
    /// The gateway's route for them.
    pub url: Url,
    /// What they are signed with: `whsec_…`.
    pub secret: SecretString,
}

/// The stand-in; clones share everything.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    path: PathBuf,
    live: Mutex<Live>,
    /// Wakes the task that delivers.
    changed: Notify,
    http: reqwest::Client,
}

/// What changes while it runs. Only `state` outlives the process.
struct Live {
    state: State,
    webhook: WebhookTarget,
    /// Whether events are sent by themselves.
    delivers: bool,
    faults: Option<Faults>,
    requests: VecDeque<LoggedRequest>,
}

/// A call to `/v1`.
#[derive(Clone, Serialize)]
struct LoggedRequest {
    method: String,
    path: String,
    idempotency_key: Option<String>,
    /// What went wrong with it on purpose.
    fault: Option<faults::Kind>,
}

impl Sandbox {
    /// Opens the sandbox on the file of an earlier run, or a new one. `origin` is where it will be served.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, or is not the sandbox's.
    pub fn open(path: &Path, origin: String, webhook: WebhookTarget) -> io::Result<Self> {
        let state = State::load(path, origin)?;
        // So that a directory that cannot be written shows now, not with the first payment.
        state.save(path)?;
        let http = web::http_client()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(webhooks::TIMEOUT)
            .no_proxy()
            .build()
            .map_err(io::Error::other)?;
        let live = Live { state, webhook, delivers: true, faults: None, requests: VecDeque::new() };
        Ok(Self(Arc::new(Inner { path: path.to_owned(), live: Mutex::new(live), changed: Notify::new(), http })))
    }

    /// Everything it answers.
    pub fn router(&self) -> Router {
        let pages = pages::router().merge(control::router());
        let pages = pages.layer(axum::middleware::from_fn(super::guard::guard));
        pages.merge(api::router(self)).fallback(pages::not_found).with_state(self.clone())
    }

    /// Sends events until `shutdown`.
    pub async fn deliveries(self, shutdown: CancellationToken) {
        tokio::select! {
            () = webhooks::deliver_for_ever(&self) => {}
            () = shutdown.cancelled() => {}
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        // A change is made on a copy, so whoever panicked left nothing half done.
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the state, after what has run out since.
    fn read<T>(&self, look: impl FnOnce(&State) -> Result<T, StripeError>) -> Result<T, StripeError> {
        if self.live().state.has_run_out() {
            self.change(|_| Ok(()))?;
        }
        look(&self.live().state)
    }

    /// Changes the state and writes it down, both or neither.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, StripeError>) -> Result<T, StripeError> {
        let mut live = self.live();
        let mut draft = live.state.clone();
        draft.run_out();
        let result = change(&mut draft)?;
        draft.save(&self.0.path).map_err(|error| {
            tracing::error!(%error, path = %self.0.path.display(), "the Stripe sandbox cannot be saved");
            StripeError::internal("The sandbox could not write its file.")
        })?;
        live.state = draft;
        drop(live);
        self.0.changed.notify_one();
        Ok(result)
    }

    fn log(&self, request: LoggedRequest) {
        let mut live = self.live();
        if live.requests.len() == MAX_LOGGED {
            live.requests.pop_front();
        }
        live.requests.push_back(request);
    }
}
