//! What is printed for somebody who just got a key.

use entity::keys::PlainKey;
use web::config::PublicUrl;
use web::connect::Connect;

/// The key and the configuration of each client.
pub fn connect(mcp: &PublicUrl, key: &PlainKey) -> String {
    let clients = Connect::new(mcp, key.expose());
    format!(
        "API key, shown this once:\n  {key}\n\n\
         For clients that take one address (older HTTP+SSE transport):\n  {sse}\n\
         For all others (Streamable HTTP, with the header Authorization: Bearer <key>):\n  {url}\n\n\
         Claude Desktop: put this into claude_desktop_config.json (Settings > Developer > Edit Config) and restart it. It needs Node.js.\n{desktop}\n\n\
         Claude Code:\n  {claude_code}\n\n\
         Cursor: put this into ~/.cursor/mcp.json\n{cursor}\n  or open this link:\n  {link}\n",
        key = key.expose(),
        sse = clients.sse_url(),
        url = clients.url(),
        desktop = clients.claude_desktop(),
        claude_code = clients.claude_code(),
        cursor = clients.cursor(),
        link = clients.cursor_link(),
    )
}
