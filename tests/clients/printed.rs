//! What `heycmo` prints for each client, read as that client's user would paste it.

use serde_json::{Value, json};

use crate::extension;

/// For which client the lines are meant.
#[derive(Clone, Copy, Debug)]
pub enum For {
    /// One address, with the key in it.
    OlderClients,
    /// A command line with an address and a header.
    ClaudeCode,
    /// A configuration file with an address and headers.
    Cursor,
    /// A configuration file with a program.
    ClaudeDesktop,
    /// The extension, which asks for address and key.
    Extension,
}

impl For {
    /// The part of the output that is for this client.
    pub fn read(self, out: &str) -> Value {
        match self {
            Self::OlderClients => {
                let url = after(out, "older HTTP+SSE transport):").lines().nth(1).unwrap_or_default();
                json!({ "url": url.trim() })
            }
            Self::ClaudeCode => {
                let command = after(out, "Claude Code:").lines().nth(1).unwrap_or_default().trim();
                let (command, header) = command.split_once(" --header ").expect("a header");
                assert!(command.starts_with("claude mcp add --transport http heycmo http://"), "{command}");
                let (name, value) = header.trim_matches('"').split_once(": ").expect("a name and a value");
                json!({ "url": command.rsplit(' ').next(), "headers": { name: value } })
            }
            Self::Cursor => configured(after(out, "~/.cursor/mcp.json")),
            Self::Extension => {
                let Value::Object(printed) = Self::Cursor.read(out) else { panic!("a configuration is expected") };
                let key = printed["headers"]["Authorization"].as_str().and_then(|value| value.strip_prefix("Bearer "));
                extension::configured(printed["url"].as_str().expect("an address"), key.expect("a key"))
            }
            Self::ClaudeDesktop => configured(after(out, "claude_desktop_config.json")),
        }
    }
}

fn after<'a>(out: &'a str, label: &str) -> &'a str {
    out.split_once(label).unwrap_or_else(|| panic!("no {label:?} in:\n{out}")).1
}

/// The server in the first JSON document of a text.
fn configured(text: &str) -> Value {
    let json = text.find('{').and_then(|start| text.get(start..)).expect("a JSON document");
    let mut documents = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let document = documents.next().expect("a document").expect("valid JSON");
    document["mcpServers"]["heycmo"].clone()
}
