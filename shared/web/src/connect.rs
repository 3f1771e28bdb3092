//! How to connect each assistant, ready to paste.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::config::PublicUrl;

/// Stands where the key belongs, wherever the key itself is not known.
pub const KEY_PLACEHOLDER: &str = "YOUR_API_KEY";

/// The configuration of each client for one server and one key. A key needs no percent-encoding.
#[derive(Clone, Copy)]
pub struct Connect<'a> {
    mcp: &'a PublicUrl,
    key: &'a str,
}

impl<'a> Connect<'a> {
    /// `key` is a key as text, or [`KEY_PLACEHOLDER`].
    #[must_use]
    pub const fn new(mcp: &'a PublicUrl, key: &'a str) -> Self {
        Self { mcp, key }
    }

    /// The address of the Streamable HTTP transport; the key goes into a header.
    #[must_use]
    pub fn url(self) -> String {
        self.mcp.join("/mcp")
    }

    /// For clients that take one address and nothing else: the HTTP+SSE transport, with the key in it.
    #[must_use]
    pub fn sse_url(self) -> String {
        self.mcp.join(&format!("/mcp/sse?token={}", self.key))
    }

    /// What goes into `claude_desktop_config.json`.
    ///
    /// Claude Desktop's file knows only local programs, so the npm package mcp-remote stands in between. The header
    /// comes from a variable because the program cannot take a blank in an argument on every system.
    #[must_use]
    pub fn claude_desktop(self) -> String {
        let url = self.url();
        let mut args = vec!["-y", "mcp-remote", &url, "--header", "Authorization:${AUTHORIZATION}"];
        if url.starts_with("http://") {
            args.push("--allow-http");
        }
        file(LocalServer { command: "npx", args, env: LocalEnvironment { authorization: self.authorization() } })
    }

    /// The command that adds the server to Claude Code.
    #[must_use]
    pub fn claude_code(self) -> String {
        format!(
            "claude mcp add --transport http heycmo {} --header \"Authorization: {}\"",
            self.url(),
            self.authorization()
        )
    }

    /// What goes into `~/.cursor/mcp.json`.
    #[must_use]
    pub fn cursor(self) -> String {
        file(self.remote_server())
    }

    /// A link that adds the server to Cursor: the configuration in base64, see
    /// <https://cursor.com/docs/mcp/install-links>.
    #[must_use]
    pub fn cursor_link(self) -> String {
        let config = STANDARD.encode(serde_json::to_string(&self.remote_server()).unwrap_or_default());
        let config: String = url::form_urlencoded::byte_serialize(config.as_bytes()).collect();
        format!("cursor://anysphere.cursor-deeplink/mcp/install?name=heycmo&config={config}")
    }

    fn remote_server(self) -> RemoteServer {
        RemoteServer { url: self.url(), headers: Headers { authorization: self.authorization() } }
    }

    fn authorization(self) -> String {
        format!("Bearer {}", self.key)
    }
}

/// A client's configuration file. Structs, because people read it: the fields keep this order.
#[derive(Serialize)]
struct ClientConfig<T> {
    #[serde(rename = "mcpServers")]
    servers: Servers<T>,
}

#[derive(Serialize)]
struct Servers<T> {
    heycmo: T,
}

#[derive(Serialize)]
struct LocalServer<'a> {
    command: &'a str,
    args: Vec<&'a str>,
    env: LocalEnvironment,
}

#[derive(Serialize)]
struct LocalEnvironment {
    #[serde(rename = "AUTHORIZATION")]
    authorization: String,
}

#[derive(Serialize)]
struct RemoteServer {
    url: String,
    headers: Headers,
}

#[derive(Serialize)]
struct Headers {
    #[serde(rename = "Authorization")]
    authorization: String,
}

fn file(server: impl Serialize) -> String {
    // Texts and lists of texts can always be written as JSON.
    serde_json::to_string_pretty(&ClientConfig { servers: Servers { heycmo: server } }).unwrap_or_default()
}
