//! How to connect each assistant, ready to paste.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entity::keys::PlainKey;
use serde_json::{Value, json};
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
        desktop = pretty(&claude_desktop(&url, key)),
        cursor = pretty(&json!({ "mcpServers": { "heycmo": cursor_server(&url, key) } })),
        link = cursor_link(&url, key),
    )
}

/// Claude Desktop's file knows only local programs, so the npm package mcp-remote stands in between. The header comes
/// from a variable because the program cannot take a blank in an argument on every system.
fn claude_desktop(url: &str, key: &str) -> Value {
    let mut arguments = vec!["-y", "mcp-remote", url, "--header", "Authorization:${AUTHORIZATION}"];
    if url.starts_with("http://") {
        arguments.push("--allow-http");
    }
    json!({
        "mcpServers": {
            "heycmo": { "command": "npx", "args": arguments, "env": { "AUTHORIZATION": format!("Bearer {key}") } }
        }
    })
}

fn cursor_server(url: &str, key: &str) -> Value {
    json!({ "url": url, "headers": { "Authorization": format!("Bearer {key}") } })
}

/// See <https://docs.cursor.com/en/tools/developers>: the configuration in base64.
fn cursor_link(url: &str, key: &str) -> String {
    let config = STANDARD.encode(cursor_server(url, key).to_string());
    let config: String = url::form_urlencoded::byte_serialize(config.as_bytes()).collect();
    format!("cursor://anysphere.cursor-deeplink/mcp/install?name=heycmo&config={config}")
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
