//! What the transports may be told from outside, with defaults that suit production.

use std::time::Duration;

use entity::scopes::Scope;
use secrecy::{ExposeSecret, SecretBox};

use crate::caller::Caller;

/// Which permission a caller lacks for a posted message, as far as that is to be said by status before anything begins.
pub type MissingScope = fn(&Caller, &[u8]) -> Option<Scope>;

/// The bounds that keep one client, one customer and the whole server from using more than their share.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Sessions of both transports together.
    pub max_sessions: usize,
    /// Sessions of one customer, over both transports.
    pub max_sessions_per_customer: usize,
    /// HTTP exchanges on `/mcp` that are under way, with their streams.
    pub max_exchanges: usize,
    /// The same, of one customer.
    pub max_exchanges_per_customer: usize,
    /// Requests of one session that are not answered yet.
    pub max_in_flight_per_session: usize,
    /// Bytes of one posted message.
    pub max_body_bytes: usize,
    /// Bytes of one answer as JSON. A larger one becomes an error, because some clients end the session on an event
    /// of more than 1 MiB.
    pub max_result_bytes: usize,
    /// How long a session of the older transport lives without a message from the client.
    pub idle_timeout: Duration,
    /// How long a Streamable HTTP session stays in memory without a message either way. Must exceed the longest tool
    /// deadline. Short, because most clients never say that they are done, and one that comes back finds its session
    /// restored from the store.
    pub keep_alive: Duration,
    /// How long a session may wait for its first message.
    pub init_timeout: Duration,
    /// How long a posted body may take to arrive.
    pub body_timeout: Duration,
    /// How long a client may leave its stream unread while something waits to be sent.
    pub send_timeout: Duration,
    /// How often an open stream carries a comment when it carries nothing else.
    pub ping_interval: Duration,
    /// How long calls in flight may go on after the shutdown began.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_sessions: 20_000,
            max_sessions_per_customer: 100,
            max_exchanges: 40_000,
            max_exchanges_per_customer: 256,
            max_in_flight_per_session: 16,
            max_body_bytes: 4 * 1024 * 1024,
            max_result_bytes: 1_000_000,
            idle_timeout: Duration::from_secs(30 * 60),
            keep_alive: Duration::from_secs(5 * 60),
            // Long, because a client that came back after a restart of ours says nothing until its user does, and
            // because a session that has said nothing costs next to nothing.
            init_timeout: Duration::from_secs(10 * 60),
            body_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

/// The secret under which session ids are bound to their customer.
///
/// The same on every process and after every restart, or else clients lose their sessions.
pub struct BindingKey(SecretBox<[u8; 32]>);

impl BindingKey {
    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl From<[u8; 32]> for BindingKey {
    fn from(secret: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(secret)))
    }
}

/// How the transports are set up.
pub struct TransportConfig {
    /// The bounds on use.
    pub limits: Limits,
    /// Names this server answers to, as `host` (any port) or `host:port`. Nothing else is served.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call, as `https://host`, `https://host:port` or `http://host:*` (any port). A request
    /// without an `Origin` does not come from a web page and passes.
    pub allowed_origins: Vec<String>,
    /// The secret under which session ids are bound to their customer.
    pub binding_key: BindingKey,
    /// The path that clients of the older transport are told to post to.
    pub message_path: String,
    /// Asked of every message on `/mcp`. The older transport says no on its stream: some of its clients end their session
    /// on any status that is not 2xx.
    pub missing: MissingScope,
}

impl TransportConfig {
    /// Default limits and paths.
    #[must_use]
    pub fn new(binding_key: BindingKey, allowed_hosts: Vec<String>, allowed_origins: Vec<String>) -> Self {
        Self {
            limits: Limits::default(),
            allowed_hosts,
            allowed_origins,
            binding_key,
            message_path: "/mcp/message".to_owned(),
            missing: |_, _| None,
        }
    }
}
