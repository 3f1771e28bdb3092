//! The configuration: the environment, read once, one struct per concern. Every error names its variable.

mod composio;
mod environment;
mod inngest;
mod llm;
mod secrets;
mod stripe;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use axum::http::HeaderValue;
use chrono::Duration;
use entity::db::DatabaseUrl;
use ipnet::IpNet;
use url::{Host, Url};

pub use composio::{ComposioConfig, auth_config_variable};
pub use environment::{ConfigError, Environment, SECRETS};
pub use secrets::{EncryptionSecret, Secrets};
pub use stripe::StripeConfig;

use crate::client_ip::TrustedProxies;
use crate::oauth::OAuth;
use crate::rate_limit::RateLimits;
use crate::telemetry::LogFormat;

/// The address variables, which the "address taken" message names too.
pub const GATEWAY_ADDR: &str = "HEYCMO_GATEWAY_ADDR";
/// See [`GATEWAY_ADDR`].
pub const MCP_ADDR: &str = "HEYCMO_MCP_ADDR";
/// See [`GATEWAY_ADDR`].
pub const SANDBOX_ADDR: &str = "HEYCMO_SANDBOX_ADDR";
/// See [`GATEWAY_ADDR`].
pub const METRICS_ADDR: &str = "HEYCMO_METRICS_ADDR";

const GITHUB_KEYS: &str = "https://api.github.com/meta/public_keys/secret_scanning";
const DEFAULT_GRACE: Duration = Duration::days(7);
const MAX_GRACE_DAYS: u16 = 365;

/// What the process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A laptop: secrets are generated, everything listens on loopback.
    Development,
    /// Paying customers: whatever is unsafe stops the start.
    Production,
}

/// Everything the processes are told from outside, except secrets.
#[derive(Clone, Debug)]
pub struct Config {
    /// `HEYCMO_ENV`.
    pub mode: Mode,
    /// `HEYCMO_DATA_DIR`.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`.
    pub database: DatabaseUrl,
    /// Where the gateway listens.
    pub gateway_addr: SocketAddr,
    /// Where the MCP server listens.
    pub mcp_addr: SocketAddr,
    /// `HEYCMO_SANDBOX_ADDR`: where the stand-ins for Stripe and Composio listen, in development without those.
    pub sandbox_addr: SocketAddr,
    /// `HEYCMO_METRICS_ADDR`: where Prometheus finds the metrics, if anywhere.
    pub metrics_addr: Option<SocketAddr>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: who collects traces, if anybody.
    pub collector: Option<Url>,
    /// Networks whose pages may be scanned besides everybody's.
    pub scan_networks: Vec<IpNet>,
    /// Who may ask for what, and under which name.
    pub origins: Origins,
    /// `HEYCMO_OAUTH`: whether apps may ask customers to let them in.
    oauth: bool,
    /// The account at Stripe, if there is one.
    pub stripe: Option<StripeConfig>,
    /// The project at Composio, if there is one.
    pub composio: Option<ComposioConfig>,
    /// `INNGEST_SIGNING_KEY` and the others: who runs the durable functions, if not the embedded engine.
    pub inngest: Option<::inngest::Config>,
    /// `LLM_BASE_URL` and the others: the model that writes, if there is one.
    pub model: Option<model::Config>,
    /// `SECRET_SCANNING_KEYS_URL`: where GitHub publishes the keys that sign its reports of leaked keys.
    pub secret_scanning_keys: Url,
    /// `BILLING_GRACE_DAYS`: how long a failed payment is forgiven.
    pub grace: Duration,
    /// `RATE_LIMIT_CHECKOUT` and the others.
    pub rate_limits: RateLimits,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: TrustedProxies,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `RUST_LOG`.
    pub log_filter: Option<String>,
}

/// The public addresses and the names that requests may use.
#[derive(Clone, Debug)]
pub struct Origins {
    /// `PUBLIC_URL`, if set.
    gateway: Option<Url>,
    /// `MCP_PUBLIC_URL`, if set.
    mcp: Option<Url>,
    /// `ALLOWED_HOSTS`: accepted in the Host header besides the public ones.
    hosts: Vec<String>,
    /// `ALLOWED_ORIGINS`: accepted in the Origin header besides the public ones.
    origins: Vec<String>,
}

/// A public origin without a slash at its end, such as `https://heycmo.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// An address of this machine's own, without TLS.
    #[must_use]
    pub fn localhost(port: u16) -> Self {
        Self(localhost(port))
    }

    /// An address below the origin; `path` begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }

    /// The origin as browsers write it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether it is for this machine only, without TLS: the one place where cookies cannot ask for TLS.
    #[must_use]
    pub fn is_http_on_localhost(&self) -> bool {
        self.0.scheme() == "http" && matches!(self.0.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
    }

    /// Its name or address, without the port and without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']').to_owned()
    }

    fn host_and_port(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// The first variable that is wrong.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let mode = environment.parsed_with("HEYCMO_ENV", parse_mode)?.unwrap_or(Mode::Development);
        let data_dir = PathBuf::from(environment.var("HEYCMO_DATA_DIR").unwrap_or(".heycmo"));
        let database =
            environment.parsed("DATABASE_URL")?.unwrap_or_else(|| DatabaseUrl::Sqlite(data_dir.join("heycmo.db")));
        Ok(Self {
            mode,
            database,
            gateway_addr: environment
                .parsed_with(GATEWAY_ADDR, parse_addr)?
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8787))),
            mcp_addr: environment
                .parsed_with(MCP_ADDR, parse_addr)?
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8788))),
            metrics_addr: environment.parsed_with(METRICS_ADDR, parse_metrics_addr)?,
            collector: environment.parsed_with("OTEL_EXPORTER_OTLP_ENDPOINT", parse_collector)?,
            scan_networks: environment.list_of("HEYCMO_SCAN_NETWORKS", parse_network)?,
            sandbox_addr: environment
                .parsed_with(SANDBOX_ADDR, parse_addr)?
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8789))),
            origins: Origins::from_environment(environment, mode)?,
            oauth: environment.parsed_with("HEYCMO_OAUTH", parse_switch)?.unwrap_or(false),
            stripe: StripeConfig::from_environment(environment)?,
            composio: ComposioConfig::from_environment(environment)?,
            inngest: inngest::from_environment(environment, mode)?,
            model: llm::from_environment(environment)?,
            secret_scanning_keys: secret_scanning_keys(environment)?,
            grace: environment.parsed_with("BILLING_GRACE_DAYS", parse_days)?.unwrap_or(DEFAULT_GRACE),
            rate_limits: RateLimits::from_environment(environment)?,
            trusted_proxies: TrustedProxies::from_environment(environment)?,
            log_format: environment.parsed_with("LOG_FORMAT", parse_log_format)?.unwrap_or(LogFormat::Pretty),
            log_filter: environment.var("RUST_LOG").map(str::to_owned),
            data_dir,
        })
    }

    /// How apps are let in, if they are, by the servers that listen on these ports here.
    #[must_use]
    pub fn oauth(&self, gateway_port: u16, mcp_port: u16) -> Option<OAuth> {
        self.oauth.then(|| OAuth::new(&self.origins.gateway(gateway_port), &self.origins.mcp(mcp_port)))
    }
}

impl Origins {
    fn from_environment(environment: &Environment, mode: Mode) -> Result<Self, ConfigError> {
        let public_url = |text: &str| parse_public_url(text, mode);
        let gateway = environment.parsed_with("PUBLIC_URL", public_url)?;
        let mcp = environment.parsed_with("MCP_PUBLIC_URL", public_url)?;
        if mode == Mode::Production && gateway.is_none() {
            return Err(ConfigError::new("PUBLIC_URL", "must be set in production, such as https://heycmo.example"));
        }
        // In production one edge carries both; in development each process has a port of its own.
        let mcp = mcp.or_else(|| if mode == Mode::Production { gateway.clone() } else { None });
        Ok(Self {
            gateway,
            mcp,
            hosts: environment.list_of("ALLOWED_HOSTS", parse_host)?,
            origins: environment.list_of("ALLOWED_ORIGINS", parse_origin)?,
        })
    }

    /// Where clients find the gateway, which listens on `port` here.
    #[must_use]
    pub fn gateway(&self, port: u16) -> PublicUrl {
        PublicUrl(self.gateway.clone().unwrap_or_else(|| localhost(port)))
    }

    /// Where clients find the MCP server, which listens on `port` here.
    #[must_use]
    pub fn mcp(&self, port: u16) -> PublicUrl {
        PublicUrl(self.mcp.clone().unwrap_or_else(|| localhost(port)))
    }

    /// The Host headers that the MCP server accepts; without a public name, this machine's own.
    #[must_use]
    pub fn mcp_hosts(&self, port: u16) -> Vec<String> {
        let mut hosts = self.hosts.clone();
        match &self.mcp {
            Some(url) => hosts.push(PublicUrl(url.clone()).host_and_port()),
            None => hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{port}"))),
        }
        hosts
    }

    /// The Origin headers that the MCP server accepts.
    #[must_use]
    pub fn mcp_origins(&self, gateway_port: u16, mcp_port: u16) -> Vec<String> {
        let mut origins = self.origins.clone();
        for (url, port) in [(&self.gateway, gateway_port), (&self.mcp, mcp_port)] {
            match url {
                Some(url) => origins.push(url.origin().ascii_serialization()),
                None => origins.extend(["localhost", "127.0.0.1"].map(|host| format!("http://{host}:{port}"))),
            }
        }
        origins.sort();
        origins.dedup();
        origins
    }
}

#[expect(clippy::expect_used, reason = "a constant text with a number in it")]
fn localhost(port: u16) -> Url {
    Url::parse(&format!("http://localhost:{port}")).expect("is a URL whatever the port")
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "development" => Ok(Mode::Development),
        "production" => Ok(Mode::Production),
        _ => Err("must be development or production".to_owned()),
    }
}

fn parse_log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be pretty or json".to_owned()),
    }
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

fn parse_days(text: &str) -> Result<Duration, String> {
    match text.parse::<u16>() {
        Ok(days) if days <= MAX_GRACE_DAYS => Ok(Duration::days(days.into())),
        _ => Err(format!("must be a number of days from 0 to {MAX_GRACE_DAYS}")),
    }
}

fn parse_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an address and a port, such as 127.0.0.1:8787 or [::]:8787".to_owned())
}

/// The metrics say how the business goes, and ask nobody who they are.
fn parse_metrics_addr(text: &str) -> Result<SocketAddr, String> {
    let address = parse_addr(text)?;
    if is_private(address.ip()) {
        return Ok(address);
    }
    Err("must be an address of this machine or of a private network, such as 127.0.0.1:9464: anybody could read the metrics"
        .to_owned())
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(it) => {
            // The last is the shared address space of RFC 6598.
            it.is_unspecified()
                || it.is_loopback()
                || it.is_private()
                || it.is_link_local()
                || matches!(it.octets(), [100, 64..=127, ..])
        }
        IpAddr::V6(it) => it.is_unspecified() || it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local(),
    }
}

fn parse_collector(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none());
    url.ok_or_else(|| "must be the address of a collector, such as http://127.0.0.1:4318".to_owned())
}

fn parse_public_url(text: &str, mode: Mode) -> Result<Url, String> {
    let expected = "must be an origin such as https://heycmo.example, without a path";
    let url = Url::parse(text).map_err(|_| expected.to_owned())?;
    let is_origin = url.host_str().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty();
    match url.scheme() {
        "http" if mode == Mode::Production => Err("must be https in production: keys travel over it".to_owned()),
        "http" | "https" if is_origin => Ok(url),
        _ => Err(expected.to_owned()),
    }
}

/// The address of somebody's API: over TLS, or a stand-in on this machine.
fn parse_api_base(text: &str) -> Result<Url, String> {
    let expected = "must be https, or http on this machine, such as http://127.0.0.1:8789";
    let url = Url::parse(text).map_err(|_| expected.to_owned())?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err(expected.to_owned()),
    }
}

fn secret_scanning_keys(environment: &Environment) -> Result<Url, ConfigError> {
    const NAME: &str = "SECRET_SCANNING_KEYS_URL";
    let set = environment.parsed_with(NAME, parse_api_base)?;
    set.map_or_else(|| parse_api_base(GITHUB_KEYS).map_err(|problem| ConfigError::new(NAME, problem)), Ok)
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    text.parse().map_err(|_| "must be networks such as 192.168.0.0/16 or fd00::/8, between commas".to_owned())
}

fn parse_host(text: &str) -> Result<String, String> {
    let is_host =
        !text.contains('/') && Url::parse(&format!("http://{text}")).is_ok_and(|url| url.host_str().is_some());
    if is_host {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("holds `{text}`, which is not a host such as heycmo.example or localhost:8788"))
    }
}

fn parse_origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| url.host_str().is_some() && HeaderValue::from_str(text).is_ok());
    url.map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| format!("holds `{text}`, which is not an origin such as https://app.example"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        Config::from_environment(&Environment::of(variables)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_a_laptop() {
        let config = config(&[]).unwrap();
        assert_eq!(config.mode, Mode::Development);
        assert_eq!(config.database, DatabaseUrl::Sqlite(".heycmo/heycmo.db".into()));
        assert_eq!(config.gateway_addr.to_string(), "127.0.0.1:8787");
        assert_eq!(config.origins.mcp(8788).join("/mcp/sse"), "http://localhost:8788/mcp/sse");
        assert!(config.origins.mcp_hosts(8788).contains(&"127.0.0.1:8788".to_owned()));
    }

    #[test]
    fn one_public_origin_serves_both_in_production() {
        let config = config(&[("HEYCMO_ENV", "production"), ("PUBLIC_URL", "https://heycmo.example")]).unwrap();
        assert_eq!(config.origins.mcp(1).join("/mcp"), "https://heycmo.example/mcp");
        assert_eq!(config.origins.mcp_hosts(1), ["heycmo.example"]);
        assert_eq!(config.origins.mcp_origins(1, 2), ["https://heycmo.example"]);
    }

    #[test]
    fn a_model_needs_no_key_and_shows_none() {
        let on_this_machine = [("LLM_BASE_URL", "http://127.0.0.1:11434/v1"), ("LLM_MODEL", "small")];
        let model = config(&on_this_machine).unwrap().model.unwrap();
        assert!(model.api_key.is_none() && model.model == "small");
        assert!(config(&[]).unwrap().model.is_none());
        let with_key = [on_this_machine.as_slice(), &[("LLM_API_KEY", "sk-hunter2")]].concat();
        let config = config(&with_key).unwrap();
        assert!(config.model.as_ref().unwrap().api_key.is_some());
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn apps_are_let_in_only_where_that_is_switched_on() {
        assert!(config(&[]).unwrap().oauth(1, 2).is_none());
        assert!(config(&[("HEYCMO_OAUTH", "off")]).unwrap().oauth(1, 2).is_none());
        let oauth = config(&[("HEYCMO_OAUTH", "on")]).unwrap().oauth(1, 2).unwrap();
        assert_eq!((oauth.issuer(), oauth.resource()), ("http://localhost:1", "http://localhost:2/mcp"));
    }

    #[test]
    fn metrics_are_for_private_networks() {
        assert_eq!(config(&[]).unwrap().metrics_addr, None);
        for address in
            ["127.0.0.1:9464", "0.0.0.0:9464", "10.87.0.7:9464", "100.64.0.1:9464", "[::1]:9464", "[fd00::7]:9464"]
        {
            let config = config(&[("HEYCMO_METRICS_ADDR", address)]).unwrap();
            assert_eq!(config.metrics_addr, Some(address.parse().unwrap()));
        }
    }

    #[test]
    fn every_error_names_its_variable() {
        for (variables, name) in [
            (vec![("HEYCMO_ENV", "prod")], "HEYCMO_ENV"),
            (vec![("DATABASE_URL", "mysql://x/y")], "DATABASE_URL"),
            (vec![("DATABASE_URL", "sqlite::memory:")], "DATABASE_URL"),
            (vec![("HEYCMO_GATEWAY_ADDR", "8787")], "HEYCMO_GATEWAY_ADDR"),
            (vec![("HEYCMO_MCP_ADDR", "localhost")], "HEYCMO_MCP_ADDR"),
            (vec![("HEYCMO_METRICS_ADDR", "9464")], "HEYCMO_METRICS_ADDR"),
            (vec![("HEYCMO_METRICS_ADDR", "203.0.113.7:9464")], "HEYCMO_METRICS_ADDR"),
            (vec![("HEYCMO_METRICS_ADDR", "[2001:db8::1]:9464")], "HEYCMO_METRICS_ADDR"),
            (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4317")], "OTEL_EXPORTER_OTLP_ENDPOINT"),
            (vec![("PUBLIC_URL", "heycmo.example")], "PUBLIC_URL"),
            (vec![("PUBLIC_URL", "https://heycmo.example/path")], "PUBLIC_URL"),
            (vec![("HEYCMO_ENV", "production")], "PUBLIC_URL"),
            (vec![("HEYCMO_ENV", "production"), ("PUBLIC_URL", "http://heycmo.example")], "PUBLIC_URL"),
            (vec![("MCP_PUBLIC_URL", "ftp://heycmo.example")], "MCP_PUBLIC_URL"),
            (vec![("ALLOWED_HOSTS", "a.example,https://b.example")], "ALLOWED_HOSTS"),
            (vec![("ALLOWED_ORIGINS", "a.example")], "ALLOWED_ORIGINS"),
            (vec![("RATE_LIMIT_API", "many")], "RATE_LIMIT_API"),
            (vec![("RATE_LIMIT_MCP", "-1")], "RATE_LIMIT_MCP"),
            (vec![("TRUSTED_PROXIES", "10.0.0.1,edge")], "TRUSTED_PROXIES"),
            (vec![("LOG_FORMAT", "xml")], "LOG_FORMAT"),
            (vec![("HEYCMO_OAUTH", "yes")], "HEYCMO_OAUTH"),
            (vec![("BILLING_GRACE_DAYS", "-1")], "BILLING_GRACE_DAYS"),
            (vec![("SECRET_SCANNING_KEYS_URL", "http://keys.example")], "SECRET_SCANNING_KEYS_URL"),
            (vec![("STRIPE_SECRET_KEY", "sk_test_1")], "STRIPE_WEBHOOK_SECRET"),
            (vec![("STRIPE_WEBHOOK_SECRET", "whsec_1")], "STRIPE_SECRET_KEY"),
            (vec![("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_WEBHOOK_SECRET", "whsec_1")], "STRIPE_PRICE_ID"),
            (vec![("STRIPE_SECRET_KEY", "pk_test_1")], "STRIPE_SECRET_KEY"),
            (vec![("STRIPE_API_BASE", "http://stripe.example")], "STRIPE_API_BASE"),
            (vec![("COMPOSIO_BASE_URL", "http://composio.example")], "COMPOSIO_BASE_URL"),
            (vec![("COMPOSIO_WEBHOOK_SECRET", "secret")], "COMPOSIO_API_KEY"),
            (vec![("COMPOSIO_AUTH_CONFIG_X", "ac_1")], "COMPOSIO_API_KEY"),
            (vec![("INNGEST_EVENT_KEY", "key")], "INNGEST_SIGNING_KEY"),
            (vec![("INNGEST_SIGNING_KEY", "signkey-test-00ff")], "INNGEST_EVENT_KEY"),
            (vec![("INNGEST_BASE_URL", "nowhere")], "INNGEST_BASE_URL"),
            (vec![("LLM_BASE_URL", "http://models.example/v1"), ("LLM_MODEL", "small")], "LLM_BASE_URL"),
            (vec![("LLM_BASE_URL", "https://anna:key@models.example/v1"), ("LLM_MODEL", "small")], "LLM_BASE_URL"),
            (vec![("LLM_BASE_URL", "https://models.example/v1")], "LLM_MODEL"),
            (vec![("LLM_MODEL", "small")], "LLM_BASE_URL"),
            (vec![("LLM_API_KEY", "key")], "LLM_BASE_URL"),
            (vec![("LLM_API_KEY", "two words")], "LLM_API_KEY"),
            (
                vec![("HEYCMO_ENV", "production"), ("PUBLIC_URL", "https://heycmo.example"), ("INNGEST_DEV", "1")],
                "INNGEST_DEV",
            ),
        ] {
            let error = config(&variables).unwrap_err();
            assert!(error.starts_with(name), "{variables:?}: {error}");
        }
    }

    #[test]
    fn the_example_file_lists_every_variable_and_no_other() {
        let environment = Environment::of(&[]);
        Config::from_environment(&environment).unwrap();
        let dir = tempfile::tempdir().unwrap();
        Secrets::load(&environment, Mode::Development, dir.path()).unwrap();

        let example = include_str!("../../../../.env.example");
        let assignments = example.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
        let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let mut listed: Vec<&str> = assignments.map(|(name, _)| name).filter(is_name).collect();
        listed.sort_unstable();
        assert_eq!(listed, environment.asked());
    }
}
