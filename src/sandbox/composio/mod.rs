//! A stand-in for Composio that speaks its wire format: toolkits, auth configs, connect links with a consent page,
//! connected accounts, tools that give seeded numbers and record what is published, and signed webhooks. Nothing
//! leaves this machine.
//!
//! `/api/v3.1` is Composio's API, `/composio/connect` what a customer would see at Composio and the platform,
//! `/composio` is for the person who develops, and `/composio/sandbox` is for tests. Everything is kept in one JSON file.

mod api;
mod control;
mod error;
mod faults;
mod numbers;
mod pages;
mod state;
#[cfg(test)]
mod tests;
mod tools;
mod webhooks;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use error::ComposioError;
use faults::Faults;
use state::State;

/// The key to use with the sandbox. It takes every key that does not begin with `bad`.
pub const API_KEY: &str = "sandbox";
/// Where the API is.
pub const API_PATH: &str = "/api/v3.1";
/// The name of its file in the data directory.
pub const FILE: &str = "sandbox-composio.json";

/// How many calls the log for tests keeps.
const MAX_LOGGED: usize = 10_000;

/// Where events are sent.
#[derive(Clone, Debug)]
pub struct WebhookTarget {
    /// The gateway's route for them.
    pub url: Url,
    /// What they are signed with.
    pub secret: SecretString,
}

/// The stand-in; clones share everything.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    path: PathBuf,
    live: Mutex<Live>,
    webhook: WebhookTarget,
    http: reqwest::Client,
}

/// What changes while it runs. Only `state` outlives the process.
struct Live {
    state: State,
    faults: Vec<Faults>,
    requests: VecDeque<LoggedRequest>,
}

/// A call to the API.
#[derive(Clone, Serialize)]
struct LoggedRequest {
    method: String,
    path: String,
    query: Option<String>,
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
        state.save(path)?;
        let http = web::http_client().timeout(webhooks::TIMEOUT).no_proxy().build().map_err(io::Error::other)?;
        let live = Live { state, faults: Vec::new(), requests: VecDeque::new() };
        Ok(Self(Arc::new(Inner { path: path.to_owned(), live: Mutex::new(live), webhook, http })))
    }

    /// Everything it answers.
    pub fn router(&self) -> Router {
        let pages = pages::router().merge(control::router());
        let pages = pages.layer(axum::middleware::from_fn(super::guard::guard));
        pages.merge(api::router(self)).with_state(self.clone())
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        // A change is made on a copy, so whoever panicked left nothing half done.
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> Result<T, ComposioError>) -> Result<T, ComposioError> {
        self.live().state.run_out();
        look(&self.live().state)
    }

    /// Changes the state and writes it down, both or neither.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, ComposioError>) -> Result<T, ComposioError> {
        let mut live = self.live();
        let mut draft = live.state.clone();
        draft.run_out();
        let result = change(&mut draft)?;
        draft.save(&self.0.path).map_err(|error| {
            tracing::error!(%error, path = %self.0.path.display(), "the Composio sandbox cannot be saved");
            ComposioError::internal("The sandbox could not write its file.")
        })?;
        live.state = draft;
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
