//! The official clients against the real binary: each does the whole job of an assistant, over each transport it has.
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

mod printed;
mod script;

use printed::For;
use script::{node, python};

/// The TypeScript SDK of most assistants. Both its transports survive a restart of the server.
mod typescript_sdk {
    use super::*;

    #[tokio::test]
    async fn sse() {
        node("sdk-v1.mjs", ["sse"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn http() {
        node("sdk-v1.mjs", ["http"], For::Cursor).await;
    }

    /// The bridge that stands between Claude Desktop and us, started exactly as the printed configuration says.
    #[tokio::test]
    async fn mcp_remote() {
        node("sdk-v1.mjs", ["mcp-remote"], For::ClaudeDesktop).await;
    }
}

/// The second TypeScript SDK.
mod typescript_client {
    use super::*;

    #[tokio::test]
    async fn sse_legacy() {
        node("sdk-v2.mjs", ["sse", "legacy"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn sse_auto() {
        node("sdk-v2.mjs", ["sse", "auto"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn http_legacy() {
        node("sdk-v2.mjs", ["http", "legacy"], For::ClaudeCode).await;
    }

    #[tokio::test]
    async fn http_auto() {
        node("sdk-v2.mjs", ["http", "auto"], For::ClaudeCode).await;
    }
}

/// The Python SDK before its second version.
mod python_sdk_1 {
    use super::*;

    #[tokio::test]
    async fn sse() {
        python("v1", ["sse"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn http() {
        python("v1", ["http"], For::Cursor).await;
    }
}

/// The Python SDK.
mod python_sdk_2 {
    use super::*;

    #[tokio::test]
    async fn sse_legacy() {
        python("v2", ["sse", "legacy"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn sse_auto() {
        python("v2", ["sse", "auto"], For::OlderClients).await;
    }

    #[tokio::test]
    async fn http_legacy() {
        python("v2", ["http", "legacy"], For::ClaudeCode).await;
    }

    #[tokio::test]
    async fn http_auto() {
        python("v2", ["http", "auto"], For::ClaudeCode).await;
    }
}
