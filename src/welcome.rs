//! How to connect each assistant, ready to paste.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entity::keys::PlainKey;
use serde::Serialize;
use web::config::PublicUrl;

/// The key and the configuration of each client.
pub fn connect(mcp: &PublicUrl, key: &PlainKey) -> String {
    let url = mcp.join("/mcp");
    let key = key.expose();
    format!(
        "API key, shown this once:\n  {key}\n\n\
         For clients that take one address (older HTTP+SSE transport):\n  {sse}\n\
         For all others (Streamable HTTP, with the header Authorization: Bearer <key>):\n  {url}\n\n\
         Claude Desktop: put this into claude_desktop_config.json (Settings > Developer > Edit Config) and restart it. It needs Node.js.\n{desktop}\n\n\
         Claude Code:\n  claude mcp add --transport http heycmo {url} --header \"Authorization: Bearer {key}\"\n\n\
         Cursor: put this into ~/.cursor/mcp.json\n{cursor}\n  or open this link:\n  {link}\n",
        sse = mcp.join(&format!("/mcp/sse?token={key}")),
        desktop = file(claude_desktop(&url, key)),
        cursor = file(cursor(&url, key)),
        link = cursor_link(&url, key),
    )
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
struct RemoteServer<'a> {
    url: &'a str,
    headers: Headers,
}

#[derive(Serialize)]
struct Headers {
    #[serde(rename = "Authorization")]
    authorization: String,
}

/// Claude Desktop's file knows only local programs, so the npm package mcp-remote stands in between. The header comes
/// from a variable because the program cannot take a blank in an argument on every system.
fn claude_desktop<'a>(url: &'a str, key: &str) -> LocalServer<'a> {
    let mut args = vec!["-y", "mcp-remote", url, "--header", "Authorization:${AUTHORIZATION}"];
    if url.starts_with("http://") {
        args.push("--allow-http");
    }
    LocalServer { command: "npx", args, env: LocalEnvironment { authorization: format!("Bearer {key}") } }
}

fn cursor<'a>(url: &'a str, key: &str) -> RemoteServer<'a> {
    RemoteServer { url, headers: Headers { authorization: format!("Bearer {key}") } }
}

/// See <https://docs.cursor.com/en/tools/developers>: the configuration in base64.
fn cursor_link(url: &str, key: &str) -> String {
    let config = STANDARD.encode(serde_json::to_string(&cursor(url, key)).unwrap_or_default());
    let config: String = url::form_urlencoded::byte_serialize(config.as_bytes()).collect();
    format!("cursor://anysphere.cursor-deeplink/mcp/install?name=heycmo&config={config}")
}

fn file(server: impl Serialize) -> String {
    // Texts and lists of texts can always be written as JSON.
    serde_json::to_string_pretty(&ClientConfig { servers: Servers { heycmo: server } }).unwrap_or_default()
}
