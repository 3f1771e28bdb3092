//! Composio's own client, against the stand-in.

use harness::process::HeyCmo;

use crate::script::{python, succeeds};

#[tokio::test]
async fn the_python_client_drives_the_sandbox() {
    let server = HeyCmo::start().await;
    let mut client = python("tools", "python");
    client.args(["composio_sandbox.py", &server.sandbox]);
    succeeds(client, server).await;
}
