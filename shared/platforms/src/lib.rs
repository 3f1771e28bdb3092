#![doc = include_str!("../README.md")]

mod access;
mod arguments;
pub mod check;
pub mod connections;
mod error;
pub mod metrics;
pub mod publishing;
mod reply;
pub mod table;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use composio::{Composio, Health, Tool};
use entity::connections::Platform;
use entity::db::Db;
use secrecy::SecretString;
use tokio::sync::Mutex;
use web::config::{ComposioConfig, PublicUrl, Secrets};
use web::metrics::{Outcome, Upstream, upstream_called};
use web::seal::Seal;

pub use error::Error;
pub use table::facts;

/// Shorthand for the result of something with a platform.
pub type Result<T> = std::result::Result<T, Error>;

/// The platforms that customers connect. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Platforms {
    db: Db,
    project: Option<Arc<Project>>,
}

/// Our project at Composio.
#[derive(Debug)]
struct Project {
    composio: Composio,
    /// The operator's own auth configs.
    auth_configs: BTreeMap<Platform, String>,
    webhook_secrets: Vec<SecretString>,
    /// Signs the states that come back with browsers.
    states: Seal,
    public_url: PublicUrl,
    /// Held while an auth config is looked for or made, so that one process makes one.
    making_auth_config: Mutex<()>,
    /// What tools take, as long as this process runs: a toolkit's new version is spelled anew after a restart.
    tools: Mutex<HashMap<String, Arc<Tool>>>,
}

impl Platforms {
    /// Platforms through this project, or none: then everything with a platform is refused as not configured.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be made.
    pub fn new(
        db: Db,
        config: Option<ComposioConfig>,
        public_url: PublicUrl,
        secrets: &Secrets,
    ) -> std::result::Result<Self, String> {
        let project = |config: ComposioConfig| {
            let ComposioConfig { api_key, base_url, webhook_secrets, auth_configs } = config;
            let composio = Composio::new(web::http_client(), base_url, api_key)
                .map_err(|error| format!("cannot make a client for Composio: {error}"))?
                .observed(count);
            let states = secrets.seal("composio connect states");
            Ok::<_, String>(Project {
                composio,
                auth_configs,
                webhook_secrets,
                states,
                public_url,
                making_auth_config: Mutex::default(),
                tools: Mutex::default(),
            })
        };
        Ok(Self { db, project: config.map(project).transpose()?.map(Arc::new) })
    }

    /// Whether there is a project at Composio.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        self.project.is_some()
    }

    /// How calls to Composio went lately, if there are any to make. Costs no call.
    #[must_use]
    pub fn health(&self) -> Option<Health> {
        Some(self.project.as_ref()?.composio.health())
    }

    fn project(&self) -> Result<&Project> {
        self.project.as_deref().ok_or(Error::NotConfigured)
    }
}

/// Counts a call to Composio.
fn count(took: std::time::Duration, error: Option<&composio::Error>) {
    let outcome = match error {
        None => Outcome::Ok,
        Some(error) if error.is_outage() => Outcome::Failed,
        Some(_) => Outcome::Refused,
    };
    upstream_called(Upstream::Composio, outcome, took);
}
