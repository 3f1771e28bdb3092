//! How an app finds Inngest, and how they know each other.

use secrecy::SecretString;
use url::Url;

use crate::signature::{InvalidSigningKey, SigningKey};

const DEV_ORIGIN: &str = "http://localhost:8288";
const CLOUD_API_ORIGIN: &str = "https://api.inngest.com";
const CLOUD_EVENT_ORIGIN: &str = "https://inn.gs";

/// Whether calls are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Inngest Cloud, or a server of one's own: every call is signed, and a call that is not is refused.
    #[default]
    Cloud,
    /// The dev server: nothing is signed, and nothing is checked.
    Dev,
}

/// How an app finds Inngest, and how they know each other. Only what is set here counts: nothing in a request changes
/// the mode.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether calls are signed.
    pub mode: Mode,
    /// What they are signed with. Without one, cloud mode refuses every call.
    pub signing_key: Option<SigningKey>,
    /// Another key that is good too, while one takes the place of the other.
    pub signing_key_fallback: Option<SigningKey>,
    /// What events are sent with.
    pub event_key: Option<SecretString>,
    /// The branch environment.
    pub env: Option<String>,
    /// Where Inngest's API is.
    pub api_origin: Url,
    /// Where events are sent to.
    pub event_origin: Url,
    /// The public origin of the app; that of the requests unless said.
    pub serve_origin: Option<Url>,
    /// The public path of the functions; that of the requests unless said.
    pub serve_path: Option<String>,
    /// Whether anybody may make the app register itself, in cloud mode. Unless said, anybody may when `serve_origin` is
    /// set: without it a stranger's `Host` header could have the functions registered elsewhere.
    pub unauthenticated_sync: Option<bool>,
}

/// A variable that is wrong, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: String,
}

impl ConfigError {
    /// The variable.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it must be.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl Config {
    /// For Inngest Cloud. Set the keys, and for a server of one's own the origins.
    ///
    /// # Errors
    ///
    /// Never: the addresses are constants.
    pub fn cloud() -> Result<Self, ConfigError> {
        Self::read(|_| None)
    }

    /// For the dev server on this machine.
    ///
    /// # Errors
    ///
    /// Never: the addresses are constants.
    pub fn dev() -> Result<Self, ConfigError> {
        Self::read(|name| (name == "INNGEST_DEV").then(|| "1".to_owned()))
    }

    /// From the variables `INNGEST_…` of the process, see [`Config::read`].
    ///
    /// # Errors
    ///
    /// When one of them is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// From variables, as the official SDKs name them: `INNGEST_DEV`, `INNGEST_SIGNING_KEY`,
    /// `INNGEST_SIGNING_KEY_FALLBACK`, `INNGEST_EVENT_KEY`, `INNGEST_ENV`, `INNGEST_BASE_URL`, `INNGEST_API_BASE_URL`,
    /// `INNGEST_EVENT_API_BASE_URL`, `INNGEST_SERVE_ORIGIN`, `INNGEST_SERVE_PATH`, `INNGEST_ENABLE_UNAUTHED_SYNC`.
    /// An empty one counts as absent.
    ///
    /// # Errors
    ///
    /// When one of them is wrong.
    pub fn read(lookup: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let variables = Variables(|name| lookup(name).map(|value| value.trim().to_owned()).filter(|it| !it.is_empty()));
        let dev = variables.get("INNGEST_DEV");
        let (mode, dev_origin) = match dev.as_deref() {
            None | Some("0" | "false") => (Mode::Cloud, None),
            Some("1" | "true") => (Mode::Dev, None),
            Some(origin) => (Mode::Dev, Some(url("INNGEST_DEV", origin)?)),
        };
        let origin = |name, cloud| {
            let explicit = variables.url(name)?.or(variables.url("INNGEST_BASE_URL")?).or(dev_origin.clone());
            explicit.map_or_else(|| url(name, if mode == Mode::Dev { DEV_ORIGIN } else { cloud }), Ok)
        };
        Ok(Self {
            mode,
            signing_key: variables.signing_key("INNGEST_SIGNING_KEY")?,
            signing_key_fallback: variables.signing_key("INNGEST_SIGNING_KEY_FALLBACK")?,
            event_key: variables.get("INNGEST_EVENT_KEY").map(SecretString::from),
            env: variables.get("INNGEST_ENV"),
            api_origin: origin("INNGEST_API_BASE_URL", CLOUD_API_ORIGIN)?,
            event_origin: origin("INNGEST_EVENT_API_BASE_URL", CLOUD_EVENT_ORIGIN)?,
            serve_origin: variables.url("INNGEST_SERVE_ORIGIN")?.or(variables.url("INNGEST_SERVE_HOST")?),
            serve_path: variables.get("INNGEST_SERVE_PATH"),
            unauthenticated_sync: variables.switch("INNGEST_ENABLE_UNAUTHED_SYNC")?,
        })
    }

    /// Whether somebody who did not sign may make the app register itself.
    pub(crate) fn lets_anybody_sync(&self) -> bool {
        self.mode == Mode::Dev || self.unauthenticated_sync.unwrap_or(self.serve_origin.is_some())
    }

    /// The keys that are good, the first one first.
    pub(crate) fn signing_keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.signing_key.iter().chain(&self.signing_key_fallback)
    }
}

/// The variables that are there and not empty.
struct Variables<F>(F);

impl<F: Fn(&'static str) -> Option<String>> Variables<F> {
    fn get(&self, name: &'static str) -> Option<String> {
        (self.0)(name)
    }

    fn url(&self, name: &'static str) -> Result<Option<Url>, ConfigError> {
        self.get(name).map(|text| url(name, &text)).transpose()
    }

    fn signing_key(&self, name: &'static str) -> Result<Option<SigningKey>, ConfigError> {
        let key = self.get(name).map(|text| SigningKey::new(&text.into())).transpose();
        key.map_err(|error: InvalidSigningKey| ConfigError { name, problem: error.to_string() })
    }

    fn switch(&self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        let switch = self.get(name).map(|text| match text.as_str() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(ConfigError { name, problem: "must be 1, true, 0 or false".to_owned() }),
        });
        switch.transpose()
    }
}

fn url(name: &'static str, text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| ConfigError { name, problem: "must be an address with http:// or https://".to_owned() })
}
