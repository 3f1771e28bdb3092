//! Programs that nobody here wrote, against the real binary. The official MCP clients each do the whole job of an
//! assistant, over each transport they have, and one does it through the extension; in `oauth` they begin with nothing but
//! the address. `documents` has judges of what agents find, `stripe` Stripe's libraries and another stand-in for Stripe,
//! `api` a tester of APIs.
//!
//! The clients run in scripts of their own languages, under `node` and `python`; `steps` there holds what all of a
//! language do. A script ends with status 0 when all is well. It may ask for a restart of the server by printing
//! `restart`, and gets `restarted` on its standard input. `tests/setup` installs what they need.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test"
)]

mod api;
mod composio;
mod documents;
mod extension;
mod oauth;
mod printed;
mod script;
mod stripe;

use printed::For;
use script::{does_the_job, node, python};

async fn typescript<const N: usize>(script: &str, arguments: [&str; N], client: For) {
    let mut command = node(script);
    command.args(arguments);
    does_the_job(command, client).await;
}

async fn python_sdk<const N: usize>(version: &str, arguments: [&str; N], client: For) {
    let mut command = python(version, "python");
    command.arg(format!("sdk_{version}.py")).args(arguments);
    does_the_job(command, client).await;
}

/// The TypeScript SDK of most assistants. Both its transports survive a restart of the server.
mod typescript_sdk {
    use super::*;

    #[tokio::test]
    async fn sse() {
        typescript("sdk-v1.mjs", ["sse"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn http() {
        typescript("sdk-v1.mjs", ["http"], For::Cursor).await;
    }

    /// The bridge that stands between Claude Desktop and us, started exactly as the printed configuration says.
    #[tokio::test]
    async fn mcp_remote() {
        typescript("sdk-v1.mjs", ["mcp-remote"], For::ClaudeDesktop).await;
    }
}

/// The second TypeScript SDK.
mod typescript_client {
    use super::*;

    #[tokio::test]
    async fn sse_legacy() {
        typescript("sdk-v2.mjs", ["sse", "legacy"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn sse_auto() {
        typescript("sdk-v2.mjs", ["sse", "auto"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn http_legacy() {
        typescript("sdk-v2.mjs", ["http", "legacy"], For::ClaudeCode).await;
    }

    #[tokio::test]
    async fn http_auto() {
        typescript("sdk-v2.mjs", ["http", "auto"], For::ClaudeCode).await;
    }
}

/// The Python SDK before its second version.
mod python_sdk_1 {
    use super::*;

    #[tokio::test]
    async fn sse() {
        python_sdk("v1", ["sse"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn http() {
        python_sdk("v1", ["http"], For::Cursor).await;
    }
}

/// The Python SDK.
mod python_sdk_2 {
    use super::*;

    #[tokio::test]
    async fn sse_legacy() {
        python_sdk("v2", ["sse", "legacy"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn sse_auto() {
        python_sdk("v2", ["sse", "auto"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn http_legacy() {
        python_sdk("v2", ["http", "legacy"], For::ClaudeCode).await;
    }

    #[tokio::test]
    async fn http_auto() {
        python_sdk("v2", ["http", "auto"], For::ClaudeCode).await;
    }
}
